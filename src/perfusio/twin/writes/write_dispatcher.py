"""Hands: from decisions to vessels. All that is written passes here: through the guard, onto the record, then out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from perfusio.clock import Clock
from perfusio.config import Mode
from perfusio.decision import Action, Decision, Verdict
from perfusio.errors import PerfusioError
from perfusio.twin.state import event_builders
from perfusio.twin.state.logbook import Logbook
from perfusio.twin.state.modes import Modes
from perfusio.twin.timeouts import Patience
from perfusio.twin.writes.actuate import WriteOrder, actuate
from perfusio.twin.writes.first_look import FirstLook
from perfusio.twin.writes.guard import faults, guard


class Hands:
    """Judges decisions and carries them out.

    Args:
        book: State of the run, and its record.
        looks: At each vessel, before it is written to.
        patience: How long a vessel is waited for.
        clock: Of the run.
    """

    def __init__(self, book: Logbook, looks: FirstLook, patience: Patience, clock: Clock) -> None:
        self._book, self._looks, self._patience, self._clock = book, looks, patience, clock
        self._modes = Modes(book)
        self._n_writing, self._is_quiet = 0, asyncio.Event()
        self._is_quiet.set()

    def judge(self, turn: int, decisions: Mapping[str, Decision | PerfusioError]) -> list[Verdict]:
        """Return the guard's verdict on each decision; one that is not to be written is on record as that."""
        self._modes.note_modes(turn)
        verdicts = []
        for reactor, decision in decisions.items():
            verdict = self._judged(reactor, decision)
            verdicts.append(verdict)
            if verdict.action is not Action.WRITE:
                self._book.append(event_builders.withheld(verdict, turn))
        return verdicts

    def faults(self, reactor: str, decision: Decision | PerfusioError) -> tuple[str, ...]:
        """Return why a decision could not be written now whatever the mode of its vessel, one sentence each."""
        known = self._book.run_state
        return faults(
            decision, reactor=reactor, trajectory=known.trajectories[reactor], current=known.in_force[reactor],
            design_space=self._book.space(reactor), constraints=self._book.config.constraints,
        )  # fmt: skip

    async def carry_out(
        self, turn: int, verdicts: list[Verdict], decisions: Mapping[str, Decision | PerfusioError]
    ) -> None:
        """Write allowed setpoints, side by side: a vessel that does not answer holds up no other."""
        here = [verdict for verdict in verdicts if verdict.reactor_id in self._book.aboard]
        writes = [self._carry_out(turn, verdict, decisions[verdict.reactor_id]) for verdict in here]
        ended_each = await asyncio.gather(*writes, return_exceptions=True)
        for error in ended_each:
            if error is not None:
                raise error

    async def vetted(self, reactor: str, turn: int, decision: Decision) -> Verdict:
        """Return the verdict on advice that a person has approved, on the setpoints in force in the vessel now."""
        if problem := await self._looks.not_ready(reactor, turn):
            return Verdict(reactor_id=reactor, setpoints=None, action=Action.HOLD, because=(problem,))
        return self._guarded(reactor, decision, Mode.AUTOMATIC)

    async def approve(self, turn: int, verdict: Verdict, key: str) -> None:
        """Write advice that a person has approved and that was vetted.

        Args:
            turn: Of the advice.
            verdict: WRITE.
            key: Of the decision.
        """
        await self._write(turn, verdict, key)

    async def quiet(self) -> None:
        """Wait until no write is under way: each ends within its own time."""
        while self._n_writing:
            await self._is_quiet.wait()

    # -- inside ------------------------------------------------------------------------------------------------------

    def _judged(self, reactor: str, decision: Decision | PerfusioError) -> Verdict:
        """Return the verdict on a decision now; a person who holds the vessel is named."""
        mode, hold = self._modes.mode(reactor), self._modes.held(reactor)
        if mode is Mode.HOLD and hold is not None:
            words = (f"Held{' by' if hold.word.who else ''} {hold.word}",)
            return Verdict(reactor_id=reactor, setpoints=None, action=Action.HOLD, because=words)
        return self._guarded(reactor, decision, mode)

    def _guarded(self, reactor: str, decision: Decision | PerfusioError, mode: Mode) -> Verdict:
        known = self._book.run_state
        return guard(
            decision, reactor=reactor, trajectory=known.trajectories[reactor], current=known.in_force[reactor],
            design_space=self._book.space(reactor), constraints=self._book.config.constraints, mode=mode,
        )  # fmt: skip

    async def _carry_out(self, turn: int, verdict: Verdict, decision: Decision | PerfusioError) -> None:
        reactor = verdict.reactor_id
        if verdict.action is not Action.WRITE:
            return
        if self._modes.mode(reactor) is not Mode.AUTOMATIC:  # since it was judged
            self._modes.note_modes(turn)
            self._book.append(event_builders.withheld(self._judged(reactor, decision), turn))
            return
        if problem := await self._looks.not_ready(reactor, turn):
            self._book.append(
                event_builders.withheld(
                    Verdict(reactor_id=reactor, setpoints=None, action=Action.HOLD, because=(problem,)), turn
                )
            )
            return
        await self._write(turn, verdict, self._book.key(reactor, turn))

    async def _write(self, turn: int, verdict: Verdict, key: str) -> None:
        reactor, seconds = verdict.reactor_id, self._patience.write_s
        order = WriteOrder(
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
        self._n_writing += 1
        self._is_quiet.clear()
        try:
            ending = await actuate(order, connector=connector, audit=self._book, patience=self._patience)
            self._modes.write_ended(reactor, turn, ending)
        finally:
            self._n_writing -= 1
            if not self._n_writing:
                self._is_quiet.set()
