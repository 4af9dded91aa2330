"""A Gaussian process of the daily change: an afternoon of scikit-learn, and the honest rival of the hybrid model.

One zero-mean ARD Matern-5/2 process per species on the change of its log state per day (`gaussian_processes.gp`, the
same search and priors as the hybrid model has), rolled out from the last measured values. No balances, no filter. Where
data are far it says that nothing changes: persistence. Its errors persist along a path: each path is as many standard
deviations off at every step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from perfusio.errors import NotEnoughData
from perfusio.forecast import Forecast
from perfusio.hybrid.features import indexed
from perfusio.hybrid.gaussian_processes import gp
from perfusio.hybrid.layout import Layout, layout_of
from perfusio.hybrid.residuals.residual import MIN_ROWS
from perfusio.hybrid.rivals.filling import filled
from perfusio.hybrid.rivals.one_process import is_learnt, learnt
from perfusio.hybrid.streams import normal, stream
from perfusio.state import FloatArray, Setpoints
from perfusio.trajectory import Feed, Trajectory

N_ROWS = 600
"""At most so many rows are conditioned on: the cost grows with their cube."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepGP:
    """One process per species; None where it was measured too rarely: that species then stays as it is.

    Attributes:
        processes: In the order of the species.
        centre: Mean change [latent/day], (Q,).
        scale: Its standard deviation, (Q,).
        low: Least latent value that the runs had, (Q,).
        high: Largest; beyond both by half of their distance no path goes.
        layout: Of the panel.
    """

    processes: tuple[gp.GaussianProcess | None, ...]
    centre: FloatArray
    scale: FloatArray
    low: FloatArray
    high: FloatArray
    layout: Layout = field(default_factory=layout_of)

    @classmethod
    def fit(cls, trajectories: Sequence[Trajectory], *, seed: int = 0, like: StepGP | None = None) -> StepGP:
        """Learn from runs: inputs as measured, gaps interpolated; targets between readings.

        Args:
            trajectories: Runs.
            seed: Of the rows on which hyperparameters are searched.
            like: One whose hyperparameters are taken instead, e.g. learnt on these runs and others.

        Raises:
            NotEnoughData: no species has MIN_ROWS intervals.
            FitFailed: a process has no usable fit.
        """
        data = indexed(trajectories, [filled(t) for t in trajectories])
        at, n = data.layout, data.layout.n_species
        processes: list[gp.GaussianProcess | None] = []
        centre, scale, low, high = np.zeros(n), np.ones(n), np.full(n, -1e6), np.full(n, 1e6)
        for q in range(n):
            rows = np.flatnonzero(data.task == q)
            if len(rows) > N_ROWS:
                rows = np.sort(stream(seed, at.species[q], "rows").permutation(rows)[:N_ROWS])
            if len(rows) < MIN_ROWS:
                processes.append(None)
                continue
            before = at.to_latent(data.x[rows, :n].T)
            after = np.zeros((n, len(rows)))
            after[q] = data.y[rows]
            days, z = data.hours[rows] / 24.0, at.to_latent(after)[q]
            change = (z - before[q]) / days
            centre[q], scale[q] = change.mean(), max(float(change.std()), 1e-3)
            ends = np.concatenate([z, before[q]])
            low[q], high[q] = ends.min() - 0.5 * np.ptp(ends), ends.max() + 0.5 * np.ptp(ends)
            noise = np.hypot(at.noise_sd(after)[q], at.noise_sd(data.x[rows, :n].T)[q]) / days
            x = at.gp_inputs(before, data.x[rows, n:-2].T, data.x[rows, -2])
            y, known = (change - centre[q]) / scale[q], gp.independent((noise / scale[q]) ** 2)
            other = None if like is None else like.processes[q]
            processes.append(learnt(x, y, known, seed=seed, name=at.species[q], like=other))
        if all(p is None for p in processes):
            raise NotEnoughData(f"No species has {MIN_ROWS} intervals to learn from. Add runs, or samples.")
        return cls(processes=tuple(processes), centre=centre, scale=scale, low=low, high=high, layout=at)

    @property
    def known(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which species were measured often enough (Q,)."""
        return is_learnt(self.processes)

    def after(self, latent: FloatArray, x: FloatArray, days: float) -> FloatArray:
        """Return latent states (Q, B) after an interval, as `chain.OneStep` promises."""
        out = latent.copy()
        for q, p in enumerate(self.processes):
            if p is not None:
                out[q] += days * (self.centre[q] + self.scale[q] * p.mean(x))
        held: FloatArray = np.clip(out, np.minimum(self.low[:, None], latent), np.maximum(self.high[:, None], latent))
        return held

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
        """Forecast from the last measured values under each plan; the mean is the chain of means."""
        return tuple(self._under(trajectory, plan, feeds, interval_hours, n_paths, seed) for plan in plans)

    def _under(
        self,
        trajectory: Trajectory,
        plan: Sequence[Setpoints],
        feeds: Sequence[Feed | None],
        hours: float,
        n_paths: int,
        seed: int,
    ) -> Forecast:
        at, n = self.layout, self.layout.n_species
        at.check(trajectory.panel)
        streams = [stream(seed, name) for name in at.species]
        start = filled(trajectory)[-1][:, None]
        error = at.noise_sd(start) * normal(streams, (n_paths,))
        off = np.concatenate([np.zeros((n, 1)), normal(streams, (n_paths,))], axis=1)  # the chain of means goes first
        z = at.to_latent(start) + np.concatenate([np.zeros((n, 1)), error], axis=1)
        day, days, out = trajectory.states[-1].day, hours / 24.0, np.empty((len(plan), n, n_paths + 1))
        low, high = self.low[:, None], self.high[:, None]
        for h, u in enumerate(plan):
            if h < len(feeds) and feeds[h] is not None:
                z = np.where(self.known[:, None], at.fed_latent(z, [feeds[h]] * (n_paths + 1))[0], z)
            x = at.gp_inputs(z, np.repeat(u.vector()[:, None], n_paths + 1, axis=1), day + h * days)
            z = z.copy()
            for q, p in enumerate(self.processes):
                if p is not None:
                    mean, variance = p.predict(x)
                    z[q] += days * (self.centre[q] + self.scale[q] * (mean + np.sqrt(variance) * off[q]))
            z = np.clip(z, np.minimum(low, at.to_latent(start)), np.maximum(high, at.to_latent(start)))
            out[h] = at.from_latent(z)
        times = trajectory.states[-1].time_h + hours * np.arange(1.0, len(plan) + 1.0)
        forecast = Forecast.from_samples(times, out[:, :, 1:].transpose(2, 0, 1), panel=at.panel)
        return replace(forecast, mean=out[:, :, 0])
