"""CountsModel: forecasts that need no kinetics. Cells grow on as counted; all else goes on from its last reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from zlib import crc32

import numpy as np

from perfusio.bed.model_free.count_filter import CountFilter, counted
from perfusio.errors import ModelError
from perfusio.forecast import Forecast
from perfusio.process.panel import Panel
from perfusio.protocols import Refit
from perfusio.state import FloatArray, Setpoints
from perfusio.trajectory import Trajectory

MODEL_ID = "counts"
"""Name of the model on record."""
N_CHANGES = 6
"""Latest changes of a species that say how fast it wanders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountsFutures:
    """Futures of one vessel: the density by its filtered growth and a plan's bleed, all else a walk of its own.

    Attributes:
        log_cells: Log density on each path (S,).
        growth: Net growth [1/day] on each path, by interval (S, H).
        walks: All species by interval (S, H, Q), canonical units; that of the cells is not used.
        days: Length of an interval [day].
        panel: Of the species.
    """

    log_cells: FloatArray
    growth: FloatArray
    walks: FloatArray
    days: float
    panel: Panel

    def play(self, plans: FloatArray) -> FloatArray:
        """Return the species (G, S, H, Q) under plans of setpoints (G, H, U)."""
        (bleed,) = self.panel.of_role("bleed")
        bleeds = plans[:, None, :, self.panel.index(bleed)]
        net = np.cumsum((self.growth[None, :, : plans.shape[1]] - bleeds) * self.days, axis=2)
        cells = self.panel.index(self.panel.the("cells"))
        highest = self.panel.modelled[cells].high
        paths = np.tile(self.walks[None, :, : plans.shape[1]], (len(plans), 1, 1, 1))
        paths[..., cells] = np.minimum(np.exp(np.minimum(self.log_cells[None, :, None] + net, 50.0)), highest)
        return paths


@dataclass(frozen=True, slots=True, kw_only=True)
class CountsModel:
    """A model for the time in which no other can be had; its forecasts are as wide as the readings have wandered.

    Attributes:
        panel: The process; it has one bleed.
    """

    panel: Panel

    @property
    def model_id(self) -> str:
        """Name on record; nothing is learnt that could change it."""
        return MODEL_ID

    def condition(self, trajectories: Sequence[Trajectory]) -> Self:  # noqa: ARG002 - nothing is learnt
        """Return itself."""
        return self

    def refit(self, trajectories: Sequence[Trajectory], *, seed: int) -> Refit[Self]:  # noqa: ARG002 - as above
        """Refuse: there are no parameters.

        Raises:
            ModelError: always.
        """
        raise ModelError("A forecast from counts has no parameters to fit.")

    def futures(
        self, trajectory: Trajectory, *, interval_hours: float, n_paths: int, n_intervals: int, seed: int
    ) -> CountsFutures:
        """Draw futures from the last sample on.

        Raises:
            ModelError: the cells were never counted.
        """
        counts = counted(trajectory.states, trajectory.setpoints)
        if counts.mean is None or counts.covariance is None:
            raise ModelError(f"The cells of {trajectory.reactor_id} were never counted: nothing can be said of them.")
        rng = np.random.default_rng([seed, crc32(trajectory.reactor_id.encode())])
        days = interval_hours / 24.0
        start = rng.multivariate_normal(counts.mean, counts.covariance, size=n_paths)
        walks = np.cumsum(rng.standard_normal((n_paths, n_intervals, len(self.panel.modelled))), axis=1)
        steps = CountFilter().growth_walk * np.sqrt(days) * rng.standard_normal((n_paths, n_intervals))
        return CountsFutures(
            log_cells=start[:, 0], growth=start[:, 1:] + np.cumsum(steps, axis=1), days=days, panel=self.panel,
            walks=self._walks(trajectory, walks * np.sqrt(days)),
        )  # fmt: skip

    def rollout(
        self,
        trajectory: Trajectory,
        plans: Sequence[Sequence[Setpoints]],
        *,
        interval_hours: float,
        n_paths: int,
        seed: int,
    ) -> tuple[Forecast, ...]:
        """Forecast under each plan, on the paths of `futures`."""
        n = len(plans[0])
        futures = self.futures(
            trajectory, interval_hours=interval_hours, n_paths=n_paths, n_intervals=n, seed=seed
        )
        paths = futures.play(np.array([[u.vector() for u in plan] for plan in plans]))
        times: FloatArray = trajectory.states[-1].time_h + interval_hours * np.arange(1.0, n + 1.0)
        return tuple(Forecast.from_samples(times, p, panel=self.panel) for p in paths)

    def _walks(self, trajectory: Trajectory, drawn: FloatArray) -> FloatArray:
        """Return walks of all species from standard ones (S, H, Q), within what is physical."""
        found = np.empty_like(drawn)
        for q, species in enumerate(self.panel.modelled):
            known = [(s.day, v) for s in trajectory.states if (v := getattr(s, species.name)) == v][-N_CHANGES - 1 :]
            if known:
                days, values = np.array(known).T
                noise = 0.0 if species.noise is None else float(species.noise.sd(values[-1]))
                changes = np.diff(values) / np.sqrt(np.maximum(np.diff(days), 1e-3))
                start, wander = values[-1], max(noise, float(np.sqrt(np.mean(changes**2))) if len(changes) else 0.0)
            else:  # as little as its declaration says
                prior = species.filled().prior
                start = 0.0 if prior is None else prior.mean if prior.settled is None else prior.settled
                wander = abs(start)
            found[..., q] = np.clip(start + wander * drawn[..., q], species.low, species.high)
        return found
