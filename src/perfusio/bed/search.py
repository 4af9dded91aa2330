"""Maximise over a box of setpoints, by default by the cross-entropy method (Rubinstein and Kroese, Springer 2004)."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

import numpy as np

from perfusio.bed.pareto import nondominated
from perfusio.bed.problem import Judged, Problem
from perfusio.state import FloatArray

T = TypeVar("T")

N_CANDIDATES, N_ROUNDS, N_ELITE = 48, 6, 8
N_SCOUTED, REACH = 8, 0.5
"""Rounds on few paths, where there is a problem with few, and how far they begin, as a share of half the box."""
N_FINALISTS, N_NEAR, N_NEAR_ROUNDS = 24, 24, 2
"""What few paths found is judged on all, and so are candidates near the best of it."""


Wish = tuple[Problem, FloatArray]
"""A problem and candidates (G, D) that it will be asked about next."""
Search = Generator[Wish, None, T]
"""Says before each step what it wishes to know, so that the wishes of many vessels can be played together."""


def alone(search: Search[T]) -> T:
    """Run one search by itself: its problems play what they are asked about."""
    while True:
        try:
            next(search)
        except StopIteration as end:
            found: T = end.value
            return found


def best_candidate(
    problem: Problem, low: FloatArray, high: FloatArray, rng: np.random.Generator, *, scout: Problem | None = None
) -> tuple[FloatArray, float]:
    """Return the best candidate of a decision problem (D,) and its merit, as `searching` finds it."""
    return alone(searching(problem, low, high, rng, scout=scout))


def searching(
    problem: Problem, low: FloatArray, high: FloatArray, rng: np.random.Generator, *, scout: Problem | None = None
) -> Search[tuple[FloatArray, float]]:
    """Look for the best candidate of a decision problem (D,) and its merit, by the search that its config names.

    Args:
        problem: Judges.
        low: Lower corner of the box (D,).
        high: Upper corner (D,).
        rng: Source of the candidates.
        scout: The same problem on fewer paths, where most of the search is done; None = none of it.
    """
    start = np.clip(problem.hold, low, high)
    if problem.config.search == "gradient":
        from perfusio.bed.gradient import climbed  # torch

        ends = climbed((scout or problem).penalized, low, high, start, seed=int(rng.integers(2**31)))
        problem.merit(np.concatenate([start[None], ends]))
        return problem.settle()
    first, rounds, reach = (problem, N_ROUNDS, 1.0) if scout is None else (scout, N_SCOUTED, REACH)
    proposals = proposing(low, high, start[None], rng, rounds=rounds, reach=reach)
    pool = next(proposals)
    while True:
        yield first, pool
        try:
            pool = proposals.send(first.merit(pool))
        except StopIteration:
            break
    if scout is not None:
        chosen = np.concatenate([start[None], finalists(scout.pool())])
        yield problem, chosen
        problem.merit(chosen)
        for _ in range(N_NEAR_ROUNDS):
            near = _near_the_best(problem, low, high, rng)
            yield problem, near
            problem.merit(near)
    return problem.settle()


def _near_the_best(problem: Problem, low: FloatArray, high: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draw candidates (N_NEAR, D) near the best so far, as far from it as the next best are from one another."""
    winner, _ = problem.settle()
    pool = problem.pool()
    elite = pool.candidates[np.argsort(-pool.merit, kind="stable")[:N_ELITE]]
    spread = np.maximum(elite.std(axis=0), 0.02 * (high - low))
    drawn: FloatArray = np.clip(winner + spread * rng.standard_normal((N_NEAR, len(low))), low, high)
    return drawn


def finalists(pool: Judged) -> FloatArray:
    """Return candidates (K, D) among which the best is likely, wherever exactly the limits are on more paths.

    Half of them are the best as judged, half those that no other beats on both gain and distance from the limits.
    """
    rows = np.flatnonzero(pool.is_allowed)
    if not rows.size:
        return pool.candidates[:0]
    front = rows[nondominated(np.stack([pool.gain[rows], -pool.violation[rows]], axis=1))]
    front = front[np.argsort(pool.violation[front], kind="stable")]
    spread = front[np.unique(np.linspace(0, max(len(front) - 1, 0), min(len(front), N_FINALISTS // 2)).astype(int))]
    best = np.argsort(-pool.merit, kind="stable")[: N_FINALISTS // 2]
    picked: FloatArray = np.unique(pool.candidates[np.concatenate([best, spread])], axis=0)
    return picked


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
        merit: Setpoints (G, U) -> values (G,), higher is better; holding must be row 0 of what it is given.
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
    """Do what `cross_entropy` does, asking its caller for the merit (G,) of each pool (G, U) that it yields."""
    half = 0.5 * (high - low)
    mean, spread = np.clip(incumbents[0], low, high), reach * half
    best, best_merit = incumbents[0], -np.inf
    for _ in range(rounds):
        drawn = np.clip(mean + spread * rng.standard_normal((N_CANDIDATES, len(low))), low, high)
        pool = np.concatenate([incumbents, drawn] if np.isneginf(best_merit) else [incumbents, best[None], drawn])
        values = yield pool
        values = np.where(np.isfinite(values), values, -np.inf)
        order = np.argsort(-values, kind="stable")
        if values[order[0]] > best_merit:
            best, best_merit = pool[order[0]].copy(), float(values[order[0]])
        elite = pool[order[:N_ELITE]]
        mean = elite.mean(axis=0)
        spread = np.maximum(0.7 * elite.std(axis=0) + 0.3 * spread * 0.7, 0.02 * half)
    return best, best_merit
