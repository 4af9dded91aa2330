"""The volume balance of a perfused vessel, once: what flows in bounds what may flow out.

Inflow = bleed + sampling + harvest at constant volume, so bleed + sampling may not exceed the inflow; a vessel of which
more is taken runs empty. Design spaces, the guard, searches, designs and virtual vessels ask here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perfusio.state import SETPOINT_INDEX, FloatArray

SAMPLING_FLOW = 0.015
"""Volume taken for samples [VVD]: about 3 mL a day from 200 mL (process facts, 3.6)."""
ROUNDING = 1e-9
"""By so much outflow may exceed inflow: both are sums of rounded numbers [VVD]."""


def largest_bleed(perfusion: FloatArray | float, sampling: float = SAMPLING_FLOW) -> FloatArray:
    """Return the bleed rate [VVD] at which nothing is left to harvest, of the shape of `perfusion` [VVD]."""
    return np.asarray(perfusion, dtype=float) - sampling


def is_balanced(
    perfusion: FloatArray | float, bleed: FloatArray | float, sampling: float = SAMPLING_FLOW
) -> NDArray[np.bool_]:
    """Return whether bleed and sampling leave no more than flows in; both [VVD], of one shape; NaN is not balanced."""
    return np.asarray(bleed <= largest_bleed(perfusion, sampling) + ROUNDING)


def are_balanced(setpoints: FloatArray) -> NDArray[np.bool_]:
    """Return the same for setpoints (..., U), shape (...)."""
    perfusion, bleed = (setpoints[..., SETPOINT_INDEX[name]] for name in ("perfusion_rate", "bleed_rate"))
    return is_balanced(perfusion, bleed)


def imbalance(perfusion: float, bleed: float, sampling: float = SAMPLING_FLOW) -> str:
    """Return in words that these flows, which are not balanced, empty the vessel."""
    return (
        f"bleed_rate {bleed:g} and sampling {sampling:g} 1/day exceed perfusion_rate {perfusion:g} 1/day: the "
        "vessel would run empty. Lower the bleed or raise the perfusion."
    )
