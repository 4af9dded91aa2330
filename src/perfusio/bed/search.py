"""Maximise over a box of setpoints, by default by the cross-entropy method (Rubinstein and Kroese, Springer 2004)."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

import numpy as np

from perfusio.bed.acquisition import check_available
from perfusio.bed.candidates.judged import Judged
from perfusio.bed.polish import Box, polishing
from perfusio.bed.problem import Problem
from perfusio.state import FloatArray

T = TypeVar("T")

N_CANDIDATES, N_ROUNDS, N_ELITE = 48, 6, 8
FORGOTTEN, MIXED, LEAST = 0.7, 0.3, 0.02
"""Of the covariance of candidates: the share that a round takes off, the share taken from the best, the least sd."""
N_SCOUTED, REACH = 2, 0.5
"""Rounds on few paths, and how far they begin, as a share of half the box."""
N_LAST, N_TOLD = 12, 6
"""Latest candidates that take part in the last judgement, and so many of each kind of earlier ones."""


Wish = tuple[Problem, FloatArray]
"""A problem and candidates (G, D) that it will be asked about next."""
Search = Generator[Wish, None, T]
"""Says before each step which simulations it needs, so that the needs of many vessels can be played together."""


def alone(search: Search[T]) -> T:
    """Run one search by itself: its problems simulate on demand."""
    while True:
        try:
            next(search)
        except StopIteration as end:
            found: T = end.value
            return found


def best_candidate(
    problem: Problem, low: FloatArray, high: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, float]:
    """Return the best candidate of a decision problem (D,) and its merit, as `searching` finds it."""
    return alone(searching(problem, low, high, rng))


def searching(
    problem: Problem, low: FloatArray, high: FloatArray, rng: np.random.Generator
) -> Search[tuple[FloatArray, float]]:
    """Look for the best candidate of a decision problem (D,) and its merit, by the search that its config names.

    Args:
        problem: Judges.
        low: Lower corner of the box (D,).
        high: Upper corner (D,).
        rng: Source of the candidates.
    """
    start = np.clip(problem.hold, low, high)
    if problem.config.search == "gradient":
        yield from _climbing(problem, low, high, rng)
    else:
        yield from _sampling(problem, low, high, start, rng, rounds=N_ROUNDS, reach=1.0)
    return problem.settle()


def refining(
    scout: Problem, problem: Problem, on_many: Problem, low: FloatArray, high: FloatArray, rng: np.random.Generator
) -> Search[tuple[FloatArray, float]]:
    """Search as `searching` does with three views of one problem, on few, some and many paths: cheaper by far.

    Few rough paths tell well the gains of candidates over one another, and badly where exactly a limit lies. So
    candidates are compared on few, and where limits lie is said by one of them on many: first by holding, then by the
    best so far. Holding, the best and whatever then beats it are judged on many. Returns the winner and its merit
    there.
    """
    start = np.clip(problem.hold, low, high)
    yield on_many, start[None]
    if problem.config.search == "gradient":
        yield scout, start[None]
        scout.anchor(on_many, start)
        yield from _climbing(scout, low, high, rng)
    else:
        yield from _sampling(scout, low, high, start, rng, rounds=N_SCOUTED, reach=REACH, on_many=on_many)
    best, _ = scout.settle()
    yield on_many, best[None]
    best = yield from polishing(problem, on_many, best, start, Box(low=low, high=high), rng)
    yield on_many, best[None]
    last = np.concatenate([start[None], _told_of(scout.pool()), problem.pool().candidates[-N_LAST:], best[None]])
    yield problem, last
    problem.anchor(on_many, best)
    problem.merit(last)
    finals = np.stack([start, best, problem.settle()[0]])
    yield on_many, finals
    on_many.merit(finals)
    return on_many.settle()


def _told_of(pool: Judged) -> FloatArray:
    """Return some candidates of a pool that a reason may tell of (K, D): those that gain most, and some others."""
    rows = np.flatnonzero(pool.is_allowed)
    by_gain, by_merit = (rows[np.argsort(-v[rows], kind="stable")] for v in (pool.gain, pool.merit))
    spread = by_merit[np.unique(np.linspace(0, max(len(rows) - 1, 0), min(len(rows), N_TOLD)).astype(int))]
    picked: FloatArray = pool.candidates[np.unique(np.concatenate([by_gain[:N_TOLD], spread]))]
    return picked


def _climbing(problem: Problem, low: FloatArray, high: FloatArray, rng: np.random.Generator) -> Search[None]:
    check_available(problem.config.acquisition, problem.config.search)
    from perfusio.bed.with_botorch.gradient import climbed  # torch

    start = np.clip(problem.hold, low, high)
    ends = climbed(problem.penalized, low, high, start, seed=int(rng.integers(2**31)))
    found = np.concatenate([start[None], ends])
    yield problem, found
    problem.merit(found)


def _sampling(
    problem: Problem,
    low: FloatArray,
    high: FloatArray,
    start: FloatArray,
    rng: np.random.Generator,
    *,
    rounds: int,
    reach: float,
    on_many: Problem | None = None,
) -> Search[None]:
    proposals = proposing(low, high, start[None], rng, rounds=rounds, reach=reach)
    pool = next(proposals)
    while True:
        yield problem, pool
        if on_many is not None:
            problem.anchor(on_many, start)
            on_many = None
        try:
            pool = proposals.send(problem.merit(pool))
        except StopIteration:
            return


def cross_entropy(
    merit: Callable[[FloatArray], FloatArray],
    low: FloatArray,
    high: FloatArray,
    incumbents: FloatArray,
    rng: np.random.Generator,
    *,
    rounds: int = N_ROUNDS,
    reach: float = 1.0,
) -> tuple[FloatArray, float]:
    """Return the best setpoints found and their merit.

    Args:
        merit: Setpoints (G, U) -> values (G,), higher is better; holding must be row 0 of its argument.
        low: Lower corner of the box (U,).
        high: Upper corner (U,).
        incumbents: Points that take part in every round (K, U); row 0 is holding.
        rng: Source of the candidates.
        rounds: Of N_CANDIDATES each.
        reach: Sd of the first round, as a share of half the box.
    """
    proposals = proposing(low, high, incumbents, rng, rounds=rounds, reach=reach)
    pool = next(proposals)
    while True:
        try:
            pool = proposals.send(merit(pool))
        except StopIteration as end:
            found: tuple[FloatArray, float] = end.value
            return found


def proposing(
    low: FloatArray,
    high: FloatArray,
    incumbents: FloatArray,
    rng: np.random.Generator,
    *,
    rounds: int,
    reach: float,
) -> Generator[FloatArray, FloatArray, tuple[FloatArray, float]]:
    """Search as `cross_entropy` does, asking its caller for the merit (G,) of each pool (G, U) that it yields."""
    half = 0.5 * (high - low)
    mean, best, best_merit = np.clip(incumbents[0], low, high), incumbents[0], -np.inf
    cov = reach**2 * np.eye(len(low))  # in units of half the box
    for _ in range(rounds):
        # candidates ~ N(mean, half C half), C = L L', clipped to the box
        root = np.linalg.cholesky(cov)
        drawn = np.clip(mean + half * (rng.standard_normal((N_CANDIDATES, len(low))) @ root.T), low, high)
        pool = np.concatenate([incumbents, drawn] if np.isneginf(best_merit) else [incumbents, best[None], drawn])
        values = yield pool
        values = np.where(np.isfinite(values), values, -np.inf)
        order = np.argsort(-values, kind="stable")
        if values[order[0]] > best_merit:
            best, best_merit = pool[order[0]].copy(), float(values[order[0]])
        # elite: the N_ELITE of highest merit; their mean is the next centre
        elite = pool[order[:N_ELITE]]
        # seen from half way to the new mean, the cloud is stretched along the way it goes: along a limit, mostly
        after = elite.mean(axis=0)
        seen = (elite - 0.5 * (mean + after)) / np.where(half > 0.0, half, 1.0)
        cov = (1.0 - FORGOTTEN) * cov + MIXED * seen.T @ seen / len(elite) + LEAST**2 * np.eye(len(low))
        mean = after
    return best, best_merit
