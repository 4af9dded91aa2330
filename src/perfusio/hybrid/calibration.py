"""Adjust the few rate parameters of the mechanistic prior to data: robust, regularised least squares."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares

from perfusio.errors import FitFailed
from perfusio.hybrid.features import IndexedData
from perfusio.hybrid.layout import Layout, layout_of
from perfusio.hybrid.residuals.transitions import Transitions
from perfusio.kinetics.parameters import Parameter
from perfusio.state import FloatArray

BETWEEN_VESSELS_SD = 0.10
"""How much one vessel's log rates differ from another's of the same cell line (engineering judgement)."""
REACH = 8.0
"""Prior standard deviations within which rates are searched: far beyond any culture on record, so that only a search
that has lost its way ends there. Data decide long before."""
TAIL = 4.0
"""Degrees of freedom of the prior of rates: Student's t. Near typical it holds as a normal one does; rich data overrule
it at the cost of a logarithm, where a normal one would ask for the square."""
MOST_COLUMNS = 2048
"""Transitions that are advanced at once while slopes are taken."""
N_CALIBRATION = 1000
"""Of more transitions every few runs count: they are a few dozen numbers."""


class Calibrated(NamedTuple):
    """Rates that data told.

    Attributes:
        log_factors: Log parameters over typical (P,).
        rate_cov: Covariance (P_v, P_v) of a next vessel's own rates around them.
        doubt_left: Standard deviation of each over the prior's, (P,): 1 = the data said nothing of it.
    """

    log_factors: FloatArray
    rate_cov: FloatArray
    doubt_left: FloatArray


def calibrate(
    data: IndexedData, start: FloatArray, expected: tuple[FloatArray, FloatArray] | None = None
) -> Calibrated:
    """Return log parameters, and how sure they are.

    One-step predictions are compared with the measurements, each divided by the measurement noise and the model's
    white error together; a soft L1 loss keeps outliers from steering, the prior keeps what the data do not tell.

    Args:
        data: Transitions in the indexed format.
        start: Log parameters to start from (P,).
        expected: Log parameters that are expected and their sd, two arrays (P,); default: those of any cell line.

    Returns:
        Log parameters; those of laws that need a species without any reading stay where they are expected.
        Many trade off against one another, and data of one step would drive production and uptake of the same thing
        up together without end, so each has a prior.

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
        return np.concatenate([soft, _tailed((log_factors - centre) / sd)])

    free = np.flatnonzero(_told(at, data))

    def whole(some: FloatArray) -> FloatArray:
        every = centre.copy()
        every[free] = some
        return every

    last: list[FloatArray] = []  # the latest point of the search and its misfit: slopes are asked for there next

    def misfit(some: FloatArray) -> FloatArray:
        last[:] = some.copy(), compared(transitions.predicted(whole(some)), whole(some))
        return last[1]

    n, n_transitions = len(free), len(transitions.hours)
    together = max(1, min(n, MOST_COLUMNS // max(n_transitions, 1)))
    copies = {m: transitions.repeated(m) for m in {together, n % together} if m}

    def slopes(some: FloatArray) -> FloatArray:
        here = last[1] if last and np.array_equal(last[0], some) else misfit(some)
        nudged = np.array([whole(one) for one in some + 1e-4 * np.eye(n)])
        out = np.empty((len(here), n))
        for first in range(0, n, together):  # of few transitions a call costs more than its numbers: many at once
            part = nudged[first : first + together]
            after = copies[len(part)].predicted(np.repeat(part.T, n_transitions, axis=1))
            for i, one in enumerate(part):
                columns = slice(i * n_transitions, (i + 1) * n_transitions)
                out[:, first + i] = (compared(after[:, columns], one) - here) / 1e-4
        return out

    reach = REACH * log_sd[free]
    result = least_squares(
        misfit,
        np.clip(start[free], -0.98 * reach, 0.98 * reach),  # a search must start inside
        jac=slopes,
        bounds=(-reach, reach),
        max_nfev=15,
        x_scale=log_sd[free],
        xtol=1e-4,
        ftol=1e-5,
    )
    if not np.isfinite(result.x).all():
        raise FitFailed("The prior's parameters have no finite optimum on these data; the old model stays in use.")
    cov = np.diag(sd**2)
    cov[np.ix_(free, free)] = np.linalg.inv(result.jac.T @ result.jac)
    own = slice(0, at.n_vessel_rates)
    return Calibrated(
        log_factors=whole(result.x),
        rate_cov=cov[own, own] + BETWEEN_VESSELS_SD**2 * np.eye(at.n_vessel_rates),
        doubt_left=np.minimum(np.sqrt(np.diag(cov)) / sd, 1.0),
    )


def _tailed(off: FloatArray) -> FloatArray:
    """Return the square roots of Student's t penalty, with the sign of `off`, in prior sd."""
    square = off**2
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = np.where(square > 1e-12, np.sqrt(TAIL * np.log1p(square / TAIL) / square), 1.0)
    return off * slope


def _told(at: Layout, data: IndexedData) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return whether every species that the law of a parameter needs was read at all, (P,)."""
    read = np.isin(np.arange(at.n_species), data.task)
    unread = {name for name, is_read in zip(at.species, read, strict=True) if not is_read}
    return np.array([unread.isdisjoint(_needs(p, at)) for p in at.bound.parameters])


def _needs(parameter: Parameter, at: Layout) -> frozenset[str]:
    """Return the species that a parameter is about: those its law names, a generic one's own, the product's."""
    of_role = {f"({s.role})": s.name for s in at.panel.modelled}
    own = {s for s in at.species if parameter.name.startswith(f"{s}_")}
    return frozenset(of_role.get(name, name) for name in parameter.needs) | own


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
