"""Beside the turns of the loop: a heartbeat for controllers, samples that are overdue, and deliveries on record."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from perfusio.errors import ConnectorError
from perfusio.events import AlarmChanged, ConnectorFailed
from perfusio.protocols import Beating
from perfusio.twin.alarms import OVERDUE, overdue
from perfusio.twin.announce import Delivers, Observer
from perfusio.twin.logbook import Logbook
from perfusio.twin.pace import Pace

BEATS_EVERY_S = 10.0
ASKS_EVERY_S = 0.5
LOOKS_EVERY_S = 60.0
LATE_AFTER_H = 2.0
"""A sample that comes so much later than expected is no reason to call anybody [h]."""
LARGEST_COUNT = 30_000
"""After it the count begins anew: it fits a node of any whole-number type of 16 bits."""
Sleep = Callable[[float], Awaitable[object]]


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
        self._failing: set[str] = set()

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
        connector = self._book.vessels[reactor].connector
        if not isinstance(connector, Beating) or not connector.is_watched:
            return
        try:
            await asyncio.wait_for(connector.beat(count), BEATS_EVERY_S)
        except Exception as error:  # noqa: BLE001 - a heartbeat that fails costs neither the run nor a sample
            if reactor not in self._failing:  # said once, until it beats again
                self._failing.add(reactor)
                words = str(error) if isinstance(error, ConnectorError) else f"{type(error).__name__}: {error}"
                turn = self._book.run_state.today.turn
                self._book.append(ConnectorFailed(reactor=reactor, turn=turn, operation="heartbeat", reason=words))
        else:
            self._failing.discard(reactor)


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


class Overdue:
    """Raises an alarm when the sample of a vessel, and with it a decision, does not come when it is due.

    A turn of the loop can wait for a sample for ever; this looks at the clock meanwhile. Replays and simulations never
    are so slow.

    Args:
        book: What is known, and the record.
        pace: How long each vessel has been silent.
        sleep: Lets time pass.
    """

    def __init__(self, book: Logbook, pace: Pace, sleep: Sleep = asyncio.sleep) -> None:
        self._book, self._pace, self._sleep = book, pace, sleep

    async def keep_on(self) -> None:
        """Look for ever; cancel it to stop.

        Raises:
            AuditError: an alarm could not be put on record.
        """
        while True:
            for reactor in sorted(self._book.aboard):
                self._look(reactor)
            await self._sleep(LOOKS_EVERY_S)

    def _look(self, reactor: str) -> None:
        known, hours = self._book.run_state, self._book.config.sampling_interval_hours
        silent_h, is_told = self._pace.silent_h(reactor), (reactor, OVERDUE, "act") in known.alarms
        is_late = silent_h > hours + LATE_AFTER_H
        if is_late and not is_told:
            self._book.append(overdue(silent_h, hours, reactor=reactor, turn=known.today.turn))
        elif is_told and not is_late:
            self._book.append(
                AlarmChanged(reactor=reactor, turn=known.today.turn, alarm=f"{OVERDUE}:act", status="cleared")
            )


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
