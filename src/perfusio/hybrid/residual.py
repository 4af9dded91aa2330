"""What the balances miss: nine independent Gaussian processes for the daily latent residual of the prior.

Each species has its own process and its own rows, so a missing value costs one row of one species, and no matrix ever
spans the species. Letters as in `gp`; Q species.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from perfusio.hybrid import gp
from perfusio.hybrid.features import N_SPECIES, VIABILITY, IndexedData, from_latent, gp_inputs, noise_sd, to_latent
from perfusio.hybrid.mechanistic import advance
from perfusio.state import FloatArray

# What the prior usually misses [latent/day]; the fitted signal may be many times larger.
USUAL_RATE = np.array([0.10, 0.01, 0.15, 0.15, 0.15, 0.15, 0.15, 0.15, 0.08])
MIN_ROWS = 5
N_HYPER_ROWS = 300
"""Hyperparameters are searched on a random subset of this size; the process itself is conditioned on all rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualRows:
    """Training rows of one species: inputs (N, D), residual rates (N,) [latent/day] and their noise sd (N,)."""

    x: FloatArray
    rate: FloatArray
    noise: FloatArray


def residual_rows(data: IndexedData, log_factors: FloatArray) -> tuple[ResidualRows, ...]:
    """Split indexed data by species into residuals of the prior with the given parameters.

    Args:
        data: Transitions in the indexed format.
        log_factors: Parameters of the prior (P,).
    """
    predicted = predict_latent(data, log_factors)
    target = np.empty_like(data.y)
    noise = np.empty_like(data.y)
    for q in range(N_SPECIES):
        rows = data.task == q
        species = np.zeros((N_SPECIES, int(rows.sum())))
        species[q] = data.y[rows]
        target[rows] = to_latent(species)[q]
        noise[rows] = noise_sd(species)[q]
    days = data.hours / 24.0
    latent = to_latent(data.x[:, :N_SPECIES].T)
    x = gp_inputs(latent, data.x[:, N_SPECIES:-2].T, data.x[:, -2])
    rate = (target - predicted) / days
    return tuple(
        ResidualRows(x=x[rows], rate=rate[rows], noise=noise[rows] / days[rows])
        for rows in (data.task == q for q in range(N_SPECIES))
    )


def predict_latent(data: IndexedData, log_factors: FloatArray) -> FloatArray:
    """Return the prior's prediction of each row's target on the latent scale, shape (R,)."""
    species, setpoints = data.x[:, :N_SPECIES].T, data.x[:, N_SPECIES:-2].T
    factors = np.repeat(log_factors[:, None], len(data.y), axis=1)
    after = to_latent(advance(species, setpoints, factors, data.hours))
    picked: FloatArray = np.take_along_axis(after, data.task[None], axis=0)[0]
    return picked


@dataclass(frozen=True, slots=True, kw_only=True)
class Residual:
    """The nine processes; None where a species has too few rows (its residual is then zero).

    Attributes:
        processes: One per species, in the order of SPECIES.
        scales: Residual rate that one unit of the process stands for, (Q,).
    """

    processes: tuple[gp.GaussianProcess | None, ...] = (None,) * N_SPECIES
    scales: FloatArray

    @classmethod
    def none(cls) -> Residual:
        """Return the residual before any fit: zero, with zero variance."""
        return cls(scales=np.ones(N_SPECIES))

    @classmethod
    def fit(cls, rows: tuple[ResidualRows, ...], before: Residual, rng: np.random.Generator) -> Residual:
        """Search hyperparameters (from those of `before` where it has them) and condition on all rows.

        Raises:
            FitFailed: a process has no usable fit.
        """
        processes: list[gp.GaussianProcess | None] = []
        scales = USUAL_RATE.copy()
        for q, r in enumerate(rows):
            if len(r.rate) < MIN_ROWS:
                processes.append(None)
                continue
            noise = float(np.median(r.noise))
            scales[q] = USUAL_RATE[q]
            y = r.rate / scales[q]
            some = rng.permutation(len(y))[:N_HYPER_ROWS]
            relative = noise / scales[q]
            old = before.processes[q]
            start = old.h if old is not None else gp.initial_hyperparameters(r.x.shape[1], relative)
            h = gp.fit(r.x[some], y[some], start=start, noise_sd=relative)
            processes.append(gp.GaussianProcess.condition(h, r.x, y))
        return cls(processes=tuple(processes), scales=scales)

    def conditioned(self, rows: tuple[ResidualRows, ...]) -> Residual:
        """Return the same hyperparameters and scales, conditioned on other rows."""
        return Residual(
            processes=tuple(
                None if p is None else gp.GaussianProcess.condition(p.h, r.x, r.rate / s)
                for p, r, s in zip(self.processes, rows, self.scales, strict=True)
            ),
            scales=self.scales,
        )

    @property
    def is_fitted(self) -> bool:
        """Whether any species has a process."""
        return any(p is not None for p in self.processes)

    def predict(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and variance of the residual rate at x (C, D), two arrays (Q, C)."""
        mean, variance = np.zeros((N_SPECIES, len(x))), np.zeros((N_SPECIES, len(x)))
        for q, p in enumerate(self.processes):
            if p is not None:
                m, v = p.predict(x)
                mean[q], variance[q] = self.scales[q] * m, self.scales[q] ** 2 * v
        return mean, variance

    def mean(self, x: FloatArray) -> FloatArray:
        """Return the mean residual rate at x (C, D), shape (Q, C)."""
        mean = np.zeros((N_SPECIES, len(x)))
        for q, p in enumerate(self.processes):
            if p is not None:
                mean[q] = self.scales[q] * p.mean(x)
        return mean

    def sample_paths(self, n_paths: int, rng: np.random.Generator) -> Callable[[FloatArray], FloatArray]:
        """Draw residual functions; returns a function of x (G, S, D) that gives (Q, G, S)."""
        paths = [None if p is None else p.sample_paths(n_paths, rng) for p in self.processes]

        def sampled(x: FloatArray) -> FloatArray:
            out = np.zeros((N_SPECIES, *x.shape[:2]))
            for q, path in enumerate(paths):
                if path is not None:
                    out[q] = self.scales[q] * path(x)
            return out

        return sampled


def mechanistic_step(
    latent: FloatArray, setpoints: FloatArray, log_factors: FloatArray, hours: FloatArray
) -> FloatArray:
    """Advance latent states (Q, B) by the balances, on the latent scale.

    Viability above 100 % and concentrations below zero are what a filter may briefly believe; they enter as 100 and 0,
    and the excess is carried along so that no information is lost at the edge.
    """
    species = from_latent(latent)
    after = to_latent(advance(species, setpoints, log_factors, hours))
    excess = latent[VIABILITY] - species[VIABILITY] / 10.0
    after[VIABILITY] += np.where(excess > 0.0, 0.5 * excess, 0.0)
    return after
