"""T18: one vessel behaves as one of many does, however its run was begun: the same abilities, the same events.

For each kind of source the same script is played: alone from an experiment.toml, alone from Python, under a name that
the caller gives, and as one of two vessels. How an experiment.toml is opened, the command line says.
"""

from __future__ import annotations

import asyncio
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode, RunConfig
from perfusio.errors import PerfusioError
from perfusio.events import Event
from perfusio.protocols import Beating, Dated, Described, Leased, Reporting, Resumable
from perfusio.selftest.promises import Tried
from perfusio.state import SETPOINTS, STATE_QUANTITIES, State
from perfusio.testing.fakes import SteadyModel, SteppingPolicy
from perfusio.testing.states import make_state
from perfusio.twin import vessels as vessels_of_run
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.operators.orders import Order, give

N_DAYS = 3
ABILITIES = (Beating, Dated, Described, Leased, Reporting, Resumable)
ROADS = ("experiment.toml", "Python", "named by the caller", "one of two")
REFUSED_ON = 1
"""Turn on which the nodes of R01 refuse writes."""
Told = list[tuple[Any, ...]]
FromToml = Callable[[Path], Any]


class Stage(ABC):
    """A source on which the same script is played for one vessel or two; R01 is the one that is compared.

    Args:
        folder: Empty.
        reactors: Names of the vessels.
    """

    kind = ""

    def __init__(self, folder: Path, reactors: tuple[str, ...]) -> None:
        self.folder, self.reactors = folder, reactors

    @abstractmethod
    def settings(self) -> str:
        """Return [connector] of an experiment.toml."""

    @abstractmethod
    def source(self) -> Any:
        """Return the argument for the twin."""

    def after(self, event: Event, run_dir: Path) -> None:
        """Let the world go on after an event of R01; where nothing else is said, it goes on by itself."""
        del event, run_dir

    def witnessed(self) -> Told:
        """Return the events seen at the vessel."""
        return []


class Simulated(Stage):
    """Virtual vessels."""

    kind = "simulated"

    def settings(self) -> str:
        """As above."""
        return f"n_vessels = {len(self.reactors)}\n"

    def source(self) -> Any:
        """As above."""
        from perfusio.connectors.simulated import SimulatedAmbr250

        return SimulatedAmbr250(n_vessels=len(self.reactors), days=N_DAYS)


class Growing(Stage):
    """Where a lab puts in the next samples once the twin has done with the last."""

    @abstractmethod
    def put_in(self, day: int) -> None:
        """Put in the samples of a day."""

    def after(self, event: Event, run_dir: Path) -> None:
        """As above."""
        del run_dir
        if type(event).__name__ == "SetpointsWritten" and event.turn is not None:
            self.put_in(event.turn + 1)


class File(Growing):
    """A file with dates."""

    kind = "file"

    def __init__(self, folder: Path, reactors: tuple[str, ...]) -> None:
        super().__init__(folder, reactors)
        self._path = folder / "rig.csv"
        units = ",".join(q.header for q in STATE_QUANTITIES.values())
        self._path.write_text(f"reactor,date,{units}\n")
        self.put_in(0)

    def settings(self) -> str:
        """As above."""
        return f"path = {str(self._path)!r}\nfollow = true\npoll_seconds = 0.02\n"

    def source(self) -> Any:
        """As above."""
        from perfusio.connectors.filesystem import FilesystemStore

        return FilesystemStore(self._path, follow=True, poll_seconds=0.02)

    def put_in(self, day: int) -> None:
        """As above."""
        values = ",".join(repr(v) if v == v else "" for v in _values(make_state(day=day)))
        with self._path.open("a") as file:
            file.write("".join(f"{r},2024-06-{3 + day:02d} 08:00,{values}\n" for r in self.reactors))


