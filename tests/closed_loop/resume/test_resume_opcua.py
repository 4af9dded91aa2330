"""After a restart over OPC UA, what a person set meanwhile is kept, at whatever moment it was set."""

import asyncio
from dataclasses import replace

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode
from perfusio.connectors.opc_ua.access import Timing
from perfusio.connectors.opc_ua.security import Certificates
from perfusio.connectors.opcua import OpcUaConnector
from perfusio.record.verification.verify import read_records, verify
from perfusio.state import SETPOINTS
from perfusio.testing import make_state
from perfusio.testing.opcua_identity import identity
from perfusio.testing.opcua_server import FaultyOpcUaServer
from perfusio.twin.digital_twin import DigitalTwin

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal
QUICK = Timing(request=2.0, keepalive=0.5, session=2.0, write=8.0, retry=0.1, backoff=(0.02, 0.1), poll=0.02)
N_DAYS = 2
BY_HAND = 35.5
"""Within bounds and within a step, so that only looking keeps it."""


class Killed(BaseException):
    """The program is gone."""


@pytest.fixture(scope="module")
def one_server():
    with FaultyOpcUaServer(("R01",), identity=identity()) as server:
        yield server


@pytest.fixture
def server(one_server, tmp_path):
    for name in SETPOINTS:
        one_server.set_value(f"R01.{name}", getattr(NOMINAL, name))
    one_server.publish("R01", make_state(day=0))
    one_server.witness.written.clear()
    Certificates(tmp_path / "certificates").trust(one_server.identity.certificate)
    return one_server


@pytest.fixture
def connector(server, tmp_path):
    def make():
        return OpcUaConnector(
            server.endpoint, server.node_map(), certificates=tmp_path / "certificates", timing=QUICK
        )

    return make


async def killed_after_the_first_write(make_twin, connector):
    def kill(event):
        if type(event).__name__ == "SetpointsWritten":
            raise Killed

    async with connector() as whole:
        with pytest.raises(Killed):
            await make_twin(whole, days=N_DAYS, retrain_every=9, mode=Mode.AUTOMATIC, observers=(kill,)).run()


def publishing(server, *, before_sample=lambda day: None):
    """Publish the next sample once the twin has looked, or has done with the last one."""
    published = set()

    def observer(event):
        is_done = type(event).__name__ in ("SetpointsFound", "SetpointsWritten", "OverrideDetected", "Withheld")
        if is_done and (day := event.turn + 1) not in published and day <= N_DAYS:
            published.add(day)
            before_sample(day)
            server.publish("R01", make_state(day=day))

    return observer


async def go_on(tmp_path, connector, persistence, alternating, observer):
    async with connector() as whole:
        twin = DigitalTwin.resume(
            tmp_path, connector=whole, model=persistence, policy=alternating, observers=(observer,)
        )
        await asyncio.wait_for(twin.run(), 60)
    assert verify(tmp_path / "audit.jsonl").is_intact
    return twin, [r.to_event() for r in read_records(tmp_path / "audit.jsonl")]


def named(events, name):
    return [e for e in events if type(e).__name__ == name]


async def test_what_was_set_while_the_twin_was_dead_is_kept(
    make_twin, connector, server, persistence, alternating, tmp_path
):
    await killed_after_the_first_write(make_twin, connector)
    left = server.setpoints("R01")
    server.set_value("R01.temperature", BY_HAND)
    n = len(server.witness.written)
    twin, events = await go_on(tmp_path, connector, persistence, alternating, publishing(server))
    assert len(server.witness.written) == n
    (overridden,) = named(events, "OverrideDetected")
    assert (overridden.expected, overridden.found) == (left, replace(left, temperature=BY_HAND))
    assert twin.mode("R01") is Mode.ADVISORY
    assert twin.run_state.in_force["R01"].temperature == BY_HAND
    assert [(e.quantity, e.level) for e in named(events, "AlarmRaised")] == [("write", "act")]


async def test_what_is_set_after_the_first_look_and_before_the_sample_is_kept_too(
    make_twin, connector, server, persistence, alternating, tmp_path
):
    """The connector was shown it with the sample, and would take it for wanted; the record knows what we left."""
    await killed_after_the_first_write(make_twin, connector)
    n = len(server.witness.written)
    observer = publishing(server, before_sample=lambda day: server.set_value("R01.temperature", BY_HAND))
    _, events = await go_on(tmp_path, connector, persistence, alternating, observer)
    assert len(server.witness.written) == n
    assert len(named(events, "OverrideDetected")) == 1
    assert server.setpoints("R01").temperature == BY_HAND


async def test_left_alone_it_goes_on_writing(make_twin, connector, server, persistence, alternating, tmp_path):
    await killed_after_the_first_write(make_twin, connector)
    twin, events = await go_on(tmp_path, connector, persistence, alternating, publishing(server))
    assert named(events, "OverrideDetected") == []
    assert [e.turn for e in named(events, "SetpointsWritten")] == [0, 1]
    assert twin.run_state.in_force["R01"] == server.setpoints("R01")
