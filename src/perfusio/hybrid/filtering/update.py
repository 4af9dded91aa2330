"""How a belief takes a sample in, and what a surprise does to the freedom of its drifts.

How fast a drift may move, the **freedom**, is that of the fitted process as long as samples come as foreseen; a vessel
that surprises day after day gets more of it, a species that keeps to one side of its forecast still more, until it
is as free as one that nothing is known of. Formulas: Simon, Optimal State Estimation, Wiley 2006, ch. 13.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from perfusio.hybrid.filtering.belief import Process, Step, least_freedom
from perfusio.hybrid.layout import Layout
from perfusio.state import FloatArray, State
from perfusio.trajectory import Trajectory

CLIP_SD = 4.0
# Log freedom moves by SURPRISE_GAIN times the mean over species of (innovation over its sd)^2, each at most
# SURPRISE_MOST so that one outlier frees nobody, less SURPRISE_USUAL; days as foreseen take back what surprises gave.
SURPRISE_GAIN, SURPRISE_MOST, SURPRISE_USUAL = 0.5, 6.0, 1.3
# That of one species moves too, by so much of the product of its innovations of two readings in a row, over their sd
# and each at most RUN_MOST: readings that stay on one side of the forecast say that the species drifts (Mehra, IEEE
# Trans. Autom. Control 15:175, 1970: innovations of a filter that is right are not correlated).
RUN_GAIN, RUN_MOST = 0.3, 2.5
MOST_FREE, STRONG_RUN, BACK = 20.0, 4.0, 0.7
"""A drift that readings ask for again and again may be so many times as large as a usual one: a culture that collapses
moves by hundreds of usual drifts. Models of before hold it to 1."""


def initial_belief(state: State, process: Process) -> tuple[FloatArray, FloatArray]:
    """Return mean and covariance from a first sample; unmeasured species start wide around a usual culture."""
    at = process.layout
    mean, cov = np.zeros(at.n_belief), np.zeros((at.n_belief, at.n_belief))
    mean[at.latent] = at.to_latent(np.where(np.isfinite(state.vector()), state.vector(), at.default_state))
    if at.alive is not None:  # one reading of viability says less than what is usual
        mean[at.alive] = at.to_latent(at.default_state)[at.alive]
    cov[at.latent, at.latent] = np.diag(at.default_sd**2)
    cov[at.rates, at.rates] = process.rate_cov
    cov[at.drift, at.drift] = np.diag((least_freedom(process) * at.drift_sd) ** 2)
    return update(at, mean, cov, state, process.residual.noise_factor)[:2]


@dataclass(frozen=True, slots=True)
class Surprise:
    """Measured species (K,), their clipped innovation, its covariance (K, K), and innovation over noise sd (K,)."""

    known: np.ndarray[tuple[int], np.dtype[np.intp]]
    off: FloatArray
    total: FloatArray
    relative: FloatArray


def surprises_of(
    at: Layout,
    mean: FloatArray,
    cov: FloatArray,
    states: Sequence[State],
    noise_factor: FloatArray | float,
    hours: Sequence[float] | FloatArray | None = None,
) -> list[Surprise]:
    """Return how B samples differ from B beliefs, of the quantities read.

    Args:
        at: Layout of the panel.
        mean: (B, n).
        cov: (B, n, n).
        states: The samples.
        noise_factor: Of the usual noise of the analyzer, (Q,), or (B, Q) where it differs.
        hours: Since the readings before (B,); None = so long that errors of signals are forgotten.
    """
    measured = np.array([state.vector() for state in states])
    read = dict[tuple[int, int], float]()  # species that a signal stands in for, with the sd of its reading
    for signal in at.signals:
        for b, state in enumerate(states):
            value = float(getattr(state, signal.name))
            if np.isfinite(value) and not np.isfinite(measured[b, signal.place]):
                measured[b, signal.place] = value
                read[b, signal.place] = at.signal_sd(signal, value, np.inf if hours is None else hours[b])
    # readings on the latent scale: z = g(y)
    is_known, values = np.isfinite(measured), measured.T
    z = at.to_latent(np.where(is_known.T, values, 1.0)).T
    # the noise of the expected value: that of a reading of zero would be far too sure of itself
    believed = at.from_latent(np.ascontiguousarray(mean[:, at.latent].T))
    noise_at = np.where(is_known.T, 0.5 * (values + believed), believed)
    expected = (np.atleast_2d(noise_factor).T * at.noise_sd(noise_at)).T
    for place, sd in read.items():
        expected[place] = sd
    found = []
    # innovation e = z - H m, its covariance S = H P H' + R, and |e| held to CLIP_SD sds (Huber)
    for b, row in enumerate(is_known):
        (known,) = np.nonzero(row)
        noise, off = expected[b, known], z[b, known] - mean[b, known]
        total = cov[b][np.ix_(known, known)] + np.diag(noise**2)
        limit = CLIP_SD * np.sqrt(np.diag(total))
        found.append(Surprise(known, np.clip(off, -limit, limit), total, off / noise))
    return found


def update(
    at: Layout,
    mean: FloatArray,
    cov: FloatArray,
    state: State,
    noise_factor: FloatArray | float = 1.0,
    hours: float = np.inf,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Take one sample into one belief; an outlier counts as an innovation of CLIP_SD standard deviations at most.

    Args:
        at: Layout of the panel.
        mean: (n,).
        cov: (n, n).
        state: The sample.
        noise_factor: Of the usual noise of the analyzer, (Q,).
        hours: Since the reading before [h]; on-line signals are read often, with an error that persists.

    Returns:
        Mean (n,), covariance (n, n), innovation over the measurement sd (Q,), NaN where not measured.
    """
    (s,) = surprises_of(at, mean[None], cov[None], [state], noise_factor, [hours])
    return corrected(at, mean, cov, s)


