"""A clock that only moves when told to, so that no test waits and none depends on the machine's speed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from perfusio.errors import ConfigError

_START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


class ManualClock:
    """A Clock turned by hand; `sleep` can stand in for `asyncio.sleep`."""

    def __init__(self, start: datetime = _START) -> None:
        """Start at `start` (aware); the monotonic count starts at zero."""
        if start.tzinfo is None:
            raise ConfigError(f"ManualClock needs an aware start time, found {start!r}. Add tzinfo=UTC.")
        self._now = start.astimezone(UTC)
        self._monotonic_ns = 0

    def now(self) -> datetime:
        """Return the wall time that was set, in UTC."""
        return self._now

    def monotonic_ns(self) -> int:
        """Return the nanoseconds advanced so far."""
        return self._monotonic_ns

    def advance(self, *, hours: float = 0.0, seconds: float = 0.0) -> None:
        """Let time pass: wall and monotonic clock move together [h, s]."""
        passed = timedelta(hours=hours, seconds=seconds)
        if passed < timedelta(0):
            raise ConfigError(f"Time does not pass backwards (found {passed}). Use step() to set the wall clock back.")
        self._now += passed
        self._monotonic_ns += int(passed / timedelta(microseconds=1)) * 1000

    def step(self, *, seconds: float) -> None:
        """Set the wall clock forward or back [s], as a time server does; the monotonic clock stays."""
        self._now += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        """Return at once, with the clock `seconds` later [s]."""
        self.advance(seconds=seconds)
