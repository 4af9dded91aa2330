"""How long the twin waits for one vessel before it goes on with the others.

A connector owns its pace: a live one waits a day for the next sample, so there is no limit on how long a sample may
take. But once the first vessel of a turn has its sample, the others have `samples_s` to follow, and a call that ought
to be answered at once has `call_s`. Replays and simulations answer long before either, so nothing about them depends
on a clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from perfusio.clock import Clock
from perfusio.errors import NotConnected
from perfusio.process.sound_numbers import LONGEST_WAIT_S, refuse_outside

T = TypeVar("T")
SAMPLES_SHARE = 0.25
"""Of the time between two samples: an analyzer that serves 24 vessels in turn takes hours for one round."""
CALL_SECONDS = 300.0
WRITE_SECONDS = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Time limits of the twin.

    Attributes:
        samples_s: For the other samples of a turn, from the first one on [s].
        call_s: For setpoints to be read or written [s].
        write_s: For a write with all that belongs to it; nothing is sent later [s].
        sleep: Lets time pass; a test can bring its own. The twin takes that of its clock (`on`).
    """

    samples_s: float
    call_s: float = CALL_SECONDS
    write_s: float = WRITE_SECONDS
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep

    def __post_init__(self) -> None:
        """Refuse limits that nothing can keep."""
        for name in ("samples_s", "call_s", "write_s"):
            refuse_outside(name, getattr(self, name), 0.0, LONGEST_WAIT_S, unit="s", above=True)

    @classmethod
    def usual(cls, interval_hours: float) -> Patience:
        """Return the limits for samples that are taken at this interval [h]."""
        return cls(samples_s=SAMPLES_SHARE * 3600.0 * interval_hours)

    def on(self, clock: Clock) -> Patience:
        """Return the same limits, counted on a clock unless they are counted otherwise already."""
        return replace(self, sleep=clock.sleep) if self.sleep is asyncio.sleep else self

    async def answer(self, call: Awaitable[T]) -> T:
        """Wait for a call that ought to be answered at once; one that is not is given up.

        Raises:
            NotConnected: no answer came in time; whether the call took effect is not known.
        """
        task, timer = asyncio.ensure_future(call), asyncio.ensure_future(self.sleep(self.call_s))
        try:
            await asyncio.wait({task, timer}, return_when=asyncio.FIRST_COMPLETED)
            if task.cancelled():
                raise NotConnected("The connector broke the call off itself. Whether it took effect is not known.")
            if task.done():
                return task.result()
        finally:
            timer.cancel()
            give_up(task)
        raise NotConnected(f"No answer within {self.call_s:g} s. Whether the call took effect is not known.")


DAILY = Patience.usual(24.0)


def give_up(task: asyncio.Future[T]) -> None:
    """Cancel a call if it is still open, and never hear of its result."""
    if not task.done():
        task.cancel()
        task.add_done_callback(_heard)


def _heard(task: asyncio.Future[T]) -> None:
    if not task.cancelled():
        task.exception()  # else asyncio complains that nobody asked
