"""Five processes over a file, a database and a server: read, asked for, killed, gone on, mirrored, exported."""

import asyncio
import tomllib
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from perfusio.cli.record.export import recorded
from perfusio.config import DesignSpace, RunConfig
from perfusio.connectors.database.database import Database
from perfusio.connectors.database.record_index import SqlRecord
from perfusio.connectors.database.samples import SqlSample, add_samples
from perfusio.connectors.database.schema import samples
from perfusio.connectors.filesystem import FilesystemStore
from perfusio.connectors.opc_ua.access import Timing
from perfusio.connectors.opc_ua.node_map import node_map_of
from perfusio.connectors.opcua import OpcUaConnector
from perfusio.connectors.sql import SqlStore
from perfusio.errors import ConfigError
from perfusio.events import SampleRead, SetpointsWritten
from perfusio.process import CHO_PERFUSION
from perfusio.process.document import read_process
from perfusio.record.mirror import copy_record
from perfusio.record.verification.verify import read_records, verify
from perfusio.state import Setpoints
from perfusio.tables.runs_from_files import read_runs
from perfusio.tables.runs_table import runs_header, runs_rows, write_csv
from perfusio.testing.fakes import SteadyModel, SteppingPolicy, moved
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


@pytest.fixture
def run(panel):
    """A culture with six digits, as a sheet holds them."""

    async def grown():
        vessel, run = VirtualVessel(panel, n_days=DAYS), Trajectory(reactor_id="V1", run_id="V1")
        for _ in range(DAYS + 1):
            sample = await vessel.read_sample()
            rounded = {name: float(f"{value:.6g}") for name, value in sample.measured().items()}
            run = run.observe(sample.with_values(**rounded), vessel.in_force)
        return run

    return asyncio.run(grown())


def sheet(run, folder):
    write_csv(folder / "run.csv", runs_header(run.panel), runs_rows([run]))
    return folder / "run.csv"


def file(run, folder):
    return FilesystemStore(sheet(run, folder), panel=run.panel)


def database(run, folder):
    in_force = (*run.setpoints, run.setpoints[-1])
    rows = [SqlSample(state=s, reactor="V1", setpoints=u) for s, u in zip(run.states, in_force, strict=True)]
    add_samples(folder / "lab.sqlite", rows)
    return read_on(SqlStore, folder, run.panel)


def read_on(kind, folder, panel):
    """The source as a program that goes on opens it; the turnover of a virtual vessel is told to be meant."""
    if kind is FilesystemStore:
        return kind(folder / "run.csv", panel=panel)
    return kind(folder / "lab.sqlite", panel=panel, units={q.name: q.unit for q in (*panel.species, *panel.setpoints)})


def map_with_units(server):
    """The node map of a rig, each quantity with its unit."""
    text = server.toml()
    for species in server.panel.species:
        node = f'"rig:s={{vessel}}.{species.name}"'
        told = f'{{ node = {node}, unit = "{species.unit}" }}'
        text = text.replace(f"\n{species.name} = {node}", f"\n{species.name} = {told}")
    return node_map_of(tomllib.loads(text), panel=server.panel)


def killed(event):
    if isinstance(event, SetpointsWritten) and event.turn == 1:
        raise KeyboardInterrupt


@pytest.mark.parametrize("source", [file, database])
def test_a_run_over_a_source_dies_and_goes_on(source, panel, run, tmp_path):
    config = RunConfig(duration_days=DAYS, run_dir=tmp_path / "run", process=panel, forecast_days=2, n_paths=16)
    space = DesignSpace.of(panel)
    twin = DigitalTwin(
        connector=source(run, tmp_path), design_space=space, run_config=config,
        model=SteadyModel(), policy=SteppingPolicy(),
        observers=(killed,),
    )  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(twin.run())
    (name,) = twin.connectors
    goes_on = read_on(type(twin.connectors[name]), tmp_path, panel)
    again = DigitalTwin.resume(config.run_dir, connector=goes_on, model=SteadyModel(), policy=SteppingPolicy())
    result = asyncio.run(again.run())
    assert result.n_samples == DAYS + 1
    known = result.trajectories[name]
    assert known.panel == panel
    assert np.allclose(known.values, run.values, equal_nan=True)
    assert [u.vector().tolist() for u in known.setpoints] == [u.vector().tolist() for u in run.setpoints]
    record = config.run_dir / "audit.jsonl"
    assert verify(record).is_intact
    read = [r.to_event() for r in read_records(record) if r.event == SampleRead.__name__]
    assert not any(e.next_assumed for e in read), "a sheet with every setpoint leaves nothing to assume"
    assert [row.state.panel for row in recorded(record).rows] == [panel] * (DAYS + 1)
    assert copy_record(record, SqlRecord(tmp_path / "mirror.sqlite")) == len(list(read_records(record)))
    with Database(tmp_path / "mirror.sqlite").reading() as connection:
        rows = connection.execute(select(samples).order_by(samples.c.time_h)).mappings().all()
    assert len(rows) == DAYS + 1
    for row, state in zip(rows, run.states, strict=True):
        measured = {n: v for n, v in {**row, **row["more"]}.items() if n in state.measured()}
        assert measured == state.measured()


