"""A model and a policy that cost nothing, for tests of everything but what they decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from perfusio.config import DesignSpace, RunConfig
from perfusio.decision import Decision, Reason
from perfusio.errors import PerfusioError
from perfusio.forecast import Forecast
from perfusio.protocols import Model, Refit
from perfusio.state import FloatArray, Setpoints
from perfusio.trajectory import Trajectory

SHARE = 0.2
"""Of the largest step, by which a setpoint is moved, up on one day and down on the next: the bleed by 0.02 1/day."""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Futures in which nothing changes, whatever is done."""

    values: FloatArray
    n_paths: int

    def play(self, plans: FloatArray) -> FloatArray:
        """Return the same values on every path, (G, S, H, Q)."""
        return np.tile(self.values, (len(plans), self.n_paths, plans.shape[1], 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Steady:
    """Tomorrow is like today.

    Attributes:
        version: Counts the refits.
    """

    version: int = 0

    @property
    def model_id(self) -> str:
        """Name of this version."""
        return f"steady-{self.version}"

    def condition(self, trajectories: Sequence[Trajectory]) -> Steady:  # noqa: ARG002 - nothing is learnt
        """Return itself."""
        return self

    def refit(self, trajectories: Sequence[Trajectory], *, seed: int) -> Refit[Steady]:  # noqa: ARG002 - as above
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


class Stepping:
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
        step = round(SHARE * design_space.bounds[name].max_step, 9)
        value = design_space.bounds[name].nominal + (step if day % 2 == 0 else -step)
        out: dict[str, Decision | PerfusioError] = {}
        for reactor, trajectory in trajectories.items():
            chosen = in_force[reactor].with_values(**{name: value})
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


def moved(space: DesignSpace) -> str:
    """Return the setpoint that `Stepping` moves."""
    free = [name for name in space.process.setpoint_names if space.bounds[name].low < space.bounds[name].high]
    return next((name for name in space.process.of_role("bleed") if name in free), free[0])
