"""Pace: when the samples of a vessel are due, and which turns have passed, on a clock that nobody can set.

A turn has passed when the sample of the next one is due: at the start of the vessel and so many intervals. When the
vessel started follows from its samples: one that was taken 48 h after the start cannot have come earlier than 48 h
after it, so the sample that came soonest after its own time says best when that was. Time is counted on the machine's
monotonic clock, so that a wall clock that is set, or summer time, changes nothing; only from one program to the next
the wall clock carries it over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from perfusio.clock import Clock

NS_PER_HOUR = 3_600_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A vessel whose sample is waited for.

    Attributes:
        turn: Turn of the sample.
        since_ns: Since when, on the monotonic clock.
        until_ns: When the turn goes on without it; None = not before it comes.
    """

    turn: int
    since_ns: int
    until_ns: int | None


class SamplingSchedule:
    """When each vessel's turns began.

    Args:
        clock: Of the run.
        interval_hours: Between two samples [h].
    """

    def __init__(self, clock: Clock, interval_hours: float) -> None:
        self._clock, self._interval_ns = clock, int(interval_hours * NS_PER_HOUR)
        self._began: dict[str, int] = {}  # when turn 0 was, or would have been
        self._start_h: dict[str, float] = {}  # culture time that belongs to it
        self._heard: dict[str, int] = {}

    def begins(self, reactor: str, turn: int, *, hour: float | None = None, at: datetime | None = None) -> None:
        """Note that a sample of a turn came now, or at a wall time of an earlier program.

        Args:
            reactor: Vessel.
            turn: Turn that the sample belongs to.
            hour: Culture time of the sample [h]; None = that at which the turn's sample was expected.
            at: Wall time at which it came.
        """
        # a wall clock that was set back would have it come in the future
        ago_ns = 0 if at is None else max(0, int((self._clock.now() - at).total_seconds() * 1e9))
        came = self._clock.monotonic_ns() - ago_ns
        self._heard[reactor] = max(came, self._heard.get(reactor, came))
        taken_ns = turn * self._interval_ns
        if hour is not None:
            start_h = self._start_h.setdefault(reactor, hour - turn * self._interval_ns / NS_PER_HOUR)
            taken_ns = int((hour - start_h) * NS_PER_HOUR)
        self._began[reactor] = min(came - taken_ns, self._began.get(reactor, came - taken_ns))

    def silent_h(self, reactor: str) -> float:
        """Return for how long no sample of a vessel has come [h], 0 before the first."""
        heard = self._heard.get(reactor)
        return 0.0 if heard is None else (self._clock.monotonic_ns() - heard) / NS_PER_HOUR

    def heard(self, reactor: str) -> datetime | None:
        """Return the wall time at which the last sample of a vessel came, None before the first."""
        return None if reactor not in self._heard else self._clock.now() - timedelta(hours=self.silent_h(reactor))

    def left_s(self, reactor: str, turn: int) -> float | None:
        """Return how long it is until the sample of a turn is due [s], below 0 if it was; None before the first one."""
        began = self._began.get(reactor)
        return None if began is None else (began + turn * self._interval_ns - self._clock.monotonic_ns()) / 1e9

    def has_passed(self, reactor: str, turn: int) -> bool:
        """Whether the sample after that of this turn is due already."""
        left = self.left_s(reactor, turn + 1)
        return left is not None and left <= 0.0
