"""Rows of a sensor that reads on, told from samples with gaps in a table that declares no signals."""

from __future__ import annotations

from perfusio.process.panel import Panel
from perfusio.state import State

AT_LEAST = 2
"""Rows of a sensor right before: one row with a gap is a sample of a bad day."""
PART_OF_INTERVAL = 0.25
"""Rows that lie no further apart than this part of the sampling interval are of a sensor."""


class SensorRows:
    """Follows the rows of each vessel.

    A row is of a sensor if it lacks a critical quantity that the vessel has been measured for, and comes at the end of
    a dense series of such rows. Its values are used as any; it is not the sample that a decision waits for.

    Args:
        interval_hours: Between two samples [h].
        panel: Of the run; says what is critical.
    """

    def __init__(self, interval_hours: float, panel: Panel) -> None:
        self._apart_h, self._critical = PART_OF_INTERVAL * interval_hours, frozenset(panel.critical)
        self._measured: dict[str, set[str]] = {}
        self._series: dict[str, tuple[int, float]] = {}

    def follow(self, reactor: str, sample: State) -> bool:
        """Note the next row of a vessel, in the order of time, and say whether it is of a sensor."""
        measured = self._critical - set(sample.missing())
        known = self._measured.setdefault(reactor, set())
        lacks = bool(known - measured)
        known |= measured
        n, last_h = self._series.get(reactor, (0, sample.time_h))
        is_near = 0.0 <= sample.time_h - last_h <= self._apart_h
        self._series[reactor] = (n + 1 if lacks and is_near else int(lacks), sample.time_h)
        return lacks and is_near and n >= AT_LEAST
