"""HybridModel: what perfusio believes about its vessels. Frozen; everything that learns returns a new model."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from perfusio.errors import FitFailed, NotEnoughData, OutOfRange
from perfusio.forecast import Forecast
from perfusio.hybrid.calibration import calibrate, uncalibrated
from perfusio.hybrid.conformal import multipliers
from perfusio.hybrid.features import IndexedData, from_latent, indexed
from perfusio.hybrid.filter import LATENT, Belief, Process, filter_runs, log_density, smoothed
from perfusio.hybrid.residual import Residual
from perfusio.hybrid.rollout import Futures
from perfusio.hybrid.threads import one_thread
from perfusio.protocols import Refit
from perfusio.state import SETPOINT_QUANTITIES, FloatArray, Setpoints, State
from perfusio.trajectory import Feed, Trajectory

MIN_TRANSITIONS = 3
FREEDOMS = (1.0, 0.5, 0.25, 0.1)
MIN_RUNS_FOR_FREEDOM = 6
HELD_OUT = 2
"""Latest transitions of each vessel on which a refit is compared with the model before it."""


def _prior_process() -> Process:
    log_factors, rate_cov = uncalibrated()
    return Process(log_factors=log_factors, rate_cov=rate_cov, residual=Residual())


@dataclass(frozen=True, slots=True, kw_only=True)
class HybridModel:
    """Mass balances with simple kinetics, Gaussian processes for their error, and a filter for each vessel.

    Without any data it forecasts from the mechanistic prior with its wide intervals.

    Attributes:
        process: Parameters and residual processes.
        beliefs: One per vessel that was conditioned on, by reactor_id.
        spread: Multipliers of the spread of forecasts, learnt from runs left out, (K, Q) as in `rollout.Futures`; None
            as long as there were too few runs to leave out.
    """

    process: Process = field(default_factory=_prior_process)
    beliefs: dict[str, Belief] = field(default_factory=dict)
    spread: FloatArray | None = None

    @property
    def model_id(self) -> str:
        """Twelve hex digits that change whenever the predictions change."""
        digest = hashlib.sha256(self.process.log_factors.tobytes() + self.process.rate_cov.tobytes())
        digest.update(b"" if self.spread is None else self.spread.tobytes())
        for p in self.process.residual.processes:
            if p is not None:
                digest.update(p.h.vector().tobytes() + p.alpha.tobytes())
        for name in sorted(self.beliefs):
            digest.update(name.encode() + self.beliefs[name].mean.tobytes() + self.beliefs[name].cov.tobytes())
        return digest.hexdigest()[:12]

    def condition(self, trajectories: Sequence[Trajectory]) -> HybridModel:
        """Take in these vessels' samples; only new ones cost time where a trajectory goes on from the last call."""
        known = [self.beliefs.get(t.reactor_id) for t in trajectories]
        starts = [b if b is not None and b.continues(t) else None for b, t in zip(known, trajectories, strict=True)]
        ends, _ = filter_runs(self.process, trajectories, starts)
        return replace(self, beliefs={**self.beliefs, **{b.trajectory.reactor_id: b for b in ends}})

    def fit(self, trajectories: Sequence[Trajectory], *, seed: int = 0, calibrate: bool = True) -> HybridModel:
        """Learn parameters and residual processes from runs, starting from this model.

        Two rounds: the runs are smoothed with what is known, then parameters and processes are fitted on
        differences of readings. Then the spread of forecasts is calibrated on runs left out.

        Args:
            trajectories: Runs.
            seed: Of every random choice.
            calibrate: Whether to calibrate the spread.

        Raises:
            NotEnoughData: fewer than MIN_TRANSITIONS usable transitions.
            FitFailed: no usable optimum.
        """
        model = self._fitted(trajectories, seed=seed, held_out=[0] * len(trajectories))[0]
        return model.calibrated(trajectories, seed=seed) if calibrate else model

    @one_thread
    def calibrated(self, trajectories: Sequence[Trajectory], *, seed: int = 0) -> HybridModel:
        """Return the model with intervals that hold on runs left out, as far as there are runs to leave out.

        Args:
            trajectories: The runs that it was fitted on.
            seed: Of folds and paths.
        """
        return replace(self, spread=multipliers(self.process, trajectories, seed=seed, learn=_learn))

    def fit_indexed(self, x: FloatArray, y: FloatArray, *, hours: float = 24.0, seed: int = 0) -> HybridModel:
        """Learn from rows in the indexed multi-task format, as they are (no smoothing).

        Args:
            x: Shape (R, 17), columns [species x 9, setpoints x 6, day, task_id].
            y: Shape (R,), species `task_id` one interval later, canonical units.
            hours: Length of the interval [h].
            seed: Of the subset on which hyperparameters are searched.
        """
        x, y = np.asarray(x, float), np.asarray(y, float)
        read = np.take_along_axis(x, x[:, -1:].astype(np.intp), axis=1)[:, 0]
        data = IndexedData(x=x, y=y, hours=np.full(len(y), float(hours)), read=read)
        return replace(self, process=_learn(data, self.process, seed), beliefs={})

    def refit(self, trajectories: Sequence[Trajectory], *, seed: int) -> Refit[HybridModel]:
        """Learn again on a copy, and compare with this model on transitions that the search did not see.

        Hyperparameters and rates are searched without the latest HELD_OUT transitions of each vessel, scored on these,
        and the processes then conditioned on all rows.
        """
        held_out = [HELD_OUT if len(t.setpoints) >= MIN_TRANSITIONS + HELD_OUT else 0 for t in trajectories]
        model, searched = self._fitted(trajectories, seed=seed, held_out=held_out)
        return Refit(
            model=model,
            error=_one_step_error(searched, trajectories, HELD_OUT),
            previous_error=_one_step_error(self.process, trajectories, HELD_OUT),
        )

    @one_thread
    def _fitted(
        self, trajectories: Sequence[Trajectory], *, seed: int, held_out: Sequence[int]
    ) -> tuple[HybridModel, Process]:
        """Return the fitted model, and its process as it was before it saw each run's last `held_out` transitions."""
        process = searched = self.process
        for _ in range(2):
            _, steps = filter_runs(process, trajectories, [None] * len(trajectories))
            inputs = [from_latent(smoothed(s)[0].T).T for s in steps]
            first_held = [max(len(t.setpoints) - n, 0) for t, n in zip(trajectories, held_out, strict=True)]
            seen = indexed(
                [_without_last(t, n) for t, n in zip(trajectories, held_out, strict=True)],
                [_cut(i, n) for i, n in zip(inputs, held_out, strict=True)],
            )
            process = searched = _learn(seen, process, seed)
            if any(held_out):
                held = indexed(trajectories, inputs, from_transition=first_held)
                process = replace(process, residual=process.residual.extended(held, process.log_factors))
        process = _with_freedom(process, trajectories)
        searched = replace(searched, freedom=process.freedom, rate_cov=process.rate_cov)
        return replace(self, process=process, beliefs={}).condition(trajectories), searched

    def predict_next_state(self, trajectory: Trajectory, setpoints: Setpoints, hours: float) -> Forecast:
        """Predict the vessel `hours` after its last sample at constant `setpoints`.

        Args:
            trajectory: The vessel so far; what was not measured is filled from the filtered belief.
            setpoints: Held constant over the interval.
            hours: Interval length, > 0 [h]. Trained intervals are near 24.

        Returns:
            A Forecast with H = 1.

        Raises:
            OutOfRange: a setpoint lies outside the physical range of its quantity, or `hours` is not positive.
        """
        if not 0 < hours < np.inf:
            raise OutOfRange(f"hours = {hours:g}: expected a positive interval in hours.")
        return self.rollout(trajectory, [[setpoints]], interval_hours=hours, n_paths=256, seed=0)[0]

    def rollout(
        self,
        trajectory: Trajectory,
        plans: Sequence[Sequence[Setpoints]],
        *,
        interval_hours: float,
        n_paths: int,
        seed: int,
        feeds: Sequence[Feed | None] = (),
    ) -> tuple[Forecast, ...]:
        """Forecast from the last sample under each plan (one Setpoints per interval), on common random paths.

        Args:
            trajectory: The vessel so far.
            plans: One Setpoints per interval each, all of the same length.
            interval_hours: Length of an interval [h].
            n_paths: Paths per plan.
            seed: Of every random draw.
            feeds: What is given at the start of each interval, the first right after the last sample; empty = nothing.

        Raises:
            OutOfRange: a setpoint is not known or not possible, or feeds and plans differ in length.
        """
        arrays = _checked(plans)
        n = arrays.shape[1]
        if len(feeds) not in (0, n):
            raise OutOfRange(f"{len(feeds)} feeds for {n} intervals: expected one each, None where nothing is fed.")
        futures = self.futures(
            trajectory, interval_hours=interval_hours, n_paths=n_paths, n_intervals=n, seed=seed, feeds=feeds
        )
        return _forecasts(futures, arrays, [trajectory.states[-1].time_h] * len(arrays))

    def rollout_vessels(
        self,
        trajectories: Sequence[Trajectory],
        plans: Sequence[Sequence[Setpoints]],
        *,
        interval_hours: float,
        n_paths: int,
        seed: int,
    ) -> tuple[Forecast, ...]:
        """Forecast many vessels at once, each from its last sample under its own plan; all plans are equally long.

        The vessels share the residual functions that are drawn, as vessels of one cell line do, so this is also much
        cheaper than one after another. Raises as `rollout` does.
        """
        arrays = _checked(plans)
        at_hand = self.condition(trajectories)
        futures = Futures.draw(
            self.process,
            [at_hand.beliefs[t.reactor_id] for t in trajectories],
            hours=interval_hours,
            n_paths=n_paths,
            n_intervals=arrays.shape[1],
            seed=seed,
            spread=self.spread,
        )
        return _forecasts(futures, arrays, [t.states[-1].time_h for t in trajectories])

    def futures(
        self,
        trajectory: Trajectory,
        *,
        interval_hours: float,
        n_paths: int,
        n_intervals: int,
        seed: int,
        feeds: Sequence[Feed | None] = (),
    ) -> Futures:
        """Draw possible futures of a vessel, to be played under any number of plans (arrays in, arrays out)."""
        belief = self.condition([trajectory]).beliefs[trajectory.reactor_id]  # free where it is up to date
        return Futures.draw(
            self.process,
            [belief],
            hours=interval_hours,
            n_paths=n_paths,
            n_intervals=n_intervals,
            seed=seed,
            feeds=feeds,
            spread=self.spread,
        )

    def estimate(self, trajectory: Trajectory) -> State:
        """Return the filtered state at the last sample: what is believed of every species, measured or not."""
        belief = self.condition([trajectory]).beliefs[trajectory.reactor_id]
        return State.of(trajectory.states[-1].time_h, from_latent(belief.mean[LATENT]))


