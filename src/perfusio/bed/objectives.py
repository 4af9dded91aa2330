"""From forecast paths to scores, and to the probability of keeping a limit.

Letters: G candidates, S paths, H horizon, Q species, U setpoints.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from perfusio.config import Constraint, Objective
from perfusio.physics import derived
from perfusio.state import SETPOINT_INDEX, SPECIES_INDEX, FloatArray

TRACKING_UNIT = 0.1
"""A score of -1 is a factor of 10 % off the target (or a gain of 10 % forgone), whatever the quantity."""


def quantity_paths(name: str, paths: FloatArray, plans: FloatArray) -> FloatArray:
    """Return one quantity along paths (G, S, H, Q) under plans (G, H, U), shape (G, S, H), canonical unit."""
    if name in SPECIES_INDEX:
        picked: FloatArray = paths[..., SPECIES_INDEX[name]]
        return picked
    perfusion = plans[:, None, :, SETPOINT_INDEX["perfusion_rate"]]
    if name == "cspr":
        return derived.cspr(perfusion, paths[..., SPECIES_INDEX["vcd"]] + 1e-6)
    bleed = plans[:, None, :, SETPOINT_INDEX["bleed_rate"]]
    everything = np.ones(())  # the membrane holds back no product unless harvest samples say otherwise
    return derived.volumetric_productivity(paths[..., SPECIES_INDEX["titer"]], everything, perfusion - bleed)


def scores(objective: Objective, paths: FloatArray, plans: FloatArray, moves: FloatArray) -> FloatArray:
    """Return the score of each candidate on each path, higher is better, shape (G, S).

    Args:
        objective: What to score by; its first `horizon_days` of the paths count.
        paths: (G, S, H, Q).
        plans: (G, H, U).
        moves: Change from the setpoints in force over the largest step, (G, U).
    """
    value = quantity_paths(objective.quantity, paths, plans)
    cost = objective.move_penalty * (moves**2).sum(axis=1)
    if objective.target is not None:
        # logarithmic: a squared difference would aim below the target by the spread of doubtful forecasts
        off = np.log(np.maximum(value / objective.target, 1e-3)) / TRACKING_UNIT
        kept: FloatArray = -(off**2).mean(axis=2) - cost[:, None]
        return kept
    scale = TRACKING_UNIT * max(float(value[0].mean()), 1e-9)  # candidate 0 is holding, see policy
    raised: FloatArray = value.mean(axis=2) / scale - cost[:, None]
    return raised


@dataclass(frozen=True, slots=True, kw_only=True)
class Feasibility:
    """How well candidates keep the constraints.

    Attributes:
        violation: By how much the worst limit is missed, in units of 5 % of the limit, (G,); <= 0 is kept.
        probability: Of keeping each constraint on its worst day, (G, number of constraints).
    """

    violation: FloatArray
    probability: FloatArray


def feasibility(constraints: tuple[Constraint, ...], paths: FloatArray, plans: FloatArray) -> Feasibility:
    """Judge candidates by chance constraints: mean +- k sd within the limit on each day, k from the probability."""
    violation = np.full(len(plans), -np.inf)
    probability = np.ones((len(plans), len(constraints)))
    for c, constraint in enumerate(constraints):
        value = quantity_paths(constraint.quantity, paths, plans)
        mean, sd = value.mean(axis=1), value.std(axis=1) + 1e-9
        k = norm.ppf(constraint.probability)
        for limit, sign in ((constraint.low, 1.0), (constraint.high, -1.0)):
            if limit is not None:
                margin = sign * (mean - limit)
                missed = (k * sd - margin) / (0.05 * max(abs(limit), 1.0))
                violation = np.maximum(violation, missed.max(axis=1))
                probability[:, c] = np.minimum(probability[:, c], norm.cdf(margin / sd).min(axis=1))
    return Feasibility(violation=violation, probability=probability)
