"""One recommended recipe with its expected outcome, and the facts that a campaign reads off its runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perfusio.bed.campaigns.batches import Aim, Outlook
from perfusio.config import DesignSpace, forecast_unit
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.state import FloatArray, Setpoints, State
from perfusio.trajectory import Trajectory

TYPICAL_START = "typical start"
"""Name of the vessel whose futures are played: a fresh culture like those of the runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """One recipe and its expected outcome.

    Attributes:
        name: Of the run, e.g. ``"R28"``.
        setpoints: Setpoints held from the first day to the last.
        value: Expected objective, canonical unit (tracking: RMS deviation from the target, as a fraction); NaN before
            any result.
        sd: Its standard deviation.
        probability: Of keeping all limits on all days.
        limits: Of keeping each limit, by the limit in words.
        why: One sentence.
    """

    name: str
    setpoints: Setpoints
    value: float = float("nan")
    sd: float = float("nan")
    probability: float = float("nan")
    limits: Mapping[str, float]
    why: str

    def __repr__(self) -> str:
        """Say the recipe and its expected outcome."""
        recipe = ", ".join(f"{name} {value:.4g}" for name, value in self.setpoints.by_name().items())
        return f"<Recommendation {self.name}: {recipe}; {self.why}>"


def told(aim: Aim, names: Sequence[str], recipes: FloatArray, expected: Outlook) -> tuple[Recommendation, ...]:
    """Return recipes (G, U) with their expected outcomes, in numbers and in a sentence."""
    panel = aim.objective.process
    unit = "of the target off" if aim.objective.target is not None else forecast_unit(aim.objective.quantity, panel)
    limits = [{str(c): float(p) for c, p in zip(aim.constraints, row, strict=True)} for row in expected.probabilities.T]
    found = []
    for name, recipe, paths, chance, kept in zip(
        names, recipes, aim.sign * expected.value, expected.probability, limits, strict=True
    ):
        value, sd = float(paths.mean()), float(paths.std())
        decimals = 2 - int(
            np.floor(np.log10(max(abs(value), 1e-9)))
        )  # three significant digits, the sd to the same place
        short = [f"{round(v, decimals):.{max(decimals, 0)}f}" for v in (value, sd)]
        why = f"{aim.objective.quantity} {short[0]} +- {short[1]} {unit} over days {aim.from_day} to {aim.days}"
        if kept:
            worst = min(kept, key=lambda limit: kept[limit])
            why += f"; keeps all limits with P = {chance:.2f}"
            why += f", the tightest is {worst}" if kept[worst] < 1.0 else ""
        found.append(
            Recommendation(
                name=name,
                setpoints=Setpoints.of(recipe, panel),
                value=value,
                sd=sd,
                probability=float(chance),
                limits=kept,
                why=why,
            )
        )
    return tuple(found)


def next_names(known: Iterable[str], n: int) -> tuple[str, ...]:
    """Return ``"R28"``, ... that go on from the highest number at the end of a known name."""
    numbers = [int(m[1]) for name in known if (m := re.search(r"(\d{1,6})$", name))]
    first = max(numbers, default=0) + 1
    return tuple(f"R{first + i:02d}" for i in range(n))


def constant_recipe(run: Trajectory) -> Setpoints | None:
    """Return the recipe that a run held from its first to its last sample; None if it held none, or has one sample."""
    inputs = run.inputs
    if not len(inputs) or not np.allclose(inputs, inputs[0], rtol=1e-6):
        return None
    return run.setpoints[0]


def recipe_run(
    done: Setpoints, pending: Mapping[str, Setpoints], space: DesignSpace
) -> tuple[str, dict[str, float]] | None:
    """Return the pending recipe that a run was of, and the setpoints that the rig kept otherwise (run less recipe).

    Rigs set what their pumps and controllers can: each setpoint may differ by 1 % of its value or 2 % of its range.
    Of several such recipes the nearest is meant.
    """
    nearest, least = None, 1.0
    for name, recipe in pending.items():
        off = done.vector() - recipe.vector()
        room = np.maximum(0.01 * np.abs(recipe.vector()), 0.02 * (space.high - space.low)) + 1e-9
        distance = float(np.max(np.abs(off) / room))
        if distance <= least:
            names = space.process.setpoint_names
            nearest, least = (name, {n: float(d) for n, d in zip(names, off, strict=True) if abs(d) > 1e-9}), distance
    return nearest


def goes_on(known: Trajectory, run: Trajectory) -> bool:
    """Whether one of two runs may be a longer version of the other; late values may have been filled in."""
    n = min(len(known.states), len(run.states))
    same = known.times_h[:n] == run.times_h[:n]
    both = (known.values[:n], run.values[:n])
    agree = np.isnan(both[0]) | np.isnan(both[1]) | np.isclose(*both)
    m = max(n - 1, 0)
    return bool(same.all() and agree[:1].all() and np.allclose(known.inputs[:m], run.inputs[:m], equal_nan=True))


def start_of(runs: Sequence[Trajectory]) -> Trajectory:
    """Return a fresh culture: the median of the runs' first samples; NaN where nobody measured."""
    firsts = np.array([run.states[0].vector() for run in runs if run.states])
    values = [float(np.median(v)) if len(v := column[np.isfinite(column)]) else float("nan") for column in firsts.T]
    panel = next((run.panel for run in runs if run.states), CHO_PERFUSION)
    start = State.of(0.0, np.array(values).reshape(len(panel.species_names)), panel)
    return Trajectory(reactor_id=TYPICAL_START, run_id=TYPICAL_START, states=(start,))
