"""A plain Gaussian process as a baseline: the next state from this one, no balances, no filter.

It is the model of a first notebook: zero-mean ARD Matern-5/2 processes (`hybrid.gp`, the same search and priors as the
hybrid model has) on the standardised log state one interval later. Forecasts chain the means from the last measured
values; paths add an independent error at every step, of the variance along the mean. They know nothing of errors that
persist, so their intervals tend to be too narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from perfusio.errors import ModelError, NotEnoughData
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

SAME_INTERVAL = 0.25
"""Intervals that differ by more than this share from the usual one are neither learnt from nor forecast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainGP:
    """One process per species; None where it was measured too rarely: that species then stays as it is.

    Attributes:
        processes: In the order of the species.
        centre: Mean of the latent targets, (Q,).
        scale: Their standard deviation, (Q,).
        hours: The interval that was learnt [h].
        layout: Of the panel.
    """

    processes: tuple[gp.GaussianProcess | None, ...]
    centre: FloatArray
    scale: FloatArray
    hours: float
    layout: Layout = field(default_factory=layout_of)

    @classmethod
    def fit(cls, trajectories: Sequence[Trajectory], *, seed: int = 0, like: PlainGP | None = None) -> PlainGP:
        """Learn from runs: inputs as measured, gaps interpolated; targets as measured, gaps left out.

        Args:
            trajectories: Runs.
            seed: Of the rows on which hyperparameters are searched.
            like: One whose hyperparameters are taken instead, e.g. learnt on these runs and others.

        Raises:
            NotEnoughData: no species has enough rows.
            FitFailed: a process has no usable fit.
        """
        data = indexed(trajectories, [filled(t) for t in trajectories])
        at, q_all = data.layout, data.layout.n_species
        hours = float(np.median(data.hours)) if len(data.hours) else 24.0
        usual = np.abs(data.hours / hours - 1.0) <= SAME_INTERVAL
        processes: list[gp.GaussianProcess | None] = []
        centre, scale = np.zeros(q_all), np.ones(q_all)
        for q in range(q_all):
            rows = usual & (data.task == q)
            if rows.sum() < MIN_ROWS:
                processes.append(None)
                continue
            species = np.zeros((q_all, int(rows.sum())))
            species[q] = data.y[rows]
            target = at.to_latent(species)[q]
            centre[q], scale[q] = target.mean(), max(float(target.std()), 1e-3)
            y, noise = (target - centre[q]) / scale[q], float(np.median(at.noise_sd(species)[q])) / scale[q]
            x = at.gp_inputs(at.to_latent(data.x[rows, :q_all].T), data.x[rows, q_all:-2].T, data.x[rows, -2])
            known = gp.independent(np.full(len(y), noise**2))
            other = None if like is None else like.processes[q]
            processes.append(learnt(x, y, known, seed=seed, name=at.species[q], like=other))
        if all(p is None for p in processes):
            raise NotEnoughData(
                f"No species has {MIN_ROWS} intervals near {hours:g} h to learn from. Expected daily samples of a few "
                "runs; add runs."
            )
        return cls(processes=tuple(processes), centre=centre, scale=scale, hours=hours, layout=at)

    @property
    def known(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which species were measured often enough (Q,)."""
        return is_learnt(self.processes)

    def after(self, latent: FloatArray, x: FloatArray, days: float) -> FloatArray:
        """Return latent states (Q, B) after the interval that was learnt, as `chain.OneStep` promises."""
        del days
        out = latent.copy()
        for q, p in enumerate(self.processes):
            if p is not None:
                out[q] = self.centre[q] + self.scale[q] * p.mean(x)
        return out

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
        """Forecast from the last measured values under each plan; the mean is the chain of means, not that of paths.

        Raises:
            ModelError: the interval is not the one that was learnt.
        """
        if abs(interval_hours / self.hours - 1.0) > SAME_INTERVAL:
            raise ModelError(
                f"This plain GP learnt steps of {self.hours:g} h and cannot forecast in steps of {interval_hours:g} h. "
                "Ask for the interval that it learnt."
            )
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
        at, q_all = self.layout, self.layout.n_species
        streams = [stream(seed, name) for name in at.species]
        at.check(trajectory.panel)
        start = filled(trajectory)[-1][:, None]
        error = at.noise_sd(start) * normal(streams, (n_paths,))
        z = at.to_latent(start) + np.concatenate([np.zeros((q_all, 1)), error], axis=1)  # the mean goes first
        day, out = trajectory.states[-1].day, np.empty((len(plan), q_all, n_paths + 1))
        for h, u in enumerate(plan):
            if h < len(feeds) and feeds[h] is not None:
                z = at.fed_latent(z, [feeds[h]] * (n_paths + 1))[0]
            x = at.gp_inputs(z, np.repeat(u.vector()[:, None], n_paths + 1, axis=1), day + h * hours / 24.0)
            z = z.copy()
            for q, p in enumerate(self.processes):
                if p is not None:
                    z[q] = self.centre[q] + self.scale[q] * p.mean(x)
                    _, variance = p.predict(x[:1])
                    z[q, 1:] += self.scale[q] * np.sqrt(variance[0]) * streams[q].standard_normal(n_paths)
            out[h] = at.from_latent(z)
        times = trajectory.states[-1].time_h + hours * np.arange(1.0, len(plan) + 1.0)
        forecast = Forecast.from_samples(times, out[:, :, 1:].transpose(2, 0, 1), panel=at.panel)
        return replace(forecast, mean=out[:, :, 0])
