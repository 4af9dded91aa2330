"""Which recipes to run next: a batch whose members are expected to improve on all runs so far, and on each other.

Every recipe is played on the same random paths. A path is one world that the data allow, so on each path it is known
which recipe so far is the best that keeps the limits, and by how much another one beats it. The batch is built one by
one: each member has the largest expected improvement over the runs so far *and* the members before it (noisy expected
improvement with pending points; Letham et al., Bayesian Analysis 14:495, 2019, and Wilson et al., arXiv 1805.10196, for
why one by one is nearly as good as all at once). Members therefore differ: one dares more of the limit, another less.

Letters: G recipes, S paths, H days, Q species, U setpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit
from scipy.stats import qmc

from perfusio.config import Constraint, DesignSpace, Objective
from perfusio.process import rules
from perfusio.process.derived import quantity_paths
from perfusio.protocols import Futures
from perfusio.state import FloatArray

N_SPREAD, N_NEAR = 128, 96
"""Recipes that fill the space, and those tried near the best ones in each round of refinement."""
ROUNDS = (0.12, 0.04)
"""How far those lie from the best ones, as sd in shares of the range of a factor."""
SOFTNESS, SOFT_SHARE = 0.05, 0.02
"""A recipe that breaks a limit on a path still counts a little there, the more the less it misses it by (in units of
5 % of the limit): else there is no slope to climb where nothing keeps the limits. Were it to count for more, the batch
would hold several recipes just over the limit, each as if the others had not been chosen."""
EXPLORED = 0.5
"""Share of the spread of paths that a batch is chosen by: the rest is luck of single vessels, from which nothing is
learnt about recipes."""
APART = 0.02
"""Members of a batch differ by so much of the range in at least one factor: a repeat would teach less."""
_AT_ONCE = 32  # recipes played together: their paths fit into memory
_LIMIT_UNIT = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """The criterion by which a whole run is judged.

    Attributes:
        objective: Maximise a quantity, or track it; the mean over days `from_day` to `days` counts.
        constraints: Limits on every day of the run.
        from_day: First day that counts, when the culture has grown up.
        days: Length of the run.
        size: Cell diameter [um], for a viable cell volume.
    """

    objective: Objective
    constraints: tuple[Constraint, ...]
    from_day: int
    days: int
    size: float = float("nan")

    @property
    def sign(self) -> float:
        """1 where more is better, -1 where less is: a deviation from a target, or a minimised quantity."""
        return 1.0 if self.objective.kind == "maximize" else -1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Expected outcomes of recipes.

    Attributes:
        value: Objective on each path, higher is better, (G, S): the mean of the quantity (times -1 if it is minimised),
            or minus the RMS of its deviation from the target as a fraction.
        margin: By how much the worst limit is kept on its worst day, in units of 5 % of the limit, (G, S).
        limits: The same for each constraint, (number of constraints, G, S).
    """

    value: FloatArray
    margin: FloatArray
    limits: FloatArray

    @property
    def probability(self) -> FloatArray:
        """Probability of keeping all limits on all days, (G,)."""
        kept: FloatArray = (self.margin >= 0.0).mean(axis=1)
        return kept

    @property
    def probabilities(self) -> FloatArray:
        """Probability of keeping each limit on all days, (number of constraints, G)."""
        kept: FloatArray = (self.limits >= 0.0).mean(axis=2)
        return kept

    def joined(self, other: Outlook) -> Outlook:
        """Return the outlook of these recipes and the others."""
        return Outlook(
            value=np.concatenate([self.value, other.value]),
            margin=np.concatenate([self.margin, other.margin]),
            limits=np.concatenate([self.limits, other.limits], axis=1),
        )


def outlook(aim: Aim, futures: Futures, recipes: FloatArray) -> Outlook:
    """Play constant recipes (G, U), G >= 1, over whole runs."""
    parts = [recipes[i : i + _AT_ONCE] for i in range(0, len(recipes), _AT_ONCE)]
    whole = _played(aim, futures, parts[0])
    for part in parts[1:]:
        whole = whole.joined(_played(aim, futures, part))
    return whole


def _played(aim: Aim, futures: Futures, recipes: FloatArray) -> Outlook:
    plans = np.repeat(recipes[:, None], aim.days, axis=1)
    paths = futures.play(plans)
    panel = aim.objective.process
    quantity = quantity_paths(aim.objective.quantity, paths, plans, size=aim.size, panel=panel)[..., aim.from_day - 1 :]
    if aim.objective.target is None:
        value = aim.sign * quantity.mean(axis=2)
    else:
        value = -np.sqrt(np.mean((quantity / aim.objective.target - 1.0) ** 2, axis=2))
    limits = np.empty((len(aim.constraints), *value.shape))
    for c, constraint in enumerate(aim.constraints):
        along = quantity_paths(constraint.quantity, paths, plans, size=aim.size, panel=constraint.process)
        limits[c] = _kept_by(constraint, along)
    return Outlook(value=value, margin=limits.min(axis=0, initial=np.inf), limits=limits)


def _kept_by(constraint: Constraint, quantity: FloatArray) -> FloatArray:
    """Return the margin on the worst day, (G, S), of a quantity along paths (G, S, H)."""
    margins = [
        sign * (quantity - limit) / (_LIMIT_UNIT * max(abs(limit), 1.0))
        for limit, sign in ((constraint.low, 1.0), (constraint.high, -1.0))
        if limit is not None
    ]
    kept: FloatArray = np.min(margins, axis=(0, 3))
    return kept


