"""Possible futures of one vessel under several plans, or of several vessels under a plan each, on common random paths.

A path draws one state, one set of rate parameters, one drift and one residual function from the belief and keeps them:
model error persists along a path. All plans share the draws, so that differences between plans are differences of the
plans. Letters: V vessels, G plans, H horizon, S paths, Q species, U setpoints.
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
    drift_freedom,
)
from perfusio.hybrid.residual import step
from perfusio.state import FloatArray
from perfusio.trajectory import Feed

SPANS_DAYS = (1.5, 4.5, 10.5)
"""Ends of the spans of days ahead whose spread is calibrated each on its own; the last span has no end."""
WIDER_AFAR = np.array([0.0, 0.3, 1.0, 3.0])
"""By span: the processes alone are too sure of themselves where there are no data. Chosen as conformal's share was."""


def span_of(days: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return the span (H,) that each of H days ahead lies in."""
    return np.searchsorted(SPANS_DAYS, days).astype(np.intp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Futures:
    """Random draws, to be played under any plan; of one vessel, or of V that share the functions that are drawn.

    Attributes:
        process: How states move.
        starts: Draws from the beliefs (n, V, S).
        noise: Standard normal draws for state, rates and drift of each interval (H, n, V, S).
        residual: Sampled residual functions, x (G, S, D) -> (Q, G, S), or None before any fit.
        day: Culture day at the start, (V,).
        freedom: Of each vessel, (V,).
        hours: Length of an interval.
        feeds: What is given at the start of each interval under every plan; empty = nothing.
        spread: Multipliers of the paths' spread about their median by span of days ahead, (K, Q); None = as it is.
    """

    process: Process
    starts: FloatArray
    noise: FloatArray
    residual: Callable[[FloatArray], FloatArray] | None
    day: FloatArray
    freedom: FloatArray
    hours: float
    feeds: Sequence[Feed | None] = ()
    spread: FloatArray | None = None

    @classmethod
    def draw(
        cls,
        process: Process,
        beliefs: Sequence[Belief],
        *,
        hours: float,
        n_paths: int,
        n_intervals: int,
        seed: int,
        feeds: Sequence[Feed | None] = (),
        spread: FloatArray | None = None,
        residual: Callable[[FloatArray], FloatArray] | None = None,
    ) -> Futures:
        """Draw `n_paths` futures of `n_intervals` from beliefs; the same seed draws the same futures.

        `residual` are functions drawn before, for as many paths, to be used again from other starts.
        """
        rng = np.random.default_rng(seed)
        n, v = len(beliefs[0].mean), len(beliefs)
        half = rng.standard_normal((n, v, (n_paths + 1) // 2))
        standard = np.concatenate([half, -half], axis=2)[..., :n_paths]  # antithetic: the mean has no sampling error
        if residual is None and process.residual.is_fitted:
            residual = process.residual.sample_paths(n_paths, rng)
        starts = [b.mean[:, None] + _root(b.cov) @ standard[:, i] for i, b in enumerate(beliefs)]
        return cls(
            process=process,
            starts=np.stack(starts, axis=1),
            noise=rng.standard_normal((n_intervals, n, v, n_paths)),
            residual=residual,
            day=np.array([b.trajectory.states[-1].day for b in beliefs]),
            freedom=np.array([b.freedom for b in beliefs]),
            hours=hours,
            feeds=feeds,
            spread=spread,
        )

    def play(self, plans: FloatArray) -> FloatArray:
        """Return the species under each plan.

        Args:
            plans: Setpoints of each interval, shape (G, H, U): any number for one vessel, one for each of several.

        Returns:
            Shape (G, S, H, Q), canonical units, after each interval.
        """
        if self.spread is None:  # nothing is widened, so how close the data are need not be known
            return _of_latent(self._played(plans))
        return self.play_and_support(plans)[0]

    def play_and_support(self, plans: FloatArray) -> tuple[FloatArray, FloatArray | None]:
        """Return what `play` does and how close each interval is to data, (G, H); None before any fit."""
        latent = self._played(plans)
        support = None
        if self.residual is not None:
            centre = np.median(latent, axis=2)
            support = self._support(centre, plans)
            if self.spread is not None:
                factors, middle = self._factors(support), centre[:, :, None]
                latent = middle + factors[:, :, None] * (latent - middle)
        return _of_latent(latent), support

    def _played(self, plans: FloatArray) -> FloatArray:
        """Return latent paths (Q, G, S, H) as they are drawn."""
        g, horizon, _ = plans.shape
        s = self.starts.shape[2]
        days = self.hours / 24.0
        memory = np.exp(-days / DRIFT_MEMORY_DAYS)

        def of_plans(drawn: FloatArray) -> FloatArray:
            """Spread (rows, V, S) over the G plans and flatten: (rows, G S)."""
            return np.broadcast_to(drawn, (len(drawn), g, s)).reshape(len(drawn), -1)

        z, free = of_plans(self.starts[LATENT]), self.freedom[:, None]
        rates, drift = self.starts[RATES], self.starts[DRIFT]
        walk = (np.sqrt(days) * drift_freedom(self.freedom) * DRIFT_WALK).T[:, :, None]
        latent = np.empty((N_SPECIES, g, s, horizon))
        hours, start = np.full(g * s, self.hours), np.repeat(np.broadcast_to(self.day, g), s)
        for h in range(horizon):
            if h < len(self.feeds) and self.feeds[h] is not None:
                z = fed_latent(z, [self.feeds[h]] * (g * s))[0]
            u = np.repeat(plans[:, h].T, s, axis=1)
            residual = None
            if self.residual is not None:
                x = gp_inputs(z, u, start + h * days)
                residual = self.residual(x.reshape(g, s, -1)).reshape(N_SPECIES, -1)
            white = of_plans(WHITE_SD[:, None, None] * np.sqrt(days * free) * self.noise[h, LATENT])
            z = step(z, u, self.process.factors(of_plans(rates)), hours, residual, of_plans(drift)) + white
            rates = rates + free * np.sqrt(days) * RATE_WALK * self.noise[h, RATES]
            drift = memory * drift + walk * self.noise[h, DRIFT]
            latent[..., h] = z.reshape(N_SPECIES, g, s)
        return latent

    def _support(self, centre: FloatArray, plans: FloatArray) -> FloatArray:
        """Return how close the inputs of each interval are to data, (G, H), along latent centres (Q, G, H)."""
        q, g, horizon = centre.shape
        start = np.broadcast_to(self.starts[LATENT].mean(axis=2), (q, g))[:, :, None]
        before = np.concatenate([start, centre[:, :, :-1]], axis=2)
        days = np.broadcast_to(self.day, g)[:, None] + self.hours / 24.0 * np.arange(horizon)
        x = gp_inputs(before.reshape(q, -1), np.moveaxis(plans, -1, 0).reshape(plans.shape[-1], -1), days.ravel())
        return self.process.residual.support(x).reshape(g, horizon)

    def _factors(self, support: FloatArray) -> FloatArray:
        """Return the multipliers of the spread (Q, G, H): as learnt near data, never below 1 far from them."""
        assert self.spread is not None
        learnt = self.spread[span_of(self.hours / 24.0 * np.arange(1.0, support.shape[1] + 1.0))].T[:, None]
        wider = WIDER_AFAR[span_of(self.hours / 24.0 * np.arange(1.0, support.shape[1] + 1.0))]
        return widened(learnt, 1.0 - support, wider)


def _of_latent(latent: FloatArray) -> FloatArray:
    """Return species (G, S, H, Q) from latent paths (Q, G, S, H)."""
    return np.ascontiguousarray(from_latent(latent).transpose(1, 2, 3, 0))


def widened(learnt: FloatArray | float, far: FloatArray, wider: FloatArray | float) -> FloatArray:
    """Return the multiplier of a spread: as learnt near data (far = 0), never below 1 far from them (far = 1)."""
    factors: FloatArray = (learnt + far * (np.maximum(learnt, 1.0) - learnt)) * (1.0 + wider * far)
    return factors


def _root(cov: FloatArray) -> FloatArray:
    """Return a square root of a covariance that may be singular."""
    values, vectors = np.linalg.eigh(cov)
    root: FloatArray = vectors * np.sqrt(np.maximum(values, 0.0))
    return root
