"""Exact Gaussian processes on LAPACK: ARD Matern-5/2, marginal likelihood with analytic gradients, path samples.

Written here because it is the core: evaluated thousands of times a day, it must cost microseconds and need no torch.
A test holds it to GPyTorch: log likelihood, mean and variance to 1e-6. Formulas: Rasmussen and Williams, Gaussian
Processes for Machine Learning, MIT Press 2006, ch. 2 and 5; lengthscale prior: Hvarfner, Hellsten and Nardi, ICML 2024;
path samples: Wilson et al., JMLR 22:105, 2021.

Letters: N data, D inputs, S paths, C points. Targets are standardised by the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize

from perfusio.errors import FitFailed
from perfusio.state import FloatArray

_SQRT5 = float(np.sqrt(5.0))  # a Python float leaves single precision single
AnyFloat = NDArray[np.floating[Any]]
_JITTER = 1e-8
_N_FEATURES = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameters:
    """Of one process: log lengthscales (D,), log signal sd, log noise sd."""

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


def initial_hyperparameters(n_inputs: int, noise_sd: float) -> Hyperparameters:
    """Return the centre of the priors: lengthscales that grow with the number of inputs, and the expected noise."""
    return Hyperparameters(
        log_lengthscales=np.full(n_inputs, np.sqrt(2.0) + 0.5 * np.log(n_inputs)),
        log_signal=0.0,
        log_noise=float(np.log(noise_sd)),
    )


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


def log_likelihood(h: Hyperparameters, x: FloatArray, y: FloatArray) -> tuple[float, FloatArray]:
    """Return log p(y | x, h) and its gradient in `h.vector()` (R&W eq. 5.8, 5.9).

    Args:
        h: Hyperparameters.
        x: Inputs (N, D).
        y: Targets (N,).
    """
    n = len(y)
    scaled = x / np.exp(h.log_lengthscales)
    r = _distances(scaled, scaled)
    np.fill_diagonal(r, 0.0)
    decay = np.exp(-_SQRT5 * r)
    signal, noise = np.exp(2.0 * h.log_signal), np.exp(2.0 * h.log_noise)
    k = signal * (1.0 + _SQRT5 * r + (5.0 / 3.0) * r * r) * decay
    factor = cholesky(k + (noise + _JITTER) * np.eye(n), lower=True)
    alpha = cho_solve((factor, True), y)
    value = -0.5 * float(y @ alpha) - float(np.log(np.diag(factor)).sum()) - 0.5 * n * np.log(2.0 * np.pi)
    inner = np.outer(alpha, alpha) - cho_solve((factor, True), np.eye(n))
    # dk/dlog(l_d) = signal 5/3 (1 + sqrt5 r) exp(-sqrt5 r) (dx_d / l_d)^2, summed without an (N, N, D) array
    weight = inner * (signal * (5.0 / 3.0) * (1.0 + _SQRT5 * r) * decay)
    total = weight.sum(axis=1)
    per_input = 2.0 * (total @ scaled**2 - np.einsum("nd,nd->d", scaled, weight @ scaled))
    gradient = 0.5 * np.concatenate([per_input, [2.0 * float((inner * k).sum()), 2.0 * noise * float(np.trace(inner))]])
    return value, gradient


def fit(
    x: FloatArray, y: FloatArray, *, start: Hyperparameters, noise_sd: float, max_iter: int = 60
) -> Hyperparameters:
    """Return the maximum a posteriori hyperparameters.

    Priors: lengthscales LogNormal(sqrt2 + ln(D)/2, sqrt3); signal LogNormal(0, 0.7); noise LogNormal around the
    noise that is known from the analyser, with log-sd 0.3.

    Args:
        x: Inputs (N, D).
        y: Standardised targets (N,).
        start: Where the search starts, e.g. the previous fit.
        noise_sd: Known noise of the standardised targets.
        max_iter: L-BFGS iterations.

    Raises:
        FitFailed: no finite optimum, or a kernel matrix that is not positive definite.
    """
    centre = initial_hyperparameters(x.shape[1], noise_sd).vector()
    width = np.concatenate([np.full(x.shape[1], np.sqrt(3.0)), [0.7, 0.3]])

    def loss(v: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = log_likelihood(Hyperparameters.of(v), x, y)
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
        factor: Lower Cholesky factor of K + noise I, (N, N).
        alpha: (K + noise I)^-1 y, (N,).
        y: Targets (N,).
    """

    h: Hyperparameters
    x: FloatArray
    factor: FloatArray
    alpha: FloatArray
    y: FloatArray

    @classmethod
    def condition(cls, h: Hyperparameters, x: FloatArray, y: FloatArray) -> GaussianProcess:
        """Condition on N rows.

        Raises:
            FitFailed: the kernel matrix is not positive definite.
        """
        scaled = x / np.exp(h.log_lengthscales)
        k = np.exp(2.0 * h.log_signal) * matern52(_distances(scaled, scaled))
        try:
            factor = cholesky(k + (np.exp(2.0 * h.log_noise) + _JITTER) * np.eye(len(y)), lower=True)
            alpha = cho_solve((factor, True), y)
        except (np.linalg.LinAlgError, ValueError) as error:
            raise FitFailed(f"The kernel matrix of {len(y)} rows is not positive definite.") from error
        return cls(h=h, x=scaled, factor=factor, alpha=alpha, y=y)

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

    def sample_paths(self, n_paths: int, rng: np.random.Generator) -> Callable[[FloatArray], FloatArray]:
        """Draw functions from the posterior, each one consistent wherever it is evaluated.

        A prior draw from random Fourier features is corrected by the data (Matheron's rule, Wilson et al. eq. 13).

        Returns:
            A function of x (G, S, D) that returns (G, S): path s at G points.
        """
        n, d = self.x.shape
        signal, noise = np.exp(self.h.log_signal), np.exp(self.h.log_noise)
        # the spectral density of Matern-5/2 is a t distribution with 5 degrees of freedom
        omega = rng.standard_normal((d, _N_FEATURES)) * np.sqrt(5.0 / rng.chisquare(5.0, _N_FEATURES))
        phase = rng.uniform(0.0, 2.0 * np.pi, _N_FEATURES)
        weights = rng.standard_normal((_N_FEATURES, n_paths)) * signal * np.sqrt(2.0 / _N_FEATURES)
        prior = np.cos(self.x @ omega + phase) @ weights
        residual = self.y[:, None] - prior - noise * rng.standard_normal((n, n_paths))
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
