"""Desk: where the orders of people come in; each is put on record, carried out, or answered with why it was not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from math import nan
from pathlib import Path

from perfusio.config import Mode
from perfusio.events import AlarmChanged, OperatorActed, SampleAccepted
from perfusio.protocols import Reporting
from perfusio.twin.day import not_acceptable
from perfusio.twin.hands import Hands
from perfusio.twin.hold import Word, say, word_on
from perfusio.twin.logbook import Logbook
from perfusio.twin.orders import Order, waiting
from perfusio.twin.pace import Pace
from perfusio.twin.recall import recalled

LOOKS_EVERY_S = 0.5


class Desk:
    """Carries out orders, at each turn and in between.

    Args:
        book: What is known, and the record.
        hands: Writes what was approved.
        pace: Which days have passed.
        adopt: Takes the refit that waits into use; returns whether one did.
        stop: Ends the run, by the word of a person.
    """

    def __init__(
        self,
        book: Logbook,
        hands: Hands,
        pace: Pace,
        adopt: Callable[[], Awaitable[bool]],
        stop: Callable[[Order], None],
    ) -> None:
        self._book, self._hands, self._pace, self._adopt, self._stop = book, hands, pace, adopt, stop
        self._one_at_a_time = asyncio.Lock()
        self._is_thinking = False
        self._carried_out: set[str] = set()

    @asynccontextmanager
    async def thinking(self) -> AsyncIterator[None]:
        """While models and policies work on what is known, no sample is added to it.

        An approved write that is still under way has ended before: today is decided on what it put in force.
        """
        async with self._one_at_a_time:
            self._is_thinking = True
        try:
            yield
        finally:
            self._is_thinking = False

    def _must_wait(self, order: Order) -> bool:
        if order.act == "accept":
            return self._is_thinking or self._book.run_state.today.is_conditioned
        return order.act == "adopt" and self._is_thinking

    async def stay_open(self) -> None:
        """Look for orders for ever; cancel it to close."""
        while True:
            await asyncio.sleep(LOOKS_EVERY_S)
            await self.obey()

    async def obey(self) -> None:
        """Carry out the orders that wait.

        Raises:
            AuditError: one could not be put on record; it is not carried out.
        """
        async with self._one_at_a_time:
            for place, order in self._waiting():
                if isinstance(order, Order) and self._must_wait(order):
                    continue  # what is thought about now must not change meanwhile: a moment later
                if isinstance(order, Order) and order.act == "adopt":
                    self._answer(order, "", "" if await self._adopt() else "No refit waits for approval.")
                elif isinstance(order, Order) and order.act == "stop":
                    self._answer(order, "", "")
                    self._stop(order)
                elif isinstance(order, str):
                    unreadable = Order(act="release", reactor="", who="unknown", why="a file that is no order")
                    self._answer(unreadable, "", order)
                else:
                    for reactor in [order.reactor] if order.reactor else sorted(self._book.aboard):
                        await self._carry_out(reactor, order)
                self._carried_out.add(place.name)
                with suppress(OSError):  # gone already, or the folder cannot be changed: it is not done twice
                    place.unlink()

    def _waiting(self) -> list[tuple[Path, Order | str]]:
        """Return the orders that wait; a folder that cannot be read now is looked at again a moment later."""
        try:
            found = waiting(self._book.config.run_dir)
        except OSError:
            return []
        return [(place, order) for place, order in found if place.name not in self._carried_out]

    async def _carry_out(self, reactor: str, order: Order) -> None:
        if reactor not in self._book.aboard:
            known = ", ".join(sorted(self._book.aboard))
            self._answer(order, reactor, f"There is no vessel {reactor} in this run now. Known: {known}.")
        elif order.act == "mode":
            self._change_mode(reactor, order)
        elif order.act == "release":
            self._release(reactor, order)
        elif order.act in ("acknowledge", "shelve"):
            self._on_alarm(reactor, order)
        elif order.act == "accept":
            self._accept(reactor, order)
        else:
            await self._on_advice(reactor, order)

    def _change_mode(self, reactor: str, order: Order) -> None:
        turn, mode, run_dir = self._book.run_state.today.turn, Mode(order.value), self._book.config.run_dir
        self._answer(order, reactor, "")
        is_held = mode is Mode.HOLD
        if is_held or word_on(run_dir, reactor).is_held:
            say(run_dir, reactor, Word(is_held=is_held, who=order.who, why=order.why))
        if is_held:
            self._book.note_modes(turn)
        elif word_on(run_dir, reactor).is_held:
            self._answer(order, reactor, "All vessels are held: perfusio release RUN releases them.")
        else:
            self._book.change_mode(reactor, turn, mode, Word(is_held=False, who=order.who, why=order.why))
            self._book.write_seen_to(reactor, turn, order.who)

    def _release(self, reactor: str, order: Order) -> None:
        """The file is gone already; what is left is a hold that a write ended in, or a connector that stopped."""
        turn, word = self._book.run_state.today.turn, Word(is_held=False, who=order.who, why=order.why)
        self._answer(order, reactor, "")
        self._book.note_modes(turn)
        connector = self._book.vessels[reactor].connector
        if reactor in self._book.run_state.stuck and not word_on(self._book.config.run_dir, reactor).is_held:
            self._book.change_mode(reactor, turn, self._book.base_mode(reactor), word)
            self._book.write_seen_to(reactor, turn, order.who)
        elif isinstance(connector, Reporting):
            connector.allow_writing(who=order.who, why=order.why)

    def _on_alarm(self, reactor: str, order: Order) -> None:
        known = self._book.run_state
        active = sorted(f"{quantity}:{level}" for of, quantity, level in known.alarms if of == reactor)
        if order.value not in active:
            self._answer(order, reactor, f"No such alarm is active. Active: {', '.join(active) or 'none'}.")
            return
        self._answer(order, reactor, "")
        self._book.append(
            AlarmChanged(
                reactor=reactor, turn=known.today.turn, alarm=order.value, who=order.who, reason=order.why,
                status="acknowledged" if order.act == "acknowledge" else "shelved",
                shelved_h=order.hours or nan,
            )
        )  # fmt: skip

    def _accept(self, reactor: str, order: Order) -> None:
        known = self._book.run_state
        sample = known.quarantined.get((reactor, float(order.value)))
        problem = not_acceptable(sample, known.trajectories[reactor])
        self._answer(order, reactor, problem)
        if sample is not None and not problem:
            self._book.append(
                SampleAccepted(
                    reactor=reactor, turn=known.today.turn, state=sample, who=order.who, reason=order.why
                )
            )  # fmt: skip

    async def _on_advice(self, reactor: str, order: Order) -> None:
        known = self._book.run_state
        advice = known.advised.get(reactor)
        if advice is None or advice.key != order.value:
            words = "This advice does not wait any more: it was acted upon, or a new sample came."
            self._answer(order, reactor, words, key=order.value)
        elif order.act == "reject":
            self._answer(order, reactor, "", key=advice.key, turn=advice.turn)
        elif self._book.mode(reactor) is not Mode.ADVISORY:
            self._answer(order, reactor, f"The vessel is in mode {self._book.mode(reactor).value}.", key=advice.key)
        elif self._pace.has_passed(reactor, advice.turn or 0):
            self._answer(order, reactor, "The advice is out of date: the next sample is due.", key=advice.key)
        else:
            self._answer(order, reactor, "", key=advice.key, turn=advice.turn)
            if problem := await self._hands.approve(reactor, advice.turn or 0, recalled(advice), advice.key):
                self._answer(order, reactor, problem, key=advice.key, turn=advice.turn)

    def _answer(self, order: Order, reactor: str, problem: str, *, key: str = "", turn: int | None = None) -> None:
        """Put an act on record, on the turn of what it is about; the present one if it is about nothing older."""
        now = self._book.run_state.today.turn
        self._book.append(
            OperatorActed(
                reactor=reactor or None, turn=now if turn is None else turn, who=order.who,
                act=f"mode {order.value}" if order.act == "mode" else order.act, key=key, is_done=not problem,
                answer=problem, reason=order.why,
            )
        )  # fmt: skip
