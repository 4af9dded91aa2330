"""A vessel is called as its source calls it, on record, in commands and in files; one without a name is R01."""

import json

import pytest

from perfusio.connectors.database.samples import SqlSample, add_samples
from perfusio.connectors.filesystem import FilesystemStore
from perfusio.connectors.sql import SqlStore
from perfusio.errors import ConfigError
from perfusio.testing import make_state
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.run_view import view
from perfusio.twin.state.hold import Word, make_hold

NAMES = ["PB-104", "BR 1/2", "Ü1", "R01 (left)", "../x", "-", "HOLD", "Биореактор", "r" * 150]


def sheet(folder, reactor="", n_days=3):
    path = folder / "culture.csv"
    head, own = ("reactor,", f'"{reactor}",') if reactor else ("", "")
    rows = [f"{own}{day},{20 + day},97,4,8,3\n" for day in range(n_days)]
    path.write_text(f"{head}day,vcd,viability,glucose,lactate,ammonium\n{''.join(rows)}")
    return path


@pytest.mark.parametrize("name", NAMES)
async def test_a_file_of_one_vessel_gives_its_name_everywhere(run_twin, tmp_path, name):
    store = FilesystemStore(sheet(tmp_path, name))
    run = await run_twin(store, days=2)
    assert set(run.result.trajectories) == {name}
    assert {e.reactor for e in run.of("SampleRead", "Decided", "SetpointsWritten")} == {name}
    assert view(tmp_path).vessel(name) == name
    assert store.setpoints_path.parent == tmp_path
    assert name in store.setpoints_path.read_text()


@pytest.mark.parametrize("name", NAMES)
async def test_a_vessel_of_any_name_can_be_held(run_twin, tmp_path, name):
    path = sheet(tmp_path, name)
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    (run_dir / "audit.jsonl").touch()
    make_hold(run_dir, name, Word(who="AS", why="The pump is noisy."))
    (run_dir / "audit.jsonl").unlink()
    run = await run_twin(FilesystemStore(path), days=2, run_dir=run_dir)
    assert run.of("WriteIntended", "AlarmRaised") == []
    assert [(e.reactor, e.mode, e.who) for e in run.of("ModeChanged")] == [(name, "hold", "AS")]


@pytest.mark.parametrize("name", ["PB-104", "BR 1/2", "../x"])
async def test_a_database_of_one_vessel_gives_its_name(run_twin, tmp_path, name):
    where = tmp_path / "samples.sqlite"
    add_samples(where, [SqlSample(state=make_state(day=d), reactor=name) for d in range(3)])
    run = await run_twin(SqlStore(where), days=2)
    assert set(run.result.trajectories) == {name}
    assert {e.reactor for e in run.of("SampleRead", "Decided", "SetpointsWritten")} == {name}
    assert view(tmp_path).vessel(name) == name


async def test_a_file_without_a_name_is_r01(run_twin, tmp_path):
    run = await run_twin(FilesystemStore(sheet(tmp_path)), days=2)
    assert set(run.result.trajectories) == {"R01"}


def recorded_as_r01(make_twin, tmp_path, reactor):
    """Leave the record of an unfinished run over a sheet with a column `reactor`, as versions before called it."""
    from perfusio.record.audit_logger import AuditLogger
    from perfusio.twin.loop import first_records

    store = FilesystemStore(sheet(tmp_path, reactor))
    twin = make_twin({"R01": store}, days=2)
    with AuditLogger(tmp_path / "audit.jsonl") as log:
        modes = {"R01": twin.mode("R01")}
        source = {"kind": "replay", **json.loads(json.dumps(store.describe()))}
        log.append(first_records.started(twin.config, twin.design_space, modes, {"R01": source}))


async def test_a_run_that_an_older_version_called_r01_goes_on_under_that_name(
    make_twin, tmp_path, persistence, alternating
):
    recorded_as_r01(make_twin, tmp_path, "PB-104")
    store = FilesystemStore(tmp_path / "culture.csv")
    twin = DigitalTwin.resume(tmp_path, connector=store, model=persistence, policy=alternating)
    assert set(twin.vessels) == {"R01"}


async def test_the_sheet_of_another_vessel_is_not_taken_for_it(make_twin, tmp_path, persistence, alternating):
    recorded_as_r01(make_twin, tmp_path, "PB-104")
    store = FilesystemStore(sheet(tmp_path, "PB-105"))
    with pytest.raises(ConfigError, match="R01"):
        DigitalTwin.resume(tmp_path, connector=store, model=persistence, policy=alternating)
