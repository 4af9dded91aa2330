"""A write: on record before it happens, and afterwards what the vessel says, not what was hoped for."""

from dataclasses import replace

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.decision import Action, Verdict
from perfusio.errors import AuditError, NotConnected, WriteRejected
from perfusio.events import (
    ConnectorFailed,
    OverrideDetected,
    SetpointsWritten,
    WriteIntended,
    WritePartial,
    WriteRefused,
    WriteRestored,
    WriteUnknown,
)
from perfusio.protocols import ConnectorKind, Ending, WriteReport
from perfusio.testing import ScriptedConnector
from perfusio.twin.writes.actuate import WriteOrder, actuate, settled

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


def order(verdict=WRITE, **changes):
    return replace(
        WriteOrder(reactor="R01", turn=3, key="run:R01:3:0", verdict=verdict, current=OLD, expected=OLD), **changes
    )


async def carried_out(connector, **changes):
    sink = Sink(connector)
    ending = await actuate(order(**changes), connector=connector, audit=sink)
    return ending, sink, connector


async def written(*write_script, kind=ConnectorKind.SIMULATED, **changes):
    return await carried_out(ScriptedConnector([], kind=kind, write_script=write_script), **changes)


async def test_an_acknowledged_write_is_in_force():
    ending, sink, connector = await written()
    assert ending is Ending.DONE
    assert connector.written == [NEW]
    assert sink.events == [
        WriteIntended(reactor="R01", turn=3, key="run:R01:3:0", old=OLD, new=NEW),
        SetpointsWritten(reactor="R01", turn=3, key="run:R01:3:0", asked=NEW, acknowledged=NEW),
    ]


async def test_the_intent_is_on_record_before_the_vessel_hears_of_it():
    _, sink, _ = await written()
    assert sink.written_before == [0, 1]


async def test_without_a_record_nothing_is_written():
    connector = ScriptedConnector([])
    sink = Sink(connector, refusing="WriteIntended")
    with pytest.raises(AuditError):
        await actuate(order(), connector=connector, audit=sink)
    assert connector.written == []


@pytest.mark.parametrize("action", [Action.ADVISE, Action.HOLD])
async def test_only_what_the_guard_let_pass_is_written(action):
    verdict = Verdict(reactor_id="R01", setpoints=NEW, action=action, because=("Because.",))
    _, sink, connector = await written(verdict=verdict)
    assert (sink.events, connector.written) == ([], [])


async def test_a_refused_write_leaves_the_old_setpoints_and_says_so():
    ending, sink, connector = await written(WriteRejected("Refused: the vessel is in local mode."))
    assert ending is Ending.REFUSED
    assert len(connector.written) == 1
    assert sink.events[1] == WriteRefused(
        reactor="R01", turn=3, key="run:R01:3:0", asked=NEW, read_back=OLD,
        reason="Refused: the vessel is in local mode.",
    )  # fmt: skip


async def test_a_write_that_failed_but_was_executed_is_found_by_reading_back():
    ending, sink, _ = await written((NEW, NotConnected("No answer.")))
    assert ending is Ending.DONE
    assert sink.events[1] == SetpointsWritten(
        reactor="R01", turn=3, key="run:R01:3:0", asked=NEW, acknowledged=NEW, reason="No answer."
    )


@pytest.mark.parametrize("error", [NotConnected("No answer."), OSError("socket closed")])
async def test_a_write_that_went_unanswered_may_still_happen_and_is_not_sent_again(error):
    ending, sink, connector = await written(error)
    assert ending is Ending.UNKNOWN
    assert connector.written == [NEW]
    assert isinstance(sink.events[1], WriteUnknown)
    assert sink.events[1].read_back is None
    assert "may still be carried out" in sink.events[1].reason


async def test_a_part_that_is_taken_is_completed_by_trying_again():
    ending, sink, connector = await written(OTHER, OTHER)
    assert ending is Ending.DONE
    assert connector.written == [NEW, NEW, NEW]
    assert sink.names == ["WriteIntended", "SetpointsWritten"]


async def test_a_part_that_stays_one_is_put_back():
    ending, sink, connector = await written(OTHER, OTHER, OTHER)
    assert ending is Ending.RESTORED
    assert connector.written == [NEW, NEW, NEW, OLD]
    assert sink.events[1] == WriteRestored(
        reactor="R01", turn=3, key="run:R01:3:0", restored=OLD,
        reason="Asked and found: bleed_rate 0.2 and 0.19 1/day.",
    )  # fmt: skip


async def test_a_part_that_cannot_be_put_back_is_named():
    ending, sink, connector = await written(OTHER, OTHER, OTHER, OTHER)
    assert (ending, connector.in_force) == (Ending.PARTIAL, OTHER)
    partial = sink.events[1]
    assert isinstance(partial, WritePartial)
    assert (partial.read_back, dict(partial.failed)) == (OTHER, {"bleed_rate": "0.2 and 0.19 1/day"})


async def test_nothing_is_sent_after_the_deadline():
    ending, sink, connector = await written(OTHER, OTHER, seconds=0.0)
    assert connector.written == []
    assert ending is Ending.REFUSED  # it was looked at just before, so what is in force is known
    assert "No time was left" in sink.events[-1].reason


