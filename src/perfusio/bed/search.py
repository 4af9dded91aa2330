"""Maximise over a box of setpoints, by default by the cross-entropy method (Rubinstein and Kroese, Springer 2004)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from perfusio.bed.problem import Problem
from perfusio.state import FloatArray

N_CANDIDATES, N_ROUNDS, N_ELITE = 48, 6, 8


def best_candidate(
    problem: Problem, low: FloatArray, high: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, float]:
    """Return the best candidate of a decision problem (D,) and its merit, by the search that its config names."""
    problem.allow_least_violation(low, high, rng)
    start = np.clip(problem.hold, low, high)
    if problem.config.search == "gradient":
        from perfusio.bed.gradient import climbed  # torch

        ends = climbed(problem.penalized, low, high, start, seed=int(rng.integers(2**31)))
        pool = np.concatenate([start[None], ends])
        values = problem.merit(pool)
        winner = int(np.argmax(values))
        return pool[winner], float(values[winner])
    return cross_entropy(problem.merit, low, high, start[None], rng)


def cross_entropy(
    merit: Callable[[FloatArray], FloatArray],
    low: FloatArray,
    high: FloatArray,
    incumbents: FloatArray,
    rng: np.random.Generator,
) -> tuple[FloatArray, float]:
    """Return the best setpoints found and their merit.

    Args:
        merit: Setpoints (G, U) -> values (G,), higher is better; holding must be row 0 of what it is given.
        low: Lower corner of the box (U,).
        high: Upper corner (U,).
        incumbents: Points that take part in every round (K, U); row 0 is holding.
        rng: Source of the candidates.
    """
    half = 0.5 * (high - low)
    mean, spread = np.clip(incumbents[0], low, high), half.copy()
    best, best_merit = incumbents[0], -np.inf
    for _ in range(N_ROUNDS):
        drawn = np.clip(mean + spread * rng.standard_normal((N_CANDIDATES, len(low))), low, high)
        pool = np.concatenate([incumbents, drawn] if np.isneginf(best_merit) else [incumbents, best[None], drawn])
        values = merit(pool)
        values = np.where(np.isfinite(values), values, -np.inf)
        order = np.argsort(-values, kind="stable")
        if values[order[0]] > best_merit:
            best, best_merit = pool[order[0]].copy(), float(values[order[0]])
        elite = pool[order[:N_ELITE]]
        mean = elite.mean(axis=0)
        spread = np.maximum(0.7 * elite.std(axis=0) + 0.3 * spread * 0.7, 0.02 * half)
    return best, best_merit
