"""The first look at each vessel: is it ours, which setpoints are in force, and how did writes end that were cut short?

Nothing is written here. The finding is on record before anything else is done to a vessel, and a change that somebody
else has changed meanwhile is not written over.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from socket import gethostname

from perfusio.clock import Clock
from perfusio.config import Mode
from perfusio.errors import NotConnected, VesselTaken
from perfusio.events import ConnectorFailed, OverrideDetected, SetpointsFound, WriteIntended, WriteUnknown
from perfusio.protocols import ConnectorKind, Ending, Holder, Leased, able, resolution_of, shows_at_once
from perfusio.state import Setpoints
from perfusio.twin.processes import numbers
from perfusio.twin.state.logbook import Logbook
from perfusio.twin.state.modes import Modes
from perfusio.twin.timeouts import Patience
from perfusio.twin.writes.actuate import cut_short, ended, settled
from perfusio.verified_write import differences, in_words, unread


class FirstLook:
    """Takes vessels and looks at them, before the hands may write.

    Args:
        book: State of the run, and its record.
        patience: How long a vessel is waited for.
        clock: Of the run.
    """

    def __init__(self, book: Logbook, patience: Patience, clock: Clock) -> None:
        self._book, self._patience = book, patience
        self._modes = Modes(book)
        self._looking: dict[str, asyncio.Lock] = {}
        self._blind: set[str] = set()
        self._taken: set[str] = set()
        self._is_over = False
        now = f"{clock.now():%Y-%m-%d %H:%M} UTC"
        run = str(book.config.run_dir.absolute())
        self._holder = Holder(run=run, pid=os.getpid(), host=gethostname(), since=now)

    async def take_vessels(self) -> None:
        """Take the vessels for this run, those whose connectors can say that they are taken; all of them or none.

        Raises:
            VesselTaken: another twin writes to one of them; the message names it.
        """
        takes = [self._take(reactor) for reactor in sorted(self._book.vessels)]
        failures = [e for e in await asyncio.gather(*takes, return_exceptions=True) if e is not None]
        if failures:
            await self.give_vessels_back()
            self._is_over = False
            raise failures[0]

    async def give_vessels_back(self) -> None:
        """Let another twin have them; a look that is still under way as the program ends does not take one again."""
        self._is_over = True
        for reactor in sorted(self._taken):
            vessel = self._book.vessels.get(reactor)
            leased = able(vessel.connector, Leased) if vessel is not None else None
            if leased is not None:
                with suppress(Exception):  # the program ends, and with it the lease
                    await leased.give_back()
        self._taken.clear()

    async def settle(self, turn: int) -> None:
        """Find out how writes ended that were cut short, and look at every vessel that this program has not seen yet.

        Nothing is written for it. The setpoints found in force are on record before anything else is done to a vessel;
        one that cannot be read is tried again, and not written to until it can.
        """
        looks = [self._look(reactor, turn) for reactor in sorted(self._book.aboard)]
        for error in await asyncio.gather(*looks, return_exceptions=True):
            if error is not None:
                raise error

    async def not_ready(self, reactor: str, turn: int) -> str:
        """Look at a vessel if that is still to be done; return why it cannot be written to now, or nothing."""
        before = self._book.run_state.in_force[reactor]
        if problem := await self._untaken(reactor):
            return problem
        await self._look(reactor, turn)
        if reactor in self._book.run_state.pending:
            return f"How the last write to {reactor} ended is not known yet: nothing more is written until it is."
        if self._book.is_replay(reactor):
            return ""
        if reactor not in self._book.seen:
            return (
                f"{reactor} has not shown what is in force since this program began, or since it was released: nothing "
                "is written to it until it does."
            )
        if differences(before, self._book.run_state.in_force[reactor]):
            return f"Another value than was known is in force in {reactor}: the next decision counts from it."
        return ""

    # -- inside ------------------------------------------------------------------------------------------------------

    async def _take(self, reactor: str) -> None:
        """Take one vessel, if it is written to and its connector can say that it is taken.

        Raises:
            VesselTaken: another twin has it, or may have it, as it was given back.
        """
        if self._is_over:
            raise VesselTaken(f"{reactor} was given back as this program ended.")
        leased = able(self._book.vessels[reactor].connector, Leased)
        if reactor in self._taken or leased is None or self._book.is_replay(reactor):
            return
        with suppress(NotConnected):  # what cannot be reached is not written to; it is taken when it is looked at
            await leased.take(self._holder)
            self._taken.add(reactor)

    async def _look(self, reactor: str, turn: int) -> None:
        """Settle a write that was cut short, and read the setpoints in force if this program has not yet."""
        connector = self._book.vessels[reactor].connector
        if problem := await self._untaken(reactor):
            self._unseen(reactor, turn, problem)
            return
        async with self._looking.setdefault(reactor, asyncio.Lock()):
            intent = self._book.run_state.pending.get(reactor)
            tells_later = connector.kind is ConnectorKind.HARDWARE and not connector.confirms_at_once
            if intent is not None and not tells_later:
                await self._settle(reactor, turn, intent)
            is_settled = reactor not in self._book.run_state.pending
            if is_settled and reactor not in self._book.seen and shows_at_once(connector):
                await self._see(reactor, turn)

    async def _see(self, reactor: str, turn: int) -> None:
        """Put the setpoints in force on record; somebody else's change is not written over."""
        if self._book.is_replay(reactor):
            return
        try:
            found = await self._read(reactor)
        except Exception as error:  # noqa: BLE001 - whatever a connector raises, it is looked at again later
            self._unseen(reactor, turn, f"What is in force could not be read: {error}")
            return
        self._blind.discard(reactor)
        expected, mode = self._book.expected(reactor), self._modes.mode(reactor)
        ours = mode is Mode.AUTOMATIC or (mode is Mode.ADVISORY and reactor in self._book.run_state.done)
        changed = differences(expected, found) if ours else {}
        self._book.append(SetpointsFound(reactor=reactor, turn=turn, found=found))
        if changed:
            words = f"Known to be in force, and found: {in_words(expected, found.filled_from(expected)[0])}."
            self._book.append(
                OverrideDetected(
                    reactor=reactor, turn=turn, key=self._book.key(reactor, turn), expected=expected, found=found,
                    reason=words,
                )
            )  # fmt: skip
            self._modes.write_ended(reactor, turn, Ending.OVERRIDDEN)

    async def _untaken(self, reactor: str) -> str:
        """Return why a vessel is not ours to look after, nothing if it is."""
        try:
            await self._take(reactor)
        except Exception as error:  # noqa: BLE001 - whatever a connector raises, nothing is written meanwhile
            return str(error)
        return ""

    def _unseen(self, reactor: str, turn: int, problem: str) -> None:
        """Say once, until it is over, why nothing is written to a vessel."""
        if reactor not in self._blind:
            self._blind.add(reactor)
            words = f"{problem} Nothing is written to {reactor} until that is over."
            self._book.append(ConnectorFailed(reactor=reactor, turn=turn, operation="read_setpoints", reason=words))

    async def _read(self, reactor: str) -> Setpoints:
        """Return the setpoints in force as numbers, whatever a broken connector answers."""
        found = await self._patience.answer(self._book.vessels[reactor].connector.read_setpoints())
        return numbers(found, self._book.config.process)

    async def _settle(self, reactor: str, turn: int, intent: WriteIntended) -> None:
        try:
            found = await self._read(reactor)
        except Exception as error:  # noqa: BLE001 - whatever a connector raises, the write stays unknown
            words = f"How the write {intent.key} ended is not known yet: {error}"
            self._book.append(ConnectorFailed(reactor=reactor, turn=turn, operation="read_setpoints", reason=words))
            return
        is_silent = self._book.is_replay(reactor) or bool(unread(intent.old, intent.new, found))
        if is_silent and not self._book.is_replay(reactor) and not shows_at_once(self._book.vessels[reactor].connector):
            return  # its next sample says it
        if is_silent:
            words = "The write was cut short, and the vessel does not say what it did: its next sample may."
            self._book.append(
                WriteUnknown(
                    reactor=reactor, turn=turn, key=intent.key, asked=intent.new, read_back=found, reason=words
                )
            )  # fmt: skip
            return
        report = settled(intent, found, resolution_of(self._book.vessels[reactor].connector))
        self._book.append(ended(cut_short(intent, reactor), report))
        self._modes.write_ended(reactor, turn, report.ending)
