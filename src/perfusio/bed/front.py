"""The front of a vessel's possible next actions: the trade-off between objectives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from perfusio.bed.pareto import nondominated
from perfusio.bed.policy import box, problem_of, tried_by
from perfusio.bed.reasons import options_of
from perfusio.bed.search import best_candidate
from perfusio.config import DesignSpace, Objective, RunConfig
from perfusio.decision import Option
from perfusio.errors import ConfigError
from perfusio.protocols import Model
from perfusio.state import FloatArray, Setpoints
from perfusio.trajectory import Trajectory

N_DIRECTIONS = 7
N_SHOWN = 24
LEAST_SHARE = 0.02


def candidate_front(
    trajectory: Trajectory, current: Setpoints, model: Model, space: DesignSpace, config: RunConfig
) -> tuple[Option, ...]:
    """Return next actions that keep every limit and that no other found beats on all objectives.

    The front is searched in N_DIRECTIONS weightings of the objectives, on the same futures; weights in `config` play no
    role. Where nothing keeps every limit it is the front of the least violating actions.

    Args:
        trajectory: The vessel so far.
        current: Setpoints in force.
        model: Conditioned on the vessel.
        space: Allowed setpoints.
        config: With two objectives or more.

    Returns:
        Options in rising order of the first objective, at most N_SHOWN.

    Raises:
        ConfigError: one objective has no front.
    """
    plain = tuple(o.model_copy(update={"weight": 1.0}) for o in config.objectives)
    if len(plain) < 2:
        raise ConfigError(
            f"A front needs two objectives or more, found one ({plain[0]}). Give a tuple, e.g. "
            "objective=(maximize('productivity'), minimize('medium'))."
        )
    found = []
    for shares in _directions(len(plain), config.seed):
        problem = problem_of(trajectory, current, model, space, _weighed(config, plain, shares), config.seed)
        low, high = box(problem, trajectory, space, tried_by(model, config))
        best_candidate(problem, low, high, np.random.default_rng(config.seed))
        pool = problem.pool()
        found.append(replace(pool, gains=pool.gains / shares))
    least = min(float(pool.violation[pool.is_allowed].min(initial=np.inf)) for pool in found)
    keeps = [pool.is_allowed & (pool.violation <= max(least, 0.0)) for pool in found]
    gains = np.concatenate([pool.gains[k] for pool, k in zip(found, keeps, strict=True)])
    candidates = np.concatenate([pool.candidates[k] for pool, k in zip(found, keeps, strict=True)])
    best = nondominated(gains)
    best = best[np.argsort(gains[best, 0], kind="stable")]
    if not best.size:
        return ()
    shown = best[np.unique(np.linspace(0, len(best) - 1, N_SHOWN).round().astype(int))]
    unweighed = problem_of(trajectory, current, model, space, _weighed(config, plain, np.ones(len(plain))), config.seed)
    return options_of(unweighed, candidates[shown], [""] * len(shown))


def _directions(n_objectives: int, seed: int) -> FloatArray:
    """Return shares of the objectives (N, M): an even spread for two, drawn from the simplex for more."""
    if n_objectives == 2:
        first = np.linspace(0.0, 1.0, N_DIRECTIONS)
        shares = np.stack([first, 1.0 - first], axis=1)
    else:
        drawn = np.random.default_rng(seed).exponential(size=(2 * N_DIRECTIONS, n_objectives))
        shares = np.concatenate([np.eye(n_objectives), drawn / drawn.sum(axis=1, keepdims=True)])
    clipped: FloatArray = np.maximum(shares, LEAST_SHARE)
    return clipped


def _weighed(config: RunConfig, objectives: tuple[Objective, ...], shares: FloatArray) -> RunConfig:
    weighed = tuple(o.model_copy(update={"weight": float(w)}) for o, w in zip(objectives, shares, strict=True))
    return config.model_copy(update={"objective": weighed, "acquisition": "LogEI", "exploration": 0.0})
