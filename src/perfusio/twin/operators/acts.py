"""Acts: orders of people, carried out one by one. The act goes on record first, then the answer to who asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from math import nan

from perfusio.config import Mode
from perfusio.decision import Action, Decider, Verdict
from perfusio.errors import ConfigError
from perfusio.events import AlarmChanged, Decided, OperatorActed, SampleAccepted
from perfusio.protocols import Reporting, able
from perfusio.record.decision_from_record import recalled
from perfusio.record.run_state import not_acceptable
from perfusio.record.verification.schema import unfit
from perfusio.state import State
from perfusio.twin.deciding.ladder import Ladder
from perfusio.twin.operators.orders import Order, Waiting
from perfusio.twin.samples.intake import Intake
from perfusio.twin.samples.sampling_schedule import SamplingSchedule
from perfusio.twin.state.hold import Hold, Word, lift, make_hold
from perfusio.twin.state.logbook import Logbook
from perfusio.twin.state.modes import Modes
from perfusio.twin.writes.write_dispatcher import Hands

OF_THE_RUN = ("adopt", "acknowledge", "shelve", "note", "stop", "resume")
"""Acts that, without a vessel, concern the run and not each of its vessels."""
WITH_VALUE = ("mode", "ladder")
"""Acts that are told with their value."""

BY_HAND = "entered by hand"
"""Remark on a value that a person has typed."""


class Acts:
    """Carries out orders.

    Args:
        book: State of the run, and its record.
        hands: Writes approved setpoints.
        pace: Which turns have passed.
        adopt: Takes the refit that waits into use; returns whether one did.
        stop: Ends the run, by the word of a person.
        ladder: Who decides for each vessel.
        give_back: Ends a program that stands in for the twin, so that the twin goes on with the run.
        intake: Judges samples that a person enters.
    """

    def __init__(
        self,
        book: Logbook,
        hands: Hands,
        pace: SamplingSchedule,
        adopt: Callable[[], Awaitable[bool]],
        stop: Callable[[str, str], None],
        ladder: Ladder,
        give_back: Callable[[], None],
        intake: Intake,
    ) -> None:
        self._book, self._hands, self._pace, self._adopt, self._stop = book, hands, pace, adopt, stop
        self._ladder, self._give_back = ladder, give_back
        self._modes, self._intake = Modes(book), intake

    @property
    def takes_samples(self) -> bool:
        """Whether samples are waited for now, so that one may be entered."""
        return self._intake.turn is not None

    async def carry_out(self, one: Waiting) -> None:
        """Carry out an order, for the vessel that it names or for all, and answer it.

        Raises:
            AuditError: it could not be put on record; it is not carried out.
        """
        order = one.order
        assert order is not None, "what is no order is refused"
        if not order.reactor and order.act == "release":
            problem = self._release_all(one)
            for reactor in sorted(self._book.aboard):
                self._release(one, order, reactor, problem)
        elif not order.reactor and order.act not in OF_THE_RUN:
            for reactor in sorted(self._book.aboard):
                await self._carry_out(one, order, reactor)
        else:
            await self._carry_out(one, order, order.reactor)

    async def _carry_out(self, one: Waiting, order: Order, reactor: str) -> None:
        if reactor and reactor not in self._book.aboard:
            self.answer(one, reactor, f"{reactor} is not in this run now; it has {self._names()}.")
        elif order.act == "adopt":
            self.answer(one, "", "" if await self._adopt() else "No refit waits for approval.")
        elif order.act == "stop":
            self.answer(one, "", "")
            self._stop(order.who, order.why)
        elif order.act == "resume":
            self.answer(one, "", "" if self._ladder.stands_in else "The twin itself runs here: nothing to give back.")
            if self._ladder.stands_in:
                self._give_back()
        elif order.act == "mode":
            self._change_mode(one, order, reactor)
        elif order.act == "ladder":
            self.answer(one, reactor, self._ladder.order(reactor, Decider(order.value), order.who, order.why))
        elif order.act == "release":
            self._release(one, order, reactor)
        elif order.act in ("acknowledge", "shelve"):
            self._on_alarm(one, order, reactor)
        elif order.act == "accept":
            self._accept(one, order, reactor)
        elif order.act == "note":
            self.answer(one, reactor, "")
        elif order.act == "enter":
            await self._enter(one, order, reactor)
        else:
            await self._on_advice(one, order, reactor)

    def _names(self) -> str:
        return ", ".join(sorted(self._book.aboard))

    # -- modes and holds ---------------------------------------------------------------------------------------------

    def _change_mode(self, one: Waiting, order: Order, reactor: str) -> None:
        turn, mode, word = self._book.run_state.today.turn, Mode(order.value), Word(who=order.who, why=order.why)
        problem = ""
        if mode is Mode.HOLD:
            try:
                make_hold(self._book.config.run_dir, reactor, word)
            except ConfigError as error:
                problem = str(error)
            self._modes.note_modes(turn)
        elif not (problem := self._lift(one, reactor)):
            self._modes.change_mode(reactor, turn, mode, word)
            self._modes.write_seen_to(reactor, turn, order.who)
        self.answer(one, reactor, problem)

    def _release_all(self, one: Waiting) -> str:
        """Lift the holds on all vessels; return those that did not go away."""
        for hold in self._modes.holds():
            if hold.is_for_all and (problem := self._lifted(one, hold)):
                return problem
        return ""

    def _lift(self, one: Waiting, reactor: str) -> str:
        """Lift the holds on this vessel; return why it is still held, or nothing."""
        for hold in self._modes.holds():
            if reactor not in hold.vessels:
                continue
            if hold.is_for_all:
                return f"All vessels are held ({hold.word}): perfusio release RUN, without a vessel, releases them."
            if problem := self._lifted(one, hold):
                return problem
        return ""

    def _lifted(self, one: Waiting, hold: Hold) -> str:
        if hold.since_ns > one.given_ns:
            return f"It was held after this was ordered ({hold.word}), so that stands. Order it again if you know that."
        return lift(self._book.config.run_dir, hold)

    def _release(self, one: Waiting, order: Order, reactor: str, problem: str = "") -> None:
        """Lift holds; the rest may be a write that ended badly, or a connector that stopped by itself."""
        turn, word = self._book.run_state.today.turn, Word(who=order.who, why=order.why)
        if not order.reactor and not problem and (hold := self._modes.held(reactor)):
            problem = f"It is held by itself ({hold.word}): perfusio release RUN {reactor} releases it."
        elif order.reactor:
            problem = self._lift(one, reactor)
        if not problem:
            self._modes.note_modes(turn, word)
            if reactor in self._book.run_state.stuck:
                self._modes.change_mode(reactor, turn, self._modes.base_mode(reactor), word)
                self._modes.write_seen_to(reactor, turn, order.who)
            elif (reporting := able(self._book.vessels[reactor].connector, Reporting)) is not None:
                reporting.allow_writing(who=order.who, why=order.why)
        self.answer(one, reactor, problem)

    # -- alarms, samples, advice -------------------------------------------------------------------------------------

    def _on_alarm(self, one: Waiting, order: Order, reactor: str) -> None:
        known, problem = self._book.run_state, ""
        active = sorted(f"{quantity}:{level}" for of, quantity, level in known.alarms if of == reactor)
        if order.value in active:
            self._book.append(
                AlarmChanged(
                    reactor=reactor or None, turn=known.today.turn, alarm=order.value, who=order.who, reason=order.why,
                    status="acknowledged" if order.act == "acknowledge" else "shelved",
                    shelved_h=float(order.hours) or nan,
                )
            )  # fmt: skip
        else:
            problem = f"No such alarm is active. Active: {', '.join(active) or 'none'}."
        self.answer(one, reactor, problem)

    def _accept(self, one: Waiting, order: Order, reactor: str) -> None:
        known = self._book.run_state
        sample = known.quarantined.get((reactor, float(order.value)))
        problem = not_acceptable(sample, known.trajectories[reactor])
        if sample is not None and not problem:
            self._book.append(
                SampleAccepted(
                    reactor=reactor, turn=known.today.turn, state=sample, who=order.who, reason=order.why
                )
            )  # fmt: skip
        self.answer(one, reactor, problem)

    async def _enter(self, one: Waiting, order: Order, reactor: str) -> None:
        """Judge a sample that a person has typed; what was made of it is on record before the answer."""
        panel = self._book.run_state.process
        known = tuple(s.name for s in panel.species)
        if unknown := [name for name in order.measured if name not in known]:
            problem = f"{', '.join(unknown)}: not measured in {reactor}. Known: {', '.join(known)}."
            self.answer(one, reactor, problem)
            return
        remarks = dict.fromkeys(order.measured, BY_HAND)  # by whom stands with the act
        sample = State.of_values(panel, float(order.value), order.measured, remarks)
        found = await self._intake.enter(reactor, sample)
        self.answer(one, reactor, found.problem, words=found.words)

    async def _on_advice(self, one: Waiting, order: Order, reactor: str) -> None:
        advice = self._book.run_state.advised.get(reactor)
        is_known = advice is not None and advice.key == order.value
        verdict = None
        if order.act == "modify" and (problem := self._not_settable(reactor, order)):
            self.answer(one, reactor, problem, key=order.value)
            return
        if advice is not None and is_known and order.act in ("approve", "modify"):
            verdict = await self._vetted(advice, reactor, order.setpoints)
        if advice is None or not is_known or self._book.run_state.advised.get(reactor) is not advice:
            words = "This advice does not wait any more: it was acted upon, or a new sample came."
            self.answer(one, reactor, words, key=order.value)
            return
        problem = "" if verdict is None else self._why_not(reactor, advice.turn or 0, verdict)
        self.answer(one, reactor, problem, key=advice.key, turn=advice.turn)
        if verdict is not None and not problem:  # who asked stands on record before the vessel hears of it
            await self._hands.approve(advice.turn or 0, verdict, advice.key)

    def _not_settable(self, reactor: str, order: Order) -> str:
        """Return why the values of a person cannot be asked of a vessel, or nothing; the guard judges them later."""
        known = self._book.run_state.process.setpoint_names
        unknown = [name for name in order.setpoints if name not in known]
        return f"{', '.join(unknown)}: no setpoint of {reactor}. Known: {', '.join(known)}." if unknown else ""

    async def _vetted(self, advice: Decided, reactor: str, asked: Mapping[str, float]) -> Verdict:
        """Return the guard's verdict on advice now, with the values of a person where they gave some."""
        decision = recalled(advice)
        if asked:
            decision = replace(decision, setpoints=decision.setpoints.with_values(**asked))
        return await self._hands.vetted(reactor, advice.turn or 0, decision)

    async def settle(self) -> None:
        """Carry out approvals that an earlier program put on record and did not begin to write, or refuse them aloud.

        A program may be killed between a person's word on record and the write. The word stands: it is judged again,
        and either written now or answered with why it is not.
        """
        for reactor, word in sorted(self._book.run_state.owed.items()):
            advice = self._book.run_state.advised.get(reactor)
            problem = "The program ended before it was written, and the advice does not wait any more."
            verdict = None
            if reactor in self._book.aboard and advice is not None and advice.key == word.key:
                verdict = await self._vetted(advice, reactor, word.given)
                problem = self._why_not(reactor, advice.turn or 0, verdict)
            if verdict is not None and advice is not None and not problem:
                await self._hands.approve(advice.turn or 0, verdict, advice.key)
            else:
                words = f"Approved, and not written when the program ended; not written now either. {problem}"
                self._book.append(replace(word, is_done=False, answer=words))

    def _why_not(self, reactor: str, turn: int, verdict: Verdict) -> str:
        """Return why approved advice of a turn is not written, or nothing."""
        mode, hold = self._modes.mode(reactor), self._modes.held(reactor)
        if mode is not Mode.ADVISORY:
            return f"The vessel is in mode {mode.value}{f', held by {hold.word}' if hold else ''}."
        if self._pace.has_passed(reactor, turn):
            return "The advice is out of date: the next sample is due."
        return " ".join(verdict.because) if verdict.action is not Action.WRITE else ""

    # -- answers -----------------------------------------------------------------------------------------------------

    def answer(
        self, one: Waiting, reactor: str, problem: str, *, key: str = "", turn: int | None = None, words: str = ""
    ) -> None:
        """Put the order on record, and its result or why there is none.

        Args:
            one: The order.
            reactor: Vessel, empty for the run.
            problem: Why it was not done; empty if it was.
            key: Of the decision that it is about.
            turn: Of its subject; the present one if it is about nothing older.
            words: What was done, where the order does not say it.
        """
        order = one.order
        assert order is not None, "what is no order is refused"
        self._record(
            OperatorActed(
                reactor=reactor or None, turn=self._book.run_state.today.turn if turn is None else turn,
                who=order.who, act=f"{order.act} {order.value}" if order.act in WITH_VALUE else order.act, key=key,
                is_done=not problem, answer=problem or words, order=one.id, reason=order.why,
                user=order.user, meaning=order.meaning, given={**order.setpoints, **order.measured},
            )
        )  # fmt: skip

    def refused(self, words: str) -> None:
        """Put on record that a file is no order."""
        turn = self._book.run_state.today.turn
        self._record(
            OperatorActed(
                turn=turn, who="unknown", act="a file in orders", is_done=False, answer=words, reason="Not said."
            )
        )  # fmt: skip

    def _record(self, event: OperatorActed) -> None:
        """Append a person's act; text that does not fit the record is left away, and that is said instead."""
        if wrong := unfit(event):
            event = OperatorActed(turn=event.turn, who="unknown", act="refused", is_done=False, order=event.order,
                                  answer=f"This could not go on record: {wrong}.", reason="Not said.")  # fmt: skip
        self._book.append(event)
