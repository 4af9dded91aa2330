"""How members of a blend are weighed: by their errors on runs left out, held to a prior that trusts the hybrid model.

**Weights** minimise the squared error of the weighted mean on runs left out (stacking: Wolpert, Neural Networks 5:241,
1992; Breiman, Machine Learning 24:49, 1996: weights >= 0 that sum to 1). Few runs change little, and many show which
member errs where. Letters as in `blend`; N forecast values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls

from perfusio.hybrid.blend.blend import ALONE, Blend, daily_moves
from perfusio.hybrid.blend.members import MEMBERS, Rivals
from perfusio.hybrid.conformal import CLIP_SD, ROWS_PER_FACT, multiplier
from perfusio.hybrid.layout import Layout
from perfusio.hybrid.left_out import LeftOut
from perfusio.hybrid.rollout import SPANS_DAYS, span_of, widened
from perfusio.state import FloatArray
from perfusio.trajectory import Trajectory

PRIOR_WEIGHTS = np.array([0.8, 0.1, 0.05, 0.025, 0.025])
EVEN_WEIGHTS = np.array(
    [[0.5, 0.2, 0.1, 0.15, 0.05], [0.4, 0.15, 0.1, 0.3, 0.05], [0.3, 0.1, 0.1, 0.45, 0.05], [0.3, 0.1, 0.1, 0.45, 0.05]]
)
"""Before any run was left out; the second by span where no setpoint was varied: a batch goes the way of the others."""
PRIOR_RUNS, EVEN_RUNS = 2.0, 0.5
"""The prior counts as much as so many runs."""
UNSURE, SURE = 0.0, 1.0
"""Gain of a blend over the hybrid model, in standard errors over runs: below the first it is not made, from the second
on wholly."""
ELSEWHERE, STRANGE = np.array([1.0, 1.3, 1.3, 1.3, 1.3]), np.array([1.0, 2.5, 2.5, 2.5, 2.5])
"""Runs left out are like the others; plans are not. On setpoints that move as no run did, errors of a plain GP grow
more than those of the hybrid model (bench-model), so theirs count more, and much more where the setpoints of a plan
move as no run's did. Chosen on the sets for choosing."""
LEAST_SHARE, LEAST_SPREAD = 1.0, 0.1
"""Of the variance of readings: errors of states below the first are not told apart; no spread is below the second."""
LEAST_WEIGHT = 0.05
"""Smaller ones are noise of the fit, and left out."""
MOSTLY = 0.9
"""From this weight on the hybrid model's own calibration serves."""
_TOGETHER = 1e3
NOISE_SHARE = 0.7
"""Of the variance that the model expects of readings: analyzers are a little better, 5 % where it expects 6."""
FEWEST = 2
"""Forecast values from which a weight is learnt."""


def blend_of(layout: Layout, left: LeftOut, runs: Sequence[Trajectory], spread: FloatArray, *, seed: int) -> Blend:
    """Weigh members on runs left out.

    Args:
        layout: Of the panel.
        left: Forecasts of runs left out.
        runs: All of them.
        spread: Multipliers of the hybrid model's spread (K, Q).
        seed: Of the rivals' search.
    """
    rivals, is_varied = Rivals.fit(runs, seed=seed), _is_varied(layout, runs)
    found = _errors(layout, left, rivals, seed)
    k_all, q_all, m_all = len(SPANS_DAYS) + 1, layout.n_species, len(MEMBERS)
    weights, errors = np.zeros((m_all, k_all, q_all)), np.full((m_all, k_all, q_all), 0.1)
    weights[0] = 1.0
    strange = weights.copy()
    factor, span = np.ones((k_all, q_all)), span_of(found.days)
    for q in range(q_all):
        for k in range(k_all):
            rows = (span == k) & np.isfinite(found.read[q]) & np.isfinite(found.latent[0, q])
            if rows.sum() >= FEWEST:
                one = found.of(q, rows)
                weights[:, k, q] = w = _weighed(layout, q, k, one, ELSEWHERE if is_varied else None)
                strange[:, k, q] = _weighed(layout, q, k, one, STRANGE)
                errors[:, k, q] = _spread(layout, q, one)
                if w[0] < MOSTLY:
                    factor[k, q] = _factor(layout, q, k, one, w, errors[:, k, q], spread[k, q])
            elif k:  # nothing is known so far ahead: as the span before, towards what is usual where nothing was varied
                for of in (weights, strange, errors):
                    of[:, k, q] = of[:, k - 1, q]
                if not is_varied and weights[0, k, q] < ALONE:
                    weights[:, k, q] = 0.5 * (weights[:, k, q] + EVEN_WEIGHTS[k])
                factor[k, q] = factor[k - 1, q]
    moved = np.zeros(len(layout.gp_scale))
    clear = slice(layout.n_species, layout.n_species + layout.n_setpoints)
    moved[clear] = np.max([daily_moves(t.inputs, layout) for t in runs if t.setpoints], axis=0)
    return Blend(
        rivals=rivals, weights=weights, strange_weights=strange, spread=errors, factor=factor, moved=moved
    )