def best_batch(
    aim: Aim,
    futures: Futures,
    *,
    space: DesignSpace,
    factors: Sequence[str],
    base: FloatArray,
    tried: FloatArray,
    n: int,
    seed: int,
    on_step: Callable[[int, int], object] = lambda _done, _total: None,
) -> tuple[FloatArray, Outlook]:
    """Return the recipes (n, U) to run next, and their expected outcomes.

    Args:
        aim: Criterion of a run.
        futures: Possible futures of a fresh culture.
        space: Bounds of the factors.
        factors: Setpoints that vary.
        base: The values of the others, (U,).
        tried: Recipes that were run, run now, or wait to be run, (K, U).
        n: Recipes wanted.
        seed: Of the recipes that are looked at.
        on_step: Called with the steps done and their number.
    """
    rng, n_steps = np.random.default_rng(seed), 2 + len(ROUNDS)
    columns = [space.process.index(name) for name in factors]
    grid = _Grid(space=space, columns=columns, base=base)
    on_step(0, n_steps)
    known = outlook(aim, futures, tried) if len(tried) else None
    on_step(1, n_steps)
    pool = grid.recipes(qmc.Sobol(len(columns), rng=rng).random(N_SPREAD))
    seen = outlook(aim, futures, pool)
    on_step(2, n_steps)
    for step, width in enumerate(ROUNDS, start=3):
        centres = grid.shares(pool[_one_by_one(seen, known, grid.shares(pool), grid.shares(tried), n)])
        around = np.repeat(centres, -(-N_NEAR // len(centres)), axis=0)
        near = grid.recipes(np.clip(around + width * rng.standard_normal(around.shape), 0.0, 1.0))
        seen, pool = seen.joined(outlook(aim, futures, near)), np.concatenate([pool, near])
        on_step(step, n_steps)
    chosen = _one_by_one(seen, known, grid.shares(pool), grid.shares(tried), n)
    return pool[chosen], Outlook(value=seen.value[chosen], margin=seen.margin[chosen], limits=seen.limits[:, chosen])


def _one_by_one(seen: Outlook, known: Outlook | None, shares: FloatArray, taken: FloatArray, n: int) -> list[int]:
    """Return the rows of the pool with the largest expected improvement, each over those before it too."""
    seen, known = _explored(seen), None if known is None else _explored(known)
    best = seen.value.min(axis=0)  # where nothing so far keeps the limits, whatever does is an improvement
    if known is not None:
        best = np.maximum(best, np.where(known.margin >= 0.0, known.value, -np.inf).max(axis=0))
    chance = (1.0 - SOFT_SHARE) * (seen.margin >= 0.0) + SOFT_SHARE * expit(seen.margin / SOFTNESS)
    free = np.ones(len(shares), dtype=bool)
    for place in taken:
        free &= np.abs(shares - place).max(axis=1) >= APART
    chosen: list[int] = []
    for _ in range(n):
        gain = (np.maximum(seen.value - best, 0.0) * chance).mean(axis=1)
        if not free.any():
            free = ~np.isin(np.arange(len(shares)), chosen)  # a space so small that recipes must repeat
        pick = int(np.argmax(np.where(free, gain, -np.inf)))
        chosen.append(pick)
        free &= np.abs(shares - shares[pick]).max(axis=1) >= APART
        best = np.maximum(best, np.where(seen.margin[pick] >= 0.0, seen.value[pick], best))
    return chosen


def _explored(seen: Outlook) -> Outlook:
    def narrowed(paths: FloatArray) -> FloatArray:
        mean = paths.mean(axis=1, keepdims=True)
        narrow: FloatArray = mean + EXPLORED * (paths - mean)
        return narrow

    margin = narrowed(seen.margin) if len(seen.limits) else seen.margin
    return replace(seen, value=narrowed(seen.value), margin=margin)


def in_steps(recipes: FloatArray, space: DesignSpace) -> FloatArray:
    """Round recipes (G, U) to the resolution of pumps and controllers: a hundredth to a thousandth of each range."""
    span = space.high - space.low
    decimals = np.maximum(0, 2 - np.floor(np.log10(np.where(span > 0.0, span, 1.0)))).astype(int)
    rounded = np.column_stack([np.round(v, d) for v, d in zip(recipes.T, decimals, strict=True)])
    return np.where(span > 0.0, np.clip(rounded, space.low, space.high), recipes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """Where recipes lie in the space of the factors."""

    space: DesignSpace
    columns: list[int]
    base: FloatArray

    def recipes(self, shares: FloatArray) -> FloatArray:
        """Return recipes (G', U) at shares (G, factors) of the ranges; those that no vessel can run are left out."""
        recipes = np.tile(self.base, (len(shares), 1))
        whole = np.full(recipes.shape, 0.5)
        whole[:, self.columns] = shares
        recipes[:, self.columns] = in_steps(self.space.from_unit(whole), self.space)[:, self.columns]
        return recipes[rules.are_balanced(recipes, self.space.process)]

    def shares(self, recipes: FloatArray) -> FloatArray:
        """Return where recipes (G, U) lie within the ranges of the factors, (G, factors)."""
        return self.space.to_unit(recipes)[:, self.columns]
