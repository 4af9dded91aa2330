"""Figures of a course, all of them by the truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perfusio.objective import Constraint
from perfusio.process.derived import quantity_paths
from perfusio.process.roles import BLEED, CELLS, PERFUSION, PRODUCT, VIABILITY
from perfusio.state import SPECIES, FloatArray
from perfusio.study.cultures.culture import CultureCourse

FROM_DAY = 12
"""Earlier days are growth towards the target, not tracking."""
SETTLED_DAY = 3
"""Limits count from here on: nobody could have kept one before."""
MOVED = 0.01
"""A setpoint that changes by less than this share of its largest step has not moved."""


def figures(course: CultureCourse, limits: Sequence[Constraint]) -> dict[str, float]:
    """Return the figures of a course.

    ``error_pct``: RMS of true VCD / target - 1 from day 12 on [%]. ``violated_days``: days from day 3 on with the true
    value of at least one limited quantity beyond its limit. ``least_viability`` from day 12 on [%]. ``moves``: changes
    of setpoints a day; ``variation``: their sum in largest steps a day. ``perfused``: perfusion asked for [VVD], mean.
    ``product``: with the harvest [mg/L/day], mean, all product passing the membrane. ``inside``, ``withheld``: see
    `CultureCourse`.
    """
    culture, days = course.culture, len(course.asked)
    values = np.array([[getattr(s, n) for n in SPECIES] for s in course.truth])  # (days + 1, Q) of the plant's panel
    targets = np.array([culture.aim(round(s.day) - 1) for s in course.truth])
    day = np.array([s.day for s in course.truth])
    late = day >= min(FROM_DAY, days) - 1e-9
    off = values[:, SPECIES.index(CELLS)] / targets - 1.0
    asked = np.array([u.vector() for u in course.asked])
    steps = np.abs(np.diff(np.vstack([culture.space.nominal.vector(), asked]), axis=0)) / culture.space.max_step
    perfusion, bleed = (np.array([getattr(u, name) for u in course.asked]) for name in (PERFUSION, BLEED))
    return {
        "error_pct": 100.0 * float(np.sqrt(np.mean(off[late] ** 2))),
        "violated_days": float(_violated(course, values, limits).sum()),
        "least_viability": float(values[late, SPECIES.index(VIABILITY)].min()),
        "moves": float((steps > MOVED).sum(axis=1).mean()),
        "variation": float(steps.sum(axis=1).mean()),
        "perfused": float(perfusion.mean()),
        "product": float(np.mean(values[1:, SPECIES.index(PRODUCT)] * (perfusion - bleed))),
        "last_vcd": float(values[-1, SPECIES.index(CELLS)]),
        "inside": course.inside,
        "withheld": float(course.withheld),
    }


def _violated(course: CultureCourse, values: FloatArray, limits: Sequence[Constraint]) -> FloatArray:
    """Return for each day from SETTLED_DAY on whether a limit is broken at its end."""
    plans = np.array([u.vector() for u in course.asked])
    days, panel = len(plans), course.culture.space.process
    broken = np.zeros(days, dtype=bool)
    kept = [SPECIES.index(n) for n in panel.species_names]
    for limit in limits:
        found = quantity_paths(limit.quantity, values[None, None, 1:, kept], plans[None], panel=panel)[0, 0]
        low = -np.inf if limit.low is None else limit.low
        high = np.inf if limit.high is None else limit.high
        broken |= (found < low) | (found > high)
    return broken[SETTLED_DAY - 1 :]
