"""The ladder: the twin decides; where it cannot, the model-free MPC; below both nothing is written.

Each step down or up is on record with its cause, and one that no person ordered is an alarm. Nothing is kept here: who
decides, since when, and how many good days there were since, all stand in the record.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from math import nan

from perfusio.bed.model_free.standing_in import density_to_hold
from perfusio.decision import Decider
from perfusio.errors import ConfigError
from perfusio.events import AlarmChanged, Decided, DeciderChanged, Json
from perfusio.process.roles import share_alive
from perfusio.twin.state.logbook import Logbook
from perfusio.twin.state.parting import n_away, parted
from perfusio.twin.state.standing_alarms import DECIDER, stands_in

GOOD_SAMPLES = 3
"""Samples in a row with a usable decision of the twin and readings near their forecasts, before it decides again."""
FORECASTS, FAILED, PERSON, PROGRAM, RECOVERED = "forecasts", "failed", "person", "program", "recovered"
"""Causes of a change, as on record."""
ON_RECORD = "ladder"
"""Entry in the reason of a decision that the MPC made in the place of the twin."""


class Ladder:
    """Knows and changes who decides for each vessel.

    Args:
        book: State of the run, and its record.
        stands_in: Whether this program decides only while no twin runs.

    Attributes:
        stands_in: As given.
    """

    def __init__(self, book: Logbook, *, stands_in: bool = False) -> None:
        self._book, self.stands_in = book, stands_in

    def decider(self, reactor: str) -> Decider:
        """Return who decides for a vessel."""
        last = self._last(reactor)
        return Decider.TWIN if last is None else Decider(last.decider)

    def target(self, reactor: str) -> float:
        """Return the density at which the MPC holds a vessel [1e6 cells/mL].

        Raises:
            ConfigError: it cannot hold this vessel.
        """
        last, vessel = self._last(reactor), self._book.vessels[reactor]
        if last is not None and last.decider == Decider.MODEL_FREE:
            return last.target
        return density_to_hold(self._book.run_state.trajectories[reactor], vessel.config(self._book.config))

    def why_down(self, reactor: str, fault: str) -> tuple[str, str]:
        """Return cause and words for which the MPC should decide in the place of the twin; empty: it should not.

        Args:
            reactor: Vessel.
            fault: Why the twin's own decision cannot be used; empty = it can.
        """
        if self._book.config.fallback == "hold":
            return "", ""
        if fault:
            return FAILED, fault
        states = self._book.run_state.trajectories[reactor].states
        last = self._last(reactor)
        since = [s for s in states if last is None or last.culture_day is None or s.day > last.culture_day]
        if since and (names := parted(since, self._watched)):
            words = f"Readings and forecasts of {' and '.join(names)} have parted: {n_away(since, names[0])} of the "
            return FORECASTS, f"{words}last samples were far from what was forecast."
        return "", ""

    def n_good(self, reactor: str, fault: str) -> int:
        """Return on how many samples in a row the twin could have decided again, with the present one.

        A sample counts if the twin's decision can be used and no reading is far from its forecast; the one after a
        reading that was far is not judged, and does not count.
        """
        states = self._book.run_state.trajectories[reactor].states
        is_away = any(n_away(states[-2:], name) for name in self._watched)
        if fault or is_away or len(states) < 2:
            return 0
        before = self._book.run_state.forecasts.get(reactor)
        told = before.why.get(ON_RECORD, {}) if isinstance(before, Decided) else {}
        return 1 + int(told.get("good_samples", 0))

    def comes_back(self, reactor: str, n_good: int) -> bool:
        """Whether the twin decides again by itself: never where a person ordered otherwise."""
        last = self._last(reactor)
        return last is not None and last.cause != PERSON and n_good >= GOOD_SAMPLES

    def change(
        self, reactor: str, turn: int, to: Decider, cause: str, words: str, *, who: str = "", target: float = nan
    ) -> None:
        """Put on record that another decides, with its alarm; nothing if that one decides already.

        Args:
            reactor: Vessel.
            turn: Turn of the loop.
            to: Who decides from now on.
            cause: One of the causes.
            words: Reason for people.
            who: The person who ordered it.
            target: Density that the MPC is to hold [1e6 cells/mL].
        """
        before = self.decider(reactor)
        if before is to and not who:
            return
        self._book.append(
            DeciderChanged(
                reactor=reactor, turn=turn, before=before.value, decider=to.value, cause=cause, who=who,
                target=target, reason=words,
            )
        )  # fmt: skip
        for of, quantity, level in sorted(self._book.run_state.alarms):
            if of == reactor and quantity == DECIDER:
                self._book.append(
                    AlarmChanged(reactor=reactor, turn=turn, alarm=f"{quantity}:{level}", status="cleared", who=who)
                )
        if to is Decider.MODEL_FREE and not who:
            level = "doubt" if cause == FORECASTS else "act"
            self._book.append(stands_in(words, level, _WAYS_BACK[cause], reactor=reactor, turn=turn))

    def order(self, reactor: str, to: Decider, who: str, why: str) -> str:
        """Have a person's choice decide from the next sample on; return why that cannot be, or nothing."""
        known, target = self._book.run_state, nan
        if to is Decider.TWIN and self.stands_in:
            return "No twin runs here: perfusio resume gives the vessels back to it."
        if to is Decider.MODEL_FREE:
            try:
                target = self.target(reactor)
            except ConfigError as error:
                return str(error)
        self.change(reactor, known.today.turn, to, PERSON, why, who=who, target=target)
        return ""

    def goes_on(self, turn: int) -> None:
        """Say who decides as a program goes on with the run: the MPC while no twin runs, and after it the twin again.

        What a person ordered stays, and so does a step that the twin itself took.
        """
        for reactor in sorted(self._book.aboard):
            last = self._last(reactor)
            if self.stands_in:
                with suppress(ConfigError):  # told with each decision that cannot be made
                    self.stand_in(reactor, turn)
            elif last is not None and last.cause == PROGRAM and last.decider == Decider.MODEL_FREE:
                self.change(reactor, turn, Decider.TWIN, RECOVERED, "The twin runs again.")

    def stand_in(self, reactor: str, turn: int) -> None:
        """Have the MPC decide for a vessel, as the program of the twin is gone.

        Raises:
            ConfigError: it cannot hold this vessel.
        """
        target = self.target(reactor)
        words = f"No twin runs. The model-free MPC holds {reactor} at {target:.3g}."
        self.change(reactor, turn, Decider.MODEL_FREE, PROGRAM, words, target=target)

    @property
    def _watched(self) -> tuple[str, ...]:
        """The species on whose forecasts bleed and perfusion rest, and of which the MPC needs none."""
        panel = self._book.run_state.process
        return tuple(name for name in (panel.the("cells"), share_alive(panel)) if name)

    def _last(self, reactor: str) -> DeciderChanged | None:
        return self._book.run_state.deciders.get(reactor)


_WAYS_BACK = {
    FORECASTS: f"The twin decides again after {GOOD_SAMPLES} good samples in a row, or by perfusio ladder.",
    FAILED: f"The twin decides again after {GOOD_SAMPLES} good samples in a row, or by perfusio ladder.",
    PROGRAM: "The twin decides again after perfusio resume.",
}


def noted(why: Json, decided: Decided) -> Decided:
    """Return the record of a decision with what the ladder adds to its reason."""
    return replace(decided, why={**decided.why, ON_RECORD: why})
