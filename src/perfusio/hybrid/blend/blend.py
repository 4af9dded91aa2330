"""Several forecasters as one: each species and horizon by whoever did best on runs that were left out.

The hybrid model brings paths, its rivals (`members`) a point each, with the spread that their errors had on runs left
out (`weighing`). Quantiles are averaged: path by path, in the order that the hybrid model's paths have. Decisions do
not use it: plans are compared on the hybrid model's own paths.

Letters: M members, K spans of days ahead, Q species, H horizon, S paths, G plans.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from perfusio.hybrid.blend.members import Rivals
from perfusio.hybrid.layout import Layout
from perfusio.hybrid.rollout import between_spans
from perfusio.state import FloatArray
from perfusio.trajectory import Feed, Trajectory

ALONE = 1.0 - 1e-9
"""A weight that leaves nothing to others."""
SAME_MOVES, MOVES_MUCH = 1.5, 0.25
"""Setpoints that move up to so many times as much as in a run learnt from are nothing new; so much of a clear change a
day beyond that, on average, is wholly new."""
WIDER_STRANGE = 0.25
"""Spread that is added to forecasts under wholly new moves: calibration knows runs like those learnt from only. Chosen
on the moving runs of Random11 and Random12, of which 80 % intervals held 70 %."""


def daily_moves(course: FloatArray, layout: Layout) -> FloatArray:
    """Return the mean move per interval of setpoints (..., N, U), in clear changes, (..., U); 0 for one interval."""
    clear = layout.gp_scale[layout.n_species : layout.n_species + layout.n_setpoints]
    if course.shape[-2] < 2:
        return np.zeros((*course.shape[:-2], course.shape[-1]))
    moves: FloatArray = np.abs(np.diff(course, axis=-2)).mean(axis=-2) / clear
    return moves


@dataclass(frozen=True, slots=True, kw_only=True)
class Blend:
    """Rivals and weights.

    Attributes:
        rivals: Learnt from all runs.
        weights: (M, K, Q), >= 0; they sum to 1 over the members.
        strange_weights: The same where setpoints move as no run's did: `strange`.
        spread: Latent sd of the errors that each member's points had on runs left out, (M, K, Q).
        factor: Multiplier of the blended spread (K, Q).
        moved: Of each input of the processes, how much of a clear change setpoints moved a day in the run that moved
            them most (D,); 0 for other inputs.
    """

    rivals: Rivals
    weights: FloatArray
    strange_weights: FloatArray
    spread: FloatArray
    factor: FloatArray
    moved: FloatArray

    def strange(self, layout: Layout, vessel: Trajectory, plans: FloatArray) -> FloatArray:
        """Return whether setpoints move, so far and in plans (G, H, U), as no run learnt from did: 0 to 1, (G,).

        Runs at constant setpoints cannot show the difference between a state and the setpoint that led to it.
        """
        past = np.broadcast_to(vessel.inputs, (len(plans), *vessel.inputs.shape))
        course = np.concatenate([past, plans], axis=1)
        clear = slice(layout.n_species, layout.n_species + layout.n_setpoints)
        beyond = daily_moves(course, layout) - SAME_MOVES * self.moved[clear]
        strange: FloatArray = np.clip(beyond.max(axis=1) / MOVES_MUCH, 0.0, 1.0)
        return strange

    def weights_at(self, days: FloatArray, weights: FloatArray | None = None) -> FloatArray:
        """Return the usual weights, or others (M, K, Q), at H days ahead, (H, M, Q)."""
        return between_spans(np.moveaxis(self.weights if weights is None else weights, 1, 0), days)

    def mixed(
        self,
        layout: Layout,
        paths: FloatArray,
        vessel: Trajectory,
        plans: FloatArray,
        hours: float,
        feeds: Sequence[Feed | None],
    ) -> FloatArray:
        """Return paths of all members together.

        Args:
            layout: Of the panel.
            paths: Of the hybrid model, canonical units (G, S, H, Q).
            vessel: So far.
            plans: Setpoints (G, H, U).
            hours: Length of an interval.
            feeds: Under every plan.
        """
        g, s, horizon, _ = paths.shape
        days = hours / 24.0 * np.arange(1.0, horizon + 1.0)
        usual, otherwise = self.weights_at(days), self.weights_at(days, self.strange_weights)
        strange = self.strange(layout, vessel, plans)
        if (usual[:, 0] > ALONE).all() and not strange.any():
            return paths
        points = self.rivals.points(layout, [vessel] * g, plans, hours, [feeds] * g)  # (M - 1, G, H, Q)
        share = strange[:, None, None]
        weights = (1.0 - share) * usual.transpose(1, 0, 2)[:, None] + share * otherwise.transpose(1, 0, 2)[:, None]
        weights[1:] *= np.isfinite(points)  # (M, G, H, Q)
        weights[0] = 1.0 - weights[1:].sum(axis=0)  # what nobody else says
        spread = between_spans(np.moveaxis(self.spread, 1, 0), days).transpose(1, 0, 2)  # (M, H, Q)
        factor = np.exp(between_spans(np.log(self.factor), days))
        # latent paths about their median, each with the normal deviate of its rank for the spread of the rivals
        z = np.moveaxis(layout.to_latent(np.moveaxis(paths, -1, 0)), 0, -1)  # (G, S, H, Q)
        centre = np.median(z, axis=1)
        rank = np.argsort(np.argsort(z, axis=1), axis=1)
        normal = ndtri((rank + 0.5) / s)
        middle = weights[0] * centre + np.nansum(weights[1:] * points, axis=0)
        beside = (weights[1:] * spread[1:, None]).sum(axis=0)
        off = weights[0][:, None] * (z - centre[:, None]) + beside[:, None] * normal
        wider = (1.0 + WIDER_STRANGE * strange)[:, None, None]
        factor = np.where(weights[0] > ALONE, 1.0, factor) * wider
        blended = middle[:, None] + factor[:, None] * off
        untouched = ((weights[0] > ALONE) & (wider == 1.0))[:, None]
        blended = np.where(untouched, z, blended)
        out: FloatArray = np.moveaxis(layout.from_latent(np.ascontiguousarray(np.moveaxis(blended, -1, 0))), 0, -1)
        return np.where(untouched, paths, out)
