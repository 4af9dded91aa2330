"""Possible futures of vessels under any plans, on common random paths.

A path draws one state, one set of rate parameters, one drift and one residual function from the belief and keeps them:
model error persists along a path. All plans share the draws, so that differences between plans are differences of the
plans. Vessels are played together: their columns go through the balances side by side, and every number is the same as
if they were played alone. Paths are in single precision: each is a random draw.

Letters: G plans, H horizon, S paths, Q species, U setpoints, B columns (a path of a plan of a vessel each).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf
from weakref import WeakKeyDictionary
from zlib import crc32

import numpy as np

from perfusio.hybrid.filtering.belief import Belief, Process
from perfusio.hybrid.filtering.filter import together
from perfusio.hybrid.filtering.prediction import DRIFT_MEMORY_DAYS, RATE_WALK
from perfusio.hybrid.layout import Layout
from perfusio.hybrid.mechanistic import STEPS_PER_DAY
from perfusio.hybrid.residuals.residual import Residual
from perfusio.hybrid.residuals.step import step
from perfusio.hybrid.streams import normal, stream
from perfusio.process.sound_numbers import MOST_DAYS, MOST_PATHS, refuse_outside
from perfusio.state import FloatArray
from perfusio.trajectory import Feed

SPANS_DAYS = (1.5, 4.5, 10.5)
"""Ends of the spans of days ahead whose spread is calibrated each on its own; the last span has no end."""
WIDER_AFAR = np.array([0.0, 0.3, 1.0, 3.0])
"""By span: the processes alone are too sure of themselves where there are no data. Chosen as conformal's share was."""

N_COLUMNS = 4096
"""So many columns go through the balances at a time: what they need stays in the cache."""


SPAN_CENTRES = np.log([1.0, 3.0, 7.0, 20.0])
"""Where the multipliers of the spans stand on the axis of log days: between them they change without a jump."""


def between_spans(values: FloatArray, days: FloatArray) -> FloatArray:
    """Return values (K, ...) of the spans at each of H days ahead, (H, ...), linear in the logarithm of the days."""
    at = np.interp(np.log(np.maximum(days, 1e-3)), SPAN_CENTRES, np.arange(len(SPAN_CENTRES)))
    low = np.minimum(np.floor(at).astype(int), len(SPAN_CENTRES) - 2)
    share = (at - low).reshape(-1, *[1] * (values.ndim - 1))
    found: FloatArray = values[low] * (1.0 - share) + values[low + 1] * share
    return found