class _Found(NamedTuple):
    """Runs left out: latent forecasts (M, Q, N), days ahead, run, readings and sd (Q, N), 1 - support."""

    latent: FloatArray
    days: FloatArray
    run: FloatArray
    read: FloatArray
    sd: FloatArray
    far: FloatArray

    def of(self, q: int, rows: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> _Found:
        """Return those of one species: latent points (M, N), the rest (N,)."""
        days, run, far = (of[rows] for of in (self.days, self.run, self.far))
        return _Found(self.latent[:, q, rows], days, run, self.read[q, rows], self.sd[q, rows], far)

    def off(self, layout: Layout, q: int) -> tuple[FloatArray, FloatArray]:
        """Return latent errors (M, N) of that species, and the latent noise of its readings (N,)."""
        species = np.ones((layout.n_species, len(self.read)))
        species[q] = self.read
        return self.latent - layout.to_latent(species)[q], layout.noise_sd(species)[q]


def _spread(layout: Layout, q: int, found: _Found) -> FloatArray:
    """Return the latent sd of the errors of each member's points (M,), the noise of readings taken off."""
    off, noise = found.off(layout, q)
    hidden = NOISE_SHARE * float(np.mean(noise**2))
    spread: FloatArray = np.sqrt(np.maximum(_clipped_square(off) - hidden, LEAST_SPREAD * hidden))
    return spread


def _factor(
    layout: Layout, q: int, k: int, found: _Found, weights: FloatArray, spread: FloatArray, own: FloatArray
) -> float:
    """Return the multiplier of the blended spread; `own` is that of the hybrid model's."""
    off, noise = found.off(layout, q)
    said = weights[0] * widened(own, found.far, 0.0) * found.sd + float(weights[1:] @ spread[1:])
    there = (weights[:, None] * np.isfinite(off)).sum(axis=0)
    middle = np.nansum(weights[:, None] * off, axis=0) / np.maximum(there, 1e-9)
    return multiplier(k, 1.0, np.abs(middle), said, NOISE_SHARE * noise**2, np.zeros(len(said)))


def _evidence(gain: FloatArray, run: FloatArray) -> float:
    """Return how far a gain (N,) over runs (N,) is sure, 0 to 1: its mean over runs by the standard error of that."""
    names = np.unique(run)
    of_run = np.array([gain[run == name].mean() for name in names])
    if len(names) < 2:
        return 0.0
    error = float(of_run.std(ddof=1) / np.sqrt(len(names)))
    return float(np.clip((of_run.mean() / max(error, 1e-12) - UNSURE) / (SURE - UNSURE), 0.0, 1.0))


def _is_varied(layout: Layout, runs: Sequence[Trajectory]) -> bool:
    """Whether any setpoint differed by a clear change between or within runs: then plans may lie elsewhere."""
    inputs = np.concatenate([t.inputs for t in runs])
    clear = layout.gp_scale[layout.n_species : layout.n_species + layout.n_setpoints]
    return bool((np.ptp(inputs, axis=0) > 0.5 * clear).any())


def _clipped_square(off: FloatArray) -> FloatArray:
    """Return the mean square of errors (M, N), none more than CLIP_SD usual ones; 0 where a member says nothing."""
    says = np.isfinite(off).any(axis=1, keepdims=True)
    usual = 1.5 * np.nanmedian(np.where(says, np.abs(off), 0.0), axis=1, keepdims=True)
    clipped = np.minimum(np.abs(off), CLIP_SD * usual) ** 2
    known = np.isfinite(clipped)
    found: FloatArray = np.where(known, clipped, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return found


def _weighed(layout: Layout, q: int, k: int, found: _Found, dearer: FloatArray | None) -> FloatArray:
    """Return weights (M,) by errors in the unit of the species; a member that says nothing gets none.

    Args:
        layout: Of the panel.
        q: Species.
        k: Span.
        found: Its forecasts.
        dearer: How much more errors of each member count (M,), as plans lie elsewhere; None = they do not.
    """
    off = _canonical(layout, q, found.latent) - found.read
    noise = np.hypot(layout.noise_cv[q] * found.read, layout.noise_absolute[q])
    there = np.isfinite(off).all(axis=1)
    usual, is_varied = (EVEN_WEIGHTS[k], False) if dearer is None else (PRIOR_WEIGHTS, True)
    dearer = np.ones(len(off)) if dearer is None else dearer
    e, prior = off[there], usual[there] / usual[there].sum()
    # all members miss a reading by its own noise: E[e e'] - noise^2 is what they miss the state by
    hidden = float(np.mean(noise**2))
    values, vectors = np.linalg.eigh(e @ e.T / e.shape[1] - hidden)
    root = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T * dearer[there]
    least = max(float(np.min((root**2).sum(axis=0))), LEAST_SHARE * hidden, 1e-12)
    n_facts = max(len(np.unique(found.run)), e.shape[1] / ROWS_PER_FACT[k])
    rows = np.sqrt(n_facts / least) * root
    held = np.sqrt(PRIOR_RUNS if is_varied else EVEN_RUNS)
    a = np.concatenate([rows, held * np.eye(len(e)), _TOGETHER * np.ones((1, len(e)))])
    b = np.concatenate([np.zeros(len(rows)), held * prior, [_TOGETHER]])
    best, _ = nnls(a, b)
    if is_varied:  # without evidence that others are better nobody but the hybrid model speaks of other setpoints
        share = _evidence(e[0] ** 2 - (best @ e) ** 2, found.run)
        best = share * best + (1.0 - share) * (np.arange(len(best)) == 0)
    best = np.where(best < LEAST_WEIGHT, 0.0, best)
    weights = np.zeros(len(off))
    weights[there] = best / best.sum() if best.sum() > 0.0 else prior
    return weights


def _errors(layout: Layout, left: LeftOut, rivals: Rivals, seed: int) -> _Found:
    """Forecast runs left out by rivals that have not seen them, beside the hybrid model."""
    blind = [Rivals.fit(runs, seed=seed, like=rivals) for runs in left.rest]
    parts: list[tuple[FloatArray, ...]] = []
    alike: dict[tuple[int, float], list[int]] = {}
    for i, start in enumerate(left.starts):
        alike.setdefault((left.fold[i], start.hours), []).append(i)
    names = {id(t): float(i) for i, t in enumerate({id(s.run): s.run for s in left.starts}.values())}
    for (fold, hours), rows in alike.items():
        starts = [left.starts[i] for i in rows]
        horizon = max(s.n for s in starts)
        plans = np.array([_padded(s.run.inputs[s.place : s.place + s.n], horizon) for s in starts])
        vessels = [s.run.until(s.place + 1) for s in starts]
        feeds = [s.run.fed[s.place : s.place + s.n] for s in starts]
        points = blind[fold].points(layout, vessels, plans, hours, feeds)
        for j, (i, s) in enumerate(zip(rows, starts, strict=True)):
            e = left.errors[i]
            every = np.concatenate([e.centre[None], points[:, j, : s.n]]).transpose(0, 2, 1)
            read = s.run.values[s.place + 1 : s.place + 1 + s.n].T
            parts.append((every, e.days, np.full(s.n, names[id(s.run)]), read, e.sd.T, e.far))
    return _Found(*(np.concatenate(of, axis=-1) for of in zip(*parts, strict=True)))


def _padded(inputs: FloatArray, n: int) -> FloatArray:
    return np.concatenate([inputs, np.repeat(inputs[-1:], n - len(inputs), axis=0)])


def _canonical(layout: Layout, q: int, latent: FloatArray) -> FloatArray:
    species = np.zeros((layout.n_species, latent.size))
    species[q] = latent.ravel()
    values: FloatArray = layout.from_latent(species)[q].reshape(latent.shape)
    return values
