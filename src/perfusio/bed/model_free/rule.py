"""Rule that holds a density from counts alone: a plan of bleeds a few samples ahead, perfusion after the cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from perfusio.bed.model_free.count_filter import filtered
from perfusio.config import DesignSpace
from perfusio.process.roles import temperatures
from perfusio.process.rules import largest_bleed
from perfusio.state import FloatArray, Setpoints, State

AHEAD = 4
"""Samples that a plan looks ahead."""
ABOVE, BELOW = 1.0, 0.3
"""Weight of a density above its target and below it: too many cells starve all."""
MOVING = 0.3
"""Price of a bleed step, beside squared errors of the log density."""
OUTSIDE = 100.0
"""Price of a planned bleed outside its bounds; the one that is written never is."""
COOLING = 0.5
"""Change of temperature a day where the bleed alone is not enough [°C]."""
AT_END = 0.02
"""A bleed this close to an end of its bounds, as a share of their width, is at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DensityPlan:
    """The plan of one vessel.

    Attributes:
        plan: Setpoints of the intervals to come; the last one stays.
        density: Filtered, now [1e6 cells/mL]; NaN before the first count.
        growth: Filtered net growth [1/day].
    """

    plan: tuple[Setpoints, ...]
    density: float
    growth: float


def hold(
    states: Sequence[State],
    setpoints: Sequence[Setpoints],
    current: Setpoints,
    *,
    target: float,
    space: DesignSpace,
    hours: float = 24.0,
    cspr: float = 0.025,
) -> DensityPlan:
    """Plan the setpoints that hold a density.

    A Kalman filter on log VCD and net growth (a random walk) sees the counts. Over AHEAD bleed steps d, none larger
    than the largest step, ``sum w(e_k) e_k^2 + MOVING sum d^2`` is least, with ``e_k = log(X/X*) + sum(g - b) dt``, w =
    ABOVE where e > 0 and BELOW elsewhere, and bounds by penalty. Perfusion is `cspr` times the cells of the next
    sample. While the bleed is at its upper end and growth still too fast, temperature falls by COOLING a day; while it
    is at its lower end and growth too slow, temperature goes back towards its nominal value.

    Args:
        states: Samples so far, N of them.
        setpoints: In force between them, N - 1.
        current: In force now.
        target: Density to hold, X* [1e6 cells/mL].
        space: Bounds and largest steps.
        hours: Time to the next sample [h].
        cspr: Perfusion per cell [nL/cell/day]; 0.025 = 25 pL/cell/day.

    Raises:
        EmptyDesignSpace: no single step brings the vessel back into the design space.
    """
    panel, days = current.panel, hours / 24.0
    low, high = space.reachable(current)
    now = Setpoints.of(np.clip(current.vector(), low, high), panel)
    known = filtered(states, setpoints)
    if known is None:
        return DensityPlan(plan=(now,), density=float("nan"), growth=float("nan"))
    log_vcd, growth = known
    d, b = panel.the("perfusion"), panel.the("bleed")
    i, j = panel.index(b), panel.index(d)
    bounds, offset = (float(space.low[i]), float(space.high[i])), log_vcd - float(np.log(target))
    steps = bleed_steps(offset, growth, getattr(current, b), bounds, float(space.max_step[i]), days)
    bleeds = np.clip(getattr(current, b) + np.cumsum(steps), *bounds)
    tomorrow = float(np.exp(log_vcd + (growth - bleeds[0]) * days))
    perfusion = float(np.clip(cspr * tomorrow, low[j], high[j]))
    most = float(largest_bleed(perfusion, panel.equipment.sampling))
    first = {b: float(np.clip(bleeds[0], low[i], high[i])), d: perfusion}
    warmth = _temperatures(now, offset, growth, first[b], bounds, space)
    plan = []
    for bleed in (first[b], *bleeds[1:].tolist()):
        plan.append(now.with_values(**{**first, **warmth, b: max(min(bleed, most), bounds[0])}))
    return DensityPlan(plan=tuple(plan), density=float(np.exp(log_vcd)), growth=growth)


def bleed_steps(
    offset: float, growth: float, bleed: float, bounds: tuple[float, float], largest: float, days: float = 1.0
) -> FloatArray:
    """Return the bleed steps of a plan (AHEAD,) [1/day], see `hold`.

    Args:
        offset: log(X/X*) now.
        growth: Net growth [1/day].
        bleed: In force [1/day].
        bounds: Of the bleed [1/day].
        largest: Step [1/day].
        days: Between two samples [day].
    """
    low, high = bounds
    sums = np.tril(np.ones((AHEAD, AHEAD)))
    drift = offset + growth * days * np.arange(1, AHEAD + 1)

    def cost(d: FloatArray) -> tuple[float, FloatArray]:
        b = bleed + sums @ d
        e = drift - days * (sums @ b)
        weighted = np.where(e > 0.0, ABOVE, BELOW) * e
        beyond = np.maximum(b - high, 0.0) - np.maximum(low - b, 0.0)
        value = weighted @ e + MOVING * (d @ d) + OUTSIDE * (beyond @ beyond)
        slope = -2.0 * days * (sums.T @ (sums.T @ weighted)) + 2.0 * MOVING * d + 2.0 * OUTSIDE * (sums.T @ beyond)
        return float(value), slope

    # convex with a continuous slope, four unknowns: any start leads to the same plan
    found = minimize(cost, np.zeros(AHEAD), jac=True, method="L-BFGS-B", bounds=[(-largest, largest)] * AHEAD)
    steps: FloatArray = found.x
    return steps


def _temperatures(
    now: Setpoints, offset: float, growth: float, bleed: float, bounds: tuple[float, float], space: DesignSpace
) -> dict[str, float]:
    """Return the temperatures to set, where the bleed is at an end and not enough."""
    margin = AT_END * (bounds[1] - bounds[0])
    is_too_fast = bleed >= bounds[1] - margin and growth > bounds[1] and offset > 0.0
    is_too_slow = bleed <= bounds[0] + margin and growth < bounds[0] and offset < 0.0
    found, (low, high) = {}, space.reachable(now)
    for name in temperatures(now.panel):
        i, value = now.panel.index(name), getattr(now, name)
        nominal = space.bounds[name].nominal
        if is_too_fast:
            found[name] = float(np.clip(value - COOLING, low[i], high[i]))
        elif is_too_slow and value < nominal:
            found[name] = float(np.clip(min(value + COOLING, nominal), low[i], high[i]))
    return found
