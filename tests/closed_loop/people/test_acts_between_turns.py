"""An act of a person belongs to the turn of what it is about: today is decided, forecast and alarmed as ever."""

import asyncio
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest

from perfusio.connectors.database.samples import SqlSample, add_samples
from perfusio.connectors.filesystem import FilesystemStore
from perfusio.connectors.opc_ua.access import Timing
from perfusio.connectors.opc_ua.security import Certificates
from perfusio.connectors.opcua import OpcUaConnector
from perfusio.connectors.sql import SqlStore
from perfusio.protocols import ConnectorKind
from perfusio.record.apply_event import folded
from perfusio.state import SETPOINTS
from perfusio.testing import ScriptedConnector, make_state
from perfusio.testing.opcua_identity import identity
from perfusio.testing.opcua_server import FaultyOpcUaServer
from perfusio.twin.operators import order_processor
from perfusio.twin.operators.orders import Order, give

WHO = {"who": "A. Smith", "why": "As it should be."}
QUICK = Timing(request=2.0, keepalive=0.5, session=2.0, write=8.0, retry=0.1, backoff=(0.02, 0.1), poll=0.02)
COLUMNS = ("vcd", "viability", "glucose", "glutamine", "lactate", "ammonium")


class Tank(ScriptedConnector):
    """A vessel whose samples come when a test has them taken."""

    def __init__(self):
        super().__init__([], kind=ConnectorKind.HARDWARE)
        self.samples = asyncio.Queue()

    async def read_sample(self):
        return await self.samples.get()


@contextmanager
def tank(folder):
    vessel = Tank()
    yield vessel, vessel.samples.put_nowait


@contextmanager
def file(folder):
    path = folder / "vessel.csv"
    path.write_text(",".join(["day", *COLUMNS]) + "\n")

    def take(sample):
        with path.open("a") as rows:
            rows.write(",".join(f"{v:g}" for v in (sample.day, *(getattr(sample, n) for n in COLUMNS))) + "\n")

    yield FilesystemStore(path, actuates=True, poll_seconds=0.02), take


@contextmanager
def database(folder):
    where = folder / "samples.sqlite"

    def take(sample):
        add_samples(where, [SqlSample(state=sample, reactor="R01")])

    async def controlled(seconds):
        """A controller acknowledges whatever is asked while the store waits."""
        sets = ", ".join(f"acknowledged_{name} = asked_{name}" for name in SETPOINTS)
        with closing(sqlite3.connect(where)) as base, base:
            base.execute(f"UPDATE setpoints SET status = 'acknowledged', {sets} WHERE status = 'asked'")
        await asyncio.sleep(min(seconds, 0.05))

    take(make_state(day=0))
    yield SqlStore(where, actuates=True, poll_seconds=0.02, sleep=controlled), lambda s: s.day == 0 or take(s)


@contextmanager
def server(folder):
    with FaultyOpcUaServer(("R01",), identity=identity()) as plant:
        Certificates(folder).trust(plant.identity.certificate)
        yield (
            OpcUaConnector(plant.endpoint, plant.node_map(), certificates=folder, timing=QUICK),
            lambda s: plant.publish("R01", s),
        )


KINDS = {"tank": tank, "file": file, "database": database, "server": server}


class Person:
    """Takes a sample a turn, of a culture that dies in turn 2, and acts on the advice of turn 1 before it does."""

    def __init__(self, folder, act, take):
        self.folder, self.act, self.take, self.keys, self.n_taken = folder, act, take, {}, 0

    def sample(self, turn):
        if turn == self.n_taken:
            self.n_taken += 1
            dying = {"viability": 80.0} if turn >= 2 else {}
            self.take(replace(make_state(day=turn), **dying))

    def __call__(self, event):
        match type(event).__name__, event.turn:
            case "Decided", turn:
                self.keys[turn] = event.key
            case "Withheld", 0:
                self.sample(1)
            case "Withheld", 1:
                order = Order(act=self.act, reactor="R01", value=self.keys[1], **WHO)
                asyncio.get_running_loop().call_later(0.2, give, self.folder, order)  # turn 2 has begun
            case "OperatorActed", _ if self.act == "reject":
                self.sample(2)
            case "SetpointsWritten" | "WriteRefused" | "WriteUnknown", _:
                self.sample(2)
            case "SampleRead", 2:
                self.sample(3)


@pytest.mark.parametrize("act", ["approve", "reject"])
@pytest.mark.parametrize("kind", KINDS)
async def test_yesterdays_advice_is_acted_on_while_todays_sample_is_awaited(run_twin, tmp_path, monkeypatch, kind, act):
    monkeypatch.setattr(order_processor, "LOOKS_EVERY_S", 0.02)
    with KINDS[kind](tmp_path) as (connector, take):
        person = Person(tmp_path, act, take)
        person.sample(0)
        run = await run_twin(connector, days=3, mode="advisory", observers=(person,))
        if hasattr(connector, "close"):
            await connector.close()
    (acted,) = run.of("OperatorActed")
    assert (acted.turn, acted.culture_day, acted.is_done) == (1, 1.0, True)
    assert [e.turn for e in run.of("WriteIntended")] == ([1] if act == "approve" else [])
    assert {e.turn for e in run.of("SetpointsWritten")} <= {1}
    assert [e.turn for e in run.of("Decided")] == [0, 1, 2]
    assert [e.turn for e in run.of("Withheld")] == [0, 1, 2]
    assert (2, "viability", "act") in [(e.turn, e.quantity, e.level) for e in run.of("AlarmRaised")]
    known = run.twin.run_state
    again = folded(run.events, run.records[0].run)
    assert (again.today, again.advised, again.alarms) == (known.today, known.advised, known.alarms)
