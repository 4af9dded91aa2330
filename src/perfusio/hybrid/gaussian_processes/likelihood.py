"""The search for hyperparameters: marginal likelihood with analytic gradients, and the priors that hold it in place.

Formulas: Rasmussen and Williams 2006, ch. 5; lengthscale prior: Hvarfner, Hellsten and Nardi, ICML 2024.
Letters as in `kernel`. Targets are standardised by the caller.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack
from scipy.optimize import minimize

from perfusio.errors import FitFailed
from perfusio.hybrid.gaussian_processes.kernel import (
    JITTER,
    SQRT5,
    Hyperparameters,
    add_noise,
    cholesky,
    solved,
    squared_distances,
)
from perfusio.state import FloatArray

_FARTHEST = 4.0  # from the centre of the prior, in logarithms
# Relative to the log posterior: what is found lies within 0.01 of the optimum, but for saddles of a few tenths.
_GAIN_WORTH_A_STEP = 1e-6


def initial_hyperparameters(n_inputs: int) -> Hyperparameters:
    """Return the centre of the priors: lengthscales that grow with the number of inputs, noise as it is known."""
    return Hyperparameters(
        log_lengthscales=np.full(n_inputs, np.sqrt(2.0) + 0.5 * np.log(n_inputs)), log_signal=0.0, log_noise=0.0
    )


class Likelihood:
    """log p(y | x, h) of N rows, evaluated again and again in the same memory: fresh pages would cost as much."""

    def __init__(self, x: FloatArray, y: FloatArray, noise: FloatArray) -> None:
        """Take inputs (N, D), targets (N,) and their noise (2, N)."""
        self._x, self._y, self._noise = x, y, noise
        self._square = np.empty((3, len(y), len(y)))

    def __call__(self, h: Hyperparameters) -> tuple[float, FloatArray]:
        """Return the log likelihood and its gradient in `h.vector()` (R&W eq. 5.8, 5.9).

        Raises:
            LinAlgError: the covariance is not positive definite, or a row is not finite.
        """
        y, noise, n = self._y, self._noise, len(self._y)
        k, shape, inner = self._square
        scaled = self._covariance(h)
        root = cholesky(add_noise(k, noise, h.noise_factor))
        alpha = solved(root, y)
        quadratic = float(y @ alpha)
        value = -0.5 * quadratic - float(np.log(np.diag(root)).sum()) - 0.5 * n * np.log(2.0 * np.pi)
        inverse = lapack.dpotri(root, lower=1, overwrite_c=1)[0].T  # its upper half; zero below
        on, beside = np.diag(inverse), np.diag(inverse, 1)
        per_noise = float((alpha * alpha - on) @ noise[0] + 2.0 * (alpha[1:] * alpha[:-1] - beside) @ noise[1, :-1])
        per_noise *= h.noise_factor
        per_signal = quadratic - n - per_noise - JITTER * float(alpha @ alpha - on.sum())
        # sum over pairs of (alpha alpha' - inverse) dk/dlog(l_d) without an (N, N, D) array; pairs i = i add nothing
        np.multiply.outer(alpha, alpha, out=inner)
        inverse *= 2.0
        inner -= inverse
        inner *= shape
        product = inner @ np.concatenate([scaled, np.ones((n, 1))], axis=1)
        ends = product[:, -1] + inner.sum(axis=0)
        per_input = ends @ (scaled * scaled) - 2.0 * np.einsum("nd,nd->d", scaled, product[:, :-1])
        return value, np.concatenate([per_input / 6.0, [per_signal, per_noise]])

    def _covariance(self, h: Hyperparameters) -> FloatArray:
        """Fill the covariance k, and shape = 3 dk/dlog(l_d) l_d^2 / (5 dx_d^2); return inputs times sqrt5 / l."""
        k, shape, decay = self._square
        scaled = h.scaled(SQRT5 * self._x)
        squared_distances(scaled, scaled, out=k)
        k.flat[:: len(k) + 1] = 0.0
        np.sqrt(k, out=shape)
        np.subtract(2.0 * h.log_signal, shape, out=decay)
        np.exp(decay, out=decay)
        shape += 1.0
        shape *= decay
        k *= decay
        k *= 1.0 / 3.0
        k += shape
        return scaled


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
        FitFailed: no finite optimum, or a covariance that is not positive definite.
    """
    centre = initial_hyperparameters(x.shape[1]).vector()
    width = np.concatenate([np.full(x.shape[1], np.sqrt(3.0)), [0.7, 0.3]])
    likelihood = Likelihood(x, y, noise)

    def loss(u: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = likelihood(Hyperparameters.of(centre + width * u))
        return 0.5 * float(u @ u) - value, u - width * gradient

    # in widths of the priors the search needs half the steps that it needs in logarithms
    bounds = [(-_FARTHEST / w, _FARTHEST / w) for w in width]
    options = {"maxiter": max_iter, "ftol": _GAIN_WORTH_A_STEP}
    try:
        first = (start.vector() - centre) / width
        result = minimize(loss, first, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    except (np.linalg.LinAlgError, ValueError) as error:  # ValueError: the start is not a number
        raise FitFailed(f"The kernel matrix of {len(y)} rows is not positive definite; the old model stays.") from error
    if not np.isfinite(result.fun) or not np.isfinite(result.x).all():
        raise FitFailed(f"The likelihood of {len(y)} rows has no finite optimum; the old model stays in use.")
    return Hyperparameters.of(centre + width * result.x)
