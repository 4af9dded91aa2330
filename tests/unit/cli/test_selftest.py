"""`perfusio selftest`: a table for people, a line for machines, an exit code for scripts."""

import json

import pytest
import typer
from typer.testing import CliRunner

from perfusio.cli.selftest import selftest
from perfusio.selftest.guard import gate, mutants
from perfusio.selftest.lives import cutting_off, every_record
from perfusio.selftest.loop import clock_jumps, link_bugs, model_faults, one_as_many, outages, people, soak
from perfusio.selftest.page import kill_trial, web_trial
from perfusio.selftest.promises import Tried
from perfusio.selftest.record import planted, power_loss, tampering
from perfusio.selftest.samples import sample_trial

TRIED_ELSEWHERE = {
    "T06": (model_faults, "model_faults"), "T12": (web_trial, "page_for_strangers"), "T16": (outages, "outages"),
    "T17": (people, "people"), "T19": (sample_trial, "false_samples"),
}  # fmt: skip
"""Promises that take long and have a test of their own, and where each is."""
TEETH_ELSEWHERE = (
    (link_bugs, "planted_in_links"), (outages, "planted_in_outages"), (people, "planted_in_people"),
    (web_trial, "planted_on_the_page"),
)  # fmt: skip


@pytest.fixture
def run(monkeypatch):
    for name, (module, promise) in (*TRIED_ELSEWHERE.items(), *(("teeth", place) for place in TEETH_ELSEWHERE)):
        row = Tried(id=name, promise=promise, n_tried=1, n_failed=0)
        monkeypatch.setattr(module, promise, lambda _is_full, row=row: row)
    monkeypatch.setattr(tampering, "EVERY_QUICK", 20_011)
    monkeypatch.setattr(tampering, "N_LONG_QUICK", 20)
    monkeypatch.setattr(power_loss, "N_IMAGES_QUICK", 20)
    monkeypatch.setattr(gate, "N_VECTORS_QUICK", 500)
    monkeypatch.setattr(planted, "N_IMAGES", 60)
    monkeypatch.setattr(clock_jumps, "N_RUNS_QUICK", 1)
    monkeypatch.setattr(soak, "QUICK", (2, 2))
    monkeypatch.setattr(one_as_many, "STAGES", (one_as_many.File,))  # the others have a test of their own
    sites = mutants.sites
    monkeypatch.setattr(mutants, "sites", lambda tree: sites(tree)[::20])
    # programs of their own that are cut off have tests of their own
    monkeypatch.setattr(cutting_off, "lives", lambda what, n, bug="", **_: (n, ["noticed"] if bug else []))
    monkeypatch.setattr(kill_trial, "kills", lambda n, bug="": (n, ["noticed"] if bug else []))
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
        "T20", "T21", *["teeth"] * 8,
    ]  # fmt: skip
    assert result.stdout.count("  kept") == 25


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
