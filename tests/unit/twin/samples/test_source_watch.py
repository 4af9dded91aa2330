"""What is waited for is said; what does not come is on record and alarmed, once each, until it comes."""

import asyncio

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, RunConfig
from perfusio.errors import NotConnected
from perfusio.protocols import ConnectorKind
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.verification.verify import read_records
from perfusio.testing import ManualClock, ScriptedConnector, in_virtual_time, make_state
from perfusio.twin.loop.first_records import started
from perfusio.twin.loop.side_tasks import meanwhile
from perfusio.twin.samples.inbox import Inbox
from perfusio.twin.samples.sampling_schedule import SamplingSchedule
from perfusio.twin.samples.source_watch import SourceWatch, in_hours
from perfusio.twin.state.logbook import Logbook
from perfusio.twin.state.modes import Modes
from perfusio.twin.vessels import Vessel

HOUR = 3600.0


class Timed(ScriptedConnector):
    """A live vessel: each step of its script comes after so many seconds."""

    def __init__(self, clock, *steps):
        super().__init__([step for _, step in steps], kind=ConnectorKind.HARDWARE)
        self.clock, self.pauses = clock, iter([s for s, _ in steps])

    async def read_sample(self):
        await self.clock.sleep(next(self.pauses))
        return await super().read_sample()


class Watched:
    """An inbox that is watched, on a record of its own."""

    def __init__(self, folder, clock, **vessels):
        config = RunConfig(duration_days=9, run_dir=folder)
        aboard = {r: Vessel(connector=c) for r, c in vessels.items()}
        self.book = Logbook(config, DEFAULT_AMBR250_DESIGN_SPACE, aboard)
        self.pace, self.clock = SamplingSchedule(clock, 24.0), clock
        self.watch = SourceWatch(self.book, self.pace, clock)
        self.inbox = Inbox(vessels, 24.0, pace=self.pace, clock=clock, troubles=self.watch)
        self.sources = {r: {"kind": "hardware"} for r in vessels}

    def turns(self, n):
        """Read so many turns; return the events, as (class, turn, reason)."""

        async def read():
            for turn in range(n):
                self.book.turn_to(turn)
                for reactor, arrived in (await self.inbox.gather(turn)).items():
                    for arrival in arrived:
                        self.pace.begins(reactor, turn, hour=arrival.sample.time_h)

        async def main():
            watching = asyncio.ensure_future(self.watch.keep_on(self.inbox))
            try:
                await meanwhile(read(), watching)
            finally:
                watching.cancel()

        path = self.book.config.run_dir / "audit.jsonl"
        with AuditLogger(path, clock=self.clock) as log:
            self.book.sink = log
            modes = {r: Modes(self.book).base_mode(r) for r in self.sources}
            self.book.append(started(self.book.config, self.book.design_space, modes, self.sources))
            in_virtual_time(main(), self.clock)
        return [r.to_event() for r in read_records(path)][1:]


@pytest.fixture
def clock():
    return ManualClock()


def names(events):
    return [type(e).__name__ for e in events]


def test_a_link_that_is_down_for_two_hours_is_one_failure_one_alarm_and_one_recovery(tmp_path, clock):
    down = [(0, NotConnected("The link is down."))] * 125
    vessel = Timed(clock, (0, make_state(day=0)), *down, (0, make_state(day=1)))
    events = Watched(tmp_path, clock, R01=vessel).turns(2)
    assert names(events) == ["ConnectorFailed", "WaitBegan", "AlarmRaised", "ConnectorRecovered", "AlarmChanged"]
    failed, _, raised, recovered, cleared = events
    assert failed.reason == "The link is down. It is tried again for as long as the turn lasts."
    assert (raised.quantity, raised.level) == ("source", "act")
    assert "could not be read for 15 min" in raised.reason
    assert 119 * 60 <= recovered.seconds <= 125 * 60
    assert recovered.reason == f"R01 can be read again, after {in_hours(recovered.seconds)}."
    assert (cleared.alarm, cleared.status) == ("source:act", "cleared")


def test_a_sample_that_is_late_is_an_alarm_and_after_a_day_a_graver_one(tmp_path, clock):
    vessel = Timed(clock, (0, make_state(day=0)), (60 * HOUR, make_state(day=1)), (0, make_state(day=2)))
    events = [e for e in Watched(tmp_path, clock, R01=vessel).turns(3) if type(e).__name__ != "WaitBegan"]
    alarms = [(e.level, e.turn) if type(e).__name__ == "AlarmRaised" else (e.alarm, e.status) for e in events]
    assert alarms == [("act", 1), ("escalated", 2), ("sample:act", "cleared")]
    first = events[0].reason
    assert first.startswith("No sample of R01 since 2026-01-05 08:00 UTC, 26.0 h ago, expected every 24 h")
    assert "Run the vessel by hand" in events[1].response


def test_a_wait_of_more_than_a_minute_is_said_once_with_since_when_and_until_when(tmp_path, clock):
    vessel = Timed(clock, (0, make_state(day=4)), (24 * HOUR, make_state(day=5)), (30.0, make_state(day=6)))
    (said,) = [e for e in Watched(tmp_path, clock, R01=vessel).turns(2) if type(e).__name__ == "WaitBegan"]
    assert said.reactors == ("R01",)
    assert (said.since, said.due, said.until) == (
        "2026-01-05T08:00:00Z", "2026-01-06T08:00:00Z", "2026-01-07T08:00:00Z",
    )  # fmt: skip


def test_vessels_that_wait_alike_are_said_together(tmp_path, clock):
    vessels = {
        f"R{i:02d}": Timed(clock, (0, make_state(day=0)), (24 * HOUR, make_state(day=1))) for i in range(1, 8)
    }
    (said,) = [e for e in Watched(tmp_path, clock, **vessels).turns(2) if type(e).__name__ == "WaitBegan"]
    assert said.reactor is None
    assert len(said.reactors) == 7
    assert "of 7 vessels since 2026-01-05 08:00 UTC" in said.reason


@pytest.mark.parametrize(
    ("seconds", "words"), [(40.0, "40 s"), (720.0, "12 min"), (5400.0, "1.5 h"), (26 * HOUR, "26 h")]
)
def test_times_are_said_as_people_do(seconds, words):
    assert in_hours(seconds) == words
