"""`perfusio verify`: the verdict, the exit code, and what could not be checked."""

import json

import pytest
import typer
from typer.testing import CliRunner

from perfusio.cli.record.verify import verify
from perfusio.events import RunEnded, RunStarted, SampleMissing
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.verification.site_key import SiteKey
from perfusio.testing import ManualClock


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "audit.jsonl"
    with AuditLogger(path, clock=ManualClock(), run_id="run-1") as log:
        log.append(RunStarted(config={}, versions={}, sources={}))
        for day in range(30):
            log.append(SampleMissing(reactor="R01", turn=day, expected_h=24.0 * day))
        log.append(RunEnded(outcome="all days done\x1b[2J", n_samples=0, n_decisions=0))
    return path


def run(*arguments):
    app = typer.Typer()
    app.command()(verify)
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_an_intact_record_exits_0_and_says_what_a_chain_cannot_see(path):
    result = run(path)
    assert result.exit_code == 0
    assert "intact, 32 records" in result.stdout
    assert "run      run-1" in result.stdout
    assert f"head     {json.loads(path.read_bytes().splitlines()[-1])['hash']}" in result.stdout
    assert "whether lines were cut off at the end" in result.stdout
    assert "\x1b" not in result.stdout
    assert "outcome  'all days done\\x1b[2J'" in result.stdout


def test_a_run_without_end_is_intact_and_unfinished(path):
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    result = run(path)
    assert result.exit_code == 0
    assert "unfinished" in result.stdout


def test_a_broken_record_exits_4_and_lists_what_is_wrong(path):
    path.write_bytes(path.read_bytes().replace(b"expected_h", b"expected_d"))
    result = run(path)
    assert result.exit_code == 4
    assert "BROKEN, 30 problem(s)" in result.stdout
    assert "line 2 payload of SampleMissing: lacks expected_h" in result.stdout
    assert result.stdout.count("  line ") == 20
    assert "and 10 more" in result.stdout


def test_what_cannot_be_read_exits_3(tmp_path):
    result = run(tmp_path / "nothing.jsonl")
    assert result.exit_code == 3
    assert "cannot be read" in result.stderr


def test_json_says_the_same(path):
    result = run(path, "--json")
    said = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (said["is_intact"], said["n_records"], said["run_id"], said["problems"]) == (True, 32, "run-1", [])
    path.write_bytes(path.read_bytes()[:-1])
    result = run(path, "--json")
    assert result.exit_code == 4
    assert json.loads(result.stdout)["problems"][0]["line"] == 32


def test_an_anchor_shows_a_cut_and_may_be_required(tmp_path, site_key):
    path, kept = tmp_path / "audit.jsonl", tmp_path / "kept.heads"
    with AuditLogger(path, clock=ManualClock(), run_id="run-1", key=SiteKey.of_site()) as log:
        log.append(RunStarted(config={}, versions={}, sources={}))
        log.append(SampleMissing(reactor="R01", turn=0, expected_h=0.0))
    kept.write_bytes(path.with_suffix(".heads").read_bytes())
    key = site_key.with_suffix(".pub")
    result = run(path, "--anchor", kept, "--key", key, "--require-anchor")
    assert result.exit_code == 0
    assert f"heads    2 of {kept}" in result.stdout
    assert "beside the record: keep a copy elsewhere" in run(path).stdout
    assert run(path, "--require-anchor").exit_code == 1
    assert run(path, "--anchor", kept, "--require-anchor").exit_code == 1
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    result = run(path, "--anchor", kept, "--key", key)
    assert result.exit_code == 4
    assert "line 2 is missing: it was there on " in result.stdout
    assert run(path, "--anchor", tmp_path / "nothing").exit_code == 3
