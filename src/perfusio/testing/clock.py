"""A clock that only moves when told to, so that no test waits and none depends on the machine's speed.

`ManualClock.advance` moves it; `in_virtual_time` moves it by itself, to the next moment that somebody waits for,
whenever there is nothing else to do: weeks of a run pass in a second, in the same order each time.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from math import ceil
from typing import Any, TypeVar

from perfusio.errors import ConfigError

T = TypeVar("T")
_START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


class ManualClock:
    """A Clock turned by hand: `sleep` returns once somebody has let the time pass."""

    def __init__(self, start: datetime = _START) -> None:
        """Start at `start` (aware); the monotonic count starts at zero."""
        if start.tzinfo is None:
            raise ConfigError(f"ManualClock needs an aware start time, found {start!r}. Add tzinfo=UTC.")
        self._now = start.astimezone(UTC)
        self._monotonic_ns = 0
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._number = count()

    def now(self) -> datetime:
        """Return the wall time that was set, in UTC."""
        return self._now

    def monotonic_ns(self) -> int:
        """Return the nanoseconds advanced so far."""
        return self._monotonic_ns

    def advance(self, *, hours: float = 0.0, seconds: float = 0.0) -> None:
        """Let time pass: wall and monotonic clock move together [h, s]; who slept until then is woken."""
        passed = timedelta(hours=hours, seconds=seconds)
        if passed < timedelta(0):
            raise ConfigError(f"Time does not pass backwards (found {passed}). Use step() to set the wall clock back.")
        self._now += passed
        self._monotonic_ns += int(passed / timedelta(microseconds=1)) * 1000
        while self._sleepers and self._sleepers[0][0] <= self._monotonic_ns:
            _, _, sleeper = heappop(self._sleepers)
            if not sleeper.done():
                sleeper.set_result(None)

    def step(self, *, seconds: float) -> None:
        """Set the wall clock forward or back [s], as a time server does; the monotonic clock stays."""
        self._now += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        """Return once the clock was advanced by so much [s]."""
        until = self._monotonic_ns + max(0, ceil(seconds * 1e6)) * 1000  # never too early: who asks again must get on
        if until <= self._monotonic_ns:
            await asyncio.sleep(0)
            return
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self._sleepers, (until, next(self._number), sleeper))
        await sleeper

    def advance_to_next(self) -> bool:
        """Move to the next moment that somebody sleeps until; return whether anybody does."""
        while self._sleepers and self._sleepers[0][2].done():
            heappop(self._sleepers)
        if not self._sleepers:
            return False
        self.advance(seconds=(self._sleepers[0][0] - self._monotonic_ns) / 1e9)
        return True


def in_virtual_time(main: Coroutine[Any, Any, T], clock: ManualClock) -> T:
    """Run a coroutine in an event loop of its own that lets the clock move whenever nothing else can happen.

    Threads that work for the loop (`run_in_executor`) are waited for. Real timers go on as they are: a task that waits
    on `asyncio.sleep` waits in real time, during which the clock may move far.
    """
    with asyncio.Runner(loop_factory=lambda: _VirtualLoop(clock)) as runner:
        return runner.run(main)


class _VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that moves a clock instead of waiting."""

    def __init__(self, clock: ManualClock) -> None:
        self.n_working = 0
        super().__init__(_IdleSelector(self, clock))

    def run_in_executor(self, executor: Executor | None, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        """Count the work of threads."""
        self.n_working += 1
        work: asyncio.Future[T] = super().run_in_executor(executor, func, *args)
        work.add_done_callback(self._worked)
        return work

    def _worked(self, _: object) -> None:
        self.n_working -= 1


class _IdleSelector(selectors.DefaultSelector):
    """Asked to wait with nothing else to do, it moves the clock."""

    def __init__(self, loop: _VirtualLoop, clock: ManualClock) -> None:
        super().__init__()
        self._loop, self._clock = loop, clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return ready tasks; with nothing ready and no thread at work, let the next sleeper wake."""
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if not self._loop.n_working and self._clock.advance_to_next():
            return []
        return super().select(timeout)
