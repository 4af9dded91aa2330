"""Each of five processes through a file, a database and an OPC UA server: as a connector, and as a run of the twin."""

import asyncio
from pathlib import Path

import pytest

from perfusio.cli.record.export import recorded
from perfusio.config import DesignSpace, RunConfig, track
from perfusio.connectors.database.record_index import SqlRecord
from perfusio.connectors.database.samples import SqlSample, add_samples
from perfusio.connectors.database.schema import samples
from perfusio.connectors.filesystem import FilesystemStore
from perfusio.connectors.opc_ua.access import Timing
from perfusio.connectors.opcua import OpcUaConnector
from perfusio.connectors.sql import SqlStore
from perfusio.process import CHO_PERFUSION
from perfusio.process.document import read_process
from perfusio.record.mirror import copy_record
from perfusio.record.verification.verify import read_records
from perfusio.state import State
from perfusio.tables.exporting import write_table
from perfusio.tables.runs_from_files import read_runs
from perfusio.tables.runs_table import runs_header, runs_rows, write_csv
from perfusio.testing import check_connector
from perfusio.testing.opcua_rig import SimulatedOpcUaRig
from perfusio.testing.virtual_vessel import VirtualVessel
from perfusio.trajectory import Trajectory
from perfusio.twin.digital_twin import DigitalTwin

PLACE = Path(__file__).parents[1] / "fixtures" / "processes"
NAMES = ("default", *sorted(p.stem for p in PLACE.glob("*.toml")))
DAYS = 3


@pytest.fixture(params=NAMES)
def panel(request):
    return CHO_PERFUSION if request.param == "default" else read_process(PLACE / f"{request.param}.toml")


def run_of(panel, days=DAYS):
    """A culture with the conditions that a probe would read beside it."""
    vessel, at = VirtualVessel(panel, n_days=days, seed=1), DesignSpace.of(panel).nominal
    run = Trajectory(reactor_id="H1", run_id="H1")
    probes = {s.measured_name: getattr(at, s.name) for s in panel.setpoints if s.measured_name in panel.by_name}
    for _ in range(days + 1):
        run = run.observe(asyncio.run(vessel.read_sample()).with_values(**probes), at)
    return run


def measured(states, rel=1e-5):
    return [{n: pytest.approx(v, rel=rel) for n, v in s.measured().items()} for s in states]


async def test_a_table_of_runs_comes_back(panel, tmp_path):
    run = await asyncio.to_thread(run_of, panel)
    write_csv(tmp_path / "runs.csv", runs_header(panel), runs_rows([run]))
    (again,) = read_runs(tmp_path / "runs.csv", panel=panel)
    assert again.panel == panel
    assert [s.measured() for s in again.states] == measured(run.states)
    assert again.inputs == pytest.approx(run.inputs, rel=1e-5)


async def test_a_file(panel, tmp_path):
    run = await asyncio.to_thread(run_of, panel)
    write_csv(tmp_path / "runs.csv", runs_header(panel), runs_rows([run]))
    await check_connector(lambda: FilesystemStore(tmp_path / "runs.csv", panel=panel), panel=panel)


async def test_a_database(panel, where):
    run = await asyncio.to_thread(run_of, panel)
    rows = [
        SqlSample(state=s, setpoints=u) for s, u in zip(run.states, (*run.setpoints, run.setpoints[-1]), strict=True)
    ]
    add_samples(where, rows)
    told = {q.name: q.unit for q in panel.quantities}  # a made culture, as no cells are
    await check_connector(lambda: SqlStore(where, panel=panel, units=told), panel=panel)


class Rig:
    """One virtual vessel of a process, by name."""

    def __init__(self, panel):
        self._vessel = VirtualVessel(panel, n_days=40, seed=2)

    def vessels(self):
        return {"R01": self._vessel}


