"""Hands: from decisions to vessels. All that is written passes here: through the guard, onto the record, then out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from perfusio.clock import Clock
from perfusio.config import Mode
from perfusio.decision import Action, Decision, Verdict
from perfusio.errors import PerfusioError
from perfusio.events import ConnectorFailed, WriteIntended, WriteUnknown
from perfusio.state import Setpoints
from perfusio.twin import facts
from perfusio.twin.actuate import Order, actuate, ended, settled
from perfusio.twin.guard import guard
from perfusio.twin.logbook import Logbook
from perfusio.twin.patience import Patience
from perfusio.verified_write import unread


class Hands:
    """Judges decisions and carries them out.

    Args:
        book: What is known, and the record.
        patience: How long a vessel is waited for.
        clock: Of the run.
    """

    def __init__(self, book: Logbook, patience: Patience, clock: Clock) -> None:
        self._book, self._patience, self._clock = book, patience, clock

    def judge(self, turn: int, decisions: Mapping[str, Decision | PerfusioError]) -> list[Verdict]:
        """Return what the guard makes of each decision; what is not to be written is on record as that."""
        self._book.note_modes(turn)
        verdicts = []
        for reactor, decision in decisions.items():
            verdict = self._guarded(reactor, decision, self._book.mode(reactor))
            verdicts.append(verdict)
            if verdict.action is not Action.WRITE:
                self._book.append(facts.withheld(verdict, turn))
        return verdicts

    async def carry_out(self, turn: int, verdicts: list[Verdict]) -> None:
        """Write what may be written, side by side: a vessel that does not answer holds up no other."""
        writes = [self._carry_out(turn, verdict) for verdict in verdicts if verdict.reactor_id in self._book.aboard]
        ended_each = await asyncio.gather(*writes, return_exceptions=True)
        for error in ended_each:
            if error is not None:
                raise error

    async def approve(self, reactor: str, turn: int, decision: Decision, key: str) -> str:
        """Write advice that a person has approved, if the guard still lets it pass; return why not, or nothing."""
        verdict = self._guarded(reactor, decision, Mode.AUTOMATIC)
        if verdict.action is not Action.WRITE:
            return " ".join(verdict.because)
        await self._write(turn, verdict, key)
        return ""

    async def settle(self, turn: int) -> None:
        """Find out how writes ended that were cut short, by reading what is in force; nothing is written for it."""
        for reactor, intent in self._book.run_state.pending.items():
            if reactor in self._book.aboard:
                await self._settle(reactor, turn, intent)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _guarded(self, reactor: str, decision: Decision | PerfusioError, mode: Mode) -> Verdict:
        known = self._book.run_state
        return guard(
            decision, reactor=reactor, trajectory=known.trajectories[reactor], current=known.in_force[reactor],
            design_space=self._book.space(reactor), constraints=self._book.config.constraints, mode=mode,
        )  # fmt: skip

    async def _carry_out(self, turn: int, verdict: Verdict) -> None:
        reactor = verdict.reactor_id
        if verdict.action is not Action.WRITE:
            return
        if self._book.mode(reactor) is not Mode.AUTOMATIC:  # since it was judged
            self._book.note_modes(turn)
            words = ("A person holds the vessel: nothing is written.",)
            held = Verdict(reactor_id=reactor, setpoints=None, action=Action.HOLD, because=words)
            self._book.append(facts.withheld(held, turn))
            return
        await self._write(turn, verdict, self._book.key(reactor, turn))

    async def _write(self, turn: int, verdict: Verdict, key: str) -> None:
        reactor, seconds = verdict.reactor_id, self._patience.write_s
        order = Order(
            reactor=reactor,
            turn=turn,
            key=key,
            verdict=verdict,
            current=self._book.run_state.in_force[reactor],
            expected=self._book.expected(reactor),
            not_after=f"{self._clock.now() + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}",
            seconds=seconds,
        )
        connector = self._book.vessels[reactor].connector
        ending = await actuate(order, connector=connector, audit=self._book, patience=self._patience)
        self._book.write_ended(reactor, turn, ending)

    async def _settle(self, reactor: str, turn: int, intent: WriteIntended) -> None:
        connector = self._book.vessels[reactor].connector
        try:
            found = await self._patience.answer(connector.read_setpoints())
            found = Setpoints.of(found.vector())
        except Exception as error:  # noqa: BLE001 - whatever a connector raises, the write stays unknown
            words = f"How the write {intent.key} ended is not known yet: {error}"
            self._book.append(ConnectorFailed(reactor=reactor, turn=turn, operation="read_setpoints", reason=words))
            return
        is_silent = self._book.is_replay(reactor) or not connector.confirms_at_once
        if is_silent or unread(intent.old, intent.new, found):
            words = "The write was cut short, and the vessel does not say what it did: its next sample may."
            self._book.append(
                WriteUnknown(
                    reactor=reactor, turn=turn, key=intent.key, asked=intent.new, read_back=found, reason=words
                )
            )  # fmt: skip
            return
        cut_short = Order(
            reactor=reactor, turn=intent.turn or 0, key=intent.key, current=intent.old, expected=intent.old,
            verdict=Verdict(reactor_id=reactor, setpoints=intent.new, action=Action.WRITE),
        )  # fmt: skip
        report = settled(intent, found)
        self._book.append(ended(cut_short, report))
        self._book.write_ended(reactor, turn, report.ending)

