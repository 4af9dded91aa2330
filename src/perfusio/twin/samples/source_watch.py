"""Waits, and samples that do not come: said, put on record, and alarmed, while the loop goes on waiting.

A read that fails is on record when it begins and when it is over, and is an alarm once it lasts. A sample that is late
is an alarm after two hours and a graver one after a day: the process keeps waiting for it. A wait of more than a minute
is said: its sample, since when, until when.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from perfusio.clock import Clock
from perfusio.events import AlarmChanged, ConnectorFailed, ConnectorRecovered, WaitBegan
from perfusio.record.run_state import READ
from perfusio.twin.alarms.levels import OVERDUE, SOURCE, overdue, unreadable
from perfusio.twin.samples.inbox import Inbox
from perfusio.twin.samples.sampling_schedule import SamplingSchedule, Wait
from perfusio.twin.state.logbook import Logbook

LOOKS_EVERY_S = 15.0
SAID_AFTER_S = 60.0
"""A wait that is longer is said [s]."""
LATE_AFTER_H = 2.0
"""A sample that comes so much later than expected is no reason to call anybody [h]."""
GRAVE_AFTER_H = 24.0
"""One that is so late needs somebody who was not there at first [h]."""
ALARM_AFTER_S = 900.0
"""A source that could not be read for so long needs a person [s]."""


class SourceWatch:
    """Watches over the samples of all vessels.

    Args:
        book: State of the run, and its record.
        pace: When samples are due.
        clock: Of the run.
    """

    def __init__(self, book: Logbook, pace: SamplingSchedule, clock: Clock) -> None:
        self._book, self._pace, self._clock = book, pace, clock
        self._said: set[tuple[str, int]] = set()

    # -- how reading goes ----------------------------------------------------------------------------------------------

    def failed(self, reactor: str, operation: str, reason: str) -> None:
        """Put on record that a vessel cannot be read now; before there is a record, say it."""
        words = f"{reason} It is tried again for as long as the turn lasts." if operation == READ else reason
        event = ConnectorFailed(reactor=reactor, turn=self._turn, operation=operation, reason=words)
        if self._book.is_open:
            self._book.append(event)
        else:
            self._book.tell(event)

    def recovered(self, reactor: str, seconds: float) -> None:
        """Put on record that a vessel can be read again, and end the alarm about it; before there is one, say it."""
        words = f"{reactor} can be read again, after {in_hours(seconds)}."
        event = ConnectorRecovered(reactor=reactor, turn=self._turn, operation=READ, seconds=seconds, reason=words)
        if not self._book.is_open:
            self._book.tell(event)
            return
        self._book.append(event)
        self._clear(reactor, SOURCE, "act")

    # -- looking -------------------------------------------------------------------------------------------------------

    async def keep_on(self, inbox: Inbox) -> None:
        """Look for ever; cancel it to stop.

        Raises:
            AuditError: an alarm could not be put on record.
        """
        while True:
            self.look(inbox)
            await self._clock.sleep(LOOKS_EVERY_S)

    def look(self, inbox: Inbox) -> None:
        """Say the waits, and raise and clear alarms."""
        self._say(inbox.waits())
        if not self._book.is_open:
            return
        inbox.note_if_well()
        for reactor, seconds in inbox.failing_s().items():
            if seconds >= ALARM_AFTER_S and not self._is_active(reactor, SOURCE, "act"):
                self._book.append(unreadable(in_hours(seconds), reactor=reactor, turn=self._turn))
        for reactor in sorted(self._book.aboard):
            self._look_at_the_clock(reactor)

    def _look_at_the_clock(self, reactor: str) -> None:
        hours, silent_h = self._book.config.sampling_interval_hours, self._pace.silent_h(reactor)
        late_h = silent_h - hours
        level = "escalated" if late_h > GRAVE_AFTER_H else "act" if late_h > LATE_AFTER_H else ""
        since = self._pace.heard(reactor) if level and not self._is_active(reactor, OVERDUE, level) else None
        if since is not None:
            self._book.append(overdue(level, silent_h, since, hours, reactor=reactor, turn=self._turn))
        for other in {"act", "escalated"} - {level}:
            self._clear(reactor, OVERDUE, other)

    def _say(self, waits: Mapping[str, Wait]) -> None:
        """Say which samples have been waited for longer than a minute, vessels that wait alike together."""
        now, alike = self._clock.monotonic_ns(), dict[tuple[str, WaitBegan], list[str]]()
        for reactor, wait in waits.items():
            if (reactor, wait.turn) in self._said or now - wait.since_ns < SAID_AFTER_S * 1e9:
                continue
            self._said = {s for s in self._said if s[0] != reactor} | {(reactor, wait.turn)}
            alike.setdefault(self._in_words(reactor, wait), []).append(reactor)
        for (words, event), reactors in alike.items():
            named = f"{', '.join(reactors)}" if len(reactors) < 6 else f"{len(reactors)} vessels"
            told = WaitBegan(
                reactor=reactors[0] if len(reactors) == 1 else None, turn=event.turn, reactors=tuple(reactors),
                since=event.since, due=event.due, until=event.until, reason=words.replace("{}", named),
            )  # fmt: skip
            if self._book.is_open:
                self._book.append(told)
            else:
                self._book.tell(told)

    def _in_words(self, reactor: str, wait: Wait) -> tuple[str, WaitBegan]:
        since = self._time_of(wait.since_ns)
        due_s, until = self._pace.left_s(reactor, wait.turn), self._time_of(wait.until_ns)
        due = None if due_s is None else self._clock.now() + timedelta(seconds=due_s)
        day = self._book.expected_day(reactor, wait.turn)
        words = f"Waiting for the {'first sample' if day is None else f'sample of culture day {day:.4g}'} of {{}}"
        words += f" since {_at(since)}" + (f"; due {_at(due)}" if due else "")
        words += f"; counted as missing at {_at(until)}." if until else "."
        asked = WaitBegan(turn=wait.turn, reactors=(), since=_iso(since), due=_iso(due), until=_iso(until))
        return words, asked

    def _time_of(self, monotonic_ns: int | None) -> datetime | None:
        if monotonic_ns is None:
            return None
        return self._clock.now() + timedelta(seconds=(monotonic_ns - self._clock.monotonic_ns()) / 1e9)

    # -- alarms --------------------------------------------------------------------------------------------------------

    @property
    def _turn(self) -> int:
        return self._book.run_state.today.turn

    def _is_active(self, reactor: str, quantity: str, level: str) -> bool:
        return (reactor, quantity, level) in self._book.run_state.alarms

    def _clear(self, reactor: str, quantity: str, level: str) -> None:
        if self._is_active(reactor, quantity, level):
            self._book.append(
                AlarmChanged(reactor=reactor, turn=self._turn, alarm=f"{quantity}:{level}", status="cleared")
            )


def in_hours(seconds: float) -> str:
    """Return a time as a person says it: ``"40 s"``, ``"12 min"``, ``"26 h"``."""
    if seconds < 90.0:
        return f"{seconds:.0f} s"
    return f"{seconds / 60.0:.0f} min" if seconds < 5400.0 else f"{seconds / 3600.0:.3g} h"


def _at(when: datetime | None) -> str:
    return "" if when is None else f"{when:%Y-%m-%d %H:%M} UTC"


def _iso(when: datetime | None) -> str:
    return "" if when is None else f"{when:%Y-%m-%dT%H:%M:%SZ}"
