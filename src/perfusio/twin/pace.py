"""Pace: which days of a vessel have passed, on a clock that nobody can set.

A day has passed when the sample of the next one is due. It is counted on the machine's monotonic clock, so that a wall
clock that is set, or summer time, changes nothing; only from one program to the next the wall clock carries it over.
"""

from __future__ import annotations

from datetime import datetime

from perfusio.clock import Clock

NS_PER_HOUR = 3_600_000_000_000


class Pace:
    """When each vessel's days began.

    Args:
        clock: Of the run.
        interval_hours: Between two samples [h].
    """

    def __init__(self, clock: Clock, interval_hours: float) -> None:
        self._clock, self._interval_ns = clock, int(interval_hours * NS_PER_HOUR)
        self._began: dict[str, int] = {}
        self._heard: dict[str, int] = {}

    def begins(self, reactor: str, turn: int, *, at: datetime | None = None) -> None:
        """Note that the sample of a turn came now, or at a wall time of an earlier program.

        Days are counted from the first of these; how long a vessel has been silent, from the last.
        """
        self._heard[reactor] = self._clock.monotonic_ns()
        ago_ns = 0 if at is None else int((self._clock.now() - at).total_seconds() * 1e9)
        self._began.setdefault(reactor, self._clock.monotonic_ns() - ago_ns - turn * self._interval_ns)

    def silent_h(self, reactor: str) -> float:
        """Return for how long no sample of a vessel has come [h], 0 before the first."""
        heard = self._heard.get(reactor)
        return 0.0 if heard is None else (self._clock.monotonic_ns() - heard) / NS_PER_HOUR

    def has_passed(self, reactor: str, turn: int) -> bool:
        """Whether the sample after that of this turn is due already."""
        began = self._began.get(reactor)
        return began is not None and self._clock.monotonic_ns() >= began + (turn + 1) * self._interval_ns