def _checked(plans: Sequence[Sequence[Setpoints]]) -> FloatArray:
    """Return plans as an array (G, H, U); a setpoint that is not known or not possible is refused."""
    for name, quantity in SETPOINT_QUANTITIES.items():
        for plan in plans:
            for u in plan:
                quantity.check(getattr(u, name))
    arrays = np.array([[u.vector() for u in plan] for plan in plans])
    if not np.isfinite(arrays).all():
        raise OutOfRange("A plan has a setpoint that is not known (NaN): a forecast needs all six of them.")
    return arrays


def _forecasts(futures: Futures, plans: FloatArray, starts_h: Sequence[float]) -> tuple[Forecast, ...]:
    paths, support = futures.play_and_support(plans)
    ahead = futures.hours * np.arange(1, plans.shape[1] + 1)
    near = np.zeros(plans.shape[:2]) if support is None else support
    return tuple(Forecast.from_samples(start + ahead, p, s) for start, p, s in zip(starts_h, paths, near, strict=True))


def _learn(data: IndexedData, before: Process, seed: int) -> Process:
    if len(data.y) < MIN_TRANSITIONS:
        raise NotEnoughData(
            f"{len(data.y)} usable rows (species x intervals) are too few to learn from: expected at least "
            f"{MIN_TRANSITIONS}. The model before stays in use; wait for more samples."
        )
    log_factors, rate_cov = calibrate(data, before.log_factors)
    residual = Residual.fit(data, log_factors, before.residual, np.random.default_rng(seed))
    return Process(log_factors=log_factors, rate_cov=rate_cov, residual=residual)


