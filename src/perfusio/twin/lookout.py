"""Lookout: which alarms a vessel gives now, raised and cleared on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from perfusio.decision import Action, Decision, Verdict
from perfusio.errors import PerfusioError
from perfusio.events import AlarmChanged
from perfusio.forecast import Forecast
from perfusio.twin.alarms import alarms, doubtful, undecided
from perfusio.twin.logbook import Logbook


class Lookout:
    """Looks at each vessel once a turn.

    Args:
        book: What is known, and the record.
    """

    def __init__(self, book: Logbook) -> None:
        self._book = book

    def after_decisions(
        self, turn: int, decisions: Mapping[str, Decision | PerfusioError], verdicts: Sequence[Verdict]
    ) -> None:
        """Look at the vessels that were decided for, with the forecast of what will be in force."""
        for verdict in verdicts:
            decision = decisions[verdict.reactor_id]
            usable, is_written = None, verdict.action is Action.WRITE
            if isinstance(decision, Decision) and decision.chosen.is_finite() and decision.hold.is_finite():
                usable = decision.chosen if is_written else decision.hold
            words = " ".join(verdict.because) if verdict.action is Action.HOLD else ""
            self.look(verdict.reactor_id, turn, usable, words)

    def look(self, reactor: str, turn: int, forecast: Forecast | None, undecided_because: str) -> None:
        """Raise the alarms that a vessel's sample and forecast give, and clear those that they do not give any more."""
        known = self._book.run_state
        sample, since = known.trajectories[reactor].states[-1], known.held.get(reactor, turn)
        found = (*alarms(self._book.config.alarms, sample, forecast, sample.time_h), *doubtful(sample))
        if undecided_because and (forecast is None or reactor in known.held):
            found += (undecided(undecided_because, (turn - since) * self._book.config.sampling_interval_hours),)
        active = {(reactor, a.quantity, a.level) for a in found}
        for alarm in found:
            if (reactor, alarm.quantity, alarm.level) not in self._book.run_state.alarms:
                self._book.append(replace(alarm, reactor=reactor, day=turn))
        for _, quantity, level in sorted(a for a in self._book.run_state.alarms - active if a[0] == reactor):
            self._book.append(AlarmChanged(reactor=reactor, day=turn, alarm=f"{quantity}:{level}", status="cleared"))