class Table(Growing):
    """A database."""

    kind = "sql"

    def __init__(self, folder: Path, reactors: tuple[str, ...]) -> None:
        super().__init__(folder, reactors)
        self._where = folder / "lab.sqlite"
        self.put_in(0)

    def settings(self) -> str:
        """As above."""
        return f"url = 'sqlite:///{self._where}'\nfollow = true\npoll_seconds = 0.02\n"

    def source(self) -> Any:
        """As above."""
        from perfusio.connectors.sql import SqlStore

        return SqlStore(self._where, follow=True, poll_seconds=0.02)

    def put_in(self, day: int) -> None:
        """As above."""
        from perfusio.connectors.database.samples import SqlSample, add_samples

        add_samples(self._where, [SqlSample(reactor=r, state=make_state(day=day)) for r in self.reactors])


class Server(Stage):
    """An OPC UA server with a heartbeat; a node refuses on one day, and a person releases the vessel."""

    kind = "opcua"

    def __init__(self, folder: Path, reactors: tuple[str, ...]) -> None:
        super().__init__(folder, reactors)
        from perfusio.connectors.opc_ua.security import Certificates
        from perfusio.testing.opcua_identity import identity
        from perfusio.testing.opcua_server import FaultyOpcUaServer

        known = identity()
        self.server = FaultyOpcUaServer(reactors, identity=known).start()
        Certificates(folder / "certificates").trust(known.certificate)
        (folder / "nodes.toml").write_text(self.server.toml(heartbeat=True))
        self._n_days = 0
        self._publish_next()

    def settings(self) -> str:
        """As above."""
        return (
            f"endpoint = {self.server.endpoint!r}\nnodes = {str(self.folder / 'nodes.toml')!r}\n"
            f"certificates = {str(self.folder / 'certificates')!r}\npoll_seconds = 0.02\n"
        )

    def source(self) -> Any:
        """As above."""
        from perfusio.connectors.opc_ua.access import Timing
        from perfusio.connectors.opcua import OpcUaConnector

        return OpcUaConnector(
            self.server.endpoint, self.folder / "nodes.toml", certificates=self.folder / "certificates",
            timing=Timing(poll=0.02),
        )  # fmt: skip

    def after(self, event: Event, run_dir: Path) -> None:
        """As above."""
        what = type(event).__name__
        if what == "SetpointsWritten":
            if event.turn == REFUSED_ON - 1:
                self.server.faults.bad_writes |= {f"R01.{name}": "BadNotWritable" for name in SETPOINTS}
            self._publish_next()
        elif what == "ModeChanged" and getattr(event, "mode", "") == "hold":
            self.server.faults.bad_writes.clear()
            give(run_dir, Order(act="release", reactor="R01", who="A. Smith", why="The node is writable again."))
        elif what == "ModeChanged":
            self._publish_next()

    def witnessed(self) -> Told:
        """As above."""
        return [("heartbeat", self.server.value("R01.heartbeat") > 0)]

    def close(self) -> None:
        """End the server."""
        self.server.stop()

    def _publish_next(self) -> None:
        for reactor in self.reactors:
            self.server.publish(reactor, make_state(day=self._n_days))
        self._n_days += 1


STAGES: tuple[type[Stage], ...] = (Simulated, File, Table, Server)


def played(stage: type[Stage], road: str, from_toml: FromToml | None = None) -> Told:
    """Play the script of a kind on one road; return the abilities of R01, its events, and those of its vessel."""
    reactors = ("R01", "R02") if road == "one of two" else ("R01",)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        world = stage(folder, reactors)
        if isinstance(world, Server):
            stack.callback(world.close)
        return asyncio.run(_played(world, road, from_toml))


