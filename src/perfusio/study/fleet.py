"""How well a fleet of virtual vessels was held: the truth of each against the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from perfusio.state import State
from perfusio.study.closed_loop import tracking_error

FROM_DAY = 7.0
"""Vessels that learn from each other should know by then; earlier days are mostly growth."""


def fleet_errors(
    truth: Sequence[Mapping[str, State]], target: float, *, from_day: float = FROM_DAY
) -> dict[str, float]:
    """Return the RMS of true VCD / target - 1 of each vessel from a day on, as a fraction.

    Args:
        truth: True states by reactor, one mapping per turn.
        target: Density to hold [1e6 cells/mL].
        from_day: First day that counts.
    """
    return {
        reactor: tracking_error([states[reactor] for states in truth], target, from_day=from_day)
        for reactor in truth[0]
    }


def fleet_summary(errors: Mapping[str, float], target: float, *, from_day: float = FROM_DAY) -> str:
    """Say median and worst in a sentence."""
    known = {reactor: error for reactor, error in errors.items() if error == error}
    if not known:
        return f"The run ended before day {from_day:g}, from which on tracking is counted."
    worst = max(known, key=lambda reactor: known[reactor])
    middle = 100.0 * float(np.median(list(known.values())))
    return (
        f"True viable cell density against {target:g}e6 cells/mL from day {from_day:g} on, RMS error: "
        f"median {middle:.1f} %, worst {100.0 * known[worst]:.1f} % ({worst})."
    )
