"""Adjust the few rate parameters of the mechanistic prior to data: robust, regularised least squares."""

from __future__ import annotations

import numpy as np
from scipy.optimize import least_squares

from perfusio.errors import FitFailed
from perfusio.hybrid.features import IndexedData
from perfusio.hybrid.layout import Layout, layout_of
from perfusio.hybrid.residuals.transitions import Transitions
from perfusio.state import FloatArray

BETWEEN_VESSELS_SD = 0.10
"""How much one vessel's log rates differ from another's of the same cell line (engineering judgement)."""
REACH = 2.5
MOST_COLUMNS = 2048
"""Transitions that are advanced at once while slopes are taken."""
N_CALIBRATION = 1000
"""Of more transitions every few runs count: they are a few dozen numbers."""


def calibrate(
    data: IndexedData, start: FloatArray, expected: tuple[FloatArray, FloatArray] | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return log parameters (P,), and the covariance of a next vessel's own rates around them.

    One-step predictions are compared with the measurements, each divided by the measurement noise and the model's
    white error together; a soft L1 loss keeps outliers from steering, the prior keeps what the data do not tell.

    Args:
        data: Transitions in the indexed format.
        start: Log parameters to start from (P,).
        expected: Log parameters that are expected and their sd, two arrays (P,); default: those of any cell line.

    Returns:
        Log parameters (P,), each within REACH prior standard deviations of typical: many of them trade off against one
        another, and data of one step would drive production and uptake of the same thing up together without end.
        Covariance (P_v, P_v) of the P_v rates that differ between vessels.

    Raises:
        FitFailed: the optimum is not finite.
    """
    data = _some_runs(data)
    at, log_sd = data.layout, data.layout.log_sd
    centre, sd = (np.zeros(len(log_sd)), log_sd) if expected is None else expected
    transitions = Transitions.of(data)
    column = np.zeros((at.n_species, len(data.y)))
    column[data.task, np.arange(len(data.y))] = data.y
    target = at.to_latent(column)[data.task, np.arange(len(data.y))]
    noise = at.noise_sd(column)[data.task, np.arange(len(data.y))]
    weight = 1.0 / np.hypot(1.4 * noise, 2.0 * at.white_sd[data.task] * np.sqrt(data.hours / 24.0))

    def compared(predicted: FloatArray, log_factors: FloatArray) -> FloatArray:
        off = weight * (predicted[data.task, transitions.place] - target)
        soft = np.sign(off) * np.sqrt(2.0 * (np.sqrt(1.0 + off**2) - 1.0))
        return np.concatenate([soft, (log_factors - centre) / sd])

    last: list[FloatArray] = []  # the latest point of the search and its misfit: slopes are asked for there next

    def misfit(log_factors: FloatArray) -> FloatArray:
        last[:] = log_factors.copy(), compared(transitions.predicted(log_factors), log_factors)
        return last[1]

    n, n_transitions = len(start), len(transitions.hours)
    together = max(1, min(n, MOST_COLUMNS // max(n_transitions, 1)))
    copies = {m: transitions.repeated(m) for m in {together, n % together} if m}

    def slopes(log_factors: FloatArray) -> FloatArray:
        here = last[1] if last and np.array_equal(last[0], log_factors) else misfit(log_factors)
        nudged = log_factors + 1e-4 * np.eye(n)
        out = np.empty((len(here), n))
        for first in range(0, n, together):  # of few transitions a call costs more than its numbers: many at once
            some = nudged[first : first + together]
            after = copies[len(some)].predicted(np.repeat(some.T, n_transitions, axis=1))
            for i, one in enumerate(some):
                columns = slice(i * n_transitions, (i + 1) * n_transitions)
                out[:, first + i] = (compared(after[:, columns], one) - here) / 1e-4
        return out

    reach = REACH * log_sd
    result = least_squares(
        misfit,
        np.clip(start, -0.98 * reach, 0.98 * reach),  # a search must start inside
        jac=slopes,
        bounds=(-reach, reach),
        max_nfev=15,
        x_scale=log_sd,
        xtol=1e-4,
        ftol=1e-5,
    )
    if not np.isfinite(result.x).all():
        raise FitFailed("The prior's parameters have no finite optimum on these data; the old model stays in use.")
    information = result.jac.T @ result.jac
    own = slice(0, at.n_vessel_rates)
    cov = np.linalg.inv(information)[own, own] + BETWEEN_VESSELS_SD**2 * np.eye(at.n_vessel_rates)
    return result.x, cov


def _some_runs(data: IndexedData) -> IndexedData:
    """Return whole runs, the last one among them, with N_CALIBRATION transitions or little more; all if that is all."""
    is_new = np.ones(len(data.y), dtype=bool)
    is_new[1:] = (data.x[1:, :-1] != data.x[:-1, :-1]).any(axis=1)
    every = -(-int(is_new.sum()) // N_CALIBRATION)
    if every <= 1:
        return data
    day = data.x[:, -2]
    run = np.cumsum(np.concatenate([[False], day[1:] < day[:-1]]))
    some = (run[-1] - run) % every == 0
    return data.of(some)


def uncalibrated(layout: Layout | None = None) -> tuple[FloatArray, FloatArray]:
    """Return log parameters and covariance before any data: typical values, cell-line spread; default panel if None."""
    at = layout or layout_of()
    return np.zeros(at.n_parameters), np.diag(at.log_sd[: at.n_vessel_rates] ** 2)
