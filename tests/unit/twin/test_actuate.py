"""A write: on record before it happens, and afterwards what the vessel says, not what was hoped for."""

from dataclasses import replace

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.decision import Action, Verdict
from perfusio.errors import AuditError, NotConnected, WriteRejected
from perfusio.events import ConnectorFailed, SetpointsWritten, WriteIntended, WriteUnknown
from perfusio.protocols import ConnectorKind
from perfusio.state import Setpoints
from perfusio.testing import ScriptedConnector
from perfusio.twin.actuate import actuate

OLD = DEFAULT_AMBR250_DESIGN_SPACE.nominal
NEW = replace(OLD, bleed_rate=0.2)
OTHER = replace(OLD, bleed_rate=0.19)
WRITE = Verdict(reactor_id="R01", setpoints=NEW, action=Action.WRITE)


class Sink:
    """Keeps events, with what the vessel had been asked for when each became durable; may refuse one by its name."""

    def __init__(self, connector, refusing=None):
        self.connector, self.refusing = connector, refusing
        self.events, self.written_before = [], []

    def append(self, event):
        if type(event).__name__ == self.refusing:
            raise AuditError("The disk is full.")
        self.events.append(event)
        self.written_before.append(len(self.connector.written))
        return len(self.events)

    @property
    def names(self):
        return [type(e).__name__ for e in self.events]


async def written(*write_script, kind=ConnectorKind.SIMULATED, verdict=WRITE):
    connector = ScriptedConnector([], kind=kind, write_script=write_script)
    sink = Sink(connector)
    found = await actuate(verdict, connector=connector, current=OLD, audit=sink, key="run:R01:3:0", day=3)
    return found, sink, connector


async def test_an_acknowledged_write_is_in_force():
    found, sink, connector = await written()
    assert found == NEW
    assert connector.written == [NEW]
    assert sink.events == [
        WriteIntended(reactor="R01", day=3, key="run:R01:3:0", old=OLD, new=NEW),
        SetpointsWritten(reactor="R01", day=3, key="run:R01:3:0", asked=NEW, acknowledged=NEW),
    ]


async def test_the_intent_is_on_record_before_the_vessel_hears_of_it():
    _, sink, _ = await written()
    assert sink.written_before == [0, 1]


async def test_without_a_record_nothing_is_written():
    connector = ScriptedConnector([])
    sink = Sink(connector, refusing="WriteIntended")
    with pytest.raises(AuditError):
        await actuate(WRITE, connector=connector, current=OLD, audit=sink, key="k", day=0)
    assert connector.written == []


@pytest.mark.parametrize("action", [Action.ADVISE, Action.HOLD])
async def test_only_write_writes(action):
    setpoints = NEW if action is Action.ADVISE else None
    verdict = Verdict(reactor_id="R01", setpoints=setpoints, action=action, because=("Because.",))
    found, sink, connector = await written(verdict=verdict)
    assert (found, sink.events, connector.written) == (OLD, [], [])


async def test_a_refused_write_leaves_the_old_setpoints_and_says_so():
    found, sink, _ = await written(WriteRejected("Refused: the vessel is in local mode."))
    assert found == OLD
    assert sink.names == ["WriteIntended", "WriteUnknown"]
    assert sink.events[1] == WriteUnknown(
        reactor="R01", day=3, key="run:R01:3:0", asked=NEW, read_back=OLD,
        reason="Refused: the vessel is in local mode.",
    )  # fmt: skip


async def test_a_write_that_failed_but_was_executed_is_found_by_reading_back():
    found, sink, _ = await written((NEW, NotConnected("No answer.")))
    assert found == NEW
    assert sink.events[1] == SetpointsWritten(
        reactor="R01", day=3, key="run:R01:3:0", asked=NEW, acknowledged=NEW, reason="No answer."
    )


async def test_a_vessel_that_took_other_setpoints_is_believed_not_the_hope():
    found, sink, _ = await written(OTHER)
    assert found == OTHER
    assert sink.names == ["WriteIntended", "WriteUnknown"]
    assert sink.events[1].read_back == OTHER
    assert "other setpoints" in sink.events[1].reason


async def test_a_vessel_that_acknowledges_but_does_not_act_is_found_by_reading_back():
    class Liar(ScriptedConnector):
        async def write_setpoints(self, setpoints):
            self.written.append(setpoints)
            return setpoints

    connector = Liar([])
    sink = Sink(connector)
    found = await actuate(WRITE, connector=connector, current=OLD, audit=sink, key="k", day=0)
    assert found == OLD
    assert isinstance(sink.events[-1], WriteUnknown)


async def test_a_dead_link_leaves_unknown_setpoints():
    connector = ScriptedConnector([], write_script=[NotConnected("Gone.")])
    connector.in_force = NotConnected("Still gone.")
    sink = Sink(connector)
    found = await actuate(WRITE, connector=connector, current=OLD, audit=sink, key="k", day=0)
    assert found is None
    assert [type(e) for e in sink.events] == [WriteIntended, ConnectorFailed, WriteUnknown]
    assert sink.events[1].reason == "Still gone."
    assert sink.events[2].read_back is None


@pytest.mark.parametrize("executed", [True, False])
async def test_an_error_that_no_connector_may_raise_is_unknown_too(executed):
    step = (NEW, OSError("socket closed")) if executed else OSError("socket closed")
    found, sink, _ = await written(step)
    assert found == (NEW if executed else OLD)
    assert sink.names == ["WriteIntended", "SetpointsWritten" if executed else "WriteUnknown"]
    assert sink.events[1].reason == "OSError: socket closed"


async def test_what_the_vessel_does_not_report_is_taken_from_its_acknowledgement():
    class Mute(ScriptedConnector):
        async def read_setpoints(self):
            return replace(self.in_force, agitation=float("nan"))

    connector = Mute([])
    sink = Sink(connector)
    assert await actuate(WRITE, connector=connector, current=OLD, audit=sink, key="k", day=0) == NEW
    assert sink.names == ["WriteIntended", "SetpointsWritten"]


async def test_a_vessel_that_confirms_later_is_not_read_back_at_once():
    found, sink, connector = await written(kind=ConnectorKind.REPLAY)
    assert connector.in_force == OLD
    assert found == NEW
    assert sink.names == ["WriteIntended", "SetpointsWritten"]


async def test_rounding_in_the_vessel_is_agreement():
    near = replace(NEW, agitation=NEW.agitation * (1 + 5e-7))
    _, sink, _ = await written(near)
    assert sink.names == ["WriteIntended", "SetpointsWritten"]
    _, sink, _ = await written(replace(NEW, agitation=NEW.agitation * (1 + 1e-4)))
    assert sink.names == ["WriteIntended", "WriteUnknown"]
    assert isinstance(sink.events[1].asked, Setpoints)
