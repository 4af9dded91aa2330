"""What is believed of a vessel now: an extended Kalman filter over state, parameters and drift, and its smoother.

The belief of one vessel is a Gaussian over n = Q + P_v + Q numbers: latent species, the deviation of its own rate
parameters from the model's, and a slowly varying drift per species [latent/day]. The drift is the integral action: it
absorbs whatever balances, parameters and processes do not explain, so that forecasts stay free of offset. How fast it
may move, the **freedom**, is that of the fitted process as long as samples come as foreseen; a vessel that surprises
day after day gets more of it, a species that keeps to one side of what was foreseen still more, until it is as free as
one that nothing is known of.
Formulas: Simon, Optimal State Estimation, Wiley 2006, ch. 13 (filter) and 9.4 (smoother). The rates that a
vessel has of its own are the first P_v parameters of the prior. Letters as in `layout`; B vessels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from perfusio.hybrid.layout import Layout
from perfusio.hybrid.residual import Residual, step
from perfusio.state import FloatArray, State
from perfusio.trajectory import Feed, Trajectory

DRIFT_MEMORY_DAYS = 10.0
RATE_WALK = 0.03  # per square root of a day, log parameters
GP_VARIANCE_SHARE = 0.1  # the error of a process persists from day to day: as white noise it would count many times
CLIP_SD = 4.0
# Log freedom moves by SURPRISE_GAIN times the mean over species of (innovation over its sd)^2, each at most
# SURPRISE_MOST so that one outlier frees nobody, less SURPRISE_USUAL; days as foreseen take back what surprises gave.
SURPRISE_GAIN, SURPRISE_MOST, SURPRISE_USUAL = 0.5, 6.0, 1.3
# That of one species moves too, by so much of the product of its innovations of two readings in a row, over their sd
# and each at most RUN_MOST: readings that stay on one side of the forecast say that the species drifts (Mehra, IEEE
# Trans. Autom. Control 15:175, 1970: innovations of a filter that is right are not correlated).
RUN_GAIN, RUN_MOST = 0.3, 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """How a belief moves: the parameters of the prior, how sure they are, and the residual processes.

    Attributes:
        log_factors: Log parameters over typical, (P,).
        rate_cov: Covariance of one vessel's own deviation from the first P_v of them.
        residual: The Gaussian processes, with the layout of the panel.
        freedom: How much of `drift_sd`, `drift_walk` and RATE_WALK applies (of the variance of `white_sd`, too) to a
            vessel whose samples come as foreseen: 1 before any data; less once processes fitted on many runs explain
            what drift would otherwise have to.
        by_position: Whether paths are drawn in the order of arrays, as in runs of before streams were keyed by name
            (`earlier_draws`); not saved.
    """

    log_factors: FloatArray
    rate_cov: FloatArray
    residual: Residual
    freedom: float = 1.0
    by_position: bool = field(default=False, init=False, compare=False)

    @property
    def layout(self) -> Layout:
        """What its arrays are."""
        return self.residual.layout

    def factors(self, own_rates: FloatArray) -> FloatArray:
        """Return the log parameters (P, B) of vessels with these deviations (P_v, B)."""
        factors = np.repeat(self.log_factors[:, None].astype(own_rates.dtype), own_rates.shape[1], axis=1)
        factors[: len(own_rates)] += own_rates
        return factors

    def mean_step(
        self, s: FloatArray, setpoints: FloatArray, day: FloatArray, hours: FloatArray, medium: FloatArray
    ) -> FloatArray:
        """Advance belief means (n, B) under setpoints (U, B), medium (Q,) or (Q, B); latent part only, shape (Q, B)."""
        at, residual = self.layout, None
        if self.residual.is_fitted:
            residual = self.residual.mean(at.gp_inputs(s[at.latent], setpoints, day))
        factors = self.factors(s[at.rates])
        return step(at, s[at.latent], setpoints, factors, hours, medium, residual, s[at.drift])


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """Gaussian belief after the last sample of `trajectory`.

    Attributes:
        trajectory: The vessel so far.
        mean: (n,).
        cov: (n, n).
        freedom: Of each species of this vessel now, from that of the process to 1, (Q,).
        latest: Innovation of the last reading of each species over its sd, within RUN_MOST, 0 before the first (Q,).
    """

    trajectory: Trajectory
    mean: FloatArray
    cov: FloatArray
    freedom: FloatArray
    latest: FloatArray

    def continues(self, trajectory: Trajectory) -> bool:
        """Whether `trajectory` only adds samples to those already taken in."""
        seen = self.trajectory.states
        return len(trajectory.states) >= len(seen) and all(
            a is b for a, b in zip(seen, trajectory.states, strict=False)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One filter step of one vessel, kept for the smoother.

    Attributes:
        mean: Filtered mean (n,).
        cov: Filtered covariance, with the doubt of drifts that were freed (n, n).
        predicted_mean: Before the sample (n,).
        predicted_cov: Before the sample (n, n).
        jacobian: Of the step that led here (n, n).
        innovation: Measured minus predicted over the measurement sd, (Q,), NaN where not measured.
        freedom: Of each species of the vessel from here on (Q,).
        latest: As in Belief, (Q,).
    """

    mean: FloatArray
    cov: FloatArray
    predicted_mean: FloatArray
    predicted_cov: FloatArray
    jacobian: FloatArray
    innovation: FloatArray
    freedom: FloatArray
    latest: FloatArray

    def belief(self, trajectory: Trajectory) -> Belief:
        """Return it as the belief after the last sample of `trajectory`."""
        return Belief(trajectory=trajectory, mean=self.mean, cov=self.cov, freedom=self.freedom, latest=self.latest)


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


