"""Functions drawn from a process, each consistent wherever it is evaluated, at a cost that does not grow with the data.

A draw from the prior, made of random waves, is corrected so that it takes values drawn from the posterior at a few
points of the data, the **skeleton**: Matheron's rule, Wilson et al., JMLR 22:105, 2021, eq. 13, with inducing points.
Away from the skeleton a path keeps the doubt of the prior. Points are chosen one by one, where those so far tell least
in comparison with what the data leave open: mean and variance are then those of the exact process to a few hundredths
(a test says so).

Letters: M points, D inputs, S paths, G points at which each path is evaluated, F waves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perfusio.hybrid.gaussian_processes.kernel import JITTER, Hyperparameters, cholesky, solved
from perfusio.state import FloatArray

Single = NDArray[np.float32]
Indices = np.ndarray[tuple[int], np.dtype[np.intp]]

N_CANDIDATES = 384
"""Rows, evenly spread, among which the points of a skeleton are chosen."""
N_POINTS = 192
"""A skeleton has at most so many; processes with long lengthscales need half of them."""
_N_WAVES = 32
_N_CHORDS = 16  # sets of waves; paths of one chord have waves in common and weights of their own
_BLOCK = 128  # points evaluated at a time: their covariances with all skeletons stay in the cache
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

    def draw(self, n_paths: int, rng: np.random.Generator, along: Sequence[np.random.Generator] = ()) -> Draw:
        """Draw functions; the waves along each input from a stream of its own if these are given."""
        d, per_chord = self.x.shape[1], -(-n_paths // _N_CHORDS)
        # the spectral density of Matern-5/2 is a t distribution with 5 degrees of freedom
        waves = _waves(along) if along else rng.standard_normal((_N_CHORDS, d, _N_WAVES))
        waves *= np.sqrt(5.0 / rng.chisquare(5.0, (_N_CHORDS, 1, _N_WAVES)))
        weights = rng.standard_normal((_N_CHORDS, 2 * _N_WAVES, per_chord))
        weights *= np.exp(self.h.log_signal) / np.sqrt(_N_WAVES)
        angles = self.x @ waves
        prior = np.concatenate([np.cos(angles), np.sin(angles)], axis=2) @ weights
        prior = prior.transpose(1, 0, 2).reshape(len(self.x), -1)  # chord by chord
        drawn = self.mean[:, None] + self.root @ rng.standard_normal(prior.shape)
        pulls = self.h.signal_variance * solved(self.factor, drawn - prior).T
        return Draw(
            scale=np.exp(-self.h.log_lengthscales),
            waves=waves,
            weights=weights.transpose(0, 2, 1),
            points=self.x,
            pulls=pulls.reshape(_N_CHORDS, per_chord, -1),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Functions drawn from one process, C chords with P paths each; paths take chords in turn.

    Attributes:
        scale: What inputs are multiplied by, (D,).
        waves: Frequencies of each chord by scaled inputs (C, D, F).
        weights: Of cosines, then sines, in each path (C, P, 2 F).
        points: The skeleton, scaled, (M, D).
        pulls: Of each point on each path, (C, P, M).
    """

    scale: FloatArray
    waves: FloatArray
    weights: FloatArray
    points: FloatArray
    pulls: FloatArray

    def __call__(self, x: FloatArray) -> FloatArray:
        """Return path s at G points of its own, x (G, S, D): shape (G, S), single precision."""
        values: FloatArray = Bundle([self])(x)[0]
        return values


