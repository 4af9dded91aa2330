"""From forecast paths to scores, and to the probability of keeping a limit.

Letters: G candidates, S paths, H horizon, Q species, U setpoints.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from perfusio.errors import ModelError
from perfusio.objective import Constraint, Objective
from perfusio.process.derived import DERIVED, gross_paths, quantity_paths
from perfusio.process.expressions.grammar import is_expression
from perfusio.state import FloatArray

TRACKING_UNIT = 0.1
"""A score of -1 is a factor of 10 % off the target (or a gain of 10 % forgone), whatever the quantity."""
LEAST_OF_TERMS = 0.1
"""A difference is measured by itself, or by this share of the size of its terms where it is smaller."""
RESERVE, COMFORT = 0.5, 0.5
"""Distance to a limit, beyond the margin that its probability asks for, from which on a vessel that is held at a target
is at ease, in units of 5 % of the limit (2.4 points of viability), and the price at the limit: as much as
for 7 % of error. A target can be held in many ways; those far from limits bear better whatever happens next."""


def scores(
    objective: Objective,
    paths: FloatArray,
    plans: FloatArray,
    moves: FloatArray,
    *,
    size: float = np.nan,
    shift: FloatArray | float = 0.0,
) -> FloatArray:
    """Return the score of each candidate on each path, higher is better, shape (G, S).

    Args:
        objective: Objective to score by.
        paths: (G, S, H, Q), candidate 0 holds; all H intervals count.
        plans: (G, H, U).
        moves: Change from the setpoints in force over the largest step, (G, U).
        size: As in `quantity_paths`.
        shift: Added to the quantity in each interval, (H,): the known bias of these paths.
    """
    value = quantity_paths(objective.quantity, paths, plans, size=size, panel=objective.process) + shift
    cost = objective.move_penalty * (moves**2).sum(axis=1)
    if objective.target is not None:
        # logarithmic: a squared difference would aim below the target by the spread of doubtful forecasts
        off = np.log(np.maximum(value / objective.target, 1e-3)) / TRACKING_UNIT
        kept: FloatArray = -(off**2).mean(axis=2) - cost[:, None]
        return kept
    scale = TRACKING_UNIT * max(_size(objective, value[:1], paths[:1], plans[:1], size), 1e-9)
    scale = scale if objective.kind == "maximize" else -scale
    raised: FloatArray = value.mean(axis=2) / scale - cost[:, None]
    return raised


def _size(objective: Objective, held: FloatArray, paths: FloatArray, plans: FloatArray, size: float) -> float:
    """Return the number of which a gain of 10 % counts as TRACKING_UNIT: the mean while setpoints are held.

    A composed quantity may be near nothing or below it, as a profit: it counts as at least LEAST_OF_TERMS of its terms;
    a function, of which the terms are not known, as the mean of its size, or as its author says.

    Raises:
        ModelError: a composed quantity has no value while setpoints are held.
    """
    name = objective.quantity
    if name in objective.process.species_names or name in DERIVED:
        return float(held.mean())
    gross = float(gross_paths(name, paths, plans, size=size, panel=objective.process).mean())
    if not (np.isfinite(held).all() and np.isfinite(gross)):
        raise ModelError(f"{name!r} is not a number while the setpoints in force are held: it divides by 0, or so.")
    return max(abs(float(held.mean())), LEAST_OF_TERMS * gross) if is_expression(name) else gross


@dataclass(frozen=True, slots=True, kw_only=True)
class Feasibility:
    """How well candidates keep the constraints.

    Attributes:
        violation: By how much limits are missed, in units of 5 % of the limit, (G,); <= 0 is kept. Of the shortfall
            it is the mean of the worst day, the average day and the last day: where the next days are lost already, it
            is still less for a plan that brings the vessel back.
        probability: Of keeping each constraint on its worst day, (G, number of constraints).
        margin: Distance of the mean from each limit on its worst day, canonical unit, < 0 beyond it, of the same shape.
        violation_of_mean: As `violation`, if the mean alone had to keep the limits, (G,).
        missed: By how much each limit is missed on each day, in these units, (G, C, H), C limits; < 0 is kept.
    """

    violation: FloatArray
    probability: FloatArray
    margin: FloatArray
    violation_of_mean: FloatArray
    missed: FloatArray

    def of(self, rows: NDArray[np.intp]) -> Feasibility:
        """Return it for some of the candidates."""
        return Feasibility(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Mean and sd of the quantity of each constraint over the paths, (C, G, H) each, C constraints, canonical unit."""

    mean: FloatArray
    sd: FloatArray

    @classmethod
    def of(
        cls, constraints: tuple[Constraint, ...], paths: FloatArray, plans: FloatArray, *, size: float = np.nan
    ) -> Moments:
        """Take them along paths (G, S, H, Q) under plans (G, H, U)."""
        mean, sd = (np.empty((len(constraints), *plans.shape[:2])) for _ in range(2))
        for c, constraint in enumerate(constraints):
            value = quantity_paths(constraint.quantity, paths, plans, size=size, panel=constraint.process)
            mean[c], sd[c] = value.mean(axis=1), value.std(axis=1) + 1e-9
        return cls(mean=mean, sd=sd)

    def corrected(self, few: Moments, many: Moments) -> Moments:
        """Return the values on many paths, from one candidate of which both are known.

        Paths are common to all candidates, so the bias of few paths is much the same for all: the mean is shifted,
        the sd multiplied, as at that candidate.
        """
        ratio = np.clip(many.sd / few.sd, *MOST_CORRECTED)
        return Moments(mean=self.mean + (many.mean - few.mean), sd=self.sd * ratio)


