"""Dates: a sample whose time has not come yet is a slip of a pen or of a clock, and must not be taken for today's."""

from __future__ import annotations

from datetime import UTC, timedelta
from math import isfinite

from perfusio.clock import Clock
from perfusio.protocols import Connector, ConnectorKind, Dated, able
from perfusio.state import State
from perfusio.twin.samples.sampling_schedule import SamplingSchedule

SLACK = timedelta(hours=2)
"""Clocks of instruments differ so much."""
SLACK_WITHOUT_ZONE = timedelta(hours=15)
"""A time that does not say its zone may be that of any; the farthest are 14 hours ahead."""
LONGEST_H = 1e6
"""More than a century: a later time is no date any more [h]."""
MOST_AHEAD = 3
"""Turns that a sample without a date may be ahead of the one that is waited for; a server may have skipped some."""


class Dates:
    """Tells samples that were taken from such that cannot have been taken yet.

    Args:
        pace: Which days have passed.
        clock: Of the run.
    """

    def __init__(self, pace: SamplingSchedule, clock: Clock) -> None:
        self._pace, self._clock = pace, clock

    def dated_ahead(self, connector: Connector, sample: State) -> str:
        """Return why a sample cannot have been taken yet, by the dates of its source; nothing if it can."""
        dated = able(connector, Dated)
        began = dated.began if dated is not None else None
        if began is None or not isfinite(sample.time_h):
            return ""
        slack = SLACK if began.tzinfo is not None else SLACK_WITHOUT_ZONE
        taken, now = began.astimezone(UTC) + timedelta(hours=min(sample.time_h, LONGEST_H)), self._clock.now()
        if taken <= now + slack:
            return ""
        return (
            f"The sample is dated {taken:%Y-%m-%d %H:%M} UTC, and it is {now:%Y-%m-%d %H:%M} UTC: its time has not "
            "come yet. Correct the date, or the clock of the machine that is wrong."
        )

    def turn_ahead(self, connector: Connector, reactor: str, sample: State, turn: int, here: int) -> str:
        """Return why a sample cannot have been taken yet, by the days that have passed; nothing if it can.

        Args:
            connector: Of the vessel.
            reactor: Vessel.
            sample: Its sample.
            turn: That is waited for.
            here: That the sample belongs to.
        """
        is_live = connector.kind is ConnectorKind.HARDWARE
        if not is_live or here <= turn + MOST_AHEAD or self._pace.has_passed(reactor, here - 2):
            return ""
        return (
            f"The sample is of hour {sample.time_h:g}, {here - turn} samples after the one that is due, and not so "
            "much time has passed. Correct its time; if it is right, a person accepts it (perfusio accept)."
        )
