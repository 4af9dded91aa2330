"""From forecast paths to scores, and to the probability of keeping a limit.

Letters: G candidates, S paths, H horizon, Q species, U setpoints.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from perfusio.errors import OutOfRange
from perfusio.objective import Constraint, Objective
from perfusio.physics import derived
from perfusio.state import SETPOINT_INDEX, SPECIES_INDEX, FloatArray

TRACKING_UNIT = 0.1
"""A score of -1 is a factor of 10 % off the target (or a gain of 10 % forgone), whatever the quantity."""


def quantity_paths(name: str, paths: FloatArray, plans: FloatArray, *, diameter: float = np.nan) -> FloatArray:
    """Return one quantity along paths (G, S, H, Q) under plans (G, H, U), shape (G, S, H), canonical unit.

    Args:
        name: A species or one of config.DERIVED.
        paths: Species along the paths.
        plans: Setpoints that led there.
        diameter: Cell diameter [um] for ``"vcv"``: the model has none, so the last measured one is held.

    Raises:
        OutOfRange: a viable cell volume was asked for without a diameter.
    """
    if name in SPECIES_INDEX:
        picked: FloatArray = paths[..., SPECIES_INDEX[name]]
        return picked
    perfusion = plans[:, None, :, SETPOINT_INDEX["perfusion_rate"]]
    if name == "medium":
        return np.broadcast_to(perfusion, paths.shape[:-1])
    if name == "cspr":
        return derived.cspr(perfusion, paths[..., SPECIES_INDEX["vcd"]] + 1e-6)
    if name == "vcv":
        if not diameter > 0.0:
            raise OutOfRange(
                f"diameter = {diameter:g} um: a viable cell volume needs a measured cell diameter above 0. Measure it, "
                "or leave the volume out and track vcd."
            )
        return derived.vcv(paths[..., SPECIES_INDEX["vcd"]], np.asarray(diameter))
    everything = np.ones(())  # the membrane holds back no product unless harvest samples say otherwise
    if name == "harvest_titer":
        return derived.harvest_titer(paths[..., SPECIES_INDEX["titer"]], everything)
    bleed = plans[:, None, :, SETPOINT_INDEX["bleed_rate"]]
    return derived.volumetric_productivity(paths[..., SPECIES_INDEX["titer"]], everything, perfusion - bleed)


def scores(
    objective: Objective, paths: FloatArray, plans: FloatArray, moves: FloatArray, *, diameter: float = np.nan
) -> FloatArray:
    """Return the score of each candidate on each path, higher is better, shape (G, S).

    Args:
        objective: What to score by.
        paths: (G, S, H, Q), candidate 0 holds; all H intervals count.
        plans: (G, H, U).
        moves: Change from the setpoints in force over the largest step, (G, U).
        diameter: As in `quantity_paths`.
    """
    value = quantity_paths(objective.quantity, paths, plans, diameter=diameter)
    cost = objective.move_penalty * (moves**2).sum(axis=1)
    if objective.target is not None:
        # logarithmic: a squared difference would aim below the target by the spread of doubtful forecasts
        off = np.log(np.maximum(value / objective.target, 1e-3)) / TRACKING_UNIT
        kept: FloatArray = -(off**2).mean(axis=2) - cost[:, None]
        return kept
    scale = TRACKING_UNIT * max(float(value[0].mean()), 1e-9)
    scale = scale if objective.kind == "maximize" else -scale
    raised: FloatArray = value.mean(axis=2) / scale - cost[:, None]
    return raised


@dataclass(frozen=True, slots=True, kw_only=True)
class Feasibility:
    """How well candidates keep the constraints.

    Attributes:
        violation: By how much limits are missed, in units of 5 % of the limit, (G,); <= 0 is kept. Of what is missed
            it is the mean of the worst day, the average day and the last day: where the next days are lost already, it
            is still less for a plan that brings the vessel back.
        probability: Of keeping each constraint on its worst day, (G, number of constraints).
        margin: Distance of the mean from each limit on its worst day, canonical unit, < 0 beyond it, of the same shape.
        violation_of_mean: As `violation`, if the mean alone had to keep the limits, (G,).
    """

    violation: FloatArray
    probability: FloatArray
    margin: FloatArray
    violation_of_mean: FloatArray

    def of(self, rows: NDArray[np.intp]) -> Feasibility:
        """Return it for some of the candidates."""
        return Feasibility(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


def feasibility(
    constraints: tuple[Constraint, ...], paths: FloatArray, plans: FloatArray, *, diameter: float = np.nan
) -> Feasibility:
    """Judge candidates by chance constraints: mean +- k sd within the limit on each day, k from the probability."""
    missed = np.full(plans.shape[:2], -np.inf)
    of_mean = np.full(len(plans), -np.inf)
    margins = np.full((len(plans), len(constraints)), np.inf)
    probability = np.ones((len(plans), len(constraints)))
    for c, constraint in enumerate(constraints):
        value = quantity_paths(constraint.quantity, paths, plans, diameter=diameter)
        mean, sd = value.mean(axis=1), value.std(axis=1) + 1e-9
        k = norm.ppf(constraint.probability)
        for limit, sign in ((constraint.low, 1.0), (constraint.high, -1.0)):
            if limit is not None:
                margin = sign * (mean - limit)
                scale = 0.05 * max(abs(limit), 1.0)
                missed = np.maximum(missed, (k * sd - margin) / scale)
                of_mean = np.maximum(of_mean, -margin.min(axis=1) / scale)
                margins[:, c] = np.minimum(margins[:, c], margin.min(axis=1))
                probability[:, c] = np.minimum(probability[:, c], norm.cdf(margin / sd).min(axis=1))
    worst, beyond = missed.max(axis=1), np.maximum(missed, 0.0)
    violation = np.where(worst > 0.0, (worst + beyond.mean(axis=1) + beyond[:, -1]) / 3.0, worst)
    return Feasibility(violation=violation, probability=probability, margin=margins, violation_of_mean=of_mean)