MOST_CORRECTED = (0.1, 10.0)
"""Factors on an sd that few paths may miss, the calibration of the spread included."""


def feasibility(
    constraints: tuple[Constraint, ...], paths: FloatArray, plans: FloatArray, *, size: float = np.nan
) -> Feasibility:
    """Judge candidates by their paths, as `judged` does."""
    return judged(constraints, Moments.of(constraints, paths, plans, size=size))


def judged(constraints: tuple[Constraint, ...], moments: Moments, sureness: FloatArray | float = 1.0) -> Feasibility:
    """Judge candidates by chance constraints: mean +- k sd within the limit on each day, k from the probability.

    Args:
        constraints: C of them.
        moments: Of their quantities.
        sureness: Share of k that is asked for of each constraint in each interval, (C, H) or one number.
    """
    n, horizon = moments.mean.shape[1:]
    shares = np.broadcast_to(sureness, (len(constraints), horizon))
    missed = np.full((n, len(constraints), horizon), -np.inf)
    of_mean = np.full(n, -np.inf)
    margins = np.full((n, len(constraints)), np.inf)
    probability = np.ones((n, len(constraints)))
    for c, constraint in enumerate(constraints):
        mean, sd = moments.mean[c], moments.sd[c]
        k = ndtri(constraint.probability) * shares[c]
        for limit, sign in ((constraint.low, 1.0), (constraint.high, -1.0)):
            if limit is not None:
                margin = sign * (mean - limit)
                scale = 0.05 * max(abs(limit), 1.0)
                missed[:, c] = np.maximum(missed[:, c], (k * sd - margin) / scale)
                of_mean = np.maximum(of_mean, -margin.min(axis=1) / scale)
                margins[:, c] = np.minimum(margins[:, c], margin.min(axis=1))
                probability[:, c] = np.minimum(probability[:, c], ndtr(margin / sd).min(axis=1))
    return Feasibility(
        violation=violation_of(missed),
        probability=probability,
        margin=margins,
        violation_of_mean=of_mean,
        missed=missed,
    )


def discomfort(missed: FloatArray) -> FloatArray:
    """Return the penalty (G,), in scores, for being close to limits that are missed by so much, (G, C, H).

    See Feasibility; nothing from RESERVE inside a limit on, COMFORT right at it, four times as much at most beyond.
    """
    near = np.clip(1.0 + np.where(np.isnan(missed), np.inf, missed) / RESERVE, 0.0, 2.0)
    cost: FloatArray = COMFORT * (near**2).sum(axis=1).mean(axis=1)
    return cost


def violation_of(missed: FloatArray) -> FloatArray:
    """Return the violation (G,) of candidates that miss limits by so much, (G, C, H); see Feasibility.

    NaN keeps no limit.
    """
    daily = np.where(np.isnan(missed), np.inf, missed).max(axis=1, initial=-np.inf)
    worst, beyond = daily.max(axis=1), np.maximum(daily, 0.0)
    violation: FloatArray = np.where(worst > 0.0, (worst + beyond.mean(axis=1) + beyond[:, -1]) / 3.0, worst)
    return violation