async def test_a_server(panel, tmp_path):
    space = DesignSpace.of(panel)
    with SimulatedOpcUaRig(Rig(panel), space=space) as rig:
        (tmp_path / "nodes.toml").write_text(rig.server.toml())
        made = []

        def make():
            made.append(OpcUaConnector(
                rig.server.endpoint, tmp_path / "nodes.toml", certificates=tmp_path / "certificates",
                allow_insecure=True, timing=Timing(poll=0.01), panel=panel,
            ))  # fmt: skip
            return made[-1].vessels()["R01"]

        await check_connector(make, max_samples=4, panel=panel)
        for connector in made:
            await connector.close()


async def test_setpoints_that_a_node_map_fixes_are_held(tmp_path):
    panel = read_process(PLACE / "ph_and_oxygen.toml")
    space = DesignSpace.of(panel)
    with SimulatedOpcUaRig(Rig(panel), space=space) as rig:
        text = rig.server.toml()
        for name, fixed in (("agitation", 800), ("ph", 7.05)):
            node = f'{name} = {{ node = "rig:s={{vessel}}.{name}", write = true }}'
            assert node in text
            text = text.replace(node, f"{name} = {{ fixed = {fixed} }}")
        (tmp_path / "nodes.toml").write_text(text)
        options = {"certificates": tmp_path / "certificates", "allow_insecure": True, "timing": Timing(poll=0.01)}
        async with OpcUaConnector(rig.server.endpoint, tmp_path / "nodes.toml", panel=panel, **options) as connector:
            config = RunConfig(
                duration_days=1, forecast_days=2, n_paths=16, retrain_every=9, process=panel, run_dir=tmp_path / "run",
                mode="automatic", objective=track(**{panel.the("cells"): 20.0}, horizon_days=1, process=panel),
            )  # fmt: skip
            twin = DigitalTwin(connector=connector, design_space=space, run_config=config)
            own = twin.vessels["R01"].design_space
            assert (own.bounds["agitation"].low, own.bounds["agitation"].high) == (800.0, 800.0)
            assert own.bounds["perfusion_rate"] == space.bounds["perfusion_rate"]
            await twin.run()
    written = [r.to_event() for r in read_records(tmp_path / "run" / "audit.jsonl") if r.event == "SetpointsWritten"]
    assert written
    assert {(e.acknowledged.agitation, e.acknowledged.ph) for e in written} == {(800.0, 7.05)}


async def test_a_run_over_a_file_is_recorded_mirrored_and_exported(panel, tmp_path, where):
    run = await asyncio.to_thread(run_of, panel)
    write_csv(tmp_path / "runs.csv", runs_header(panel), runs_rows([run]))
    aim = track(**{panel.the("cells"): 20.0}, horizon_days=1, process=panel)
    config = RunConfig(
        duration_days=DAYS - 1, forecast_days=2, n_paths=16, retrain_every=9, objective=aim, process=panel,
        run_dir=tmp_path / "run",
    )  # fmt: skip
    store = FilesystemStore(tmp_path / "runs.csv", panel=panel)
    await DigitalTwin(connector=store, design_space=DesignSpace.of(panel), run_config=config).run()
    audit = tmp_path / "run" / "audit.jsonl"
    table = recorded(audit)
    assert table.panel == panel
    seen = [row.state for row in table.rows]
    assert [s.measured() for s in seen] == measured(run.states[: len(seen)], rel=1e-3)  # as people write them
    write_table(tmp_path / "out.csv", table)
    (again,) = read_runs(tmp_path / "out.csv", panel=panel, assumed=DesignSpace.of(panel).nominal)
    assert [s.measured() for s in again.states] == [s.measured() for s in seen]
    index = SqlRecord(where)
    copy_record(audit, index)
    mirrored = mirrored_states(where, panel)
    assert [s.measured() for s in mirrored] == measured(run.states[: len(seen)])


def mirrored_states(where, panel):
    from sqlalchemy import select

    from perfusio.connectors.database.database import Database
    from perfusio.connectors.database.values import known_in

    with Database(where).reading() as connection:
        rows = connection.execute(select(samples).order_by(samples.c.time_h)).mappings().all()
    return [State.of_values(panel, row["time_h"], known_in(row, (s.name for s in panel.species))) for row in rows]