def corrected(
    at: Layout, mean: FloatArray, cov: FloatArray, surprise: Surprise
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the result of `update` for a sample that is such a surprise."""
    innovation, s = np.full(at.n_species, np.nan), surprise
    if not len(s.known):
        return mean, cov, innovation
    innovation[s.known] = s.relative
    # gain K = P H' S^-1 by Cholesky; P <- P - K H P, made symmetric; m <- m + K e
    gain_cov = cov[:, s.known]
    gain = _solved(_factor(s.total), gain_cov.T).T
    new_cov = cov - gain @ gain_cov.T
    return mean + gain @ s.off, 0.5 * (new_cov + new_cov.T), innovation


def _factor(total: FloatArray) -> FloatArray:
    """Return the lower Cholesky factor; straight from LAPACK, as what is around it costs more than so few rows do.

    Raises:
        LinAlgError: it is not positive definite, or not finite.
    """
    factor, failed = lapack.dpotrf(total, lower=1, clean=0)
    if failed or not np.isfinite(np.diag(factor)).all():
        raise np.linalg.LinAlgError(f"The covariance of {len(total)} readings is not positive definite.")
    lower: FloatArray = factor
    return lower


def _solved(factor: FloatArray, b: FloatArray) -> FloatArray:
    x: FloatArray = lapack.dpotrs(factor, b, lower=1)[0]
    return x


def freed(
    process: Process, freedom: FloatArray, latest: FloatArray, cov: FloatArray, surprise: Surprise
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the freedom (Q,), latest innovations (Q,) and covariance (n, n) of a vessel after a sample.

    A drift that is freed becomes more doubtful by the larger freedom's addition to that of a new vessel.
    """
    at = process.layout
    innovation = surprise.off / np.sqrt(np.diag(surprise.total))
    # log freedom rises with the mean squared innovation beyond its usual value: adaptive process noise
    squares = np.minimum(innovation**2, SURPRISE_MOST)
    change = SURPRISE_GAIN * float((squares - SURPRISE_USUAL).sum()) / at.n_species
    # and with the product of two innovations in a row: of a right filter they are not correlated
    run, now = np.zeros(at.n_species), latest.copy()  # of what is read now and then, the last reading is remembered
    now[surprise.known] = np.clip(innovation, -RUN_MOST, RUN_MOST)
    run[surprise.known] = (now * latest)[surprise.known]
    # beyond the freedom of a new vessel only by two strong surprises to one side in a row; it soon comes back
    is_strong = (run > STRONG_RUN) & (process.residual.reach is not None)
    most = np.where(is_strong, MOST_FREE, np.maximum(BACK * freedom, 1.0))
    free = np.clip(freedom * np.exp(change + RUN_GAIN * run), least_freedom(process), most)
    # the covariance of the drifts grows by as much as the larger freedom adds
    before, after = ((f * at.drift_sd) ** 2 for f in (freedom, free))
    doubt = np.zeros(at.n_belief)
    doubt[at.drift] = np.clip(after - np.diag(cov)[at.drift], 0.0, np.maximum(after - before, 0.0))
    return free, now, cov + np.diag(doubt)


def log_density(steps: Sequence[Step], trajectory: Trajectory, process: Process) -> float:
    """Return the log probability density of a run's samples, each as foreseen from those before it."""
    if len(steps) < 2:
        return 0.0
    mean, cov = (np.array([getattr(one, name) for one in steps[1:]]) for name in ("predicted_mean", "predicted_cov"))
    total = 0.0
    for s in surprises_of(process.layout, mean, cov, trajectory.states[1:], process.residual.noise_factor):
        if len(s.known):
            # log N(e; 0, S) without its constant: -e' S^-1 e / 2 - log |L|, S = L L'
            factor = _factor(s.total)
            total -= 0.5 * float(s.off @ _solved(factor, s.off)) + float(np.log(np.diag(factor)).sum())
    return total


def taken_in(
    processes: Sequence[Process],
    before: Sequence[Step],
    states: Sequence[State],
    predicted: FloatArray,
    spread: FloatArray,
    jacobian: FloatArray,
    hours: FloatArray,
    noise_factor: FloatArray,
) -> list[Step]:
    """Take a sample each into the predictions of B vessels: mean (B, n), covariance and Jacobian (B, n, n).

    `processes` (B) have the same rates, `noise_factor` (B, Q) is that of their residuals.
    """
    at = processes[0].layout
    surprises = surprises_of(at, predicted, spread, states, noise_factor, hours)
    of_culture = surprises_of(at, predicted, spread, states, noise_factor) if at.signals else surprises
    after = []
    for b, (last, state) in enumerate(zip(before, states, strict=True)):
        mean, cov, innovation = corrected(at, predicted[b], spread[b], surprises[b])
        freedom, latest = last.freedom, last.latest
        if not state.is_signal:  # an error of a signal persists: its innovations say little of the culture
            freedom, latest, cov = freed(processes[b], freedom, latest, cov, of_culture[b])
        after.append(
            Step(
                mean=mean, cov=cov, freedom=freedom, latest=latest, innovation=innovation,
                predicted_mean=predicted[b], predicted_cov=spread[b], jacobian=jacobian[b],
            )
        )  # fmt: skip
    return after
