"""Desk: where the orders of people come in; each is carried out, or answered with why it was not, on record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from perfusio.texts import shown
from perfusio.twin.operators.acts import Acts
from perfusio.twin.operators.orders import Waiting, refuse, waiting
from perfusio.twin.state.logbook import Logbook
from perfusio.twin.state.modes import Modes

LOOKS_EVERY_S = 0.5
THE_END = "The run has ended: nothing is carried out any more."


class Desk:
    """Looks for orders and holds, at each turn and in between.

    Args:
        book: State of the run, and its record.
        acts: Carries orders out.
    """

    def __init__(self, book: Logbook, acts: Acts) -> None:
        self._book, self._acts = book, acts
        self._modes = Modes(book)
        self._one_at_a_time = asyncio.Lock()
        self._is_thinking = self._is_settled = False
        self._seen_before: dict[str, str] = {}
        self._stays: set[str] = set()

    @asynccontextmanager
    async def thinking(self) -> AsyncIterator[None]:
        """While models and policies work, no sample is added to it.

        An approved write that is still under way has ended before: today is decided on the setpoints that it put in
        force.
        """
        async with self._one_at_a_time:
            self._is_thinking = True
        try:
            yield
        finally:
            self._is_thinking = False

    async def stay_open(self) -> None:
        """Look for orders and holds for ever; cancel it to close."""
        while True:
            await asyncio.sleep(LOOKS_EVERY_S)
            self._modes.note_modes(self._book.run_state.today.turn)
            await self.obey()

    async def obey(self) -> None:
        """Carry out the orders that wait.

        Raises:
            AuditError: one could not be put on record; it is not carried out.
        """
        async with self._one_at_a_time:
            if not self._is_settled:
                self._is_settled = True
                await self._acts.settle()
            for one in self._waiting():
                if one.order is None:
                    self._refuse(one)
                elif not self._must_wait(one.order.act):
                    if one.id not in self._book.run_state.answered:  # an earlier program may have done so
                        await self._acts.carry_out(one)
                    self._take_away(one)

    def close(self) -> None:
        """Answer the orders that came too late; call it before the end of the run is on record.

        Raises:
            AuditError: an answer could not be put on record.
        """
        while found := self._waiting():
            for one in found:
                if one.order is None:
                    self._seen_before[one.place.name] = one.id
                    self._refuse(one)
                    continue
                if one.id not in self._book.run_state.answered:
                    self._acts.answer(one, one.order.reactor, THE_END)
                self._take_away(one)

    def _must_wait(self, act: str) -> bool:
        """Whether the state must not change now, as decisions are being made: a moment later, then."""
        if act == "accept":
            return self._is_thinking or self._book.run_state.today.is_conditioned
        if act == "enter":
            return self._is_thinking or not self._acts.takes_samples
        return act == "adopt" and self._is_thinking

    def _waiting(self) -> list[Waiting]:
        """Return waiting orders; a folder that cannot be read now is looked at again a moment later."""
        try:
            return waiting(self._book.config.run_dir, self._stays)
        except OSError:
            return []

    def _take_away(self, one: Waiting) -> None:
        """Remove a file that was answered; one that cannot be removed is not answered twice."""
        self._stays.add(one.id)
        with suppress(OSError):
            one.place.unlink()

    def _refuse(self, one: Waiting) -> None:
        """Refuse a file that is no order, once it is the same on two looks: it may still be being written."""
        if self._seen_before.get(one.place.name) != one.id:
            self._seen_before[one.place.name] = one.id
            return
        self._stays.add(one.id)
        where = "It is in orders/refused."
        try:
            refuse(one)
        except OSError as error:
            where = f"It cannot be taken away ({error.strerror})."
        self._acts.refused(f"{shown(one.place.name, 100)!r} is no order. {one.problem} {where}")
