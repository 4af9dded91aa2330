"""Turns: the work on the samples of a turn: condition, decide, judge, write; refit every few turns."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from perfusio.config import Mode
from perfusio.decision import Decision
from perfusio.errors import PerfusioError
from perfusio.hybrid.medium_check import MOST_DAYS
from perfusio.record.decision_from_record import recalled
from perfusio.record.run_state import is_fit_due, is_medium_due
from perfusio.trajectory import Trajectory
from perfusio.twin.alarms.alarm_handling import Lookout
from perfusio.twin.deciding.model_and_policy import Mind
from perfusio.twin.loop.choice import Choice
from perfusio.twin.samples.inbox import Inbox
from perfusio.twin.samples.intake import Intake
from perfusio.twin.state import event_builders
from perfusio.twin.state.logbook import Logbook
from perfusio.twin.state.modes import Modes
from perfusio.twin.vessels import on_equal_terms
from perfusio.twin.writes.write_dispatcher import Hands


class Turns:
    """Decides on the samples of a turn, and acts.

    Args:
        book: State of the run, and its record.
        mind: The model and the policy.
        hands: Judges decisions and writes them.
        inbox: Says when a sample was expected.
        intake: Says whether a turn has passed.
        choice: Says whose decision counts.
    """

    def __init__(
        self, book: Logbook, mind: Mind, hands: Hands, inbox: Inbox, intake: Intake, choice: Choice
    ) -> None:
        self._book, self._mind, self._hands = book, mind, hands
        self._inbox, self._intake, self._choice = inbox, intake, choice
        self._modes, self._lookout = Modes(book), Lookout(book)

    async def think_and_act(self, turn: int, present: set[str], *, is_last: bool) -> None:
        """Take the samples in, decide, judge, write; refit every few turns."""
        await self._mind.condition(turn, self.observed(), is_on_record=self._book.run_state.today.is_conditioned)
        await self._look_at_media(turn, present)
        decisions = await self._decide(turn, set() if is_last else present)
        await self._forecast_only(turn, self._book.aboard - set(decisions))
        verdicts = self._hands.judge(turn, decisions)
        self._lookout.after_decisions(turn, decisions, verdicts)
        await self._hands.carry_out(turn, verdicts, decisions)
        today = self._book.run_state.today
        is_due = is_fit_due(turn, self._book.config.retrain_every) or today.is_corrected
        is_due = is_due and not self._choice.ladder.stands_in  # its model has nothing to learn
        if not is_last and is_due and self._book.config.model_update != "frozen" and not today.is_fitted:
            before = self._mind.model.model_id
            await self._mind.refit(turn, self.observed())
            if self._mind.model.model_id != before:
                await self.keep_model(turn)

    async def _look_at_media(self, turn: int, present: set[str]) -> None:
        """Say in the first days of a vessel whether its samples fit the medium that was declared."""
        for reactor in sorted(present):
            known, is_corrected = self._book.run_state.trajectories[reactor], self._book.run_state.today.is_corrected
            if is_medium_due(known, first_days=MOST_DAYS) or (is_corrected and known.states):
                doubts = await self._mind.medium_doubts(known)
                if doubts is not None:
                    self._lookout.look_at_medium(reactor, turn, doubts)

    async def keep_model(self, turn: int) -> None:
        """Save the model beside the record, so that the run can go on with it."""
        saved = await self._mind.saved(turn, self.observed())
        if saved is not None:
            self._book.append(saved)

    async def adopt(self) -> bool:
        """Use the refit that waited for a person."""
        turn = self._book.run_state.today.turn
        if not self._mind.adopt(turn, self.observed()):
            return False
        await self.keep_model(turn)
        return True

    def observed(self, but_not: AbstractSet[str] = frozenset()) -> list[Trajectory]:
        """Return the vessels of which there is a sample, but for those that are named."""
        return [t for r, t in self._book.run_state.trajectories.items() if t.states and r not in but_not]

    async def _decide(self, turn: int, present: set[str]) -> dict[str, Decision | PerfusioError]:
        """Return the decisions of the turn; those on record from before a restart are not made again."""
        self._modes.note_modes(turn)
        today, decisions = self._book.run_state.today, dict[str, Decision | PerfusioError]()
        asked = {}
        for reactor in sorted(present - today.settled):
            may_decide = self._modes.mode(reactor) in (Mode.AUTOMATIC, Mode.ADVISORY)
            if not may_decide or reactor in self._book.run_state.pending:
                continue
            if self._intake.is_past(reactor, turn):
                expected, hours = self._inbox.expected_h(reactor, turn), self._book.config.sampling_interval_hours
                self._book.append(event_builders.day_missed(reactor, turn, expected, hours))
            elif reactor in today.decided:
                decisions[reactor] = recalled(today.decided[reactor])
            else:
                asked[reactor] = self._book.vessels[reactor]
        if not asked:
            return decisions
        known = self._book.run_state
        now = {t.reactor_id: known.in_force[t.reactor_id] for t in self.observed(known.left)}
        groups = on_equal_terms(asked, self._book.design_space, self._book.config)
        is_twin = not self._choice.ladder.stands_in
        answers = await self._mind.answers(turn, groups, known.trajectories, now) if is_twin else {}
        for reactor in asked:  # whatever the policy answered
            decisions[reactor] = await self._choice.made(reactor, turn, answers.get(reactor))
        return decisions

    async def _forecast_only(self, turn: int, reactors: set[str]) -> None:
        """Forecast the vessels for which nothing is decided, under the setpoints in force."""
        for reactor in sorted(reactors - self._book.run_state.today.settled):
            trajectory = self._book.run_state.trajectories[reactor]
            if trajectory.states:
                forecast = await self._mind.forecast(turn, trajectory, self._book.run_state.in_force[reactor])
                if forecast is not None:
                    self._book.append(forecast[1])
                found = None if forecast is None else forecast[0]
                self._lookout.look(reactor, turn, found, "There is no forecast.")
