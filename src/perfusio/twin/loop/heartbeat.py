"""Heartbeat: a number that changes every few seconds, by which controllers see that the twin is there."""

from __future__ import annotations

import asyncio

from perfusio.config import Mode
from perfusio.errors import ConnectorError, VesselTaken
from perfusio.events import ConnectorFailed, ConnectorRecovered, OverrideDetected
from perfusio.protocols import BEATS_EVERY_S, Beating, Ending, able
from perfusio.state import Setpoints
from perfusio.twin.loop.side_tasks import Sleep
from perfusio.twin.state.logbook import Logbook
from perfusio.twin.state.modes import Modes

LARGEST_COUNT = 30_000
"""After it the count begins anew: it fits a node of any whole-number type of 16 bits."""


class Pulse:
    """Shows the controllers of vessels that the twin is there: a number that changes every few seconds.

    It stops when the program is dead, hangs or is cut off, and when the run ends. The reaction of a controller is its
    own matter; the twin waits for no answer.

    Args:
        book: State of the run, and its record.
        sleep: Lets time pass; a test can bring its own.
    """

    def __init__(self, book: Logbook, sleep: Sleep = asyncio.sleep) -> None:
        self._book, self._sleep = book, sleep
        self._modes = Modes(book)
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
        if self._modes.base_mode(reactor) is not Mode.AUTOMATIC or reactor in known.pending:
            return
        turn = known.today.turn
        self._book.append(
            OverrideDetected(
                reactor=reactor, turn=turn, key=self._book.key(reactor, turn), expected=self._book.expected(reactor),
                found=Setpoints(panel=known.process), reason=words,
            )
        )  # fmt: skip
        self._modes.write_ended(reactor, turn, Ending.OVERRIDDEN)
