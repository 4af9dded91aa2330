"""`perfusio selftest`: a table for people, a line for machines, an exit code for scripts."""

import json

import pytest
import typer
from typer.testing import CliRunner

from perfusio.cli.selftest import selftest
from perfusio.selftest.guard import gate, mutants
from perfusio.selftest.lives import cutting_off, every_record
from perfusio.selftest.loop import clock_jumps, link_bugs, model_faults, one_as_many, outages, people, soak
from perfusio.selftest.page import web_trial
from perfusio.selftest.record import planted, power_loss, tampering


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setattr(tampering, "EVERY_QUICK", 20_011)
    monkeypatch.setattr(tampering, "N_LONG_QUICK", 20)
    monkeypatch.setattr(power_loss, "N_IMAGES_QUICK", 20)
    monkeypatch.setattr(gate, "N_VECTORS_QUICK", 500)
    monkeypatch.setattr(planted, "N_IMAGES", 60)
    monkeypatch.setattr(clock_jumps, "N_RUNS_QUICK", 1)
    monkeypatch.setattr(model_faults, "_barren", dict)  # what the real model makes of these has a test of its own
    monkeypatch.setattr(soak, "QUICK", (2, 2))
    monkeypatch.setattr(one_as_many, "STAGES", (one_as_many.File,))  # the others have a test of their own
    monkeypatch.setattr(outages, "LENGTHS_QUICK_S", (60.0,))
    monkeypatch.setattr(outages, "BUGS", {"an error ends the run": outages.BUGS["an error ends the run"]})
    monkeypatch.setattr(people, "PER_TURN_QUICK", 1)
    monkeypatch.setattr(people, "HELD_BY", {"hold.txt": people.VESSELS})
    monkeypatch.setattr(people, "BUGS", {"one spelling of HOLD": people.BUGS["one spelling of HOLD"]})
    sites = mutants.sites
    monkeypatch.setattr(mutants, "sites", lambda tree: sites(tree)[::20])
    monkeypatch.setattr(link_bugs, "BUGS", {"zero for missing": link_bugs.BUGS["zero for missing"]})
    monkeypatch.setattr(web_trial, "BUGS", web_trial.BUGS[:1])
    # programs of their own that are cut off have tests of their own
    monkeypatch.setattr(cutting_off, "lives", lambda what, n, bug="", **_: (n, ["noticed"] if bug else []))
    monkeypatch.setattr(every_record, "in_a_program", lambda name, n, bug="": (n, ["noticed"] if bug else []))
    app = typer.Typer()
    app.command()(selftest)
    return lambda *more: CliRunner().invoke(app, ["--quick", *more])


def test_it_prints_the_table_of_promises(run):
    result = run()
    assert result.exit_code == 0, result.stdout
    said = json.loads(result.stdout.splitlines()[-1])
    ids = [row["id"] for row in said["promises"]]
    assert ids == [
        "T01", "T02", "T03", "T04", "T05", "T05", "T06", "T08", "T12", "T14", "T15", "T16", "T17", "T18", "T19",
        "T20", *["teeth"] * 7,
    ]  # fmt: skip
    assert result.stdout.count("  kept") == 23


def test_a_broken_promise_exits_1(run, monkeypatch):
    monkeypatch.setattr(planted, "BUGS", {"none at all": power_loss.WatchedDisk})
    result = run("--only", "teeth")
    assert result.exit_code == 1
    assert "missed: none at all" in result.stdout


def test_one_test_can_be_tried_by_itself(run):
    result = run("--only", "T08")
    assert result.exit_code == 0, result.output
    assert [row["id"] for row in json.loads(result.stdout.splitlines()[-1])["promises"]] == ["T08"]
    refused = run("--only", "T99").exception
    assert "Known: T01, T02" in str(refused)
