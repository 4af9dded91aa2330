"""The task of a controller on a virtual culture, as it is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from perfusio.config import DesignSpace
from perfusio.objective import Constraint
from perfusio.plant.experiment import simulate_runs
from perfusio.plant.families import clone_named
from perfusio.process.panel import Panel
from perfusio.state import Setpoints
from perfusio.trajectory import Trajectory

N_OLD, OLD_DAYS = 9, 14
FACTORS = 4
"""Setpoints that the old runs vary: the first ones of the process."""


@dataclass(frozen=True, kw_only=True)
class ControlTask:
    """Aim, limits and freedom of one decision.

    Attributes:
        target: Viable cell density to hold from now on [1e6 cells/mL].
        limits: On true values; each has `quantity`, `low` or `high`, and the `probability` asked for.
        design_space: `low`, `high`, `max_step`, `nominal`, `reachable(in_force)`; proposals outside are brought back.
        process: The quantities, their units and their noise.
        day: Of the culture, 0 at inoculation.
        days: Length of the run.
        past_targets: Target on each day before, from day 0 on.
        clone: Name of the clone of old runs; empty = there are none.
        seed: For controllers that draw.
    """

    target: float
    limits: tuple[Constraint, ...]
    design_space: DesignSpace
    process: Panel
    day: int
    days: int
    past_targets: tuple[float, ...] = ()
    clone: str = field(default="", repr=False)
    seed: int = 0

    @cached_property
    def past_runs(self) -> tuple[Trajectory, ...]:
        """Nine old runs of the clone (Latin hypercube, 14 days), as analyzers reported them; none in a cold start."""
        return old_runs(self.clone, self.design_space, self.seed) if self.clone else ()


def old_runs(clone: str, space: DesignSpace, seed: int) -> tuple[Trajectory, ...]:
    """Simulate the old runs of a clone; slow the first time, since a design loads scipy.stats."""
    from perfusio.bed.campaigns.initial_designs import DesignKind, plan

    factors = space.process.setpoint_names[:FACTORS]
    design = plan(DesignKind.LATIN_HYPERCUBE, space, factors, n_runs=N_OLD, seed=seed)
    recipes = {run.name: run.setpoints for run in design.runs}
    return simulate_runs(clone_named(clone), recipes, days=OLD_DAYS, seed=10 * seed, process=space.process)


Decide = Callable[[Trajectory, Setpoints, ControlTask], Setpoints | Mapping[str, float]]
"""A controller: ``decide(history, in_force, task)``.

`history`: samples so far, NaN where nothing was measured, and the setpoints asked for in between. It returns setpoints,
or those that change by name.
"""
