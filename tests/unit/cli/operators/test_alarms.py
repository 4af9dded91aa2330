"""`perfusio alarms` reads the record of a run."""

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.errors import ConfigError
from perfusio.events import AlarmChanged, AlarmRaised, RunStarted
from perfusio.record.audit_logger import AuditLogger


@pytest.fixture
def run(tmp_path):
    logger = AuditLogger(tmp_path / "audit.jsonl")
    logger.append(RunStarted(config={}, versions={}, sources={}))
    for i in range(1, 6):
        logger.append(AlarmRaised(reactor=f"R{i:02d}", turn=3, quantity="glucose", level="act", value=0.2, limit=0.3,
                                  lead_days=0.0, response="Feed.", reason="Low."))  # fmt: skip
    logger.append(AlarmChanged(reactor="R05", turn=4, alarm="glucose:act", status="cleared"))
    logger.close()
    return tmp_path


def test_open_alarms_are_printed_once_for_many_vessels(run):
    said = CliRunner().invoke(app, ["alarms", str(run)]).stdout
    assert said.startswith("4 vessels (R01, R02, R03, R04): glucose:act, priority 1, active, since turn 3\n  Low.\n")
    assert said.endswith("4 alarms are open, 1 are over.\n")
    assert "R05" not in said


def test_those_that_are_over_are_printed_when_asked_for(run):
    assert "R05: glucose:act, priority 1, cleared" in CliRunner().invoke(app, ["alarms", str(run), "--all"]).stdout


def test_a_folder_without_a_run_is_refused(tmp_path):
    assert isinstance(CliRunner().invoke(app, ["alarms", str(tmp_path)]).exception, ConfigError)


def test_an_alarm_of_the_whole_run_is_of_no_vessel(tmp_path):
    with AuditLogger(tmp_path / "audit.jsonl") as log:
        log.append(RunStarted(config={}, versions={}, sources={}))
        log.append(AlarmRaised(turn=3, quantity="delivery email", level="act", value=0.2, limit=0.3, lead_days=0.0,
                               response="Mend it.", reason="Down."))  # fmt: skip
    said = CliRunner().invoke(app, ["alarms", str(tmp_path)]).stdout
    assert said.startswith("The run: delivery email:act, priority 1, active, since turn 3\n  Down.\n  People ")
