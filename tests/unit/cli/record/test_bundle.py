"""`perfusio bundle`."""

from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.events import RunEnded, RunStarted
from perfusio.record.audit_logger import AuditLogger
from perfusio.testing import ManualClock


def test_it_says_where_the_bundle_is(tmp_path):
    with AuditLogger(tmp_path / "audit.jsonl", clock=ManualClock(), run_id="run-1") as log:
        log.append(RunStarted(config={}, versions={}, sources={}))
        log.append(RunEnded(outcome="all days done", n_samples=0, n_decisions=0))
    result = CliRunner().invoke(app, ["bundle", str(tmp_path)])
    assert result.exit_code == 0
    assert result.stdout.strip() == f"{tmp_path / 'bundle-run-1.zip'}: 4 files"
