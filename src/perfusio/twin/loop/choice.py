"""Choice: whose decision for a vessel counts today, the twin's or that of the model-free MPC; it goes on record."""

from __future__ import annotations

from perfusio.decision import BLINDLY, Decider, Decision
from perfusio.errors import ConfigError, PerfusioError
from perfusio.events import Decided, Json
from perfusio.twin.deciding.ladder import GOOD_SAMPLES, RECOVERED, Ladder, noted
from perfusio.twin.deciding.model_and_policy import Mind
from perfusio.twin.deciding.proposal import proposed
from perfusio.twin.state.logbook import Logbook
from perfusio.twin.vessels import Terms
from perfusio.twin.writes.guard import unsound
from perfusio.twin.writes.write_dispatcher import Hands

Proposal = tuple[Decision | PerfusioError, Decided | None]
"""A decision or why there is none, and its record."""


class Choice:
    """Takes the policy's answer, or asks the MPC where that answer or its forecasts cannot be relied on.

    Args:
        book: State of the run, and its record.
        mind: Asks the MPC.
        hands: Know why a decision could not be written.
        ladder: Knows who decides.

    Attributes:
        ladder: As given.
    """

    def __init__(self, book: Logbook, mind: Mind, hands: Hands, ladder: Ladder) -> None:
        self._book, self._mind, self._hands, self.ladder = book, mind, hands, ladder

    async def made(self, reactor: str, turn: int, answer: object) -> Decision | PerfusioError:
        """Return the decision of the day, or why there is none; it is on record if it is one.

        Args:
            reactor: Vessel.
            turn: Turn of the loop.
            answer: Of the policy, sound or not.
        """
        of_twin = proposed(answer, reactor=reactor, turn=turn, key=self._book.key(reactor, turn))
        if self.ladder.stands_in:
            return await self._without_a_twin(reactor, turn)
        fault = self._fault(reactor, of_twin[0])
        if self.ladder.decider(reactor) is Decider.MODEL_FREE:
            n_good = self.ladder.n_good(reactor, fault)
            if not self.ladder.comes_back(reactor, n_good):
                return self._recorded(await self._of_mpc(reactor, turn), {"good_samples": n_good, "twin": fault})
            words = f"{GOOD_SAMPLES} samples in a row were as forecast, and the twin's decisions could be used."
            self.ladder.change(reactor, turn, Decider.TWIN, RECOVERED, words)
        elif (why := self.ladder.why_down(reactor, self._failure(reactor, of_twin[0], fault)))[0]:
            instead = await self._of_mpc(reactor, turn)
            if not self._hands.faults(reactor, instead[0]):
                cause, words = why
                self.ladder.change(
                    reactor, turn, Decider.MODEL_FREE, cause, words, target=self.ladder.target(reactor)
                )
                return self._recorded(instead, {"good_samples": 0, "twin": fault})
        return self._recorded(of_twin)

    async def _without_a_twin(self, reactor: str, turn: int) -> Decision | PerfusioError:
        instead = await self._of_mpc(reactor, turn)
        if isinstance(instead[0], Decision):
            self.ladder.stand_in(reactor, turn)  # a vessel without a count could not be held when this program began
        return self._recorded(instead, {"good_samples": 0, "twin": "No twin runs."})

    async def _of_mpc(self, reactor: str, turn: int) -> Proposal:
        """Return the MPC's decision, which holds the density that is on record since it decides."""
        known, vessel = self._book.run_state, self._book.vessels[reactor]
        terms = Terms(
            design_space=self._book.space(reactor), config=vessel.config(self._book.config), reactors=(reactor,)
        )
        try:
            target = self.ladder.target(reactor)
        except ConfigError as error:
            return error, None
        answer = await self._mind.stood_in(turn, known.trajectories[reactor], known.in_force[reactor], target, terms)
        return proposed(answer, reactor=reactor, turn=turn, key=self._book.key(reactor, turn))

    def _fault(self, reactor: str, decision: Decision | PerfusioError) -> str:
        """Return why the twin's decision cannot be used; a vessel that is not seen is no fault of its decision."""
        return " ".join(why for why in self._hands.faults(reactor, decision) if BLINDLY not in why)

    def _failure(self, reactor: str, decision: Decision | PerfusioError, fault: str) -> str:
        """Return the fault if the twin has failed by it: at once if it gave no sound decision, else on the second day.

        A decision at the edge of a limit may be refused on one day for the noise of one count.
        """
        has_failed = bool(unsound(decision, reactor)) or reactor in self._book.run_state.held
        return fault if has_failed else ""

    def _recorded(self, proposal: Proposal, why: Json | None = None) -> Decision | PerfusioError:
        """Put a decision on record; one that cannot be recorded cannot be done either."""
        decision, event = proposal
        if event is not None:
            self._book.append(event if why is None else noted(why, event))
        return decision
