"""Time as a part that can be replaced: the twin asks a Clock, tests bring their own."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where wall time and elapsed time come from, and the means to let time pass."""

    def now(self) -> datetime:
        """Return the wall time, aware, in UTC."""
        ...

    def monotonic_ns(self) -> int:
        """Return a count of nanoseconds that never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return once the monotonic count is so much later [s]."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the machine's wall time in UTC."""
        return datetime.now(UTC)

    def monotonic_ns(self) -> int:
        """Return the machine's monotonic clock."""
        return time.monotonic_ns()

    async def sleep(self, seconds: float) -> None:
        """Let so much real time pass [s]."""
        await asyncio.sleep(seconds)
