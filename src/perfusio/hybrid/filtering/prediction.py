"""How a belief moves over an interval: mean, covariance and Jacobian of the extended Kalman filter.

Formulas: Simon, Optimal State Estimation, Wiley 2006, ch. 13. Letters as in `layout`; B vessels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from perfusio.hybrid.filtering.belief import Process, least_freedom
from perfusio.hybrid.gaussian_processes.gp import Expansion
from perfusio.state import FloatArray
from perfusio.trajectory import Feed

DRIFT_MEMORY_DAYS = 10.0
RATE_WALK = 0.03  # per square root of a day, log parameters
GP_VARIANCE_SHARE = 0.1  # the error of a process persists from day to day: as white noise it would count many times
NUDGE = 1e-4
"""Of a latent species or a rate, for the slope of a step [latent]."""


def predict(
    process: Process | Sequence[Process],
    mean: FloatArray,
    cov: FloatArray,
    setpoints: FloatArray,
    day: FloatArray,
    hours: FloatArray,
    medium: FloatArray,
    feeds: Sequence[Feed | None] = (),
    freedom: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Move B beliefs over one interval.

    Args:
        process: How they move; or one for each of them, with the same rates.
        mean: (B, n).
        cov: (B, n, n).
        setpoints: (B, U), in force over the interval.
        day: (B,) culture day at its start.
        hours: (B,) its length.
        medium: What the perfusion medium holds, (Q,) for all vessels or (B, Q).
        feeds: What each vessel was given at its start; empty = nothing to any of them.
        freedom: Of each vessel (B, Q); None = that of the process.

    Returns:
        Mean (B, n), covariance (B, n, n), Jacobian (B, n, n).
    """
    each = [process] * len(mean) if isinstance(process, Process) else process
    first = each[0]
    at = first.layout
    q, n = at.n_species, at.n_belief
    b, m = len(mean), q + at.n_vessel_rates
    slope = np.ones((b, n))
    # a bolus at the start: m <- f(m), P <- S P S' with its diagonal slope S = df/dm
    if any(feeds):
        fed, fed_slope = at.fed_latent(mean[:, at.latent].T, feeds)
        mean = np.concatenate([fed.T, mean[:, q:]], axis=1)
        slope[:, at.latent] = fed_slope.T
        cov = slope[:, :, None] * cov * slope[:, None, :]
    # column 0 is the mean, column j the mean with number j nudged: all go through one step together
    nudge = np.zeros((m + 1, n))
    nudge[np.arange(1, m + 1), np.arange(m)] = NUDGE
    about = expanded(each, at.gp_inputs(mean[:, at.latent].T, setpoints.T, day))
    at_nudges = None if about is None else nudged(about, at.gp_scale, q, m).reshape(q, -1)
    columns = (mean[:, None, :] + nudge).reshape(-1, n).T
    repeated = [np.repeat(a, m + 1, axis=0) for a in (setpoints, day, hours)]
    inflow = medium if medium.ndim == 1 else np.repeat(medium, m + 1, axis=0).T
    moved = first.mean_step(columns, repeated[0].T, repeated[1], repeated[2], inflow, at_nudges)
    moved = moved.T.reshape(b, m + 1, q)
    days = hours / 24.0
    # drift is an Ornstein-Uhlenbeck process: d(t + h) = exp(-h / tau) d(t) + noise
    memory = np.exp(-days / DRIFT_MEMORY_DAYS)
    # F = df/dm: latent rows by forward differences, rates and drifts in closed form
    jacobian = np.zeros((b, n, n))
    jacobian[:, at.latent, :m] = ((moved[:, 1:] - moved[:, :1]) / NUDGE).transpose(0, 2, 1)
    jacobian[:, at.latent, at.drift] = days[:, None, None] * np.eye(q)
    jacobian[:, at.rates, at.rates] = np.eye(at.n_vessel_rates)
    jacobian[:, at.drift, at.drift] = memory[:, None, None] * np.eye(q)
    # m(t + h) = f(m(t))
    out = mean.copy()
    out[:, at.latent] = moved[:, 0]
    out[:, at.drift] *= memory[:, None]
    # P(t + h) = F P F' + W, eq. 13.47 of Simon
    spread = jacobian @ cov @ jacobian.transpose(0, 2, 1)
    # W, diagonal: white error of latent states, walk of the rates, walk of the drifts
    white = np.zeros((b, n))
    free = np.array([least_freedom(p) for p in each]) if freedom is None else freedom
    white[:, at.latent] = days[:, None] * free * at.white_sd**2
    # variance of the residual process, through the slope of the rate where it is in rate form
    if about is not None:
        gain = np.repeat(days[None], q, axis=0)
        for species, parameter in at.rate_form.items():
            gain[species] = jacobian[:, species, q + parameter]
        white[:, at.latent] += GP_VARIANCE_SHARE * (about.variance * gain**2).T
    white[:, at.rates] = (days * np.median(free, axis=1) ** 2)[:, None] * RATE_WALK**2
    white[:, at.drift] = days[:, None] * (free * at.drift_walk) ** 2
    spread[:, np.arange(n), np.arange(n)] += white
    return out, spread, jacobian * slope[:, None, :]


def expanded(processes: Sequence[Process], x: FloatArray) -> Expansion | None:
    """Return the residuals of B processes, each about its own of the inputs x (B, D); None before any fit."""
    of: dict[int, list[int]] = {}
    for b, process in enumerate(processes):
        of.setdefault(id(process.residual), []).append(b)
    asked = [(processes[rows[0]].residual, rows) for rows in of.values()]
    if not any(residual.is_fitted for residual, _ in asked):
        return None
    if len(asked) == 1:
        return asked[0][0].expanded(x)
    parts = [residual.expanded(x[rows]) for residual, rows in asked]
    order = np.argsort(np.concatenate([rows for _, rows in asked]))
    mean, variance, slope, curvature = (
        np.concatenate([getattr(part, f.name) for part in parts], axis=1)[:, order] for f in fields(Expansion)
    )
    return Expansion(mean=mean, variance=variance, slope=slope, curvature=curvature)


def nudged(about: Expansion, scale: FloatArray, q: int, m: int) -> FloatArray:
    """Return residuals (Q, B, m + 1) of B vessels and of their m copies, each nudged in one number of its belief.

    The first q copies differ in a latent species, the others in nothing that the processes see. Second order in the
    nudge: what that leaves is below rounding, and the processes are asked once for all copies.
    """
    step = NUDGE / scale[:q]
    at: FloatArray = np.repeat(about.mean[:, :, None], m + 1, axis=2)
    at[:, :, 1 : q + 1] += step * about.slope[:, :, :q] + 0.5 * step**2 * about.curvature[:, :, :q]
    return at
