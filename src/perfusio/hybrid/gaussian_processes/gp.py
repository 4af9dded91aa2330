"""Gaussian processes on LAPACK: conditioned on rows exactly, extended by new rows, and drawn from as functions.

Written here because it is the core: evaluated thousands of times a day, it must cost microseconds and need no torch.
A test holds it to GPyTorch: log likelihood, mean and variance to 1e-6. Formulas: Rasmussen and Williams, Gaussian
Processes for Machine Learning, MIT Press 2006, ch. 2. Where rows are too many, see `sparse`.

Letters: N data, D inputs, S paths, C points. Targets are standardised by the caller; noise (2, N) is as in `kernel`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from scipy.linalg import lapack, solve_triangular

from perfusio.errors import FitFailed
from perfusio.hybrid.gaussian_processes.kernel import (
    Hyperparameters,
    add_noise,
    cholesky,
    independent,
    matern52_series,
    solved,
)
from perfusio.hybrid.gaussian_processes.likelihood import fit, initial_hyperparameters
from perfusio.hybrid.gaussian_processes.paths import N_CANDIDATES, Draw, Skeleton, spread
from perfusio.state import FloatArray

__all__ = ["GaussianProcess", "Hyperparameters", "Posterior", "fit", "independent", "initial_hyperparameters"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Expansion:
    """A process about points: mean and variance there (C,), slope and second derivative along each input (C, D)."""

    mean: FloatArray
    variance: FloatArray
    slope: FloatArray
    curvature: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, weakref_slot=True)
class Posterior(ABC):
    """A process that has seen data, through M points: its mean is a weighted sum of covariances with them.

    Attributes:
        h: Hyperparameters.
        x: The points divided by the lengthscales, (M, D).
        alpha: Their weights, (M,).
    """

    h: Hyperparameters
    x: FloatArray
    alpha: FloatArray

    @abstractmethod
    def extended(self, x: FloatArray, y: FloatArray, noise: FloatArray) -> Posterior:
        """Return the process that has also seen k new rows, with errors independent of those before."""

    @abstractmethod
    def some_rows(self, n: int) -> FloatArray:
        """Return the inputs of about n of the rows that it has seen, from all parts of them, (n', D)."""

    @abstractmethod
    def _known(self, cross: FloatArray) -> FloatArray:
        """Return a matrix v (K, C) with v' v = what the data take off the covariance, from `cross` (C, M)."""

    def mean(self, x: FloatArray) -> FloatArray:
        """Return the mean of the latent function at x (C, D), shape (C,)."""
        return self.h.covariance(self.h.scaled(x), self.x) @ self.alpha

    def expanded(self, x: FloatArray) -> Expansion:
        """Return mean and variance at x (C, D) as `predict` does, and how the mean bends along each input there."""
        at = self.h.scaled(x)
        cross, pull, bend = matern52_series(at, self.x, self.h.log_signal)
        v = self._known(cross)
        variance = self.h.signal_variance - np.einsum("kc,kc->c", v, v)
        pull *= self.alpha
        bend *= self.alpha
        pulls = pull.sum(axis=1, keepdims=True)
        slope = pull @ self.x - pulls * at
        curvature = bend @ self.x**2 - 2.0 * at * (bend @ self.x) + at * at * bend.sum(axis=1, keepdims=True) - pulls
        return Expansion(
            mean=cross @ self.alpha,
            variance=np.maximum(variance, 0.0),
            slope=self.h.scaled(slope),
            curvature=self.h.scaled(self.h.scaled(curvature)),
        )

    def predict(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and variance of the latent function at x (C, D), two arrays (C,) (R&W eq. 2.25, 2.26)."""
        cross = self.h.covariance(self.h.scaled(x), self.x)
        v = self._known(cross)
        variance = self.h.signal_variance - np.einsum("kc,kc->c", v, v)
        return cross @ self.alpha, np.maximum(variance, 0.0)

    def support(self, x: FloatArray) -> FloatArray:
        """Return how much of the doubt at x (C, D) the data have removed, (C,): 0 far from all data, 1 amid them."""
        return np.clip(1.0 - self.predict(x)[1] / self.h.signal_variance, 0.0, 1.0)

    def joint(self, scaled: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean (C,) and covariance (C, C) of the latent function at scaled points (C, D)."""
        cross = self.h.covariance(scaled, self.x)
        v = self._known(cross)
        return cross @ self.alpha, self.h.covariance(scaled, scaled) - v.T @ v

    def sample_paths(self, n_paths: int, rng: np.random.Generator, along: Sequence[np.random.Generator] = ()) -> Draw:
        """Draw functions, each one consistent wherever it is evaluated; see `paths`.

        Args:
            n_paths: How many.
            rng: Of everything that has no stream of its own.
            along: Streams of the random waves along each of the D inputs; empty: those of `rng`.

        Returns:
            Of x (G, S, D) it gives (G, S): path s at G points.
        """
        return self._skeleton().draw(n_paths, rng, along)

    def variance(self, x: FloatArray) -> FloatArray:
        """Return the variance of the latent function at x (C, D), shape (C,), to a few hundredths; cheap for many x."""
        return self._skeleton().variance(self.h.scaled(x))

    def _skeleton(self) -> Skeleton:
        skeleton = _SKELETONS.get(self)
        if skeleton is None:
            at = self.x[spread(len(self.x), N_CANDIDATES)]
            skeleton = _SKELETONS[self] = Skeleton.of(self.h, at, *self.joint(at))
        return skeleton


# What all draws of a process have in common costs more than one draw: it is kept for as long as the process.
_SKELETONS: WeakKeyDictionary[Posterior, Skeleton] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GaussianProcess(Posterior):
    """A process conditioned on N rows exactly; its points are the rows.

    Attributes:
        factor: Lower Cholesky factor of K + noise, (N, N).
        y: Targets (N,).
        noise: Noise of the targets, (2, N), before its factor.
    """

    factor: FloatArray
    y: FloatArray
    noise: FloatArray

    @classmethod
    def condition(cls, h: Hyperparameters, x: FloatArray, y: FloatArray, noise: FloatArray) -> GaussianProcess:
        """Condition on N rows.

        Raises:
            FitFailed: the kernel matrix is not positive definite.
        """
        scaled = h.scaled(x)
        try:
            factor = cholesky(add_noise(h.covariance(scaled, scaled), noise, h.noise_factor))
            alpha = solved(factor, y)
        except np.linalg.LinAlgError as error:
            raise FitFailed(f"The kernel matrix of {len(y)} rows is not positive definite.") from error
        return cls(h=h, x=scaled, factor=factor, alpha=alpha, y=y, noise=noise)

    def extended(self, x: FloatArray, y: FloatArray, noise: FloatArray) -> GaussianProcess:
        """Return the process that has also seen k new rows, with errors independent of those before.

        The factor grows by k rows, [[L, 0], [B', L2]] with L B = K12 and L2 L2' = K22 - B' B; nothing is factorised
        again.

        Args:
            x: Inputs (k, D).
            y: Targets (k,).
            noise: Their noise (2, k).

        Raises:
            FitFailed: the kernel matrix is not positive definite.
        """
        n, scaled = len(self.y), self.h.scaled(x)
        cross = self.h.covariance(self.x, scaled)
        try:
            below = solve_triangular(self.factor, cross, lower=True, check_finite=False)
            corner = cholesky(
                add_noise(self.h.covariance(scaled, scaled), noise, self.h.noise_factor) - below.T @ below
            )
            weights = solved(corner, y - cross.T @ self.alpha)
        except np.linalg.LinAlgError as error:
            raise FitFailed(f"{len(y)} rows cannot be added to {n}: the matrix is not positive definite.") from error
        shift = solve_triangular(self.factor, below @ weights, lower=True, trans=1, check_finite=False)
        factor = np.zeros((n + len(y), n + len(y)), order="F")
        factor[:n, :n], factor[n:, :n], factor[n:, n:] = self.factor, below.T, corner
        return GaussianProcess(
            h=self.h,
            x=np.concatenate([self.x, scaled]),
            factor=factor,
            alpha=np.concatenate([self.alpha - shift, weights]),
            y=np.concatenate([self.y, y]),
            noise=np.concatenate([self.noise, noise], axis=1),
        )

    def some_rows(self, n: int) -> FloatArray:
        """Return the inputs of every few rows."""
        return self.x[:: max(1, len(self.x) // n)] * np.exp(self.h.log_lengthscales)

    def _known(self, cross: FloatArray) -> FloatArray:
        v: FloatArray = lapack.dtrtrs(self.factor, cross.T, lower=1)[0]  # a factor has no zero on its diagonal
        return v
