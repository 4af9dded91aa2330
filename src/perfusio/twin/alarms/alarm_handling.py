"""Lookout: which alarms a vessel gives now, raised and cleared on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf

from perfusio.config import Mode
from perfusio.decision import BLINDLY, Action, Decision, Verdict
from perfusio.errors import PerfusioError
from perfusio.events import AlarmChanged, AlarmRaised
from perfusio.forecast import Forecast
from perfusio.protocols import MediumDoubt
from perfusio.record.changes.writes import NOBODY_WRITES
from perfusio.twin.alarms.conduct import not_controlled, parted, target_missed
from perfusio.twin.alarms.levels import (
    MEDIUM,
    OVERDUE,
    SOURCE,
    alarms,
    beside_the_twin,
    doubtful,
    undecided,
    unfit_medium,
)
from perfusio.twin.state.logbook import Logbook
from perfusio.twin.state.modes import Modes
from perfusio.twin.state.refused_samples import is_in_doubt
from perfusio.twin.state.standing_alarms import CLOCK, DECIDER, REFUSED, WRITE

MANY = 4
"""Vessels from which on a further one with the same warning is told for all of them."""
N_BEFORE = 6
"""Samples with which today's is filtered, at most."""
NOT_OURS = (OVERDUE, SOURCE, CLOCK, WRITE, DECIDER)
"""Alarms that neither a sample nor a forecast ends."""


