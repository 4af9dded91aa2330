"""Beside the turns of the loop: a heartbeat for controllers, and deliveries on record."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from perfusio.config import Mode
from perfusio.errors import ConnectorError, VesselTaken
from perfusio.events import ConnectorFailed, ConnectorRecovered, OverrideDetected
from perfusio.protocols import BEATS_EVERY_S, Beating, Ending, able
from perfusio.state import Setpoints
from perfusio.twin.announce import Delivers, Observer
from perfusio.twin.logbook import Logbook

ASKS_EVERY_S = 0.5
LARGEST_COUNT = 30_000
"""After it the count begins anew: it fits a node of any whole-number type of 16 bits."""
Sleep = Callable[[float], Awaitable[object]]
T = TypeVar("T")


class Pulse:
    """Shows the controllers of vessels that the twin is there: a number that changes every few seconds.

    It stops when the program is dead, hangs or is cut off, and when the run ends. What a controller then does is its
    own matter; the twin waits for no answer.

    Args:
        book: What is known, and the record.
        sleep: Lets time pass; a test can bring its own.
    """

    def __init__(self, book: Logbook, sleep: Sleep = asyncio.sleep) -> None:
        self._book, self._sleep = book, sleep
        self._n_failed: dict[str, int] = {}  # beats in a row

    async def keep_on(self) -> None:
        """Beat for ever; cancel it to stop.

        Raises:
            AuditError: that a heartbeat failed could not be put on record.
        """
        count = 0
        while True:
            count = count % LARGEST_COUNT + 1
            await asyncio.gather(*(self._beat(reactor, count) for reactor in sorted(self._book.aboard)))
            await self._sleep(BEATS_EVERY_S)

    async def _beat(self, reactor: str, count: int) -> None:
        beating = able(self._book.vessels[reactor].connector, Beating)
        if beating is None or not beating.is_watched:
            return
        try:
            await asyncio.wait_for(beating.beat(count), BEATS_EVERY_S)
        except VesselTaken as error:
            self._give_way(reactor, str(error))
        except Exception as error:  # noqa: BLE001 - a heartbeat that fails costs neither the run nor a sample
            self._n_failed[reactor] = self._n_failed.get(reactor, 0) + 1
            if self._n_failed[reactor] == 1:  # said once, until it beats again
                words = str(error) if isinstance(error, ConnectorError) else f"{type(error).__name__}: {error}"
                turn = self._book.run_state.today.turn
                self._book.append(ConnectorFailed(reactor=reactor, turn=turn, operation="heartbeat", reason=words))
        else:
            if seconds := BEATS_EVERY_S * self._n_failed.pop(reactor, 0):
                turn, words = self._book.run_state.today.turn, f"The heartbeat is back, after {seconds:g} s."
                self._book.append(
                    ConnectorRecovered(
                        reactor=reactor, turn=turn, operation="heartbeat", seconds=seconds, reason=words
                    )
                )  # fmt: skip

    def _give_way(self, reactor: str, words: str) -> None:
        """Another twin is at the vessel: nothing more is written to it until a person says which one stays."""
        known = self._book.run_state
        if self._book.base_mode(reactor) is not Mode.AUTOMATIC or reactor in known.pending:
            return
        turn = known.today.turn
        self._book.append(
            OverrideDetected(
                reactor=reactor, turn=turn, key=self._book.key(reactor, turn), expected=self._book.expected(reactor),
                found=Setpoints(panel=known.process), reason=words,
            )
        )  # fmt: skip
        self._book.write_ended(reactor, turn, Ending.OVERRIDDEN)


class Deliveries:
    """Puts on record what observers have delivered to people, or could not.

    Args:
        book: The record.
        observers: Of the run.
        sleep: Lets time pass.
    """

    def __init__(self, book: Logbook, observers: Iterable[Observer], sleep: Sleep = asyncio.sleep) -> None:
        self._book, self._sleep = book, sleep
        self._tellers = [o for o in observers if isinstance(o, Delivers)]

    async def keep_on(self) -> None:
        """Ask for ever; cancel it to stop.

        Raises:
            AuditError: news could not be put on record.
        """
        while True:
            self.note()
            await self._sleep(ASKS_EVERY_S)

    def note(self) -> None:
        """Put on record what is new."""
        for teller in self._tellers:
            for event in teller.news():
                self._book.append(event)


async def meanwhile(main: Awaitable[T], beside: asyncio.Future[None]) -> T:
    """Return what the main work returns; what goes on beside it ends only if it fails, and then ends both."""
    task = asyncio.ensure_future(main)
    both: set[asyncio.Future[Any]] = {task, beside}
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            beside.result()
        return await task
    finally:
        task.cancel()


async def together(*works: Callable[[], Awaitable[None]]) -> None:
    """Let works that never end go on side by side, until one fails or this is cancelled."""
    tasks: list[asyncio.Future[Any]] = [asyncio.ensure_future(work()) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
