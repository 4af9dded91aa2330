"""A followed run is read as it grows: whole lines only, another record from its beginning, no further than a fault."""

import asyncio
import json

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, RunConfig
from perfusio.dashboard.runs.followed import FollowedRun
from perfusio.testing import ScriptedConnector, make_state
from perfusio.testing.fakes import SteadyModel, SteppingPolicy
from perfusio.twin.digital_twin import DigitalTwin


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """Lines of a short run."""
    folder = tmp_path_factory.mktemp("followed") / "run"
    config = RunConfig(duration_days=2, run_dir=folder, forecast_days=3, n_paths=16)
    twin = DigitalTwin(connector={"R01": ScriptedConnector([make_state(day=d) for d in range(3)])},
                       design_space=DEFAULT_AMBR250_DESIGN_SPACE, run_config=config, model=SteadyModel(),
                       policy=SteppingPolicy())  # fmt: skip
    asyncio.run(twin.run())
    return (folder / "audit.jsonl").read_bytes().splitlines(keepends=True)


def test_a_line_is_taken_in_once_it_is_whole_and_a_row_finds_it_again(tmp_path, lines):
    record = tmp_path / "audit.jsonl"
    record.write_bytes(lines[0] + lines[1][:40])
    run = FollowedRun(tmp_path, "run")
    assert [row.seq for row in run.look()] == [1]
    with record.open("ab") as file:
        file.write(lines[1][40:] + b"".join(lines[2:]))
    assert [row.seq for row in run.look()] == list(range(2, len(lines) + 1))
    assert run.look() == []
    assert [run.record(row) for row in run.rows] == [json.loads(line) for line in lines]
    assert not run.fault
    assert run.has_ended


def test_alarms_and_forecasts_are_those_of_the_record(tmp_path, lines):
    (tmp_path / "audit.jsonl").write_bytes(b"".join(lines))
    run = FollowedRun(tmp_path, "run")
    run.look()
    names = [row.event for row in run.rows]
    assert len(run.index.alarm_events) == sum(n in ("RunStarted", "AlarmRaised", "AlarmChanged") for n in names)
    assert len(run.index.keeper.of("R01", run.state)) == sum(n in ("Decided", "Forecasted") for n in names)


def test_nothing_behind_a_fault_is_shown_and_another_record_is_read_from_its_beginning(tmp_path, lines):
    record = tmp_path / "audit.jsonl"
    record.write_bytes(lines[0] + lines[2] + lines[1])  # the third line does not follow the first
    run = FollowedRun(tmp_path, "run")
    run.look()
    assert len(run.rows) == 1
    assert run.fault.startswith("Line 2 of the record is damaged")
    (tmp_path / "restored").write_bytes(b"".join(lines))
    (tmp_path / "restored").replace(record)
    run.look()
    assert (len(run.rows), run.fault) == (len(lines), "")