class Lookout:
    """Looks at each vessel once a turn.

    Args:
        book: State of the run, and its record.
    """

    def __init__(self, book: Logbook) -> None:
        self._book = book
        self._modes = Modes(book)

    def after_decisions(
        self, turn: int, decisions: Mapping[str, Decision | PerfusioError], verdicts: Sequence[Verdict]
    ) -> None:
        """Look at the vessels that were decided for, with the forecast under the setpoints to come."""
        for verdict in verdicts:
            decision = decisions[verdict.reactor_id]
            usable, is_written = None, verdict.action is Action.WRITE
            if isinstance(decision, Decision) and decision.chosen.is_finite() and decision.hold.is_finite():
                usable = decision.chosen if is_written else decision.hold
            is_fault = verdict.action is Action.HOLD and self._modes.mode(verdict.reactor_id) not in NOBODY_WRITES
            words = " ".join(verdict.because) if is_fault else ""
            is_blank = bool(verdict.because) and all(BLINDLY in why for why in verdict.because)
            self.look(verdict.reactor_id, turn, usable, words, is_blank=is_blank)

    def look(
        self, reactor: str, turn: int, forecast: Forecast | None, undecided_because: str, *, is_blank: bool = False
    ) -> None:
        """Raise the alarms that a vessel's sample and forecast give, and clear those that they do not give any more.

        Args:
            reactor: Vessel.
            turn: Of the loop.
            forecast: Under what will be in force, None where there is none.
            undecided_because: Why nothing was decided; empty where it was, or where a person ordered that.
            is_blank: Whether that is but a value that was not measured: on the first day nobody is woken for it.
        """
        known = self._book.run_state
        active = {a[1:] for a in known.alarms if a[0] == reactor and a[1] not in NOT_OURS and not _is_of_medium(a[1])}
        sample, since = known.trajectories[reactor].states[-1], known.held.get(reactor, turn)
        trajectory, config = known.trajectories[reactor], self._book.config
        hours, vessel = config.sampling_interval_hours, self._book.vessels[reactor].config(config)
        is_ordered = self._modes.mode(reactor) in NOBODY_WRITES  # by a person: what follows from that pages nobody
        found = (
            *alarms(
                config.alarms, sample, forecast, sample.time_h, active, before=trajectory.states[-N_BEFORE:-1],
                interval_hours=hours,
            ),
            *doubtful(sample), *(() if is_ordered else target_missed(vessel.objectives, trajectory, hours)),
            *not_controlled(trajectory, known.in_force[reactor]), *parted(trajectory.states),
        )  # fmt: skip
        if undecided_because and (forecast is None or reactor in known.held):
            held_h = self._hours(since, turn)
            found += (undecided(undecided_because, held_h, is_grave=not is_blank or held_h > 0.0),)
        is_automatic = self._modes.mode(reactor) is Mode.AUTOMATIC
        for alarm in found:
            told = replace(alarm, response=beside_the_twin(alarm.response)) if is_automatic else alarm
            self._tell(replace(told, reactor=reactor, turn=turn))
        lasting = {(alarm.quantity, alarm.level) for alarm in found}
        if is_in_doubt(known, reactor):
            lasting.add((REFUSED, "doubt"))
        for quantity, level in sorted(active - lasting):
            self._change(reactor, turn, f"{quantity}:{level}", "cleared")
        for _, quantity, level in sorted(d for d in known.delayed if d[0] == reactor and d[1:] not in lasting):
            self._change(reactor, turn, f"{quantity}:{level}", "passed", "It did not last.")
        self._end_of_many(turn)

    def look_at_medium(self, reactor: str, turn: int, doubts: Sequence[MediumDoubt]) -> None:
        """Raise an alarm for each species of the medium that is in doubt, and clear those that are not any more."""
        known = self._book.run_state
        for found in doubts:
            self._tell(replace(unfit_medium(found), reactor=reactor, turn=turn))
        lasting = {f"{MEDIUM} {found.species}" for found in doubts}
        for _, quantity, level in sorted(a for a in known.alarms if a[0] == reactor and _is_of_medium(a[1])):
            if quantity not in lasting:
                self._change(reactor, turn, f"{quantity}:{level}", "cleared")

    def _tell(self, alarm: AlarmRaised) -> None:
        """Raise an alarm if it is new and has lasted as long as it must, or if it was shelved for long enough."""
        known, turn = self._book.run_state, alarm.turn or 0
        name = (alarm.reactor or "", alarm.quantity, alarm.level)
        if name in known.alarms:
            since, hours = known.shelved.get(name, (turn, inf))
            if self._hours(since, turn) >= hours:
                self._book.append(replace(alarm, reason=f"{alarm.reason} It was shelved for {hours:g} h."))
            return
        if alarm.level == "warn" and self._is_of_many(alarm):
            return
        delay = next((a.delay_hours for a in self._book.config.alarms if a.quantity == alarm.quantity), 0.0)
        is_lone = alarm.level == "warn" and len(known.trajectories[alarm.reactor or ""].states) == 1
        if alarm.lead_days or is_lone:  # a forecast of one day may be another the day after, and so may a reading
            delay = max(delay, self._book.config.sampling_interval_hours)
        is_at_once = alarm.lead_days == 0.0 and alarm.level == "act"
        if is_at_once or self._hours(known.delayed.get(name, turn), turn) >= delay:
            self._book.append(alarm)
        elif name not in known.delayed:
            words = f"{alarm.reason} Raised if it lasts for {delay:g} h."
            self._change(name[0], turn, f"{alarm.quantity}:{alarm.level}", "delayed", words)

    def _is_of_many(self, alarm: AlarmRaised) -> bool:
        """Whether several vessels have this alarm, so that one for all of them is told in the place of a further one.

        It is over when no vessel has it any more.
        """
        known, level = self._book.run_state.alarms, (alarm.quantity, alarm.level)
        having = sorted(reactor for reactor, *other in known if reactor and tuple(other) == level)
        if ("", *level) not in known:
            if len(having) < MANY - 1:
                return False
            words = f"{alarm.reactor} as {', '.join(having)}: {alarm.reason} Further vessels are not told one by one."
            self._book.append(replace(alarm, reactor=None, reason=words))
        return True

    def _end_of_many(self, turn: int) -> None:
        """End alarms for several vessels that no vessel has any more."""
        known = self._book.run_state.alarms
        for reactor, quantity, level in sorted(known):
            if reactor == "" and level == "warn" and not any(r and (q, w) == (quantity, level) for r, q, w in known):
                self._book.append(AlarmChanged(turn=turn, alarm=f"{quantity}:{level}", status="cleared"))

    def _change(self, reactor: str, turn: int, alarm: str, status: str, reason: str = "") -> None:
        self._book.append(AlarmChanged(reactor=reactor, turn=turn, alarm=alarm, status=status, reason=reason))

    def _hours(self, since: int, turn: int) -> float:
        return (turn - since) * self._book.config.sampling_interval_hours


def _is_of_medium(quantity: str) -> bool:
    return quantity.startswith(f"{MEDIUM} ")