async def test_what_somebody_else_changed_is_not_written_over():
    connector = ScriptedConnector([], setpoints=OTHER)
    ending, sink, _ = await carried_out(connector)
    assert (ending, connector.written) == (Ending.OVERRIDDEN, [])
    assert sink.events[1] == OverrideDetected(
        reactor="R01", turn=3, key="run:R01:3:0", expected=OLD, found=OTHER,
        reason=f"Expected and found: bleed_rate {OLD.bleed_rate:g} and 0.19 1/day.",
    )  # fmt: skip


async def test_what_nobody_ever_said_may_be_anything():
    unsaid = replace(OLD, bleed_rate=float("nan"))
    ending, _, connector = await carried_out(ScriptedConnector([], setpoints=OTHER), expected=unsaid)
    assert (ending, connector.in_force) == (Ending.DONE, NEW)


async def test_a_vessel_that_cannot_be_read_is_not_written():
    connector = ScriptedConnector([])
    connector.in_force = NotConnected("Gone.")
    ending, sink, _ = await carried_out(connector)
    assert (ending, connector.written) == (Ending.REFUSED, [])
    assert sink.names == ["WriteIntended", "ConnectorFailed", "WriteRefused"]
    assert sink.events[2].read_back is None


async def test_a_vessel_that_acknowledges_but_does_not_act_is_found_by_reading_back():
    class Liar(ScriptedConnector):
        async def write_setpoints(self, setpoints):
            self.written.append(setpoints)
            return setpoints

    ending, sink, _ = await carried_out(Liar([]))
    assert ending is Ending.REFUSED
    assert "kept its setpoints" in sink.events[-1].reason


async def test_a_link_that_dies_with_the_write_leaves_it_unknown():
    class Dying(ScriptedConnector):
        async def write_setpoints(self, setpoints):
            self.in_force = NotConnected("Still gone.")
            raise NotConnected("Gone.")

    ending, sink, _ = await carried_out(Dying([]))
    assert ending is Ending.UNKNOWN
    assert [type(e) for e in sink.events] == [WriteIntended, ConnectorFailed, WriteUnknown]
    assert (sink.events[1].reason, sink.events[2].reason) == ("Still gone.", "Gone.")
    assert sink.events[2].read_back is None


async def test_what_the_vessel_does_not_report_is_taken_from_its_acknowledgement():
    class Mute(ScriptedConnector):
        async def read_setpoints(self):
            return replace(self.in_force, agitation=float("nan"))

    ending, sink, _ = await carried_out(Mute([]))
    assert ending is Ending.DONE
    assert sink.events[1].acknowledged == NEW


async def test_a_vessel_that_confirms_later_is_not_read_back_at_once():
    ending, sink, connector = await written(kind=ConnectorKind.REPLAY)
    assert (ending, connector.in_force) == (Ending.DONE, OLD)
    assert sink.names == ["WriteIntended", "SetpointsWritten"]


@pytest.mark.parametrize("ending", list(Ending))
async def test_a_connector_that_reports_is_believed(ending):
    class Reporter(ScriptedConnector):
        last_write = None

        def allow_writing(self, *, who, why):
            raise AssertionError("nobody said so")

        async def write_setpoints(self, setpoints):
            self.last_write = WriteReport(ending=ending, in_force=OTHER, words="It said so.")
            raise WriteRejected("Whatever.")

    found, sink, _ = await carried_out(Reporter([]))
    assert found is ending
    assert sink.events[-1].reason == "It said so."
    names = {
        Ending.DONE: SetpointsWritten, Ending.REFUSED: WriteRefused, Ending.OVERRIDDEN: OverrideDetected,
        Ending.RESTORED: WriteRestored, Ending.PARTIAL: WritePartial, Ending.UNKNOWN: WriteUnknown,
    }  # fmt: skip
    assert type(sink.events[-1]) is names[ending]


@pytest.mark.parametrize(
    ("found", "ending"),
    [
        (replace(NEW, agitation=900.0), Ending.DONE),
        (OLD, Ending.REFUSED),
        (NEW, Ending.PARTIAL),
        (OTHER, Ending.OVERRIDDEN),  # neither what was nor what was asked for: somebody else's
        (replace(OLD, temperature=34.0), Ending.OVERRIDDEN),
        (replace(NEW, agitation=900.0, temperature=34.0), Ending.OVERRIDDEN),
    ],
)
def test_a_write_that_was_cut_short_is_settled_by_what_is_in_force(found, ending):
    intent = WriteIntended(reactor="R01", turn=3, key="k", old=OLD, new=replace(NEW, agitation=900.0))
    assert settled(intent, found).ending is ending


async def test_rounding_in_the_vessel_is_agreement():
    near = replace(NEW, agitation=NEW.agitation * (1 + 5e-7))
    assert (await written(near))[0] is Ending.DONE
    far = replace(NEW, agitation=NEW.agitation * (1 + 1e-4))
    assert (await written(far, far, far))[0] is Ending.RESTORED