class Rig:
    """One virtual vessel, by name."""

    def __init__(self, panel):
        self._vessel = VirtualVessel(panel, n_days=40)

    def vessels(self):
        return {"V1": self._vessel}


def test_a_run_over_a_server_writes_dies_and_goes_on(panel, tmp_path):
    space = DesignSpace.of(panel)
    config = RunConfig(
        duration_days=DAYS, run_dir=tmp_path / "run", process=panel, forecast_days=2, n_paths=16, mode="automatic"
    )

    async def run(rig, make):
        server = OpcUaConnector(
            rig.server.endpoint, map_with_units(rig.server), certificates=tmp_path / "certificates",
            allow_insecure=True, timing=Timing(poll=0.01), panel=panel,
        )  # fmt: skip
        async with server as connector:
            return await make(connector).run()

    def begun(connector):
        return DigitalTwin(
            connector=connector, design_space=space, run_config=config, model=SteadyModel(), policy=SteppingPolicy(),
            observers=(killed,),
        )  # fmt: skip

    def gone_on(connector):
        return DigitalTwin.resume(config.run_dir, connector=connector, model=SteadyModel(), policy=SteppingPolicy())

    with SimulatedOpcUaRig(Rig(panel), space=space) as rig:
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(run(rig, begun))
        result = asyncio.run(run(rig, gone_on))
        in_force = rig.server.setpoints("V1")
    assert result.n_samples == DAYS + 1
    events = [r.to_event() for r in read_records(config.run_dir / "audit.jsonl")]
    written = [e for e in events if isinstance(e, SetpointsWritten)]
    assert [e.turn for e in written] == [0, 1, 2]
    for held, asked in [*((e.acknowledged, e.asked) for e in written), (in_force, written[-1].asked)]:
        assert np.allclose(held.vector(), asked.vector(), rtol=1e-12, equal_nan=True)  # 0.17, not 0.16999999999999998
    assert verify(config.run_dir / "audit.jsonl").is_intact


def test_what_is_asked_for_stands_in_the_setpoints_file_under_its_names(panel, run, tmp_path):
    config = RunConfig(duration_days=1, run_dir=tmp_path / "run", process=panel, forecast_days=2, n_paths=16)
    space = DesignSpace.of(panel)
    twin = DigitalTwin(
        connector=file(run, tmp_path), design_space=space, run_config=config,
        model=SteadyModel(), policy=SteppingPolicy()
    )
    asyncio.run(twin.run())
    (asked,) = tmp_path.rglob("*.setpoints.csv")
    head, *rows = asked.read_text().splitlines()
    assert all(s.header in head for s in panel.setpoints)
    (written,) = [r.to_event() for r in read_records(config.run_dir / "audit.jsonl") if r.event == "SetpointsWritten"]
    assert isinstance(written.asked, Setpoints)
    asked_for = getattr(written.asked, moved(space))
    assert f"{asked_for:.4g}" in rows[-1].split(",")  # as people write it


def test_runs_of_a_table_are_read_as_they_were_written(panel, run, tmp_path):
    (read,) = read_runs(sheet(run, tmp_path), panel=panel)
    assert read.panel == panel
    assert np.allclose(read.values, run.values)
    assert np.allclose(read.inputs, run.inputs)


def test_a_source_of_another_process_is_refused_at_the_start(tmp_path):
    panel = read_process(PLACE / "asparagine.toml")
    config = RunConfig(duration_days=1, run_dir=tmp_path / "run", process=panel)
    vessel, other = VirtualVessel(CHO_PERFUSION), DesignSpace.of(panel)
    sample = asyncio.run(vessel.read_sample())
    one = Trajectory(reactor_id="V1", run_id="V1", states=(sample,))
    with pytest.raises(ConfigError, match=r"connector of R01 is of 'CHO cells in perf.* without asparagine"):
        DigitalTwin(connector=file(one, tmp_path), design_space=other, run_config=config)
