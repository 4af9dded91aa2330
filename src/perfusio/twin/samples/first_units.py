"""Whether the first samples of a vessel fit the units that they are read in, where nobody told these. Pure.

A unit that is wrong from the first sample on changes nothing from one sample to the next. The checks are those of a
file's columns.
"""

from __future__ import annotations

from collections.abc import Collection

from perfusio.state import Setpoints, State
from perfusio.tables.columns.untold_units import unit_doubts
from perfusio.trajectory import Trajectory

FIRST = 12
"""Samples of a vessel that are judged: people have looked at it by then, and later ones are held against them."""


def other_unit(sample: State, trajectory: Trajectory, in_force: Setpoints, untold: Collection[str]) -> str:
    """Return why a sample seems to be in another unit, with both readings; nothing if it does not.

    A doubt that the samples before raise by themselves is settled: a person accepted one of them.

    Args:
        sample: The new one, or late values of one that is known.
        trajectory: Of the vessel so far.
        in_force: Setpoints since the latest sample.
        untold: Quantities whose unit nobody told.
    """
    known = trajectory.states
    if not untold or len(known) >= FIRST or sample.is_signal or any(s.time_h > sample.time_h for s in known):
        return ""
    before = list(zip(known, (*trajectory.setpoints, in_force), strict=False))
    if known and known[-1].time_h == sample.time_h:
        sample = known[-1].with_values(**sample.measured())
        before = before[:-1]
    settled = {name for doubt in unit_doubts(before, untold) for name in doubt.names}
    found = [d for d in unit_doubts([*before, (sample, in_force)], untold) if not settled & set(d.names)]
    if not found:
        return ""
    return (
        f"{' '.join(doubt.sentence() for doubt in found)} Tell the unit where the source is described (unit in a node "
        "map, units of a database) and resume, or mend the sample. If it is right as it stands, perfusio accept takes "
        "it, and its unit is asked about no more."
    )
