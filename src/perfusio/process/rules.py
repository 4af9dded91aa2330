"""The volume balance of a perfused vessel, once: the inflow bounds the outflow.

Inflow = bleed + sampling + harvest at constant volume, so bleed + sampling may not exceed the inflow; a vessel of which
more is taken runs empty. Design spaces, the guard, searches, designs and virtual vessels ask here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.process.roles import BLEED, PERFUSION
from perfusio.process.state import FloatArray, Setpoints

SAMPLING_FLOW = CHO_PERFUSION.equipment.sampling
"""Volume taken for samples [VVD] unless a panel says otherwise."""
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


def flows(setpoints: FloatArray, panel: Panel = CHO_PERFUSION) -> tuple[FloatArray, FloatArray]:
    """Return inflow by perfusion and feeds, and bleed [VVD], of setpoints (..., U), shape (...) each.

    The concentrate of a controller is left out: nobody knows beforehand how much of it will flow.
    """

    def total(*names: str) -> FloatArray:
        """Return the sum of some setpoints, one of which is that setpoint itself, to the bit."""
        one = [setpoints[..., panel.index(name)] for name in names]
        return np.zeros(setpoints.shape[:-1]) if not one else sum(one[1:], start=one[0])

    return total(*panel.of_role("perfusion", "feed_rate")), total(*panel.of_role("bleed"))


def are_balanced(setpoints: FloatArray, panel: Panel = CHO_PERFUSION) -> NDArray[np.bool_]:
    """Return whether no more leaves than flows in, for setpoints (..., U) of a panel, shape (...).

    Without perfusion the volume is not held: it may fall by the samples, and a bleed is bounded by the feeds.
    """
    inflow, bleed = flows(setpoints, panel)
    if panel.balance == "perfusion":
        return is_balanced(inflow, bleed, panel.equipment.sampling)
    return is_balanced(inflow, bleed, 0.0)


def imbalance_of(setpoints: Setpoints) -> str:
    """Return in words that these setpoints, which are not balanced, empty the vessel."""
    panel = setpoints.panel
    inflow, bleed = flows(setpoints.vector(), panel)
    names = panel.of_role("perfusion", "feed_rate") or ("no inflow",)
    sampling = panel.equipment.sampling if panel.balance == "perfusion" else 0.0
    return imbalance(
        float(inflow), float(bleed), sampling, of=" + ".join(names), out=" + ".join(panel.of_role("bleed")) or "bleed"
    )


def imbalance(
    perfusion: float, bleed: float, sampling: float = SAMPLING_FLOW, *, of: str = PERFUSION, out: str = BLEED
) -> str:
    """Return in words that these flows, which are not balanced, empty the vessel.

    Args:
        perfusion: Inflow [VVD].
        bleed: Outflow as broth [VVD].
        sampling: Flow of samples [VVD].
        of: Name of the inflow.
        out: Name of the outflow.
    """
    return (
        f"{out} {bleed:g} and sampling {sampling:g} 1/day exceed {of} {perfusion:g} 1/day: the "
        "vessel would run empty. Lower the bleed or raise the perfusion."
    )
