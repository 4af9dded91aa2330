"""`perfusio status`: where a run stands, in 80 columns and as JSON, of a running, a stopped and a finished one."""

import asyncio
import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, RunConfig
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.errors import ConfigError
from perfusio.events import AlarmRaised, ModeChanged, SampleMissing, WaitBegan
from perfusio.record.audit_logger import AuditLogger
from perfusio.testing.fakes import SteadyModel, SteppingPolicy
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.state.hold import Word, make_hold


def status(*arguments):
    return CliRunner().invoke(app, ["status", *(str(a) for a in arguments)])


def data(folder):
    return json.loads(status(folder, "--json").stdout)


def append(folder, *events):
    log, _ = AuditLogger.resumed(folder / "audit.jsonl")
    for event in events:
        log.append(event)
    log.close()


ALARM = AlarmRaised(
    reactor="R01", turn=1, quantity="viability", level="act", value=90.0, limit=95.0, lead_days=0.0, response="Look."
)
WAIT = WaitBegan(
    turn=2, reactors=("R01",), since="2026-11-30T08:02:00Z", due="2026-11-30T08:00:00Z", until="2026-12-01T08:00:00Z"
)


def test_a_stopped_run(stopped_run):
    append(stopped_run, ALARM, WAIT)
    make_hold(stopped_run, "BR 1/2", Word(who="AS", why="The pump is noisy, and nobody knows why it is; " * 2))
    said = status(stopped_run).stdout
    assert max(map(len, said.splitlines())) <= 80
    for words in (
        "Run run-1: no twin runs it now; to go on: perfusio resume", "Turn 2 of 5", "held by AS: The pump is noisy",
        "advice of culture day 4 waits: perf. 1.00 1/day", "ALARM viability:act",
        "waiting for a sample since 2026-11-30T08:02",
    ):  # fmt: skip
        assert words in " ".join(said.split()), words
    found = data(stopped_run)
    assert (found["state"], found["process"], found["turn"], found["n_turns"]) == ("stopped", None, 2, 5)
    one, other, left = (found["vessels"][name] for name in ("R01", "BR 1/2", "R99"))
    assert (one["mode"], one["culture_day"], one["alarms"]) == ("advisory", 4.0, ["viability:act"])
    assert (one["advice"]["key"], one["advice"]["culture_day"]) == ("run-1:R01:1:0", 4.0)
    assert one["waiting"] == {"since": WAIT.since, "due": WAIT.due, "until": WAIT.until}
    assert (other["mode"], other["said"]["who"], other["waiting"]) == ("hold", "AS", None)
    assert (left["has_left"], left["sample_age_h"]) == (True, None)
    assert 0.0 <= one["sample_age_h"] < 1.0


def test_of_a_fleet_the_vessels_that_need_a_person_stand_first(tmp_path):
    config = RunConfig(duration_days=1, forecast_days=2, n_paths=16, run_dir=tmp_path)
    twin = DigitalTwin(
        connector=SimulatedAmbr250(n_vessels=6, days=1, seed=3), design_space=DEFAULT_AMBR250_DESIGN_SPACE,
        run_config=config, model=SteadyModel(), policy=SteppingPolicy(),
    )  # fmt: skip
    asyncio.run(twin.run())
    record = tmp_path / "audit.jsonl"
    record.write_bytes(b"".join(record.read_bytes().splitlines(keepends=True)[:-1]))  # as a killed run leaves it
    record.with_name("audit.heads").unlink()
    append(tmp_path, replace(ALARM, reactor="R06"))
    said = status(tmp_path).stdout.splitlines()
    order = [line[:3] for line in said if line[:1] == "R" and line[1:3].isdigit()]
    alarms = {name: vessel["alarms"] for name, vessel in data(tmp_path)["vessels"].items()}
    assert sorted(order) == [f"R{i:02d}" for i in range(1, 7)]
    assert [bool(alarms[name]) for name in order] == sorted((bool(a) for a in alarms.values()), reverse=True)
    assert order.index("R06") < order.index("R04")  # which has none
    assert max(map(len, said)) <= 80


def test_a_wait_is_over_with_its_turn(stopped_run):
    append(stopped_run, WAIT, SampleMissing(reactor="R01", turn=2, expected_h=120.0))
    assert data(stopped_run)["vessels"]["R01"]["waiting"] is None


def test_who_changed_a_mode_is_said(stopped_run):
    changed = ModeChanged(reactor="R01", turn=1, before="advisory", mode="manual", who="B. Jones", reason="Harvest.")
    append(stopped_run, changed)
    assert "manual by B. Jones: Harvest." in status(stopped_run).stdout


def test_a_running_one_names_its_process(stopped_run):
    import os

    log, _ = AuditLogger.resumed(stopped_run / "audit.jsonl")
    assert f"Run run-1: running (process {os.getpid()})." in status(stopped_run).stdout
    assert data(stopped_run)["process"] == os.getpid()
    log.close()
    assert data(stopped_run)["state"] == "stopped"


def test_a_finished_one_says_how_it_ended(ended_run):
    (ended_run / "HOLD").touch()
    found = data(ended_run)
    assert (found["state"], found["outcome"]) == ("ended", "COMPLETED")
    assert found["vessels"]["R01"]["mode"] == "advisory", "nothing is held any more"
    assert "ended: COMPLETED." in status(ended_run).stdout


@pytest.mark.parametrize("make", [lambda p: p.mkdir(), lambda p: p.touch(), lambda p: None])
def test_a_folder_that_holds_no_run_is_said(tmp_path, make):
    make(tmp_path / "here")
    result = status(tmp_path / "here")
    assert isinstance(result.exception, ConfigError)
    assert "holds no run: expected its audit.jsonl" in str(result.exception)
    assert result.exception.exit_code == 2
