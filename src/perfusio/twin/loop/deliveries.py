"""Deliveries: messages that reached people or did not, put on record."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from perfusio.twin.announce import Delivers, Observer
from perfusio.twin.loop.side_tasks import Sleep
from perfusio.twin.state.logbook import Logbook

ASKS_EVERY_S = 0.5


class Deliveries:
    """Puts on record the deliveries of observers to people, and their failures.

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
        """Put news on record."""
        for teller in self._tellers:
            for event in teller.news():
                self._book.append(event)
