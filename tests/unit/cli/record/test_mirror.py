"""`perfusio mirror`: what is copied, what is said, and the exit codes."""

import json
import sqlite3
from threading import Thread

import pytest
import typer
from typer.testing import CliRunner

from perfusio.cli.record.mirror import mirror
from perfusio.errors import ChainBroken, UnreadableSource
from perfusio.events import RunEnded, RunStarted, SampleMissing
from perfusio.record.audit_logger import AuditLogger
from perfusio.testing import ManualClock


@pytest.fixture
def log(tmp_path):
    with AuditLogger(tmp_path / "audit.jsonl", clock=ManualClock(), run_id="run-1") as log:
        log.append(RunStarted(config={}, versions={}, sources={}))
        log.append(SampleMissing(reactor="R01", turn=0, expected_h=0.0))
        yield log


def run(*arguments):
    app = typer.Typer()
    app.command()(mirror)
    return CliRunner().invoke(app, [str(a) for a in arguments])


def n_events(path):
    return sqlite3.connect(path).execute("SELECT count(*) FROM events").fetchone()[0]


def test_a_folder_or_a_file_once(log, tmp_path):
    to = tmp_path / "lab.sqlite"
    first = run(tmp_path, "--to", to)
    assert (first.exit_code, first.stdout) == (0, f"{log.path}: 2 records added to sqlite:///{to}\n")
    again = run(log.path, "--to", to, "--json")
    assert json.loads(again.stdout) == {"path": str(log.path), "database": f"sqlite:///{to}", "n_added": 0}
    assert run(log.path, "--to", to, "--rebuild", "--json").stdout.endswith('"n_added": 2}\n')
    assert n_events(to) == 2


def test_follow_ends_with_the_run(log, tmp_path, monkeypatch):
    monkeypatch.setattr("perfusio.cli.record.mirror.LOOK_SECONDS", 0.01)
    to = tmp_path / "lab.sqlite"
    results = []
    follower = Thread(target=lambda: results.append(run(tmp_path, "--to", to, "--follow", "--json")))
    follower.start()
    for day in range(1, 20):
        log.append(SampleMissing(reactor="R01", turn=day, expected_h=24.0 * day))
    log.append(RunEnded(outcome="COMPLETED", n_samples=0, n_decisions=0))
    follower.join()
    assert json.loads(results[0].stdout)["n_added"] == n_events(to) == 22


def test_what_cannot_be_read_is_3_and_what_was_changed_is_4(log, tmp_path):
    to = tmp_path / "lab.sqlite"
    missing = run(tmp_path / "nothing.jsonl", "--to", to)
    assert (missing.exception.exit_code, "cannot be read" in str(missing.exception)) == (3, True)
    run(tmp_path, "--to", to)
    log.path.write_bytes(log.path.read_bytes().splitlines(keepends=True)[0])
    cut = run(tmp_path, "--to", to)
    assert isinstance(cut.exception, ChainBroken)
    assert cut.exception.exit_code == 4
    foreign = tmp_path / "theirs.sqlite"
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE invoices (id INTEGER)")
    connection.close()
    refused = run(tmp_path, "--to", foreign)
    assert isinstance(refused.exception, UnreadableSource)
    assert refused.exception.exit_code == 3


def test_a_board_is_written_again_and_replaces_nothing_else(log, tmp_path):
    to, board = tmp_path / "lab.sqlite", tmp_path / "board.json"
    for _ in range(2):
        assert run(tmp_path, "--to", to, "--board", board).exit_code == 0
    assert json.loads(board.read_text(encoding="utf-8"))["title"].startswith("perfusio")
    board.write_text("{}", encoding="utf-8")
    refused = run(tmp_path, "--to", tmp_path / "other.sqlite", "--board", board)
    assert (refused.exception.exit_code, "would be replaced" in str(refused.exception)) == (2, True)
    assert not (tmp_path / "other.sqlite").exists()  # asked before anything is copied
