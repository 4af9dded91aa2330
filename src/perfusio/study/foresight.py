"""A controller that knows the vessel: the best that anybody without a crystal ball could reach.

It tries candidate setpoints on copies of the plant itself, from its true state and without noise, and takes the one
that does best among those that keep the limits, day after day. It does not know later disturbances. It is the fair
upper bound of benchmarks; nothing that learns may use it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from perfusio.bed.search import cross_entropy
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, DEFAULT_CONSTRAINTS, Constraint, DesignSpace
from perfusio.physics.derived import viability as share_of_living
from perfusio.plant.vessel import VesselBatch
from perfusio.process.derived import quantity_paths
from perfusio.process.roles import BLEED, CELLS, PERFUSION, VIABILITY
from perfusio.process.rules import largest_bleed
from perfusio.state import SETPOINT_INDEX, SPECIES, SPECIES_INDEX, FloatArray, Setpoints, State

MARGIN = 0.002
"""Share of a limit by which the oracle stays inside, so that no rounding carries it over."""
_WORSE_THAN_ANY_SCORE = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """Outcome of G plans, day by day over H days.

    Attributes:
        species: True values after each day, (G, H, Q).
        harvested: Product taken out with the harvest on each day [mg per L of vessel], (G, H).
        plans: Setpoints of each day, (G, H, U).
    """

    species: FloatArray
    harvested: FloatArray
    plans: FloatArray

    def shortfall(self, constraints: Sequence[Constraint]) -> FloatArray:
        """Return by how much limits are missed, summed over days and limits, in shares of each limit (G,)."""
        total = np.zeros(len(self.plans))
        for c in constraints:
            value = quantity_paths(c.quantity, self.species[:, None], self.plans)[:, 0]
            for limit, sign in ((c.low, 1.0), (c.high, -1.0)):
                if limit is not None:
                    missed = sign * (limit - value) / max(abs(limit), 1e-9) + MARGIN
                    total += np.maximum(missed, 0.0).sum(axis=1)
        return total


Score = Callable[[Ahead], FloatArray]
"""Worth of plans, (G,), higher is better."""


def hold_vcd(target: float) -> Score:
    """Score by the mean squared log error of the density [1e6 cells/mL]."""

    def score(ahead: Ahead) -> FloatArray:
        off = np.log(ahead.species[..., SPECIES_INDEX[CELLS]] / target)
        worth: FloatArray = -(off**2).mean(axis=1)
        return worth

    return score


def harvest(ahead: Ahead) -> FloatArray:
    """Score by the product harvested per day [mg/L/day], with the true sieving of the membrane."""
    worth: FloatArray = ahead.harvested.mean(axis=1)
    return worth


class Oracle:
    """Steers one vessel of a batch by trying everything on copies of it first.

    Args:
        plant: The vessels, e.g. `SimulatedAmbr250.plant`.
        vessel: Which of them.
        score: The aim: `hold_vcd(target)` or `harvest`.
        horizon_days: How far it looks.
        constraints: Limits that true values keep; their probabilities do not matter to somebody who knows.
        design_space: Bounds and largest steps.
        seed: Of the search.
    """

    def __init__(
        self,
        plant: VesselBatch,
        vessel: int = 0,
        *,
        score: Score,
        horizon_days: int = 7,
        constraints: Sequence[Constraint] = DEFAULT_CONSTRAINTS,
        design_space: DesignSpace = DEFAULT_AMBR250_DESIGN_SPACE,
        seed: int = 0,
    ) -> None:
        self._plant, self._vessel, self._score, self._horizon = plant, vessel, score, horizon_days
        self._constraints, self._space = tuple(constraints), design_space
        self._rng = np.random.default_rng(seed)
        self._last: FloatArray | None = None

    def decide(self, _state: State, current: Setpoints) -> Setpoints:
        """Return the setpoints from now on; the reading is not looked at, the plant itself is."""
        now = current.vector()
        low, high = self._space.low, self._no_faster_than_growth(current)

        def merit(destinations: FloatArray) -> FloatArray:
            ahead = self.ahead(self._ramps(now, destinations))
            missed = ahead.shortfall(self._constraints)
            return np.where(missed > 0.0, -_WORSE_THAN_ANY_SCORE * (1.0 + missed), self._score(ahead))

        incumbents = np.clip([now] if self._last is None else [now, self._last], low, high)
        best, _ = cross_entropy(merit, low, high, incumbents, self._rng)
        self._last = best
        return Setpoints.of(self._ramps(now, best[None])[0, 0])

    def ahead(self, plans: FloatArray) -> Ahead:
        """Play plans (G, H, U) on copies of the vessel."""
        g, h = plans.shape[:2]
        copies = self._plant.fork([self._vessel] * g, is_forewarned=False)
        species, total = np.empty((g, h, len(SPECIES_INDEX))), np.empty((g, h + 1))
        total[:, 0] = copies.state("harvested")
        for day in range(h):
            copies.write([Setpoints.of(u) for u in plans[:, day]])
            copies.advance(1.0)
            species[:, day] = _species(copies)
            total[:, day + 1] = copies.state("harvested")
        return Ahead(species=species, harvested=np.diff(total, axis=1), plans=plans)

    def _ramps(self, now: FloatArray, destinations: FloatArray) -> FloatArray:
        """Return ramps (G, H, U) towards destinations (G, U), a largest step a day at most, in balance."""
        steps = np.arange(1, self._horizon + 1)[:, None] * self._space.max_step
        ramps: FloatArray = now + np.clip((destinations - now)[:, None], -steps, steps)
        d, b = SETPOINT_INDEX[PERFUSION], SETPOINT_INDEX[BLEED]
        ramps[..., b] = np.minimum(ramps[..., b], largest_bleed(ramps[..., d]))
        return ramps

    def _no_faster_than_growth(self, current: Setpoints) -> FloatArray:
        """Return the upper corner of the box: perfusion is raised no faster than cells divide, as for everybody."""
        now, d = current.vector(), SETPOINT_INDEX[PERFUSION]
        before = self._plant.state("viable")[self._vessel]
        after = self.ahead(now[None, None]).species[0, 0, SPECIES_INDEX[CELLS]]
        growth = max(float(np.log(after / before)) + getattr(current, BLEED), 0.0)
        high = self._space.high
        high[d] = max(min(high[d], now[d] * np.exp(growth)), self._space.low[d])
        return high


def _species(batch: VesselBatch) -> FloatArray:
    """Return the true species of all vessels, (B, Q)."""
    viable, dead = batch.state("viable"), batch.state("dead")
    known = {CELLS: viable, VIABILITY: share_of_living(viable, dead)}
    return np.stack([known[name] if name in known else batch.state(name) for name in SPECIES], axis=1)
