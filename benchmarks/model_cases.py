"""Virtual runs on which models are trained and judged: three kinds of test, noisy for the model, true for the judge.

Nothing that is reported was used for choosing anything in perfusio: that was done on CloneX, Random11 and Random12, and
on Random31 to 33, 41 to 46 and 61 to 100, which earlier versions reported on, with their data seeds, and on fixtures of
the tests. Reported are Random101 to Random116 with data seeds from 1,010,000 on. To look while choosing, name other
clones; the quick mode runs on Random11.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.plant.clones import Clone
from perfusio.plant.experiment import simulate_runs
from perfusio.plant.oracle import random_clone
from perfusio.plant.sensors import Sensors
from perfusio.plant.vessel import VesselBatch, vessel_seeds
from perfusio.process.rules import is_balanced
from perfusio.state import SETPOINT_INDEX, Setpoints
from perfusio.trajectory import Trajectory

Array = NDArray[np.float64]

REPORTED, FOR_CHOOSING = tuple(range(101, 117)), (11,)
"""Numbers of random clones."""
FACTORS = ("perfusion_rate", "bleed_rate", "glucose_setpoint", "temperature")
IN_DESIGN, UNSEEN, OUTSIDE = "in design", "unseen", "outside"
ABOUT = {
    IN_DESIGN: "constant setpoints anywhere within the box of the training design",
    UNSEEN: "setpoints that move every day within the box, up to the largest step; training never moved one",
    OUTSIDE: "constant setpoints, at least one of them 10 to 40 % of the box's width beyond an end",
}
_COLUMNS = [SETPOINT_INDEX[name] for name in FACTORS]
_LOW, _HIGH, _STEP = SPACE.low[_COLUMNS], SPACE.high[_COLUMNS], SPACE.max_step[_COLUMNS]


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRuns:
    """Runs of one kind: what the analyzers reported, and the truth at the same times."""

    measured: tuple[Trajectory, ...]
    true: tuple[Trajectory, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """All runs of one clone: the training design in its randomised order, and test runs by kind."""

    clone: Clone
    training: tuple[Trajectory, ...]
    tests: dict[str, TestRuns]


def experiment(number: int, *, days: int, n_tests: int) -> Experiment:
    """Simulate the training design and `n_tests` test runs of each kind with clone Random`number`."""
    clone, seed = random_clone(number), 10_000 * number
    rng = np.random.default_rng(seed)
    tests = {}
    for i, (kind, draw) in enumerate(_DRAWS.items(), start=1):
        plans = [draw(rng, days) for _ in range(n_tests)]
        tests[kind] = cultivated(clone, plans, seed=seed + i)
    return Experiment(clone=clone, training=training(clone, days=days, seed=seed), tests=tests)


def training(clone: Clone, *, days: int, seed: int, n_runs: int | None = None) -> tuple[Trajectory, ...]:
    """Simulate a training set: the Box-Behnken design with 3 centre points, or `n_runs` of a Latin hypercube."""
    from perfusio.bed.campaigns.initial_designs import (  # loads scipy.stats: two seconds that workers can save
        DesignKind,
        plan,
    )

    if n_runs is None:
        design = plan(DesignKind.BOX_BEHNKEN, SPACE, FACTORS, n_centre=3, seed=seed)
    else:
        design = plan(DesignKind.LATIN_HYPERCUBE, SPACE, FACTORS, n_runs=n_runs, seed=seed)
    return simulate_runs(clone, {run.name: run.setpoints for run in design.runs}, days=days, seed=seed)


def cultivated(clone: Clone, plans: list[Array], *, seed: int) -> TestRuns:
    """Cultivate one vessel per plan, side by side.

    Args:
        clone: The cell line.
        plans: Values of FACTORS on each day, shape (days, 4); the other setpoints are nominal.
        seed: Of inoculum and analyzers; every vessel has its own stream from it.
    """
    seeds = vessel_seeds(seed, len(plans))
    recipes = [[_setpoints(row) for row in one] for one in plans]
    batch = VesselBatch(clone, [recipe[0] for recipe in recipes], seeds=seeds)
    analyzers = [Sensors(seed=s) for s in seeds]
    names = [f"T{i:02d}" for i in range(1, len(plans) + 1)]
    true = [Trajectory(reactor_id=name, run_id=name, clone=clone.name) for name in names]
    measured = list(true)
    for day in range(len(plans[0]) + 1):
        in_force = [recipe[max(day - 1, 0)] for recipe in recipes]
        if day > 0:
            batch.write(in_force)
            batch.advance(1.0)
        for i, state in enumerate(batch.true_states()):
            true[i] = true[i].observe(state, in_force[i])
            measured[i] = measured[i].observe(analyzers[i].report(state), in_force[i])
    return TestRuns(measured=tuple(measured), true=tuple(true))


def _setpoints(values: Array) -> Setpoints:
    return replace(SPACE.nominal, **dict(zip(FACTORS, map(float, values), strict=True)))


def _within(rng: np.random.Generator, days: int) -> Array:
    return np.tile(rng.uniform(_LOW, _HIGH), (days, 1))


def _moving(rng: np.random.Generator, days: int) -> Array:
    """A random walk that starts anywhere in the box; a perfusion rate is never below the bleed there."""
    plan = np.empty((days, len(FACTORS)))
    plan[0] = rng.uniform(_LOW, _HIGH)
    for day in range(1, days):
        plan[day] = np.clip(plan[day - 1] + rng.uniform(-_STEP, _STEP), _LOW, _HIGH)
    return plan


def _beyond(rng: np.random.Generator, days: int) -> Array:
    """One factor is beyond an end for sure, each other one with a chance of one in four; the rest within the box."""
    while True:
        is_out = rng.random(len(FACTORS)) < 0.25
        is_out[rng.integers(len(FACTORS))] = True
        by = rng.uniform(0.10, 0.40, len(FACTORS)) * (_HIGH - _LOW)
        far = np.where(rng.random(len(FACTORS)) < 0.5, _LOW - by, _HIGH + by)
        values = np.where(is_out, far, rng.uniform(_LOW, _HIGH))
        if _is_possible(values):
            return np.tile(values, (days, 1))


def _is_possible(values: Array) -> bool:
    """Whether no setpoint is negative and no more broth leaves than medium enters: the plant refuses the rest."""
    named = dict(zip(FACTORS, values, strict=True))
    return bool((values >= 0.0).all()) and bool(is_balanced(named["perfusion_rate"], named["bleed_rate"]))


_DRAWS: dict[str, Callable[[np.random.Generator, int], Array]] = {
    IN_DESIGN: _within,
    UNSEEN: _moving,
    OUTSIDE: _beyond,
}
