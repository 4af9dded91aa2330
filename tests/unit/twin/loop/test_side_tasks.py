"""What goes on beside the turns: a heartbeat per vessel, deliveries on record, all of it ending together."""

import asyncio

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode, RunConfig
from perfusio.errors import AuditError, NotConnected, VesselTaken
from perfusio.events import AlarmDelivered, ConnectorFailed, ConnectorRecovered, RunStarted
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.verification.verify import read_records
from perfusio.testing import ScriptedConnector
from perfusio.twin.loop import first_records, heartbeat
from perfusio.twin.loop.deliveries import Deliveries
from perfusio.twin.loop.heartbeat import Pulse
from perfusio.twin.loop.side_tasks import together
from perfusio.twin.state.logbook import Logbook
from perfusio.twin.state.modes import Modes
from perfusio.twin.vessels import Vessel


class Watched(ScriptedConnector):
    """A vessel whose controller watches; `fails` says which beats do."""

    is_watched = True

    def __init__(self, fails=()):
        super().__init__([])
        self.beats, self._fails = [], fails

    async def beat(self, count):
        if count in self._fails:
            raise NotConnected("The link is down.")
        self.beats.append(count)


class Enough(Exception):
    """No more time passes."""


def passing(n):
    """Let time pass `n` times, at once."""
    left = iter(range(n))

    async def sleep(_):
        if next(left, None) is None:
            raise Enough

    return sleep


@pytest.fixture
def book(tmp_path):
    vessels = {"R01": Vessel(connector=Watched(fails={2, 3, 5})), "R02": Vessel(connector=Watched()),
               "R03": Vessel(connector=ScriptedConnector([]))}  # fmt: skip
    book = Logbook(RunConfig(duration_days=2, run_dir=tmp_path), DEFAULT_AMBR250_DESIGN_SPACE, vessels)
    with AuditLogger(tmp_path / "audit.jsonl") as log:
        book.sink = log
        log.append(RunStarted(config={}, versions={}, sources={}))
        yield book


def told(book):
    return [r.to_event() for r in read_records(book.sink.path)][1:]


async def test_the_number_changes_and_a_failure_is_told_once_until_it_beats_again(book):
    with pytest.raises(Enough):
        await Pulse(book, passing(5)).keep_on()
    assert book.vessels["R01"].connector.beats == [1, 4, 6]
    assert book.vessels["R02"].connector.beats == [1, 2, 3, 4, 5, 6]
    failed = [e for e in told(book) if isinstance(e, ConnectorFailed)]
    assert [(e.reactor, e.operation, e.reason) for e in failed] == [("R01", "heartbeat", "The link is down.")] * 2
    assert [(e.reactor, e.seconds) for e in told(book) if isinstance(e, ConnectorRecovered)] == [
        ("R01", 20.0), ("R01", 10.0),
    ]  # fmt: skip


async def test_the_number_fits_sixteen_bits(book, monkeypatch):
    monkeypatch.setattr(heartbeat, "LARGEST_COUNT", 2)
    with pytest.raises(Enough):
        await Pulse(book, passing(4)).keep_on()
    assert book.vessels["R02"].connector.beats == [1, 2, 1, 2, 1]


async def test_a_vessel_that_does_not_answer_holds_up_no_beat_for_ever(book, monkeypatch):
    monkeypatch.setattr(heartbeat, "BEATS_EVERY_S", 0.01)

    async def hangs(count):
        await asyncio.sleep(60)

    book.vessels["R01"].connector.beat = hangs
    with pytest.raises(Enough):
        await Pulse(book, passing(1)).keep_on()
    assert book.vessels["R02"].connector.beats == [1, 2]
    assert [e.operation for e in told(book)] == ["heartbeat"]


class Teller:
    """An observer that has delivered something."""

    def __init__(self, *news):
        self._news = list(news)

    def __call__(self, event):
        """Take an event."""

    def news(self):
        found, self._news = self._news, []
        return found


async def test_what_observers_delivered_is_put_on_record_once(book):
    news = AlarmDelivered(channel="email", subject="[perfusio] R01: glucose act", is_delivered=True, n_tries=1)
    with pytest.raises(Enough):
        await Deliveries(book, [Teller(news), lambda event: None], passing(2)).keep_on()
    assert told(book) == [news]


async def test_one_that_fails_ends_all():
    ended = []

    async def goes_on():
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("other")

    async def fails():
        await asyncio.sleep(0)
        raise AuditError("The disk is full.")

    with pytest.raises(AuditError, match="disk is full"):
        await together(goes_on, fails)
    await asyncio.sleep(0)
    assert ended == ["other"]


async def test_an_observer_with_a_bug_costs_no_run_and_is_told_no_more(book, caplog):
    told_to = []

    def broken(event):
        told_to.append(event)
        raise KeyError("R01")

    good = []
    book._observers = (broken, good.append)
    news = AlarmDelivered(channel="email", subject="x", is_delivered=True, n_tries=1)
    for _ in range(2):
        book.append(news)
    assert (len(told_to), [type(e) for e in good]) == (1, [AlarmDelivered, ConnectorFailed, AlarmDelivered])
    assert "An observer failed on AlarmDelivered" in caplog.text
    assert good[1].reason == "KeyError: 'R01'. function is told no more of this run."


async def test_another_twin_in_the_heartbeat_makes_the_vessel_advisory_with_one_alarm(tmp_path):
    class Shared(Watched):
        async def beat(self, count):
            raise VesselTaken("R01: somebody else counts in its heartbeat.")

    config = RunConfig(duration_days=2, run_dir=tmp_path)
    book = Logbook(config, DEFAULT_AMBR250_DESIGN_SPACE, {"R01": Vessel(connector=Shared())})
    with AuditLogger(tmp_path / "audit.jsonl") as log:
        book.sink = log
        book.append(
            first_records.started(
                config, DEFAULT_AMBR250_DESIGN_SPACE, {"R01": Mode.AUTOMATIC}, {"R01": {"kind": "simulated"}}
            )
        )
        with pytest.raises(Enough):
            await Pulse(book, passing(3)).keep_on()
    events = [r.event for r in read_records(tmp_path / "audit.jsonl")][1:]
    assert events == ["OverrideDetected", "AlarmRaised", "ModeChanged"]
    assert Modes(book).mode("R01") is Mode.ADVISORY
