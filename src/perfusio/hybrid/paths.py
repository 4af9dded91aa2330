"""Functions drawn from a process, each consistent wherever it is evaluated, at a cost that does not grow with the data.

A draw from the prior, made of random waves, is corrected so that it takes values drawn from the posterior at a few
points of the data, the **skeleton**: Matheron's rule, Wilson et al., JMLR 22:105, 2021, eq. 13, with inducing points.
Away from the skeleton a path keeps the doubt of the prior. Points are chosen one by one, where those so far tell least
in comparison with what the data leave open: mean and variance are then those of the exact process to a few hundredths
(a test says so).

Letters: M points, D inputs, S paths, G points at which each path is evaluated, F waves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perfusio.hybrid.kernel import JITTER, Hyperparameters, cholesky, solved
from perfusio.state import FloatArray

Single = NDArray[np.float32]
Indices = np.ndarray[tuple[int], np.dtype[np.intp]]

N_CANDIDATES = 384
"""Rows, evenly spread, among which the points of a skeleton are chosen."""
N_POINTS = 192
"""A skeleton has at most so many; processes with long lengthscales need half of them."""
_N_WAVES = 32
_N_CHORDS = 16  # sets of waves; paths of one chord have waves in common and weights of their own
_BLOCK = 512  # points evaluated at a time: their covariances with the skeleton stay in the cache
_LITTLE = 0.2  # of the variance that the data leave: where no row has more than this beyond the points, they suffice


def spread(n_rows: int, n_most: int) -> Indices:
    """Return at most `n_most` rows of `n_rows`, evenly spread."""
    return np.unique(np.linspace(0, n_rows - 1, min(n_rows, n_most)).round().astype(np.intp))


def telling(h: Hyperparameters, x: FloatArray, doubt: FloatArray, n_most: int) -> Indices:
    """Choose among scaled points x (N, D) by a pivoted Cholesky factorisation weighted by 1 / `doubt` (N,).

    Each next point is the one where the process, known at those before, varies most in proportion to `doubt`, until
    that is little everywhere.
    """
    left = np.full(len(x), h.signal_variance)
    weight = 1.0 / np.maximum(doubt, 1e-7 * h.signal_variance)
    rows, chosen = np.empty((min(n_most, len(x)), len(x))), []
    for j in range(len(rows)):
        i = int(np.argmax(left * weight))
        if left[i] * weight[i] < _LITTLE:
            break
        row = h.covariance(x[i : i + 1], x)[0]
        row -= rows[:j, i] @ rows[:j]
        row /= np.sqrt(left[i])
        rows[j] = row
        left -= row * row
        chosen.append(i)
    return np.array(chosen, dtype=np.intp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    """A process as known at M points.

    Attributes:
        h: Hyperparameters.
        x: The points, scaled, (M, D).
        factor: Lower Cholesky factor of the prior covariance there, (M, M).
        mean: Posterior mean there, (M,).
        root: Lower Cholesky factor of the posterior covariance there, (M, M).
        known: K^-1 - K^-1 C K^-1 of prior K and posterior C there, (M, M): what k' known k takes off the variance.
    """

    h: Hyperparameters
    x: FloatArray
    factor: FloatArray
    mean: FloatArray
    root: FloatArray
    known: FloatArray

    @classmethod
    def of(cls, h: Hyperparameters, at: FloatArray, mean: FloatArray, cov: FloatArray) -> Skeleton:
        """Choose points among scaled candidates (C, D), from posterior mean (C,) and covariance (C, C) there."""
        some = telling(h, at, np.diag(cov), N_POINTS)
        x, little = at[some], (JITTER + 1e-9 * h.signal_variance) * np.eye(len(some))
        factor, root = cholesky(h.covariance(x, x) + little), cholesky(cov[np.ix_(some, some)] + little)
        pulled = solved(factor, root)
        known = solved(factor, np.eye(len(x))) - pulled @ pulled.T
        return cls(h=h, x=x, factor=factor, mean=mean[some], root=root, known=known)

    def variance(self, x: FloatArray) -> FloatArray:
        """Return the variance of the latent function at scaled x (C, D), shape (C,), as far as the points tell it."""
        cross = self.h.covariance(x, self.x)
        left: FloatArray = self.h.signal_variance - np.einsum("cm,cm->c", cross @ self.known, cross)
        return np.maximum(left, 0.0)

    def draw(self, n_paths: int, rng: np.random.Generator) -> Callable[[FloatArray], FloatArray]:
        """Draw functions.

        Returns:
            A function of x (G, S, D) that returns (G, S): path s at G points.
        """
        d, per_chord = self.x.shape[1], -(-n_paths // _N_CHORDS)
        # the spectral density of Matern-5/2 is a t distribution with 5 degrees of freedom
        waves = rng.standard_normal((_N_CHORDS, d, _N_WAVES))
        waves *= np.sqrt(5.0 / rng.chisquare(5.0, (_N_CHORDS, 1, _N_WAVES)))
        weights = rng.standard_normal((_N_CHORDS, 2 * _N_WAVES, per_chord), np.float32)
        weights *= np.exp(self.h.log_signal) / np.sqrt(_N_WAVES)
        centre = self.x.mean(axis=0)
        single, points = waves.astype(np.float32), (self.x - centre).astype(np.float32)
        prior = (_waved(points, single) @ weights).transpose(1, 0, 2).reshape(len(points), -1)  # chord by chord
        drawn = self.mean[:, None] + self.root @ rng.standard_normal(prior.shape)
        return _path(
            scale=np.exp(-self.h.log_lengthscales),
            centre=centre,
            waves=single,
            weights=weights.transpose(0, 2, 1).reshape(-1, 2 * _N_WAVES, 1),
            points=points,
            pulls=(self.h.signal_variance * solved(self.factor, drawn - prior).T[:, :, None]).astype(np.float32),
        )


def _path(
    *, scale: FloatArray, centre: FloatArray, waves: Single, weights: Single, points: Single, pulls: Single
) -> Callable[[FloatArray], FloatArray]:
    """Return functions in single precision: a path is a random draw, and 1e6 of its values a day make a forecast.

    Coordinates lose digits before `centre` is taken off, a few parts in 1e6 of a lengthscale.

    Args:
        scale: What inputs are multiplied by, (D,).
        centre: What is then taken off, (D,).
        waves: Frequencies (K, D, F) of K chords, each with as many paths.
        weights: Of cosines and sines in each path (S', 2 F, 1), S' >= S of whole chords, chord by chord.
        points: The skeleton (M, D).
        pulls: Of each point on each path, (S', M, 1).

    Paths take chords in turn, so that the first few have all chords too.
    """
    n_chords, d, _ = waves.shape
    chords_of = (n_chords, len(weights) // n_chords)
    weights, pulls = (a.reshape(*chords_of, -1, 1) for a in (weights, pulls))
    scale, centre, near_points = scale.astype(np.float32), centre.astype(np.float32), Near(points)

    def path(x: FloatArray) -> FloatArray:
        g, s, _ = x.shape
        per_chord = -(-s // n_chords)
        at = np.zeros((per_chord * n_chords, g, d), np.float32)
        at[:s] = x.transpose(1, 0, 2) * scale - centre
        at = at.reshape(per_chord, n_chords, g, d).transpose(1, 0, 2, 3)
        values = np.empty((n_chords, per_chord, g), np.float32)
        wide = max(1, _BLOCK // per_chord)
        for j in range(0, g, wide):
            many = max(1, wide // min(g, wide))
            for i in range(0, n_chords, many):
                here = np.ascontiguousarray(at[i : i + many, :, j : j + wide])
                shape = (*here.shape[:3], -1)
                waved = _waved(here.reshape(len(here), -1, d), waves[i : i + many]).reshape(shape)
                near = near_points.covariance(here.reshape(-1, d)).reshape(shape)
                w, p = weights[i : i + many, :per_chord], pulls[i : i + many, :per_chord]
                values[i : i + many, :, j : j + wide] = (waved @ w + near @ p)[..., 0]
        return values.transpose(1, 0, 2).reshape(-1, g)[:s].T

    return path


class Near:
    """Covariances of unit variance with M fixed scaled points, as `kernel.matern52`, for as many points as one likes.

    Most of what forecasts cost is here: the points are prepared once, and the passes over (N, M) are as few as can be.
    """

    def __init__(self, points: Single) -> None:
        squares = (5.0 / 3.0) * (points * points).sum(axis=1, keepdims=True)
        ones = np.ones((len(points), 1), points.dtype)
        self._right = np.ascontiguousarray(np.concatenate([(-10.0 / 3.0) * points, ones, squares], axis=1).T)

    def covariance(self, x: Single) -> Single:
        """Return the covariances (N, M) at scaled x (N, D): with t = 5/3 of a squared distance, r = sqrt(3 t)."""
        left = np.ones((len(x), len(self._right)), x.dtype)
        left[:, :-2] = x
        np.einsum("nd,nd->n", x, x, out=left[:, -2])
        left[:, -2] *= 5.0 / 3.0
        t: Single = left @ self._right
        np.abs(t, out=t)  # rounding may leave the least of them below zero
        r = np.sqrt(t)
        r *= -(3.0**0.5)
        t -= r
        t += 1.0
        np.exp(r, out=r)
        t *= r
        return t


def _waved(x: Single, waves: Single) -> Single:
    """Return cosines and sines of waves (K, D, F) at x, (N, D) or (K, N, D): shape (K, N, 2 F)."""
    angle = x @ waves
    both = np.empty((*angle.shape[:2], 2 * angle.shape[2]), angle.dtype)
    np.cos(angle, out=both[:, :, : angle.shape[2]])
    np.sin(angle, out=both[:, :, angle.shape[2] :])
    return both
