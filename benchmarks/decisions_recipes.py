"""Recipes that are held from the first day to the last: chosen from old runs as people do, and with hindsight."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from decisions_arms import Lived, outcomes
from decisions_cases import FROM_DAY, TARGET, Case
from model_cases import Array
from perfusio.bed.search import cross_entropy
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import Objective
from perfusio.process.rules import largest_bleed
from perfusio.state import SETPOINT_INDEX, SPECIES_INDEX, Setpoints
from perfusio.trajectory import Trajectory

READINGS = 5
"""A limit counts as kept in an old run if the mean of this many readings in a row always keeps it."""


def from_measurements(runs: Sequence[Trajectory], objective: Objective) -> Setpoints:
    """Choose among old runs by what was measured: the best of those that kept the limits, or of all if none did."""
    keeping = [t for t in runs if _seems_to_keep(t)] or list(runs)
    return max(keeping, key=lambda t: _measured(t, objective)).setpoints[0]


def with_hindsight(case: Case, recipes: Sequence[Setpoints], objective: Objective) -> Setpoints:
    """Choose among recipes by the truth about the very vessel, limits first."""
    return max(zip(recipes, outcomes(case, recipes), strict=True), key=lambda pair: _merit(pair[1], objective))[0]


def of_all(case: Case, start: Setpoints, objective: Objective, *, rounds: int = 3) -> Setpoints:
    """Search all constant recipes of the design space by the truth about the very vessel, limits first."""

    def merit(values: Array) -> Array:
        return np.array([_merit(lived, objective) for lived in outcomes(case, [_possible(v) for v in values])])

    best, rng = start.vector(), np.random.default_rng(case.seed)
    for _ in range(rounds):
        best, _ = cross_entropy(merit, SPACE.low, SPACE.high, best[None], rng)
    return _possible(best)


def _merit(lived: Lived, objective: Objective) -> float:
    broken = int(lived.broken().any(axis=1).sum())
    if broken:
        return -1e6 * broken
    return lived.productivity if objective.target is None else -lived.error


def _possible(values: Array) -> Setpoints:
    d, b = SETPOINT_INDEX["perfusion_rate"], SETPOINT_INDEX["bleed_rate"]
    kept = values.copy()
    kept[b] = min(kept[b], float(largest_bleed(kept[d])))
    return Setpoints.of(kept)


def _seems_to_keep(run: Trajectory) -> bool:
    vcd = run.values[1:, SPECIES_INDEX["vcd"]]
    cspr = 1000.0 * run.inputs[:, SETPOINT_INDEX["perfusion_rate"]] / vcd
    measured: list[tuple[Array, float, float]] = [
        (run.values[1:, SPECIES_INDEX["viability"]], 1.0, 95.0),
        (run.values[1:, SPECIES_INDEX["glucose"]], 1.0, 0.3),
        (run.values[1:, SPECIES_INDEX["ammonium"]], -1.0, 10.0),
        (cspr, 1.0, 15.0),
    ]
    return all((sign * (_running_mean(values) - limit) >= 0.0).all() for values, sign, limit in measured)


def _running_mean(values: Array) -> Array:
    """Return means of READINGS days in a row; what is missing is left out, a window without any value too."""
    seen = np.isfinite(values).astype(float)
    window: Callable[[Array], Array] = lambda x: np.convolve(x, np.ones(READINGS), mode="valid")  # noqa: E731
    total, n = window(np.where(seen > 0.0, values, 0.0)), window(seen)
    means: Array = total[n > 0.0] / n[n > 0.0]
    return means


def _measured(run: Trajectory, objective: Objective) -> float:
    """Return the score of an old run by its readings; the membrane is taken to let everything pass."""
    late = run.values[FROM_DAY:]
    if objective.target is not None:
        return -float(np.sqrt(np.nanmean((late[:, SPECIES_INDEX["vcd"]] / TARGET - 1.0) ** 2)))
    u = run.inputs[FROM_DAY - 1 :]
    flow = u[:, SETPOINT_INDEX["perfusion_rate"]] - u[:, SETPOINT_INDEX["bleed_rate"]]
    return float(np.nanmean(flow * late[:, SPECIES_INDEX["titer"]]))
