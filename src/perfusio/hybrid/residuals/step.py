"""One step of the model on the latent scale: the balances, the residual in its two forms, and what bounds it.

A residual has one of two forms: a rate added on the latent scale [latent/day], or, for a species that a concentrate
holds, a correction of the logarithm of its uptake, which keeps the controller that feeds it. Letters as in `layout`.
"""

from __future__ import annotations

import numpy as np

from perfusio.hybrid.layout import Layout
from perfusio.hybrid.mechanistic import STEPS_PER_DAY, advance
from perfusio.state import FloatArray

WASHED_SHARE, LEAST_PERFUSION = 0.9, 0.1  # of the perfusion rate; below so little of it [1/day] the bound stays
RATE_LIMIT = 3.0  # of a log rate
MORE_THAN_SHOWN = 1.5


def bounded(rate: FloatArray, limit: FloatArray | float) -> FloatArray:
    """Return a residual that stays within `limit`, unchanged where it is small."""
    smooth: FloatArray = limit * np.tanh(rate / limit)
    return smooth


def step(
    at: Layout,
    latent: FloatArray,
    setpoints: FloatArray,
    log_factors: FloatArray,
    hours: FloatArray,
    medium: FloatArray,
    residual: FloatArray | None = None,
    drift: FloatArray | float = 0.0,
    *,
    is_bounded: bool = True,
    reach: FloatArray | None = None,
    steps_per_day: int = STEPS_PER_DAY,
) -> FloatArray:
    """Advance latent states by the balances and their residual.

    Args:
        at: Layout of the panel.
        latent: Start (Q, B).
        setpoints: (U, B).
        log_factors: Parameters of the prior (P, B).
        hours: Interval (B,).
        medium: What the perfusion medium holds, (Q,) or (Q, B).
        residual: Of each species in its form, (Q, B); None = none.
        drift: Rate to add to it [latent/day], (Q, B).
        is_bounded: Whether rates are held to what is plausible. Not while learning: where a bound bends, a row hardly
            tells its residual, and what it seems to tell has no end (targets of 35 a day on Random73 for 0.2; on six
            clones with 27 runs rRMSE in design is 0.13 with, 0.10 without).
        reach: How far residuals learnt from data go down and up, (2, Q) as in `Residual`, or (2, Q, B); None = fixed
            limits.
        steps_per_day: Of the integration.

    Returns:
        Latent states after the interval, (Q, B).
    """
    # rate form: the residual moves the logarithm of an uptake; else it is a rate on the latent scale
    if residual is None:
        rate = np.zeros_like(latent) + drift
    else:
        rate = residual + drift
        log_factors = log_factors.copy()
        for q, p in at.rate_form.items():
            log_factors[p] += bounded(residual[q], RATE_LIMIT)
            rate[q] -= residual[q]
    # z(t + h) = balances(z(t)) + (residual + drift) h
    moved: FloatArray = mechanistic_step(at, latent, setpoints, log_factors, hours, medium, steps_per_day)
    if is_bounded:
        limit = _washable(at, rate, setpoints)
        if reach is not None:
            limit = _shown(limit, rate, reach, drift)
        rate = bounded(rate, limit)
    moved += rate * hours / 24.0
    return moved


def _shown(limit: FloatArray, rate: FloatArray, reach: FloatArray, drift: FloatArray | float) -> FloatArray:
    """Return limits (Q, B) as wide as data show: residuals of runs and a half more, and twice a drift.

    A drift needs no bound of its own: a filter saw it, and its memory takes it back.
    """
    least, most = (MORE_THAN_SHOWN * r.reshape(len(r), -1).astype(limit.dtype, copy=False) for r in reach)
    shown: FloatArray = np.hypot(np.maximum(limit, np.where(rate > 0.0, most, least)), 2.0 * drift)
    return shown


def _washable(at: Layout, rate: FloatArray, setpoints: FloatArray) -> FloatArray:
    """Return what these rates (Q, B) may reach at these setpoints (U, B) [latent/day].

    A solute that grew by more than perfusion washes out, day after day, would end in the millions.
    """
    perfusion = setpoints[at.perfusion] if at.perfusion is not None else np.zeros_like(rate[0])
    # dc/dt <= share of D c: a solute cannot be made faster than perfusion takes it away for long
    washed = WASHED_SHARE * np.maximum(perfusion, LEAST_PERFUSION)
    limit = np.repeat(at.limit[:, None].astype(rate.dtype, copy=False), rate.shape[1], axis=1)
    usual = limit[at.washed_out]
    limit[at.washed_out] = np.where(rate[at.washed_out] > 0.0, np.minimum(usual, washed), usual)
    return limit


def mechanistic_step(
    at: Layout,
    latent: FloatArray,
    setpoints: FloatArray,
    log_factors: FloatArray,
    hours: FloatArray,
    medium: FloatArray,
    steps_per_day: int = STEPS_PER_DAY,
) -> FloatArray:
    """Advance latent states (Q, B) by the balances alone, on the latent scale.

    Viability above 100 % and concentrations below zero are what a filter may briefly believe; they enter as 100 and 0,
    and the excess is carried along so that no information is lost at the edge.
    """
    species = at.from_latent(latent)
    after = at.to_latent(advance(at, species, setpoints, log_factors, hours, medium, steps_per_day))
    if at.alive is not None:
        # half of the excess above 100 % is left after a step
        excess = at.excess_viability(latent, species)
        after[at.alive] += np.where(excess > 0.0, 0.5 * excess, 0.0)
    return after
