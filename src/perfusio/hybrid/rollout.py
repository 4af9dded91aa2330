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

SPANS_DAYS = (1.5, 4.5, 10.5)
"""Ends of the spans of days ahead whose spread is calibrated each on its own; the last span has no end."""
WIDER_AFAR = 3.0  # the processes alone are too sure of themselves where there are no data; chosen as conformal's share


def span_of(days: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return the span (H,) that each of H days ahead lies in."""
    return np.searchsorted(SPANS_DAYS, days).astype(np.intp)


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
        spread: Multipliers of the paths' spread about their median by span of days ahead, (K, Q); None = as it is.
    """

    process: Process
    starts: FloatArray
    noise: FloatArray
    residual: Callable[[FloatArray], FloatArray] | None
    day: float
    hours: float
    feeds: Sequence[Feed | None] = ()
    spread: FloatArray | None = None

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
        spread: FloatArray | None = None,
        residual: Callable[[FloatArray], FloatArray] | None = None,
    ) -> Futures:
        """Draw `n_paths` futures of `n_intervals` from a belief; the same seed draws the same futures.

        `residual` are functions drawn before, for as many paths, to be shared by several vessels or starts.
        """
        rng = np.random.default_rng(seed)
        values, vectors = np.linalg.eigh(belief.cov)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        n = len(belief.mean)
        half = rng.standard_normal((n, (n_paths + 1) // 2))
        standard = np.concatenate([half, -half], axis=1)[:, :n_paths]  # antithetic: the mean has no sampling error
        if residual is None and process.residual.is_fitted:
            residual = process.residual.sample_paths(n_paths, rng)
        return cls(
            process=process,
            starts=belief.mean[:, None] + root @ standard,
            noise=rng.standard_normal((n_intervals, n, n_paths)),
            residual=residual,
            day=belief.trajectory.states[-1].day,
            hours=hours,
            feeds=feeds,
            spread=spread,
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
        latent = np.empty((N_SPECIES, g, s, horizon))
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
            latent[..., h] = z
        if self.spread is not None:
            centre = np.median(latent, axis=2, keepdims=True)
            latent = centre + self._factors(centre[:, :, 0], plans)[:, :, None] * (latent - centre)
        return np.ascontiguousarray(from_latent(latent).transpose(1, 2, 3, 0))

    def support(self, centre: FloatArray, plans: FloatArray) -> FloatArray:
        """Return how close the inputs of each interval are to data, (G, H), along latent centres (Q, G, H)."""
        q, g, horizon = centre.shape
        start = np.repeat(self.starts[LATENT].mean(axis=1)[:, None, None], g, axis=1)
        before = np.concatenate([start, centre[:, :, :-1]], axis=2)
        days = self.day + self.hours / 24.0 * np.arange(horizon)
        x = gp_inputs(before.reshape(q, -1), np.moveaxis(plans, -1, 0).reshape(plans.shape[-1], -1), np.tile(days, g))
        return self.process.residual.support(x).reshape(g, horizon)

    def _factors(self, centre: FloatArray, plans: FloatArray) -> FloatArray:
        """Return the multipliers of the spread (Q, G, H): as learnt near data, never below 1 far from them."""
        assert self.spread is not None
        horizon = centre.shape[2]
        learnt = self.spread[span_of(self.hours / 24.0 * np.arange(1.0, horizon + 1.0))].T[:, None]
        far = 1.0 - self.support(centre, plans)
        factors: FloatArray = (learnt + far * (np.maximum(learnt, 1.0) - learnt)) * (1.0 + WIDER_AFAR * far)
        return factors
