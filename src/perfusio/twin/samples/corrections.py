"""Corrections: a known sample comes again with other values, and the former ones count no more. Pure.

The record keeps both: a correction is an event of its own that names the one it corrects. Decisions on the old
value stays decided; nothing is written again for a day that has passed.
"""

from __future__ import annotations

from dataclasses import replace

from perfusio.state import State
from perfusio.trajectory import Trajectory


def correction(sample: State, trajectory: Trajectory) -> State | None:
    """Return the known sample of that time as it is to be from now on, None if no known value is another now.

    Missing values are filled in, values that are not given again stay.
    """
    known = _known(trajectory, sample.time_h)
    if known is None:
        return None
    given = sample.measured()
    changed = {n for n, v in known.measured().items() if n in given and given[n] != v}
    if not changed:
        return None
    kept = {name: remark for name, remark in known.quality.items() if name not in given}
    return replace(known.with_values(**given), quality={**kept, **sample.quality})


def in_words(sample: State, trajectory: Trajectory) -> str:
    """Return the correction, e.g. ``"Hour 48: glucose 41 g/L is 4.1 g/L."``."""
    known = _known(trajectory, sample.time_h)
    old, new = known.measured() if known is not None else {}, sample.measured()
    changes = [
        f"{name} {old[name]:g} {sample.panel[name].unit} is {new[name]:g} {sample.panel[name].unit}"
        for name in new
        if name in old and old[name] != new[name]
    ]
    return f"Hour {sample.time_h:g}: {', '.join(changes)}."


def _known(trajectory: Trajectory, time_h: float) -> State | None:
    return trajectory.at(time_h)
