"""Ending: a run ends by itself, by the word of a person, or is cut short; each is on record."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any

from perfusio.errors import AuditError, PerfusioError
from perfusio.events import RunEnded, RunInterrupted
from perfusio.twin.loop.deliveries import Deliveries
from perfusio.twin.outcome import Outcome, ended_by
from perfusio.twin.state.logbook import Logbook
from perfusio.twin.writes.write_dispatcher import Hands


class GivenBack(PerfusioError):
    """A program that stood in for the twin has ended so that the twin can go on with the run."""


class RunEnding:
    """Knows whether a person wants the run to end, and puts its end on record.

    Args:
        book: State of the run, and its record.
        hands: Writes; a run does not end while one is under way.
        deliveries: To people, noted before the end.
    """

    def __init__(self, book: Logbook, hands: Hands, deliveries: Deliveries) -> None:
        self._book, self._hands, self._deliveries = book, hands, deliveries
        self._stop_asked, self._stopped_because = asyncio.Event(), ""
        self._is_given_back = False

    def stop(self, who: str, why: str) -> None:
        """End the run by the word of a person, once no write is under way."""
        self._stopped_because = ended_by(who, why)
        self._stop_asked.set()

    def give_back(self) -> None:
        """End this program, not the run, once no write is under way: the twin goes on with it."""
        self._is_given_back = True
        self._stop_asked.set()

    async def until_stopped(self, loop: Awaitable[Outcome]) -> Outcome:
        """Return how the loop ended, or that a person stopped it.

        Raises:
            GivenBack: the twin goes on with the run.
        """
        turns, stop = asyncio.ensure_future(loop), asyncio.ensure_future(self._stop_asked.wait())
        both: set[asyncio.Future[Any]] = {turns, stop}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            await self._hands.quiet()  # of what a person has approved, too
            if self._is_given_back and not turns.done():
                raise GivenBack("The vessels are given back to the twin, which goes on with the run.")
            return turns.result() if turns.done() else Outcome.STOPPED
        finally:
            turns.cancel()
            stop.cancel()

    def end(self, outcome: Outcome) -> None:
        """Put the end of the run on record.

        Raises:
            AuditError: it could not be.
        """
        self._deliveries.note()
        known = self._book.run_state
        self._book.append(
            RunEnded(
                outcome=outcome.name, n_samples=known.n_samples, n_decisions=known.n_decisions,
                reason=self._stopped_because if outcome is Outcome.STOPPED else outcome.value,
            )
        )  # fmt: skip

    def interrupted(self, why: str) -> None:
        """Say on record, if that can be done, that the program ends before the run; it goes on as from a kill."""
        words = f"{why} Nothing more is written to any vessel; the run can go on: perfusio resume."
        with suppress(AuditError):
            self._deliveries.note()
            self._book.append(RunInterrupted(turn=self._book.run_state.today.turn, reason=words))
