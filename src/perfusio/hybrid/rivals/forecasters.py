"""Baselines of a model: persistence, the average run, a plain Gaussian process; and the promise they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from perfusio.forecast import Forecast
from perfusio.hybrid.rivals.filling import last_measured
from perfusio.hybrid.rivals.plain_gp import PlainGP
from perfusio.hybrid.rivals.step_gp import StepGP
from perfusio.hybrid.scores.scoreboard import PERSISTENCE
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.state import FloatArray, Setpoints
from perfusio.trajectory import Feed, Trajectory


class Forecaster(Protocol):
    """Whatever can say the days ahead; a `Model` is one. One path alone is a point forecast, without intervals."""

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
        """Forecast from the last sample under each plan, one Setpoints per interval.

        `feeds` are given at the start of each interval, the first right after the last sample; empty = nothing.
        """
        ...


class Persistence:
    """Everything stays as it was last measured; NaN where it never was."""

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
        """Repeat the last measured value of each species."""
        del n_paths, seed, feeds  # nothing is drawn, and nothing changes what stays as it is
        last = last_measured(trajectory)
        return tuple(_point(trajectory, np.tile(last, (len(plan), 1)), interval_hours) for plan in plans)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchAverage:
    """Every run is the average run: the mean of the training runs on each culture day, whatever the setpoints.

    Attributes:
        times_h: Shape (T,).
        mean: Shape (T, Q), NaN where never measured.
        panel: Of the runs.
    """

    times_h: FloatArray
    mean: FloatArray
    panel: Panel = CHO_PERFUSION

    @classmethod
    def of(cls, trajectories: Sequence[Trajectory]) -> BatchAverage:
        """Average runs; a run counts between its first and its last measured value of a species."""
        times = np.unique(np.concatenate([t.times_h for t in trajectories]))
        panel = trajectories[0].panel
        n = len(panel.species_names)
        runs = np.full((len(trajectories), len(times), n), np.nan)
        for i, t in enumerate(trajectories):
            for q in range(n):
                known = np.isfinite(t.values[:, q])
                if known.any():
                    runs[i, :, q] = np.interp(times, t.times_h[known], t.values[known, q], left=np.nan, right=np.nan)
        n_known = np.isfinite(runs).sum(axis=0)
        mean = np.where(n_known > 0, np.nansum(runs, axis=0) / np.maximum(n_known, 1), np.nan)
        return cls(times_h=times, mean=mean, panel=panel)

    def ahead(self, time_h: float, hours: float, n: int) -> FloatArray:
        """Return the average (n, Q) after each of n intervals of `hours` from `time_h` on."""
        times = time_h + hours * np.arange(1, n + 1)
        values = np.full((n, self.mean.shape[1]), np.nan)
        for q in range(self.mean.shape[1]):
            known = np.isfinite(self.mean[:, q])
            if known.any():
                values[:, q] = np.interp(times, self.times_h[known], self.mean[known, q])
        return values

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
        """Return the average at the times ahead; its last value stays after its end."""
        del n_paths, seed, feeds  # nothing is drawn, and the average run had its feeds
        forecasts = []
        for plan in plans:
            values = self.ahead(trajectory.states[-1].time_h, interval_hours, len(plan))
            forecasts.append(_point(trajectory, values, interval_hours))
        return tuple(forecasts)


def baselines(training: Sequence[Trajectory], *, seed: int = 0) -> dict[str, Forecaster]:
    """Return the baselines of a model: two Gaussian processes, persistence, and the average of the training runs."""
    training = [t.of_samples() for t in training]
    return {
        "step-GP": StepGP.fit(training, seed=seed),
        "plain GP": PlainGP.fit(training, seed=seed),
        PERSISTENCE: Persistence(),
        "batch average": BatchAverage.of(training),
    }


def _point(trajectory: Trajectory, values: FloatArray, hours: float) -> Forecast:
    times = trajectory.states[-1].time_h + hours * np.arange(1.0, len(values) + 1.0)
    return Forecast(
        times_h=times, mean=values, sd=np.zeros_like(values), samples=values[None], panel=trajectory.panel
    )
