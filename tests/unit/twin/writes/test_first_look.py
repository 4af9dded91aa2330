"""Before anything is written each vessel is ours and has shown what is in force; what differs is somebody else's."""

from dataclasses import replace

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode, RunConfig
from perfusio.errors import NotConnected, VesselTaken
from perfusio.events import ModeChanged, SampleRead, SetpointsWritten, WriteIntended
from perfusio.protocols import ConnectorKind
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.verification.verify import read_records
from perfusio.testing import ManualClock, ScriptedConnector, make_state
from perfusio.twin.loop import first_records
from perfusio.twin.state.logbook import Logbook
from perfusio.twin.state.modes import Modes
from perfusio.twin.timeouts import DAILY
from perfusio.twin.vessels import Vessel
from perfusio.twin.writes.first_look import FirstLook

SPACE = DEFAULT_AMBR250_DESIGN_SPACE
NOMINAL = SPACE.nominal
BY_HAND = replace(NOMINAL, temperature=35.5)


@pytest.fixture
def make(tmp_path):
    """A first look at one vessel, with its logbook; `mode` is that of the vessel."""
    logs = []

    def first_look(connector, mode=Mode.AUTOMATIC):
        config = RunConfig(duration_days=2, run_dir=tmp_path, mode=mode)
        book = Logbook(config, SPACE, {"R01": Vessel(connector=connector)})
        logs.append(AuditLogger(tmp_path / "audit.jsonl"))
        book.sink = logs[-1]
        book.append(first_records.started(config, SPACE, {"R01": mode}, {"R01": {"kind": connector.kind.value}}))
        return FirstLook(book, DAILY, ManualClock()), book

    yield first_look
    for log in logs:
        log.close()


def told(book):
    return [r.event for r in read_records(book.sink.path)][1:]


def sampled(book, in_force=NOMINAL):
    book.append(SampleRead(reactor="R01", turn=0, state=make_state(), in_force=in_force, next_in_force=in_force))


def written(book, asked):
    book.append(WriteIntended(reactor="R01", turn=0, key="k", old=NOMINAL, new=asked))
    book.append(SetpointsWritten(reactor="R01", turn=0, key="k", asked=asked, acknowledged=asked))


async def test_a_new_run_begins_from_what_is_found_and_not_from_what_is_nominal(make):
    looks, book = make(ScriptedConnector([], setpoints=BY_HAND, kind=ConnectorKind.HARDWARE))
    assert "has not shown what is in force" not in await looks.not_ready("R01", 0)  # it was looked at
    assert told(book) == ["SetpointsFound"]
    assert book.run_state.in_force["R01"] == BY_HAND
    await looks.settle(1)
    assert told(book) == ["SetpointsFound"]


async def test_a_vessel_that_cannot_be_read_is_not_ready_until_it_can(make):
    connector = ScriptedConnector([])
    connector.in_force = NotConnected("Gone.")
    looks, book = make(connector)
    for turn in (0, 1):
        await looks.settle(turn)
        assert "has not shown what is in force" in await looks.not_ready("R01", turn)
    assert told(book) == ["ConnectorFailed"]  # said once
    connector.in_force = NOMINAL
    await looks.settle(1)
    assert await looks.not_ready("R01", 1) == ""
    assert told(book) == ["ConnectorFailed", "SetpointsFound"]


@pytest.mark.parametrize(
    ("mode", "has_written", "is_override"),
    [
        (Mode.AUTOMATIC, True, True),
        (Mode.AUTOMATIC, False, True),  # it was known, and may be written over today
        (Mode.ADVISORY, True, True),
        (Mode.ADVISORY, False, False),  # people carry out advice by hand
        (Mode.HOLD, True, False),  # a person holds it, and does with it what they want
        (Mode.MANUAL, False, False),
    ],
)
async def test_what_differs_from_what_we_left_is_somebody_elses_where_we_write(make, mode, has_written, is_override):
    looks, book = make(ScriptedConnector([], setpoints=BY_HAND), mode)
    sampled(book)
    if has_written:
        written(book, NOMINAL)
    await looks.settle(0)
    assert ("OverrideDetected" in told(book)) is is_override
    assert "SetpointsFound" in told(book)
    assert book.run_state.in_force["R01"] == BY_HAND
    assert not is_override or Modes(book).base_mode("R01") is Mode.ADVISORY


async def test_a_write_that_was_cut_short_is_settled_before_the_look(make):
    looks, book = make(ScriptedConnector([], setpoints=replace(NOMINAL, bleed_rate=0.2)))
    sampled(book)
    book.append(WriteIntended(reactor="R01", turn=0, key="k", old=NOMINAL, new=replace(NOMINAL, bleed_rate=0.2)))
    await looks.settle(0)
    assert told(book)[-2:] == ["SetpointsWritten", "SetpointsFound"]


async def test_what_a_person_left_in_a_vessel_that_they_released_is_looked_at_anew(make):
    connector = ScriptedConnector([])
    looks, book = make(connector)
    await looks.settle(0)
    sampled(book)
    connector.in_force = BY_HAND
    book.append(ModeChanged(reactor="R01", turn=0, before="hold", mode="automatic", who="A. Smith"))
    assert "the next decision counts from it" in await looks.not_ready("R01", 0)
    assert "OverrideDetected" not in told(book)
    assert book.run_state.in_force["R01"] == BY_HAND


class AckedTable(ScriptedConnector):
    """A controller that confirms at once, and shows a person's change with a sample only."""

    shows_at_once, is_fresh = False, True


async def test_where_only_samples_show_it_the_first_one_is_waited_for(make):
    connector = AckedTable([], kind=ConnectorKind.HARDWARE)
    looks, book = make(connector)
    await looks.settle(0)
    assert told(book) == []
    assert "has not shown what is in force" in await looks.not_ready("R01", 0)
    sampled(book)
    assert await looks.not_ready("R01", 0) == ""


async def test_after_a_restart_a_sample_that_had_waited_does_not_show_it(make):
    connector = AckedTable([], kind=ConnectorKind.HARDWARE)
    connector.is_fresh = False
    looks, book = make(connector)
    book._goes_on = True
    sampled(book)
    assert "has not shown what is in force" in await looks.not_ready("R01", 0)
    connector.is_fresh = True
    sampled(book)
    assert await looks.not_ready("R01", 0) == ""


async def test_a_vessel_that_another_twin_has_is_neither_looked_at_nor_written_to(make):
    class Taken(ScriptedConnector):
        async def take(self, holder):
            raise VesselTaken("It is written by another.")

        async def give_back(self):
            raise AssertionError("it was never ours")

    looks, book = make(Taken([], kind=ConnectorKind.HARDWARE))
    with pytest.raises(VesselTaken):
        await looks.take_vessels()
    await looks.settle(0)
    assert await looks.not_ready("R01", 0) == "It is written by another."
    assert told(book) == ["ConnectorFailed"]


async def test_a_look_that_is_under_way_as_the_program_ends_takes_no_vessel_again(make):
    class Leasable(ScriptedConnector):
        holder = None

        async def take(self, holder):
            self.holder = holder

        async def give_back(self):
            self.holder = None

    vessel = Leasable([], kind=ConnectorKind.HARDWARE)
    looks, _ = make(vessel)
    await looks.take_vessels()
    assert vessel.holder is not None
    await looks.give_vessels_back()
    assert "given back" in await looks.not_ready("R01", 0)
    assert vessel.holder is None