async def _played(world: Stage, road: str, from_toml: FromToml | None) -> Told:
    events: list[Event] = []
    run_dir = world.folder / "run"

    def watch(event: Event) -> None:
        if event.reactor == "R01":
            events.append(event)
            world.after(event, run_dir)

    config = RunConfig(
        duration_days=N_DAYS, retrain_every=9, n_paths=16, forecast_days=2, run_dir=run_dir, mode=Mode.AUTOMATIC
    )
    whole = world.source() if road != "experiment.toml" or from_toml is None else from_toml(_experiment(world))
    source = {"R01": whole} if road == "named by the caller" else whole
    twin = DigitalTwin(
        connector=source, design_space=DEFAULT_AMBR250_DESIGN_SPACE, run_config=config, model=SteadyModel(),
        policy=SteppingPolicy(), observers=(watch,),
    )  # fmt: skip
    await twin.run()
    if hasattr(whole, "close"):
        await whole.close()
    connector = twin.vessels["R01"].connector
    able_to = [(ability.__name__, isinstance(connector, ability)) for ability in ABILITIES]
    return [*able_to, *(_told(event) for event in events), *world.witnessed()]


def _experiment(world: Stage) -> Path:
    place = world.folder / "experiment.toml"
    place.write_text(f"[run]\nduration_days = {N_DAYS}\n[connector]\nkind = {world.kind!r}\n{world.settings()}")
    return place


def _told(event: Event) -> tuple[Any, ...]:
    """Return the part that two events of the same vessel must share, alone or among others."""
    shown = {name: getattr(event, name) for name in ("mode", "act", "operation", "quantity", "level", "is_done")
             if hasattr(event, name)}  # fmt: skip
    asked = getattr(event, "asked", None)
    values = None if asked is None else tuple(asked.vector().round(9).tolist())
    return type(event).__name__, event.turn, event.culture_day, values, *shown.items()


def _values(state: State) -> list[float]:
    return [getattr(state, name) for name in STATE_QUANTITIES]


def differing(stage: type[Stage], from_toml: FromToml | None = None) -> list[str]:
    """Return on which roads a vessel behaves otherwise than as one of two."""
    usual = played(stage, ROADS[-1])
    problems = []
    for road in ROADS[:-1]:
        found = played(stage, road, from_toml)
        if found != usual:
            first = next((p for p in zip(usual, found, strict=False) if p[0] != p[1]), (len(usual), len(found)))
            problems.append(f"{stage.kind}, {road}: {first[1]}, and as one of two: {first[0]}")
    return problems


@contextmanager
def behind_a_facade() -> Iterator[None]:
    """Plant a bug: the one vessel of a source is reached through something that only reads and writes."""
    rightly = vessels_of_run._its_own

    def hidden(reactor: str, one: Any) -> Any:
        vessel = rightly(reactor, one)
        own: Any = vessel.connector

        class Facade:
            kind, confirms_at_once = own.kind, own.confirms_at_once
            read_sample, read_setpoints, write_setpoints = own.read_sample, own.read_setpoints, own.write_setpoints

        return replace(vessel, connector=Facade())

    vessels_of_run._its_own = hidden
    try:
        yield
    finally:
        vessels_of_run._its_own = rightly


def one_as_many(is_full: bool, from_toml: FromToml | None = None) -> Tried:
    """Play the script of each kind on each road, and see a planted facade noticed."""
    del is_full  # one script shows it
    problems, left_out, n = list[str](), list[str](), 0
    for stage in STAGES:
        try:
            problems += differing(stage, from_toml)
            n += len(ROADS) - 1
        except ImportError as error:
            left_out.append(f"{stage.kind} ({error})")
        except PerfusioError as error:
            problems.append(f"{stage.kind}: {error}")
    usual = played(File, ROADS[-1])
    with behind_a_facade():
        if played(File, "Python") == usual:
            problems.append("planted, not noticed: a facade that only reads and writes")
    notes = [problems[0][:300] if problems else "simulated, file, database, OPC UA; caught: a facade", *left_out]
    return Tried(
        id="T18",
        promise="one vessel behaves as one of many, from the command line and from Python",
        n_tried=n + 1,
        n_failed=len(problems),
        note="; ".join(notes),
    )
