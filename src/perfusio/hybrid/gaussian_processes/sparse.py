"""Processes on many rows: exact up to EXACT_ROWS, beyond that all rows seen through N_INDUCING of their points.

No row is set aside: each one adds what it says about the process at the inducing points, and what these leave open of
its own value counts as noise of that row (FITC: Snelson and Ghahramani, NIPS 2006; Quinonero-Candela and Rasmussen,
JMLR 6:1939, 2005). Cost grows with N M^2 instead of N^3, that of a prediction no longer with N. Mean and variance stay
those of the exact process to a few hundredths of its sd (a test says so), where a subset of a quarter of the rows has
two to three times the variance.

Letters as in `gp`; M inducing points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky_banded, lapack, solve_triangular

from perfusio.errors import FitFailed
from perfusio.hybrid.gaussian_processes.gp import GaussianProcess, Posterior
from perfusio.hybrid.gaussian_processes.kernel import JITTER, Hyperparameters, cholesky, solved
from perfusio.hybrid.gaussian_processes.paths import spread, telling
from perfusio.state import FloatArray

EXACT_ROWS = 1000
N_INDUCING = 384
_N_CANDIDATES = 1000
_N_KEPT = 200
_KNOWN_ENOUGH = 1e-4  # of the signal's variance: what is left open at a row need not be less than a tenth of this


def condition(h: Hyperparameters, x: FloatArray, y: FloatArray, noise: FloatArray) -> Posterior:
    """Condition on N rows, exactly if they are few enough. Arguments and errors as in `GaussianProcess.condition`."""
    kind = GaussianProcess if len(y) <= EXACT_ROWS else InducingProcess
    return kind.condition(h, x, y, noise)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InducingProcess(Posterior):
    """A process conditioned on many rows through M points.

    With K = L L' the prior covariance at the points and a row of A = L^-1 k over the row's noise sd:

    Attributes:
        factor: L, (M, M).
        precision: Lower Cholesky factor of I + A'A, (M, M).
        pull: A' times the targets over their noise sd, (M,).
        root: R with R'R = K^-1 - (posterior share of it): the data take |R k|^2 off the variance, (M, M).
        rows: Some of the rows it was conditioned on, evenly spread, as inputs (N', D); the points are unusual ones.
    """

    factor: FloatArray
    precision: FloatArray
    pull: FloatArray
    root: FloatArray
    rows: FloatArray

    @classmethod
    def condition(cls, h: Hyperparameters, x: FloatArray, y: FloatArray, noise: FloatArray) -> InducingProcess:
        """Condition on N rows; their points are chosen among them, the same for the same rows.

        Raises:
            FitFailed: a covariance is not positive definite.
        """
        among = h.scaled(x[spread(len(x), _N_CANDIDATES)])
        doubt = np.full(len(among), _KNOWN_ENOUGH * h.signal_variance)
        points = among[telling(h, among, doubt, N_INDUCING)]
        try:
            factor = cholesky(h.covariance(points, points) + _ridge(h) * np.eye(len(points)))
            empty = cls(
                h=h,
                x=points,
                alpha=np.zeros(len(points)),
                factor=factor,
                precision=np.eye(len(points)),
                pull=np.zeros(len(points)),
                root=np.zeros_like(factor),
                rows=x[spread(len(x), _N_KEPT)],
            )
            return empty.extended(x, y, noise)
        except np.linalg.LinAlgError as error:
            raise FitFailed(f"The covariance of {len(points)} points is not positive definite.") from error

    def extended(self, x: FloatArray, y: FloatArray, noise: FloatArray) -> InducingProcess:
        """Return the process that has also seen k new rows, with errors independent of those before; same points.

        Raises:
            FitFailed: the noise is not positive definite, or a row is not finite.
        """
        try:
            rows = solve_triangular(self.factor, self.h.covariance(self.x, self.h.scaled(x)), lower=True)
            left = self.h.signal_variance - np.einsum("mk,mk->k", rows, rows)
            band = self.h.noise_factor * noise
            band[0] += np.maximum(left, 0.0) + JITTER
            both = np.concatenate([rows, y[None]]).T
            white = lapack.dtbtrs(cholesky_banded(band, lower=True), both, uplo="L")[0]
            a, target = white[:, :-1], white[:, -1]
            pull = self.pull + a.T @ target
            precision = cholesky(self.precision @ self.precision.T + a.T @ a)
            alpha = solve_triangular(self.factor, solved(precision, pull), lower=True, trans=1)
            root = _root(self.factor, precision)
        except (np.linalg.LinAlgError, ValueError) as error:  # ValueError: rows that are not all numbers
            raise FitFailed(f"{len(y)} rows cannot be taken in: noise that is no covariance, or no numbers.") from error
        return InducingProcess(
            h=self.h,
            x=self.x,
            alpha=alpha,
            factor=self.factor,
            precision=precision,
            pull=pull,
            root=root,
            rows=self.rows,
        )

    def some_rows(self, n: int) -> FloatArray:
        """Return the inputs of every few rows that it was conditioned on."""
        return self.rows[spread(len(self.rows), n)]

    def _known(self, cross: FloatArray) -> FloatArray:
        return self.root @ cross.T


def _ridge(h: Hyperparameters) -> float:
    return JITTER + 1e-9 * h.signal_variance


def _root(factor: FloatArray, precision: FloatArray) -> FloatArray:
    """Return R with R'R = L^-T (I - P^-1) L^-1, P = precision precision'."""
    inverse = lapack.dpotri(precision, lower=1)[0]  # its lower half; zero above
    share = np.tril(-inverse)
    share.flat[:: len(share) + 1] += 1.0 + 1e-10
    share += np.tril(share, -1).T
    root: FloatArray = solve_triangular(factor, cholesky(share), lower=True, trans=1).T
    return root