class Bundle:
    """Functions drawn from K processes of the same inputs, evaluated in one go and in single precision.

    A path is a random draw, and 1e6 of its values a day make a forecast: most of what forecasts cost is here. So inputs
    are prepared once for all processes, squared distances to all skeletons are one matrix product (with inputs,
    their squares and 1 as its left side), and the passes over them as few as can be.
    """

    def __init__(self, draws: Sequence[Draw]) -> None:
        first = draws[0]
        self._centre = (first.points / first.scale).mean(axis=0)  # of all: single precision wants small numbers
        self._ends = np.cumsum([0, *(len(d.points) for d in draws)])
        self._right = np.concatenate([_distances_from(d, self._centre) for d in draws], axis=1)
        self._waves = np.concatenate([_angles_of(d, self._centre) for d in draws], axis=2)
        self._pulls = [d.pulls[..., None].astype(np.float32) for d in draws]
        self._weights = [
            tuple(w[..., None].astype(np.float32) for w in np.split(d.weights, 2, axis=2)) for d in draws
        ]

    def __call__(self, x: FloatArray) -> FloatArray:
        """Return path s of each process at G points of its own, x (G, S, D): shape (K, G, S)."""
        g, s, d = x.shape
        n_chords = min(len(self._waves), s)  # few paths have a chord each
        per_chord = -(-s // n_chords)
        at = np.zeros((per_chord * n_chords, g, d), np.float32)
        at[:s] = x.transpose(1, 0, 2) - self._centre
        at = at.reshape(per_chord, n_chords, g, d).transpose(1, 0, 2, 3)
        values: FloatArray = np.empty((len(self._pulls), n_chords, per_chord, g), np.float32)
        wide = max(1, _BLOCK // per_chord)
        for j in range(0, g, wide):
            many = max(1, wide // min(g, wide))
            for i in range(0, n_chords, many):
                some = slice(i, min(i + many, n_chords))
                values[:, some, :, j : j + wide] = self._at(at[some, :, j : j + wide], some)
        return values.transpose(0, 2, 1, 3).reshape(len(values), -1, g)[:, :s].transpose(0, 2, 1)

    def _at(self, x: Single, chords: slice) -> Single:
        """Return the values (K, c, P, g) of some chords at x (c, P, g, D)."""
        *shape, d = x.shape
        left = np.ones((*shape, 2 * d + 1), np.float32)
        left[..., d : 2 * d] = x
        np.multiply(x, x, out=left[..., :d])
        near = _matern52_of(left.reshape(-1, 2 * d + 1) @ self._right).reshape(*shape, -1)
        angles = left[..., d:].reshape(shape[0], -1, d + 1) @ self._waves[chords]
        cosines, sines = (f(angles).reshape(*shape, len(self._pulls), -1) for f in (np.cos, np.sin))
        out = np.empty((len(self._pulls), *shape), np.float32)
        for k, (pulls, (by_cosine, by_sine)) in enumerate(zip(self._pulls, self._weights, strict=True)):
            p = shape[1]
            value = near[..., self._ends[k] : self._ends[k + 1]] @ pulls[chords, :p]
            value += cosines[..., k, :] @ by_cosine[chords, :p]
            value += sines[..., k, :] @ by_sine[chords, :p]
            out[k] = value[..., 0]
        return out


def _waves(along: Sequence[np.random.Generator]) -> FloatArray:
    """Return standard normal frequencies (C, D, F), those of each input from its own stream."""
    return np.stack([rng.standard_normal((_N_CHORDS, _N_WAVES)) for rng in along], axis=1)


def _distances_from(draw: Draw, centre: FloatArray) -> Single:
    """Return what [x squared, x, 1] is multiplied by to give 5/3 of squared scaled distances: (2 D + 1, M)."""
    square = draw.scale**2
    points = draw.points / draw.scale - centre
    rows = [np.repeat(square[:, None], len(points), axis=1), -2.0 * (points * square).T, (points**2 @ square)[None]]
    right: Single = (5.0 / 3.0 * np.concatenate(rows)).astype(np.float32)
    return right


def _angles_of(draw: Draw, centre: FloatArray) -> Single:
    """Return what [x, 1] is multiplied by to give the angles of the waves: (C, D + 1, F)."""
    by_x = draw.scale[:, None] * draw.waves
    angles: Single = np.concatenate([by_x, centre[None, None] @ by_x], axis=1).astype(np.float32)
    return angles


def _matern52_of(t: Single) -> Single:
    """Turn t = 5/3 of squared scaled distances into covariances of unit variance, in place: r = sqrt(3 t)."""
    np.abs(t, out=t)  # rounding may leave the least of them below zero
    r = np.sqrt(t)
    r *= -(3.0**0.5)
    t -= r
    t += 1.0
    np.exp(r, out=r)
    t *= r
    return t