def least_freedom(process: Process) -> FloatArray:
    """Return the freedom (Q,) of a vessel whose samples come as foreseen."""
    at = process.layout
    return np.maximum(process.freedom, at.always_free) if process.freedom > 0.0 else np.zeros(at.n_species)


def predict(
    process: Process,
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
        process: How they move.
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
    at = process.layout
    q, n = at.n_species, at.n_belief
    b, m = len(mean), q + at.n_vessel_rates
    slope = np.ones((b, n))
    if any(feeds):
        fed, fed_slope = at.fed_latent(mean[:, at.latent].T, feeds)
        mean = np.concatenate([fed.T, mean[:, q:]], axis=1)
        slope[:, at.latent] = fed_slope.T
        cov = slope[:, :, None] * cov * slope[:, None, :]
    nudge = np.zeros((m + 1, n))
    nudge[np.arange(1, m + 1), np.arange(m)] = 1e-4
    columns = (mean[:, None, :] + nudge).reshape(-1, n).T
    repeated = [np.repeat(a, m + 1, axis=0) for a in (setpoints, day, hours)]
    inflow = medium if medium.ndim == 1 else np.repeat(medium, m + 1, axis=0).T
    moved = process.mean_step(columns, repeated[0].T, repeated[1], repeated[2], inflow).T.reshape(b, m + 1, q)
    days = hours / 24.0
    memory = np.exp(-days / DRIFT_MEMORY_DAYS)
    jacobian = np.zeros((b, n, n))
    jacobian[:, at.latent, :m] = ((moved[:, 1:] - moved[:, :1]) / 1e-4).transpose(0, 2, 1)
    jacobian[:, at.latent, at.drift] = days[:, None, None] * np.eye(q)
    jacobian[:, at.rates, at.rates] = np.eye(at.n_vessel_rates)
    jacobian[:, at.drift, at.drift] = memory[:, None, None] * np.eye(q)
    out = mean.copy()
    out[:, at.latent] = moved[:, 0]
    out[:, at.drift] *= memory[:, None]
    spread = jacobian @ cov @ jacobian.transpose(0, 2, 1)
    white = np.zeros((b, n))
    free = np.tile(least_freedom(process), (b, 1)) if freedom is None else freedom
    white[:, at.latent] = days[:, None] * free * at.white_sd**2
    if process.residual.is_fitted:
        variance = process.residual.predict(at.gp_inputs(mean[:, at.latent].T, setpoints.T, day))[1]
        gain = np.repeat(days[None], q, axis=0)
        for species, parameter in at.rate_form.items():
            gain[species] = jacobian[:, species, q + parameter]
        white[:, at.latent] += GP_VARIANCE_SHARE * (variance * gain**2).T
    white[:, at.rates] = (days * np.median(free, axis=1) ** 2)[:, None] * RATE_WALK**2
    white[:, at.drift] = days[:, None] * (free * at.drift_walk) ** 2
    spread[:, np.arange(n), np.arange(n)] += white
    return out, spread, jacobian * slope[:, None, :]


@dataclass(frozen=True, slots=True)
class _Surprise:
    """Measured species (K,), their clipped innovation, its covariance (K, K), and innovation over noise sd (K,)."""

    known: np.ndarray[tuple[int], np.dtype[np.intp]]
    off: FloatArray
    total: FloatArray
    relative: FloatArray


def _surprise(
    at: Layout, mean: FloatArray, cov: FloatArray, state: State, noise_factor: FloatArray | float, hours: float = np.inf
) -> _Surprise:
    measured = state.vector()
    read = dict[int, float]()  # species that a signal stands in for, with the sd of its reading
    for signal in at.signals:
        value = float(getattr(state, signal.name))
        if np.isfinite(value) and not np.isfinite(measured[signal.place]):
            measured[signal.place] = value
            read[signal.place] = at.signal_sd(signal, value, hours)
    (known,) = np.nonzero(np.isfinite(measured))
    z = at.to_latent(np.where(np.isfinite(measured), measured, 1.0))[known]
    # the noise of the expected value: that of a reading of zero would be far too sure of itself
    believed = at.from_latent(mean[at.latent])
    expected = noise_factor * at.noise_sd(np.where(np.isfinite(measured), 0.5 * (measured + believed), believed))
    for place, sd in read.items():
        expected[place] = sd
    noise = expected[known]
    off = z - mean[known]
    total = cov[np.ix_(known, known)] + np.diag(noise**2)
    limit = CLIP_SD * np.sqrt(np.diag(total))
    return _Surprise(known, np.clip(off, -limit, limit), total, off / noise)


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
    innovation = np.full(at.n_species, np.nan)
    s = _surprise(at, mean, cov, state, noise_factor, hours)
    if not len(s.known):
        return mean, cov, innovation
    innovation[s.known] = s.relative
    gain_cov = cov[:, s.known]
    gain = cho_solve(cho_factor(s.total, lower=True), gain_cov.T).T
    new_cov = cov - gain @ gain_cov.T
    return mean + gain @ s.off, 0.5 * (new_cov + new_cov.T), innovation


def freed(
    process: Process, freedom: FloatArray, latest: FloatArray, cov: FloatArray, surprise: _Surprise
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the freedom (Q,), latest innovations (Q,) and covariance (n, n) of a vessel after a sample.

    A drift that is freed becomes more doubtful by what the larger freedom adds to that of a new vessel.
    """
    at = process.layout
    innovation = surprise.off / np.sqrt(np.diag(surprise.total))
    squares = np.minimum(innovation**2, SURPRISE_MOST)
    change = SURPRISE_GAIN * float((squares - SURPRISE_USUAL).sum()) / at.n_species
    run, now = np.zeros(at.n_species), latest.copy()  # of what is read now and then, the last reading is remembered
    now[surprise.known] = np.clip(innovation, -RUN_MOST, RUN_MOST)
    run[surprise.known] = (now * latest)[surprise.known]
    free = np.clip(freedom * np.exp(change + RUN_GAIN * run), least_freedom(process), 1.0)
    before, after = ((f * at.drift_sd) ** 2 for f in (freedom, free))
    doubt = np.zeros(at.n_belief)
    doubt[at.drift] = np.clip(after - np.diag(cov)[at.drift], 0.0, np.maximum(after - before, 0.0))
    return free, now, cov + np.diag(doubt)


def log_density(steps: Sequence[Step], trajectory: Trajectory, process: Process) -> float:
    """Return the log probability density of a run's samples, each as foreseen from those before it."""
    total = 0.0
    for one, state in zip(steps[1:], trajectory.states[1:], strict=True):
        s = _surprise(process.layout, one.predicted_mean, one.predicted_cov, state, process.residual.noise_factor)
        if len(s.known):
            factor = cho_factor(s.total, lower=True)
            total -= 0.5 * float(s.off @ cho_solve(factor, s.off)) + float(np.log(np.diag(factor[0])).sum())
    return total


def filter_runs(
    process: Process, trajectories: Sequence[Trajectory], beliefs: Sequence[Belief | None]
) -> tuple[list[Belief], list[list[Step]]]:
    """Take the samples of many vessels in, all vessels side by side.

    Args:
        process: How beliefs move.
        trajectories: One per vessel, each with at least one state.
        beliefs: Where to go on, or None to start at the first sample.

    Returns:
        The belief after the last sample of each vessel, and its filter steps (the first one is the start).

    Raises:
        ModelError: a vessel is of another process.
    """
    for t in trajectories:
        process.layout.check(t.panel)
    media = [process.layout.medium_of(t) for t in trajectories]
    steps = [[_first(process, t, belief)] for t, belief in zip(trajectories, beliefs, strict=True)]
    at = [0 if belief is None else len(belief.trajectory.states) - 1 for belief in beliefs]
    while active := [i for i, t in enumerate(trajectories) if at[i] < len(t.states) - 1]:
        now = [trajectories[i].states[at[i]] for i in active]
        after = [trajectories[i].states[at[i] + 1] for i in active]
        inputs = np.array([trajectories[i].setpoints[at[i]].vector() for i in active])
        day = np.array([s.day for s in now])
        hours = np.array([b.time_h - a.time_h for a, b in zip(now, after, strict=True)])
        feeds, last = [trajectories[i].fed[at[i]] for i in active], [steps[i][-1] for i in active]
        mean, cov, freedom = (np.array([getattr(s, name) for s in last]) for name in ("mean", "cov", "freedom"))
        medium = together([media[i] for i in active])
        moved = predict(process, mean, cov, inputs, day, hours, medium, feeds, freedom)
        for i, state, h, m, c, j in zip(active, after, hours, *moved, strict=True):
            steps[i].append(_taken_in(process, steps[i][-1], state, m, c, j, h))
            at[i] += 1
    return [run[-1].belief(t) for run, t in zip(steps, trajectories, strict=True)], steps


def together(media: Sequence[FloatArray]) -> FloatArray:
    """Return media (Q,) of B vessels as one array (B, Q), or as (Q,) where all are the same."""
    first = media[0]
    if all(m is first or (m == first).all() for m in media):
        return first
    return np.array(media)


def _first(process: Process, trajectory: Trajectory, belief: Belief | None) -> Step:
    """Return where a filter starts: at the first sample, or at what is believed already."""
    if belief is None:
        mean, cov = initial_belief(trajectory.states[0], process)
        freedom, latest = least_freedom(process), np.zeros(process.layout.n_species)
    else:
        mean, cov, freedom, latest = belief.mean, belief.cov, belief.freedom, belief.latest
    nothing = np.full(process.layout.n_species, np.nan)
    return Step(
        mean=mean, cov=cov, freedom=freedom, latest=latest,
        predicted_mean=mean, predicted_cov=cov, jacobian=cov, innovation=nothing,
    )  # fmt: skip


def _taken_in(
    process: Process,
    before: Step,
    state: State,
    predicted: FloatArray,
    spread: FloatArray,
    jacobian: FloatArray,
    hours: float,
) -> Step:
    """Take a sample into what was predicted of it."""
    noise_factor = process.residual.noise_factor
    mean, cov, innovation = update(process.layout, predicted, spread, state, noise_factor, hours)
    freedom, latest = before.freedom, before.latest
    if not state.is_signal:  # an error of a signal persists: its innovations say little of the culture
        surprise = _surprise(process.layout, predicted, spread, state, noise_factor)
        freedom, latest, cov = freed(process, freedom, latest, cov, surprise)
    return Step(
        mean=mean, cov=cov, freedom=freedom, latest=latest,
        predicted_mean=predicted, predicted_cov=spread, jacobian=jacobian, innovation=innovation,
    )  # fmt: skip


def smoothed(layout: Layout, steps: Sequence[Step]) -> tuple[FloatArray, FloatArray]:
    """Return the latent states of one run given all its samples, and their sd, both (N, Q) (Rauch-Tung-Striebel)."""
    mean, cov = steps[-1].mean, steps[-1].cov
    means, sds = [mean], [np.sqrt(np.diag(cov))]
    for before, after in zip(reversed(steps[:-1]), reversed(steps[1:]), strict=True):
        ridge = after.predicted_cov + 1e-10 * np.eye(layout.n_belief)
        gain = np.linalg.solve(ridge, after.jacobian @ before.cov).T
        mean = before.mean + gain @ (mean - after.predicted_mean)
        cov = before.cov + gain @ (cov - after.predicted_cov) @ gain.T
        means.append(mean)
        sds.append(np.sqrt(np.maximum(np.diag(cov), 0.0)))
    return np.array(means[::-1])[:, layout.latent], np.array(sds[::-1])[:, layout.latent]
