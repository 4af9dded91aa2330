"""The last steps of a search: near the best so far, gain and limits are smooth enough to be described by a few numbers.

Each step plays a small cross of candidates around the best, fits a quadratic without mixed terms to the acquisition
value and to how far each limit is missed on each day, takes the best of many points within reach by these, and plays it
with the next cross (a trust region with response surfaces; Conn, Scheinberg and Vicente, SIAM 2009, ch. 10). Where the
best moves little, the reach shrinks.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perfusio.bed.objectives import violation_of
from perfusio.bed.problem import PENALTY, Problem, squeezed
from perfusio.state import FloatArray

N_STEPS = 4
REACH = 0.2
"""Of the first cross, as a share of the box."""
BEYOND = 1.6
"""Candidates lie so much further out than the cross."""
N_RANDOM, N_POINTS = 3, 1500
TIGHTER = 0.01
"""One of two candidates keeps limits by this much more, in units of 5 % of the limit: fits are not exact."""
_RIDGE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Where candidates lie: between two corners (D,)."""

    low: FloatArray
    high: FloatArray

    @property
    def free(self) -> NDArray[np.intp]:
        """Directions in which it has any width."""
        return np.flatnonzero(self.high > self.low)

    def inside(self, candidates: FloatArray) -> FloatArray:
        """Return candidates (..., D) moved into the box."""
        clipped: FloatArray = np.clip(candidates, self.low, self.high)
        return clipped


def polishing(
    problem: Problem, on_many: Problem, best: FloatArray, start: FloatArray, box: Box, rng: np.random.Generator
) -> Generator[tuple[Problem, FloatArray], None, FloatArray]:
    """Return a better candidate (D,) near `best`, or the same; a `search.Search`.

    Args:
        problem: Judges; limits are anchored at `best`.
        on_many: The same problem, on which `best` was played.
        best: From here (D,).
        start: Holding within the box (D,), judged too.
        box: Where to look.
        rng: Source of the random candidates.
    """
    arm = REACH * (box.high - box.low)
    beside = np.stack([start, best])
    for step in range(N_STEPS):
        centre = best
        candidates = np.concatenate([centre[None], beside, _cross(centre, arm, box, rng)])
        yield problem, candidates
        if step == 0:
            problem.anchor(on_many, centre)
        problem.merit(candidates)
        best, _ = problem.settle()
        beside = np.concatenate([start[None], _proposed(problem, candidates, best, arm, box, rng)])
        moved = np.abs((best - centre)[box.free] / arm[box.free]).max(initial=0.0)
        arm = arm if moved >= 0.5 else 0.5 * arm
    beside = np.concatenate([best[None], beside])
    yield problem, beside
    problem.merit(beside)
    return problem.settle()[0]


def _cross(centre: FloatArray, arm: FloatArray, box: Box, rng: np.random.Generator) -> FloatArray:
    """Return candidates an arm (D,) off the centre in each free direction (inwards at a bound), and random ones."""
    n = 2 * len(box.free)
    arms = np.zeros((n + N_RANDOM, len(centre)))
    for i, d in enumerate(box.free):
        up, down = min(arm[d], box.high[d] - centre[d]), max(-arm[d], box.low[d] - centre[d])
        arms[2 * i, d] = up if up > 0.1 * arm[d] else -0.5 * arm[d]
        arms[2 * i + 1, d] = down if down < -0.1 * arm[d] else 0.5 * arm[d]
    arms[n:] = arm * rng.uniform(-1.0, 1.0, (N_RANDOM, len(centre)))
    return box.inside(centre + arms)


def _proposed(
    problem: Problem, played: FloatArray, best: FloatArray, arm: FloatArray, box: Box, rng: np.random.Generator
) -> FloatArray:
    """Return two points (2, D) near `best` that surfaces through the candidates just played (N, D) say are best."""
    missed = problem.judge(played).missed
    values = squeezed(problem.judged[-1].value[-len(played) :])
    known = np.concatenate([values[:, None], np.maximum(missed.reshape(len(played), -1), -PENALTY)], axis=1)
    features = _features((played - best) / np.where(arm > 0.0, arm, 1.0), box)
    normal = features.T @ features + _RIDGE * np.eye(features.shape[1])
    surfaces = np.linalg.solve(normal, features.T @ known)
    points = BEYOND * rng.uniform(-1.0, 1.0, (N_POINTS, len(best)))
    points[::2] *= rng.random((len(points[::2]), 1))
    some = box.inside(best + points * arm)
    told = _features((some - best) / np.where(arm > 0.0, arm, 1.0), box) @ surfaces
    broken = violation_of(told[:, 1:].reshape(N_POINTS, *missed.shape[1:])) - problem.allowed
    picked = []
    for tighter in (0.0, TIGHTER):
        over = np.maximum(broken + tighter, 0.0)
        picked.append(int(np.argmax(np.where(over > 0.0, -PENALTY * (1.0 + over), told[:, 0]))))
    return some[picked]


def _features(z: FloatArray, box: Box) -> FloatArray:
    """Return 1, z and z squared in the free directions, for places z (N, D) in arms."""
    free = z[:, box.free]
    return np.concatenate([np.ones((len(z), 1)), free, free * free], axis=1)
