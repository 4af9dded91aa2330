"""Two models and a policy that cost nothing, for tests of everything but forecasts and decisions themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from perfusio.config import DesignSpace, RunConfig
from perfusio.decision import Decision, Reason
from perfusio.errors import PerfusioError
from perfusio.forecast import Forecast
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.process.roles import share_alive, temperatures
from perfusio.protocols import Model, Refit
from perfusio.state import FloatArray, Setpoints
from perfusio.trajectory import Trajectory

SHARE = 0.2
"""Of the largest step, by which a setpoint is moved, up on one day and down on the next: the bleed by 0.02 1/day."""

COOL, VIABILITY_PER_DEGREE, TITER_PER_CELLS = 35.0, 2.0, 10.0
"""Of `GrowingModel`: where viability is as stated [degC], its loss per degree [%], titer [mg/L] per 1e6 cells/mL."""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Futures in which nothing changes, whatever is done."""

    values: FloatArray
    n_paths: int

    def play(self, plans: FloatArray) -> FloatArray:
        """Return the same values on every path, (G, S, H, Q)."""
        return np.tile(self.values, (len(plans), self.n_paths, plans.shape[1], 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class SteadyModel:
    """Tomorrow is like today.

    Attributes:
        version: Counts the refits.
    """

    version: int = 0

    @property
    def model_id(self) -> str:
        """Name of this version."""
        return f"steady-{self.version}"

    def condition(self, trajectories: Sequence[Trajectory]) -> Self:  # noqa: ARG002 - nothing is learnt
        """Return itself."""
        return self

    def refit(self, trajectories: Sequence[Trajectory], *, seed: int) -> Refit[Self]:  # noqa: ARG002 - as above
        """Return the next version, as good as this one."""
        return Refit(replace(self, version=self.version + 1), 1.0, 1.0)

    def futures(
        self, trajectory: Trajectory, *, interval_hours: float, n_paths: int, n_intervals: int, seed: int  # noqa: ARG002
    ) -> Unchanged:
        """Return futures in which nothing changes."""
        return Unchanged(trajectory.states[-1].vector(), n_paths)

    def rollout(
        self,
        trajectory: Trajectory,
        plans: Sequence[Sequence[Setpoints]],
        *,
        interval_hours: float,
        n_paths: int,
        seed: int,  # noqa: ARG002 - nothing is drawn
    ) -> tuple[Forecast, ...]:
        """Return the last sample for every plan and time."""
        last = trajectory.states[-1]
        times: FloatArray = last.time_h + interval_hours * np.arange(1.0, len(plans[0]) + 1.0)
        values, panel = last.vector(), last.panel
        return tuple(
            Forecast.from_samples(times, _tiled(values, n_paths, len(plan)), panel=panel) for plan in plans
        )


def _tiled(values: FloatArray, n_paths: int, n_times: int) -> FloatArray:
    return np.array(np.broadcast_to(values, (n_paths, n_times, len(values))), dtype=np.float64)


class SteppingPolicy:
    """Moves one setpoint up on even days and down on odd ones; which way follows from the day alone.

    It is the bleed, or the first free setpoint of a process without one.
    """

    def decide(
        self,
        trajectories: Mapping[str, Trajectory],
        in_force: Mapping[str, Setpoints],
        model: Model,
        design_space: DesignSpace,
        config: RunConfig,
        *,
        day: int,
    ) -> dict[str, Decision | PerfusioError]:
        """Return one decision per vessel."""
        name = moved(design_space)
        asked = {}
        if name:
            step = round(SHARE * design_space.bounds[name].max_step, 9)
            asked = {name: design_space.bounds[name].nominal + (step if day % 2 == 0 else -step)}
        out: dict[str, Decision | PerfusioError] = {}
        for reactor, trajectory in trajectories.items():
            chosen = in_force[reactor].with_values(**asked)
            plans = [[u] * config.forecast_days for u in (chosen, in_force[reactor])]
            ahead = model.rollout(trajectory, plans, interval_hours=24.0, n_paths=config.n_paths, seed=config.seed)
            out[reactor] = Decision(
                reactor_id=reactor, setpoints=chosen, chosen=ahead[0], hold=ahead[1], acquisition=config.acquisition,
                score=0.0, model_id=model.model_id,
                reason=Reason(
                    text="A step.", improvement=0.0, limiting="none", limiting_probability=1.0, feasible=True
                ),
            )  # fmt: skip
        return out


@dataclass(frozen=True, slots=True)
class GrowingFutures:
    """Futures of a vessel in which cells grow and are bled, warmth costs viability, and titer follows the cells.

    Attributes:
        start: Cells at the last sample.
        growth: Growth rate on each path (S,) [1/day].
        alive: Viability at COOL [%].
        hours: Length of an interval.
        values: All other species (Q,), which do not change.
        panel: Of the species.
    """

    start: float
    growth: FloatArray
    alive: float
    hours: float
    values: FloatArray
    panel: Panel = CHO_PERFUSION

    def play(self, plans: FloatArray) -> FloatArray:
        """Return the species (G, S, H, Q) under plans (G, H, U)."""
        panel, place = self.panel, self.panel.index
        bleed = sum((plans[..., place(n)] for n in panel.of_role("bleed")), np.zeros(plans.shape[:2]))
        net = (self.growth[None, :, None] - bleed[:, None, :]) * self.hours / 24.0
        paths = np.tile(self.values, (*net.shape, 1))
        with np.errstate(over="ignore", invalid="ignore"):
            cells = self.start * np.exp(np.minimum(np.cumsum(net, axis=2), 50.0))
        paths[..., place(panel.the("cells"))] = cells
        for name in panel.of_role("product"):
            paths[..., place(name)] = TITER_PER_CELLS * cells
        for name in filter(None, [share_alive(panel)]):
            warmth = sum((plans[..., place(n)] - COOL for n in temperatures(panel)), np.zeros(plans.shape[:2]))
            paths[..., place(name)] = (self.alive - VIABILITY_PER_DEGREE * warmth)[:, None, :]
        return paths


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowingModel(SteadyModel):
    """Cells grow at a rate that is known up to a spread: setpoints matter, and the best can be worked out by hand.

    Attributes:
        growth: Mean growth rate [1/day].
        growth_sd: Its spread [1/day].
        alive: Viability at COOL [%].
    """

    growth: float = 0.15
    growth_sd: float = 0.02
    alive: float = 102.5

    @property
    def model_id(self) -> str:
        """Name of this version."""
        return f"growing-{self.version}"

    def futures(  # type: ignore[override]
        self, trajectory: Trajectory, *, interval_hours: float, n_paths: int, n_intervals: int, seed: int  # noqa: ARG002
    ) -> GrowingFutures:
        """Draw a growth rate for each path."""
        rates = self.growth + self.growth_sd * np.random.default_rng(seed).standard_normal(n_paths)
        last = trajectory.states[-1]
        cells = getattr(last, last.panel.the("cells"))
        return GrowingFutures(cells, rates, self.alive, interval_hours, last.vector(), last.panel)

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
        futures = self.futures(
            trajectory, interval_hours=interval_hours, n_paths=n_paths, n_intervals=len(plans[0]), seed=seed
        )
        paths = futures.play(np.array([[u.vector() for u in plan] for plan in plans]))
        times: FloatArray = trajectory.states[-1].time_h + interval_hours * np.arange(1.0, len(plans[0]) + 1.0)
        return tuple(Forecast.from_samples(times, p, panel=futures.panel) for p in paths)


def moved(space: DesignSpace) -> str:
    """Return the setpoint that `SteppingPolicy` moves; empty where none is free."""
    free = [name for name in space.process.setpoint_names if space.bounds[name].low < space.bounds[name].high]
    return next((name for name in space.process.of_role("bleed") if name in free), free[0] if free else "")
