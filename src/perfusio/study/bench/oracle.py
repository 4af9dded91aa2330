"""Oracle of PerfusionBench: somebody who sees the true state and may try on copies of the vessel first.

Each of 15 recipes (five perfusion rates per cell times three temperatures, the rest nominal) is followed for the whole
run, within bounds and largest steps, while the bleed is corrected daily: the bleed of yesterday is tried on a copy for
a day, and corrected by the log of the density that it leads to over the target. Troubles happen to it unannounced, as
to everybody. The recipe is chosen with hindsight: of those within TIE of the least error, the one of the highest
viability.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from math import floor

import numpy as np

from perfusio.config import DEFAULT_CONSTRAINTS
from perfusio.objective import Constraint
from perfusio.plant.of_process import obeyed
from perfusio.process.roles import BLEED, PERFUSION, VIABILITY, temperatures
from perfusio.process.rules import largest_bleed
from perfusio.state import Setpoints
from perfusio.study.cultures.culture import CultureCourse, VirtualCulture, batch_of, feed_others
from perfusio.study.cultures.judged import figures
from perfusio.trajectory import Trajectory

CSPR = (0.018, 0.021, 0.024, 0.028, 0.034)
"""Perfusion per cell [nL/cell/day]."""
TIE = 2.0
"""Errors that differ by less count as equal [points]."""
ROOM, MOST_VIABILITY = 1.0, 95.0
"""A limit on viability is so much below that of the oracle [points], and never above the usual one [%]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """Result of the oracle.

    Attributes:
        figures: Of its course, see `judged.figures`.
        limits: That can be kept in this culture: those of the process, the viability lowered where it must be, and
            without those that the oracle itself breaks.
    """

    figures: dict[str, float]
    limits: tuple[Constraint, ...]


def best_of(culture: VirtualCulture) -> Best:
    """Return the result of the oracle in a culture."""
    courses = _courses(culture)
    found = [figures(c, ()) for c in courses]
    least = min(f["error_pct"] for f in found)
    i = max(
        (i for i, f in enumerate(found) if f["error_pct"] <= least + TIE), key=lambda i: found[i]["least_viability"]
    )
    viability = min(MOST_VIABILITY, floor(found[i]["least_viability"] - ROOM))
    limits = [
        limit.model_copy(update={"low": viability}) if limit.quantity == VIABILITY else limit
        for limit in DEFAULT_CONSTRAINTS
    ]
    kept = tuple(limit for limit in limits if figures(courses[i], [limit])["violated_days"] == 0)
    return Best(figures=figures(courses[i], kept), limits=kept)


def _courses(culture: VirtualCulture) -> list[CultureCourse]:
    space = culture.space
    recipes = list(product(CSPR, _temperatures(culture)))
    copies = [replace(culture) for _ in recipes]
    batch = batch_of(copies)
    asked = [space.nominal] * len(recipes)
    truth = [[s] for s in batch.true_states()]
    log: list[list[Setpoints]] = [[] for _ in recipes]
    days, lowest = culture.days, space.bounds[BLEED].low
    for day in range(days):
        viable, target = batch.state("viable"), culture.aim(day)
        feed_others(batch, copies, day)
        asked = [_toward(u, c, warmth, v, culture) for u, (c, warmth), v in zip(asked, recipes, viable, strict=True)]
        trial = batch.fork(is_forewarned=False)
        trial.write([obeyed(culture.trouble.pumped(u, day)) for u in asked])
        trial.advance(1.0)
        more = np.log(trial.state("viable") / target)
        for i, u in enumerate(asked):
            low, high = space.reachable(log[i][-1] if day else space.nominal)
            j = u.panel.index(BLEED)
            bleed = float(np.clip(getattr(u, BLEED) + more[i], low[j], high[j]))
            most = float(largest_bleed(getattr(u, PERFUSION), u.panel.equipment.sampling))
            asked[i] = u.with_values(**{BLEED: max(min(bleed, most), lowest)})
            log[i].append(asked[i])
        batch.write([obeyed(culture.trouble.pumped(u, day)) for u in asked])
        batch.advance(1.0)
        for i, state in enumerate(batch.true_states()):
            truth[i].append(state)
    nothing = Trajectory(reactor_id="R01")
    return [
        CultureCourse(culture=culture, trajectory=nothing, truth=tuple(truth[i]), asked=tuple(log[i]))
        for i in range(len(recipes))
    ]


def _temperatures(culture: VirtualCulture) -> list[dict[str, float]]:
    bounds = {name: culture.space.bounds[name] for name in temperatures(culture.space.process)}
    return [
        {name: b.low for name, b in bounds.items()},
        {name: 0.5 * (b.low + b.nominal) for name, b in bounds.items()},
        {name: b.nominal for name, b in bounds.items()},
    ]


def _toward(
    current: Setpoints, cspr: float, warmth: dict[str, float], viable: float, culture: VirtualCulture
) -> Setpoints:
    """Return the setpoints of a recipe as far as one decision gets."""
    low, high = culture.space.reachable(current)
    wanted = {PERFUSION: cspr * viable, **warmth}
    panel = current.panel
    values = {n: float(np.clip(v, low[panel.index(n)], high[panel.index(n)])) for n, v in wanted.items()}
    most = float(largest_bleed(values[PERFUSION], panel.equipment.sampling))
    return current.with_values(**values, **{BLEED: min(getattr(current, BLEED), most)})
