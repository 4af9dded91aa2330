"""`perfusio selftest`: a table for people, a line for machines, an exit code for scripts."""

import json

import pytest
import typer
from typer.testing import CliRunner

from perfusio.cli.selftest import selftest
from perfusio.selftest import gate, planted, power_loss, tampering


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setattr(tampering, "EVERY_QUICK", 20_011)
    monkeypatch.setattr(tampering, "N_LONG_QUICK", 20)
    monkeypatch.setattr(power_loss, "N_IMAGES_QUICK", 20)
    monkeypatch.setattr(gate, "N_VECTORS_QUICK", 500)
    monkeypatch.setattr(planted, "N_IMAGES", 60)
    app = typer.Typer()
    app.command()(selftest)
    return lambda: CliRunner().invoke(app, ["--quick"])


def test_it_prints_the_table_of_promises(run):
    result = run()
    assert result.exit_code == 0, result.stdout
    said = json.loads(result.stdout.splitlines()[-1])
    assert [row["id"] for row in said["promises"]] == ["T01", "T03", "T05", "teeth"]
    assert result.stdout.count("  kept") == 4


def test_a_broken_promise_exits_1(run, monkeypatch):
    monkeypatch.setattr(planted, "BUGS", {"none at all": power_loss.WatchedDisk})
    result = run()
    assert result.exit_code == 1
    assert "missed: none at all" in result.stdout
