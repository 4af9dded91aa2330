"""Possible futures of one vessel under several plans, on common random paths.

A path draws one state, one set of rate parameters, one drift and one residual function from the belief and keeps them:
model error persists along a path. All plans share the draws, so that differences between plans are differences of the
plans. Letters: G plans, H horizon, S paths, Q species, U setpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from perfusio.hybrid.features import N_SPECIES, fed_latent, from_latent, gp_inputs
from perfusio.hybrid.filter import (
    DRIFT,
    DRIFT_MEMORY_DAYS,
    DRIFT_WALK,
    LATENT,
    RATE_WALK,
    RATES,
    WHITE_SD,
    Belief,
    Process,
)
from perfusio.hybrid.residual import step
from perfusio.state import FloatArray
from perfusio.trajectory import Feed


@dataclass(frozen=True, slots=True, kw_only=True)
class Futures:
    """One vessel's random draws, to be played under any plan.

    Attributes:
        process: How states move.
        starts: Draws from the belief (n, S).
        noise: Standard normal draws for state, rates and drift of each interval (H, n, S).
        residual: Sampled residual functions, x (G, S, D) -> (Q, G, S), or None before any fit.
        day: Culture day at the start.
        hours: Length of an interval.
        feeds: What is given at the start of each interval under every plan; empty = nothing.
    """

    process: Process
    starts: FloatArray
    noise: FloatArray
    residual: Callable[[FloatArray], FloatArray] | None
    day: float
    hours: float
    feeds: Sequence[Feed | None] = ()

    @classmethod
    def draw(
        cls,
        process: Process,
        belief: Belief,
        *,
        hours: float,
        n_paths: int,
        n_intervals: int,
        seed: int,
        feeds: Sequence[Feed | None] = (),
    ) -> Futures:
        """Draw `n_paths` futures of `n_intervals` from a belief; the same seed draws the same futures."""
        rng = np.random.default_rng(seed)
        values, vectors = np.linalg.eigh(belief.cov)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        n = len(belief.mean)
        half = rng.standard_normal((n, (n_paths + 1) // 2))
        standard = np.concatenate([half, -half], axis=1)[:, :n_paths]  # antithetic: the mean has no sampling error
        return cls(
            process=process,
            starts=belief.mean[:, None] + root @ standard,
            noise=rng.standard_normal((n_intervals, n, n_paths)),
            residual=process.residual.sample_paths(n_paths, rng) if process.residual.is_fitted else None,
            day=belief.trajectory.states[-1].day,
            hours=hours,
            feeds=feeds,
        )

    def play(self, plans: FloatArray) -> FloatArray:
        """Return the species under each plan.

        Args:
            plans: Setpoints of each interval, shape (G, H, U).

        Returns:
            Shape (G, S, H, Q), canonical units, after each interval.
        """
        g, horizon, _ = plans.shape
        s = self.starts.shape[1]
        days = self.hours / 24.0
        memory = np.exp(-days / DRIFT_MEMORY_DAYS)
        z = np.repeat(self.starts[LATENT][:, None, :], g, axis=1)
        rates, drift = self.starts[RATES], self.starts[DRIFT]
        out = np.empty((g, s, horizon, N_SPECIES))
        hours = np.full(g * s, self.hours)
        for h in range(horizon):
            if h < len(self.feeds) and self.feeds[h] is not None:
                z = fed_latent(z.reshape(N_SPECIES, -1), [self.feeds[h]] * (g * s))[0].reshape(z.shape)
            u = np.repeat(plans[:, h].T[:, :, None], s, axis=2)
            flat = z.reshape(N_SPECIES, -1), u.reshape(u.shape[0], -1)
            residual = None
            if self.residual is not None:
                x = gp_inputs(*flat, self.day + h * days)
                residual = self.residual(x.reshape(g, s, -1)).reshape(N_SPECIES, -1)
            factors, lasting = np.tile(self.process.factors(rates), (1, g)), np.tile(drift, (1, g))
            white = WHITE_SD[:, None] * np.sqrt(days) * self.noise[h, LATENT]
            z = step(*flat, factors, hours, residual, lasting).reshape(z.shape) + white[:, None, :]
            rates = rates + self.process.freedom * RATE_WALK * np.sqrt(days) * self.noise[h, RATES]
            drift = memory * drift + (self.process.freedom * DRIFT_WALK[:, None] * np.sqrt(days)) * self.noise[h, DRIFT]
            out[:, :, h] = from_latent(z).transpose(1, 2, 0)
        return out
