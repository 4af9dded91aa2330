"""Exact Gaussian processes on LAPACK: ARD Matern-5/2, marginal likelihood with analytic gradients, path samples.

Written here because it is the core: evaluated thousands of times a day, it must cost microseconds and need no torch.
A test holds it to GPyTorch: log likelihood, mean and variance to 1e-6. Formulas: Rasmussen and Williams, Gaussian
Processes for Machine Learning, MIT Press 2006, ch. 2 and 5; lengthscale prior: Hvarfner, Hellsten and Nardi, ICML 2024;
path samples: Wilson et al., JMLR 22:105, 2021.

Errors of two rows that share a reading are correlated: the **noise** of N rows is a tridiagonal covariance, kept as its
diagonal and its first subdiagonal, shape (2, N), the last of the second row being 0. The fit scales it by one factor.

Letters: N data, D inputs, S paths, C points. Targets are standardised by the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, cholesky_banded, solve_triangular
from scipy.optimize import minimize

from perfusio.errors import FitFailed
from perfusio.state import FloatArray

_SQRT5 = float(np.sqrt(5.0))  # a Python float leaves single precision single
AnyFloat = NDArray[np.floating[Any]]
_JITTER = 1e-8
_N_FEATURES = 96


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


def initial_hyperparameters(n_inputs: int) -> Hyperparameters:
    """Return the centre of the priors: lengthscales that grow with the number of inputs, noise as it is known."""
    return Hyperparameters(
        log_lengthscales=np.full(n_inputs, np.sqrt(2.0) + 0.5 * np.log(n_inputs)), log_signal=0.0, log_noise=0.0
    )


def independent(variance: FloatArray) -> FloatArray:
    """Return the noise (2, N) of rows whose errors are independent, from their variances (N,)."""
    return np.stack([variance, np.zeros_like(variance)])


def _with_noise(k: FloatArray, noise: FloatArray, factor: float) -> FloatArray:
    """Add noise (2, N) times `factor` to a kernel matrix (N, N), in place."""
    n = len(k)
    k.flat[:: n + 1] += factor * noise[0] + _JITTER
    k.flat[1 :: n + 1] += factor * noise[1, :-1]
    k.flat[n :: n + 1] += factor * noise[1, :-1]
    return k


def _distances(a: AnyFloat, b: AnyFloat) -> FloatArray:
    """Return scaled distances (N, M) of points (N, D) and (M, D) that are already divided by the lengthscales."""
    squared = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None] - 2.0 * a @ b.T
    r: FloatArray = np.sqrt(np.maximum(squared, 0.0))
    return r


def matern52(r: FloatArray) -> FloatArray:
    """Return the Matern-5/2 correlation at scaled distance r (R&W eq. 4.17)."""
    s = _SQRT5 * r
    k: FloatArray = (1.0 + s + s * s / 3.0) * np.exp(-s)
    return k


def log_likelihood(h: Hyperparameters, x: FloatArray, y: FloatArray, noise: FloatArray) -> tuple[float, FloatArray]:
    """Return log p(y | x, h) and its gradient in `h.vector()` (R&W eq. 5.8, 5.9).

    Args:
        h: Hyperparameters.
        x: Inputs (N, D).
        y: Targets (N,).
        noise: Their noise (2, N).
    """
    n = len(y)
    scaled = x / np.exp(h.log_lengthscales)
    r = _distances(scaled, scaled)
    np.fill_diagonal(r, 0.0)
    decay = np.exp(-_SQRT5 * r)
    signal, factor = np.exp(2.0 * h.log_signal), np.exp(2.0 * h.log_noise)
    k = signal * (1.0 + _SQRT5 * r + (5.0 / 3.0) * r * r) * decay
    root = cholesky(_with_noise(k.copy(), noise, factor), lower=True)
    alpha = cho_solve((root, True), y)
    value = -0.5 * float(y @ alpha) - float(np.log(np.diag(root)).sum()) - 0.5 * n * np.log(2.0 * np.pi)
    inner = np.outer(alpha, alpha) - cho_solve((root, True), np.eye(n))
    # dk/dlog(l_d) = signal 5/3 (1 + sqrt5 r) exp(-sqrt5 r) (dx_d / l_d)^2, summed without an (N, N, D) array
    weight = inner * (signal * (5.0 / 3.0) * (1.0 + _SQRT5 * r) * decay)
    total = weight.sum(axis=1)
    per_input = 2.0 * (total @ scaled**2 - np.einsum("nd,nd->d", scaled, weight @ scaled))
    per_noise = float(np.diag(inner) @ noise[0]) + 2.0 * float(np.diag(inner, 1) @ noise[1, :-1])
    gradient = 0.5 * np.concatenate([per_input, [2.0 * float((inner * k).sum()), 2.0 * factor * per_noise]])
    return value, gradient


def fit(
    x: FloatArray, y: FloatArray, noise: FloatArray, *, start: Hyperparameters, max_iter: int = 60
) -> Hyperparameters:
    """Return the maximum a posteriori hyperparameters.

    Priors: lengthscales LogNormal(sqrt2 + ln(D)/2, sqrt3); signal LogNormal(0, 0.7); the noise's sd over what is known
    from the analyser LogNormal(0, 0.3).

    Args:
        x: Inputs (N, D).
        y: Standardised targets (N,).
        noise: Their known noise (2, N).
        start: Where the search starts, e.g. the previous fit.
        max_iter: L-BFGS iterations.

    Raises:
        FitFailed: no finite optimum, or a kernel matrix that is not positive definite.
    """
    centre = initial_hyperparameters(x.shape[1]).vector()
    width = np.concatenate([np.full(x.shape[1], np.sqrt(3.0)), [0.7, 0.3]])

    def loss(v: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = log_likelihood(Hyperparameters.of(v), x, y, noise)
        off = (v - centre) / width
        return 0.5 * float(off @ off) - value, off / width - gradient

    bounds = [(c - 4.0, c + 4.0) for c in centre]
    try:
        options = {"maxiter": max_iter}
        result = minimize(loss, start.vector(), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    except (np.linalg.LinAlgError, ValueError) as error:  # ValueError: rows that are not all numbers
        raise FitFailed(f"The kernel matrix of {len(y)} rows is not positive definite; the old model stays.") from error
    if not np.isfinite(result.fun) or not np.isfinite(result.x).all():
        raise FitFailed(f"The likelihood of {len(y)} rows has no finite optimum; the old model stays in use.")
    return Hyperparameters.of(result.x)


@dataclass(frozen=True, slots=True, kw_only=True)
class GaussianProcess:
    """A process conditioned on data.

    Attributes:
        h: Hyperparameters.
        x: Inputs divided by their lengthscales, (N, D).
        factor: Lower Cholesky factor of K + noise, (N, N).
        alpha: (K + noise)^-1 y, (N,).
        y: Targets (N,).
        noise: Noise of the targets, (2, N), before its factor.
    """

    h: Hyperparameters
    x: FloatArray
    factor: FloatArray
    alpha: FloatArray
    y: FloatArray
    noise: FloatArray

    @classmethod
    def condition(cls, h: Hyperparameters, x: FloatArray, y: FloatArray, noise: FloatArray) -> GaussianProcess:
        """Condition on N rows.

        Raises:
            FitFailed: the kernel matrix is not positive definite.
        """
        scaled = x / np.exp(h.log_lengthscales)
        k = np.exp(2.0 * h.log_signal) * matern52(_distances(scaled, scaled))
        try:
            factor = cholesky(_with_noise(k, noise, np.exp(2.0 * h.log_noise)), lower=True)
            alpha = cho_solve((factor, True), y)
        except (np.linalg.LinAlgError, ValueError) as error:
            raise FitFailed(f"The kernel matrix of {len(y)} rows is not positive definite.") from error
        return cls(h=h, x=scaled, factor=factor, alpha=alpha, y=y, noise=noise)

    def _cross(self, x: FloatArray) -> FloatArray:
        scaled = x / np.exp(self.h.log_lengthscales)
        k: FloatArray = np.exp(2.0 * self.h.log_signal) * matern52(_distances(scaled, self.x))
        return k

    def predict(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and variance of the latent function at x (C, D), two arrays (C,) (R&W eq. 2.25, 2.26)."""
        cross = self._cross(x)
        v = solve_triangular(self.factor, cross.T, lower=True)
        variance = np.exp(2.0 * self.h.log_signal) - (v * v).sum(axis=0)
        return cross @ self.alpha, np.maximum(variance, 0.0)

    def mean(self, x: FloatArray) -> FloatArray:
        """Return the mean alone (C,)."""
        return self._cross(x) @ self.alpha

    def _errors(self, n_draws: int, rng: np.random.Generator) -> FloatArray:
        """Draw errors of the targets (N, S)."""
        diagonal, below = cholesky_banded(self.noise, lower=True)
        white = np.exp(self.h.log_noise) * rng.standard_normal((len(self.y), n_draws))
        errors: FloatArray = diagonal[:, None] * white
        errors[1:] += below[:-1, None] * white[:-1]
        return errors

    def sample_paths(self, n_paths: int, rng: np.random.Generator) -> Callable[[FloatArray], FloatArray]:
        """Draw functions from the posterior, each one consistent wherever it is evaluated.

        A prior draw from random Fourier features is corrected by the data (Matheron's rule, Wilson et al. eq. 13).

        Returns:
            A function of x (G, S, D) that returns (G, S): path s at G points.
        """
        d = self.x.shape[1]
        signal = np.exp(self.h.log_signal)
        # the spectral density of Matern-5/2 is a t distribution with 5 degrees of freedom
        omega = rng.standard_normal((d, _N_FEATURES)) * np.sqrt(5.0 / rng.chisquare(5.0, _N_FEATURES))
        phase = rng.uniform(0.0, 2.0 * np.pi, _N_FEATURES)
        weights = rng.standard_normal((_N_FEATURES, n_paths)) * signal * np.sqrt(2.0 / _N_FEATURES)
        prior = np.cos(self.x @ omega + phase) @ weights
        residual = self.y[:, None] - prior - self._errors(n_paths, rng)
        update = cho_solve((self.factor, True), residual)
        # single precision: a path is a random draw, and cosines of 1e5 points a day are what a forecast costs
        single = [a.astype(np.float32) for a in (1.0 / np.exp(self.h.log_lengthscales), omega, phase, self.x)]
        per_path = np.concatenate([weights, signal * signal * update]).T[:, :, None].astype(np.float32)

        def path(x: FloatArray) -> FloatArray:
            inverse, frequencies, shift, data = single
            g, s, _ = x.shape
            flat = (x.transpose(1, 0, 2).astype(np.float32) * inverse).reshape(-1, d)
            basis = np.concatenate([np.cos(flat @ frequencies + shift), matern52(_distances(flat, data))], axis=1)
            values: FloatArray = (basis.reshape(s, g, -1) @ per_path)[:, :, 0].T.astype(float)
            return values

        return path