def span_of(days: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return the span (H,) that each of H days ahead lies in."""
    return np.searchsorted(SPANS_DAYS, days).astype(np.intp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Futures:
    """Random draws of one vessel, to be played under any plan.

    Attributes:
        process: How states move.
        starts: Draws from the belief (n, S).
        noise: What each interval adds to state, rates and drift (H, n, S).
        residual: Sampled residual functions, x (G, S, D) -> (Q, G, S), or None before any fit.
        day: Culture day at the start.
        hours: Length of an interval.
        medium: What the perfusion medium of the vessel holds (Q,).
        feeds: What is given at the start of each interval under every plan; empty = nothing.
        spread: Multipliers of the paths' spread about their median by span of days ahead, (K, Q); None = as it is.
        steps_per_day: Of the integration.
    """

    process: Process
    starts: FloatArray
    noise: FloatArray
    residual: Callable[[FloatArray], FloatArray] | None
    day: float
    hours: float
    medium: FloatArray
    feeds: Sequence[Feed | None] = ()
    spread: FloatArray | None = None
    steps_per_day: int = STEPS_PER_DAY

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

        Each number of a vessel's belief has a stream of its own, by its name and that of the vessel. The residual
        functions belong to the model: with one seed all vessels share them. `residual` are functions drawn before, for
        as many paths, to be used again.
        """
        refuse_outside("interval_hours", hours, 0.0, 24.0 * MOST_DAYS, unit="h", above=True)
        refuse_outside("n_paths", n_paths, 1, MOST_PATHS, is_whole=True)
        refuse_outside("n_intervals", n_intervals, 0, 24 * MOST_DAYS, is_whole=True)
        refuse_outside("seed", seed, 0, inf, is_whole=True)
        if residual is None and process.residual.is_fitted:
            residual = drawn_functions(process.residual, n_paths, seed, by_position=process.by_position)
        at, n, days = process.layout, len(belief.mean), hours / 24.0
        vessel, n_half = belief.trajectory.reactor_id, (n_paths + 1) // 2
        root = _root(belief.cov)
        if process.by_position:
            rng = np.random.default_rng([seed, crc32(vessel.encode())])
            half, steps = rng.standard_normal((n, n_half)), rng.standard_normal((n_intervals, n, n_paths))
            root = _root_then(belief.cov)
        else:
            streams = [stream(seed, vessel, name) for name in at.belief]
            half = normal(streams, (n_half,))
            steps = normal(streams, (n_intervals, n_paths)).transpose(1, 0, 2)
        # antithetic pairs, side by side: the mean has no sampling error, that of the first few paths neither
        standard = np.stack([half, -half], axis=2).reshape(n, -1)[:, :n_paths]
        # sd of one interval of length h: white error and walks grow with sqrt(h)
        sd = np.empty(n)
        sd[at.latent] = at.white_sd * np.sqrt(days * belief.freedom)
        sd[at.rates] = RATE_WALK * np.sqrt(days) * np.median(belief.freedom)
        sd[at.drift] = at.drift_walk * np.sqrt(days) * belief.freedom
        noise = steps * sd[:, None]
        return cls(
            process=process,
            starts=(belief.mean[:, None] + root @ standard).astype(np.float32),
            noise=noise.astype(np.float32),
            residual=residual,
            day=belief.trajectory.states[-1].day,
            hours=hours,
            medium=at.medium_of(belief.trajectory),
            feeds=feeds,
            spread=spread,
        )

    def rough(self, n_paths: int) -> Futures:
        """Return the first so many of these paths, integrated in half as many steps and spread as they are drawn.

        Over a week that moves densities by up to 1 % and viability by up to 0.1 points, under all plans alike.
        """
        starts, noise = self.starts[:, :n_paths], self.noise[:, :, :n_paths]
        return replace(self, starts=starts, noise=noise, steps_per_day=STEPS_PER_DAY // 2, spread=None)

    def play(self, plans: FloatArray) -> FloatArray:
        """Return the species under each plan.

        Args:
            plans: Setpoints of each interval, shape (G, H, U).

        Returns:
            Shape (G, S, H, Q), canonical units, after each interval.
        """
        return self.play_together([(self, plans)])[0]

    @staticmethod
    def play_together(asked: Sequence[tuple[Futures, FloatArray]]) -> list[FloatArray]:
        """Return what `play` does for each vessel with its plans, all equally long; cheaper than one by one."""
        return [paths for paths, _ in Futures.play_and_support(asked, is_support_asked=False)]

    @staticmethod
    def play_and_support(
        asked: Sequence[tuple[Futures, FloatArray]], *, is_support_asked: bool = True
    ) -> list[tuple[FloatArray, FloatArray | None]]:
        """Return what `play` does, and how close each interval is to data, (G, H); None before any fit.

        Vessels may look ahead by different numbers of intervals, of one length.
        """
        played: dict[int, tuple[FloatArray, FloatArray | None]] = {}
        for rows in _batches(asked):
            some = [asked[i] for i in rows]
            for i, (futures, plans), latent in zip(rows, some, _played(some), strict=True):
                if futures.residual is not None and (is_support_asked or futures.spread is not None):
                    played[i] = futures._widened(latent, plans)
                else:
                    played[i] = (_of_latent(futures.process.layout, latent), None)
        return [played[i] for i in range(len(asked))]

    def _widened(self, latent: FloatArray, plans: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return species under plans with their spread as calibrated, and their support (G, H)."""
        # each path moves to median + factor (path - median): spread calibrated, median kept
        centre = np.median(latent, axis=2)
        support = self._support(centre.astype(float), plans)
        if self.spread is not None:
            factors, middle = self._factors(support).astype(latent.dtype), centre[:, :, None]
            latent = middle + factors[:, :, None] * (latent - middle)
        return _of_latent(self.process.layout, latent), support

    def _support(self, centre: FloatArray, plans: FloatArray) -> FloatArray:
        """Return how close the inputs of each interval are to data, (G, H), along latent centres (Q, G, H)."""
        at = self.process.layout
        q, g, horizon = centre.shape
        start = np.broadcast_to(self.starts[at.latent].mean(axis=1)[:, None], (q, g))[:, :, None]
        before = np.concatenate([start, centre[:, :, :-1]], axis=2)
        days = np.tile(self.day + self.hours / 24.0 * np.arange(horizon), g)
        x = at.gp_inputs(before.reshape(q, -1), np.moveaxis(plans, -1, 0).reshape(plans.shape[-1], -1), days)
        return self.process.residual.support(x).reshape(g, horizon)

    def _factors(self, support: FloatArray) -> FloatArray:
        """Return the multipliers of the spread (Q, G, H): as learnt near data, never below 1 far from them."""
        assert self.spread is not None
        days = self.hours / 24.0 * np.arange(1.0, support.shape[1] + 1.0)
        if self.process.residual.reach is None:  # as before: blocks
            return widened(self.spread[span_of(days)].T[:, None], 1.0 - support, WIDER_AFAR[span_of(days)])
        learnt = np.exp(between_spans(np.log(self.spread), days)).T[:, None]
        return widened(learnt, 1.0 - support, between_spans(WIDER_AFAR, days))


def _batches(asked: Sequence[tuple[Futures, FloatArray]]) -> Iterator[list[int]]:
    """Yield the rows that the same balances move, the longest first, in groups whose columns stay in the cache."""
    alike: dict[tuple[int, bool, int], list[int]] = {}
    for i, (futures, _) in enumerate(asked):
        process = futures.process
        key = id(process.layout), process.residual.reach is None, futures.steps_per_day
        alike.setdefault(key, []).append(i)
    for rows in alike.values():
        batch: list[int] = []
        n_columns = 0
        for i in sorted(rows, key=lambda i: -asked[i][1].shape[1]):  # equally long ones stay in their order
            futures, plans = asked[i]
            wide = len(plans) * futures.starts.shape[1]
            if batch and n_columns + wide > N_COLUMNS:
                yield batch
                batch, n_columns = [], 0
            batch.append(i)
            n_columns += wide
        yield batch


def _played(asked: Sequence[tuple[Futures, FloatArray]]) -> list[FloatArray]:
    """Return latent paths (Q, G, S, H) of each vessel as they are drawn; those that look farthest ahead come first."""
    one, layout, kind = asked[0][0], asked[0][0].process.layout, asked[0][0].starts.dtype
    days = one.hours / 24.0
    sizes = [(len(plans), futures.starts.shape[1]) for futures, plans in asked]
    horizons = [plans.shape[1] for _, plans in asked]
    ends = np.cumsum([0, *(g * s for g, s in sizes)])
    mine = [slice(a, b) for a, b in pairwise(ends)]

    def columns(drawn: Sequence[FloatArray]) -> FloatArray:
        """Spread draws (rows, S) of each vessel over its plans: (rows, B)."""
        return np.concatenate([np.tile(d, (1, g)) for d, (g, _) in zip(drawn, sizes, strict=False)], axis=1)

    def of_each(values: Sequence[FloatArray]) -> FloatArray:
        """Give all columns of a vessel its values (..., N): (..., N, B)."""
        repeats = [g * s for g, s in sizes]
        return np.moveaxis(np.repeat(np.array(values, dtype=kind), repeats, axis=0), 0, -1).copy()

    start = columns([futures.starts for futures, _ in asked])
    z, rates, drift = start[layout.latent], start[layout.rates], start[layout.drift]
    medium = together([futures.medium for futures, _ in asked])
    if medium.ndim == 2:
        medium = of_each(list(medium))
    common = of_each([futures.process.log_factors for futures, _ in asked])
    reaches = [reach for futures, _ in asked if (reach := futures.process.residual.reach) is not None]
    reach = of_each(reaches) if reaches else None
    memory, hours = float(np.exp(-days / DRIFT_MEMORY_DAYS)), np.full(ends[-1], one.hours, kind)
    latent = [np.empty((layout.n_species, g, s, n), kind) for (g, s), n in zip(sizes, horizons, strict=True)]
    # one interval after another: feed, residual of each vessel, balances, noise; drift decays with its memory
    for h in range(horizons[0]):
        n_under_way = sum(n > h for n in horizons)
        if z.shape[1] > (b := ends[n_under_way]):  # those that have arrived leave the batch
            z, rates, drift, common, hours = (v[..., :b].copy() for v in (z, rates, drift, common, hours))
            medium = medium if medium.ndim == 1 else medium[:, :b].copy()
            reach = None if reach is None else reach[..., :b].copy()
        still = list(zip(asked, mine, sizes, strict=True))[:n_under_way]
        u = np.concatenate([np.repeat(p[:, h].T, s, axis=1) for (_, p), _, (_, s) in still], axis=1).astype(kind)
        residual = None if all(f.residual is None for (f, _), _, _ in still) else np.zeros_like(z)
        for (futures, _), at, (g, s) in still:
            if h < len(futures.feeds) and futures.feeds[h] is not None:
                z[:, at] = layout.fed_latent(z[:, at], [futures.feeds[h]] * (g * s))[0]
            if residual is not None and futures.residual is not None:
                x = layout.gp_inputs(z[:, at], u[:, at], np.full(g * s, futures.day + h * days))
                residual[:, at] = futures.residual(x.reshape(g, s, -1)).reshape(layout.n_species, -1)
        noise = columns([futures.noise[h] for (futures, _), _, _ in still])
        factors = common.copy()
        factors[: len(rates)] += rates
        z = step(layout, z, u, factors, hours, medium, residual, drift, reach=reach, steps_per_day=one.steps_per_day)
        z += noise[layout.latent]
        if reach is not None:  # the support of the quantities: no path leaves it for long
            np.minimum(z, layout.highest[:, None].astype(kind), out=z)
        rates, drift = rates + noise[layout.rates], memory * drift + noise[layout.drift]
        for _, at, into in zip(still, mine, latent, strict=False):
            into[..., h] = z[:, at].reshape(into.shape[:3])
    return latent


def drawn_functions(
    residual: Residual, n_paths: int, seed: int, *, by_position: bool = False
) -> Callable[[FloatArray], FloatArray]:
    """Draw residual functions; those drawn last from a residual are kept, as the next vessel asks for the same."""
    key, functions = _DRAWN.get(residual, (None, None))
    if functions is None or key != (n_paths, seed, by_position):
        functions = residual.sample_paths(n_paths, seed, by_position=by_position)
        _DRAWN[residual] = (n_paths, seed, by_position), functions
    return functions


_Drawn = tuple[tuple[int, int, bool], Callable[[FloatArray], FloatArray]]
_DRAWN: WeakKeyDictionary[Residual, _Drawn] = WeakKeyDictionary()


def _of_latent(layout: Layout, latent: FloatArray) -> FloatArray:
    """Return species (G, S, H, Q) from latent paths (Q, G, S, H)."""
    return np.ascontiguousarray(layout.from_latent(latent).transpose(1, 2, 3, 0), dtype=float)


def widened(learnt: FloatArray | float, far: FloatArray, wider: FloatArray | float) -> FloatArray:
    """Return the multiplier of a spread: as learnt near data (far = 0), never below 1 far from them (far = 1)."""
    factors: FloatArray = (learnt + far * (np.maximum(learnt, 1.0) - learnt)) * (1.0 + wider * far)
    return factors


def _root_then(cov: FloatArray) -> FloatArray:
    """Return the root that was taken before: its columns are eigenvectors."""
    values, vectors = np.linalg.eigh(cov)
    root: FloatArray = vectors * np.sqrt(np.maximum(values, 0.0))
    return root


def _root(cov: FloatArray) -> FloatArray:
    """Return the symmetric square root of a covariance that may be singular: no order of its rows decides it."""
    values, vectors = np.linalg.eigh(cov)
    root: FloatArray = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return root
