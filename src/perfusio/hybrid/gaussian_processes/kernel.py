"""The covariance of the processes: ARD Matern-5/2 between points, and the noise of rows.

Errors of two rows that share a reading are correlated: the **noise** of N rows is a tridiagonal covariance, kept as its
diagonal and its first subdiagonal, shape (2, N), the last of the second row being 0. A fit scales it by one factor.

Formulas: Rasmussen and Williams, Gaussian Processes for Machine Learning, MIT Press 2006. Letters: N or M points, D
inputs. Points are **scaled** where they are already divided by the lengthscales.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from perfusio.state import FloatArray

AnyFloat = NDArray[np.floating[Any]]
SQRT5 = float(np.sqrt(5.0))  # a Python float leaves single precision single
JITTER = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameters:
    """Of one process: log lengthscales (D,), log signal sd, log factor on the sd of the noise."""

    log_lengthscales: FloatArray
    log_signal: float
    log_noise: float

    def vector(self) -> FloatArray:
        """Return all of them in one array (D + 2,)."""
        return np.concatenate([self.log_lengthscales, [self.log_signal, self.log_noise]])

    @classmethod
    def of(cls, v: FloatArray) -> Hyperparameters:
        """Read the array that `vector` wrote."""
        return cls(log_lengthscales=v[:-2].copy(), log_signal=float(v[-2]), log_noise=float(v[-1]))

    @property
    def signal_variance(self) -> float:
        """Variance of the process before any data."""
        return float(np.exp(2.0 * self.log_signal))

    @property
    def noise_factor(self) -> float:
        """What the known noise covariance is multiplied by."""
        return float(np.exp(2.0 * self.log_noise))

    def scaled(self, x: FloatArray) -> FloatArray:
        """Divide points (N, D) by the lengthscales."""
        return x * np.exp(-self.log_lengthscales)

    def covariance(self, a: FloatArray, b: FloatArray) -> FloatArray:
        """Return the covariance (N, M) of the process at scaled points (N, D) and (M, D)."""
        return matern52(a, b, self.log_signal).astype(float, copy=False)


def squared_distances(a: AnyFloat, b: AnyFloat, out: AnyFloat | None = None) -> AnyFloat:
    """Return squared distances (N, M) of points (N, D) and (M, D), by one matrix product.

    Rounding may leave the least of them below zero: the absolute value is then taken (cheaper than the maximum with 0).
    """
    one, other = np.ones((len(a), 1), a.dtype), np.ones((len(b), 1), b.dtype)
    left = np.concatenate([a, (a * a).sum(axis=1, keepdims=True), one], axis=1)
    right = np.concatenate([-2.0 * b, other, (b * b).sum(axis=1, keepdims=True)], axis=1)
    squared: AnyFloat = np.matmul(left, right.T, out=out)
    return np.abs(squared, out=squared)


def matern52(a: AnyFloat, b: AnyFloat, log_signal: float = 0.0) -> AnyFloat:
    """Return the covariance (N, M) of scaled points (N, D) and (M, D): R&W eq. 4.17 times the signal's variance.

    Few passes over (N, M), all in place: this is most of what forecasts and filters cost.
    """
    k = squared_distances(SQRT5 * a, SQRT5 * b)
    r = np.sqrt(k)
    decay = np.subtract(2.0 * log_signal, r)
    np.exp(decay, out=decay)
    k *= 1.0 / 3.0
    k += r
    k += 1.0
    k *= decay
    return k


def matern52_series(a: FloatArray, b: FloatArray, log_signal: float = 0.0) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the covariance k of scaled points a (N, D) and b (M, D), and what its derivatives by a are made of.

    From one pass over the distances: k as `matern52` gives it, p and c, each (N, M), such that the slope of k along
    input d is p (b_d - a_d) and its second derivative c (b_d - a_d)^2 - p.
    """
    k: FloatArray = squared_distances(SQRT5 * a, SQRT5 * b).astype(float, copy=False)
    r: FloatArray = np.sqrt(k)
    decay: FloatArray = np.subtract(2.0 * log_signal, r)
    np.exp(decay, out=decay)
    k *= 1.0 / 3.0
    k += r
    k += 1.0
    k *= decay
    r += 1.0
    r *= decay
    r *= 5.0 / 3.0
    decay *= 25.0 / 3.0
    return k, r, decay


def independent(variance: FloatArray) -> FloatArray:
    """Return the noise (2, N) of rows whose errors are independent, from their variances (N,)."""
    return np.stack([variance, np.zeros_like(variance)])


def add_noise(k: FloatArray, noise: FloatArray, factor: float) -> FloatArray:
    """Add noise (2, N) times `factor` to a covariance (N, N), in place."""
    n = len(k)
    k.flat[:: n + 1] += factor * noise[0] + JITTER
    k.flat[1 :: n + 1] += factor * noise[1, :-1]
    k.flat[n :: n + 1] += factor * noise[1, :-1]
    return k


def cholesky(k: FloatArray) -> FloatArray:
    """Return the lower factor of a symmetric matrix, in the memory of that matrix.

    Raises:
        LinAlgError: it is not positive definite, or not finite.
    """
    factor, failed = lapack.dpotrf(k.T, lower=1, overwrite_a=1)
    if failed or not np.isfinite(np.diag(factor)).all():
        raise np.linalg.LinAlgError(f"A covariance of {len(k)} rows is not positive definite.")
    lower: FloatArray = factor
    return lower


def solved(factor: FloatArray, b: FloatArray) -> FloatArray:
    """Solve K x = b, (N,) or (N, M), by the lower factor of K.

    Raises:
        LinAlgError: the solution is not finite, as something given was not.
    """
    x: FloatArray = lapack.dpotrs(factor, b, lower=1)[0]
    if not np.isfinite(x).all():
        raise np.linalg.LinAlgError("The rows are not all finite numbers.")
    return x