def _with_freedom(process: Process, trajectories: Sequence[Trajectory]) -> Process:
    """Choose how far a vessel may differ from the model: the freedom under which these runs are most probable."""
    if len(trajectories) < MIN_RUNS_FOR_FREEDOM:
        return process
    some = trajectories[:: max(1, len(trajectories) // MIN_RUNS_FOR_FREEDOM)]
    candidates = [replace(process, freedom=f, rate_cov=process.rate_cov * f**2) for f in FREEDOMS]

    def density(candidate: Process) -> float:
        runs = filter_runs(candidate, some, [None] * len(some))[1]
        return sum(log_density(steps, t, candidate) for steps, t in zip(runs, some, strict=True))

    return max(candidates, key=density)


def _without_last(t: Trajectory, n: int) -> Trajectory:
    return t.until(len(t.states) - n)


def _cut(inputs: FloatArray, n: int) -> FloatArray:
    return inputs[: len(inputs) - n]


def _one_step_error(process: Process, trajectories: Sequence[Trajectory], n_last: int) -> float:
    """Return the RMS of the latest innovations over the measurement sd, each at most 5."""
    _, steps = filter_runs(process, trajectories, [None] * len(trajectories))
    innovations = np.array([s.innovation for run in steps for s in run[1:][-n_last:]])  # one sample alone has none
    error = float(np.sqrt(np.nanmean(np.clip(innovations, -5.0, 5.0) ** 2)))
    if not np.isfinite(error):
        raise FitFailed("The fitted model does not predict finite values; the old model stays in use.")
    return error
