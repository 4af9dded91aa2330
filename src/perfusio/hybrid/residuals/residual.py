"""What the balances miss: independent Gaussian processes for the daily residual of the prior, one per species.

Each species has its own process and its own rows, so a missing value costs one row of one species, and no matrix ever
spans the species. Letters as in `gp` and `layout`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from perfusio.hybrid.features import IndexedData
from perfusio.hybrid.gaussian_processes import gp, sparse
from perfusio.hybrid.gaussian_processes.paths import Bundle
from perfusio.hybrid.layout import Layout, layout_of
from perfusio.hybrid.residuals.rows import ResidualRows, residual_rows
from perfusio.hybrid.residuals.transitions import Indices, Transitions
from perfusio.hybrid.streams import stream
from perfusio.state import FloatArray

MIN_ROWS = 5
N_HYPER_ROWS = 300
"""Hyperparameters are searched on about so many rows, of whole runs; the process is conditioned on all rows."""
N_USUAL_ROWS = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, weakref_slot=True)
class Residual:
    """One process per species; None where a species has too few rows (its residual is then zero).

    Attributes:
        layout: Of the panel.
        processes: One per species, in order; each models the residual over the usual one. Default: none.
        usual_variance: Of each process where it has data, (Q,): that which all but a few rows stay below.
        unit: Of each process, (Q,): the usual residual of its species, or more where data show more.
        reach: How far residuals learnt from data go down and up [latent/day], (2, Q): beyond the usual, a step may
            go so far and little further. None = fixed limits, as in models of before.
    """

    layout: Layout = field(default_factory=layout_of)
    processes: tuple[gp.Posterior | None, ...] = ()
    usual_variance: FloatArray = field(default_factory=lambda: np.zeros(0))
    unit: FloatArray = field(default_factory=lambda: np.zeros(0))
    reach: FloatArray | None = field(default_factory=lambda: np.zeros((2, 0)))

    def __post_init__(self) -> None:
        """Have a place for each species."""
        n = self.layout.n_species
        if not self.processes:
            object.__setattr__(self, "processes", (None,) * n)
        if not len(self.usual_variance):
            object.__setattr__(self, "usual_variance", np.zeros(n))
        if not len(self.unit):
            object.__setattr__(self, "unit", self.layout.usual.copy())
        if self.reach is not None and not self.reach.size:
            object.__setattr__(self, "reach", np.zeros((2, n)))

    @classmethod
    def fit(cls, data: IndexedData, log_factors: FloatArray, before: Residual, seed: int) -> Residual:
        """Search hyperparameters (from those of `before` where it has them) and condition on all rows.

        Species in rate form come first: what they explain is not left to the others.

        Raises:
            FitFailed: a process has no usable fit.
        """
        unit = before.layout.usual.copy()

        def learnt(q: int, rows: ResidualRows) -> gp.Posterior:
            old, some = before.processes[q], before.searched(rows, stream(seed, before.layout.species[q]))
            unit[q] = rows.unit(unit[q])
            y, noise = rows.residual / unit[q], rows.noise / unit[q] ** 2
            start = old.h if old is not None else gp.initial_hyperparameters(rows.x.shape[1])
            # marginal likelihood on some rows gives the hyperparameters; all rows give the posterior
            h = gp.fit(rows.x[some], y[some], noise[:, some], start=start)
            return sparse.condition(h, rows.x, y, noise)

        return before._of(_for_each_species(data, log_factors, before, learnt, unit), unit)

    @property
    def expected_rates(self) -> tuple[FloatArray, FloatArray]:
        """Log parameters that are expected of this cell line before its data, and their sd, two arrays (P,)."""
        return np.zeros(self.layout.n_parameters), self.layout.log_sd

    @property
    def usual_freedom(self) -> float:
        """How far a vessel may differ from the model (`filter.Process`), where runs are too few to tell."""
        return 1.0

    def inputs(self, x: FloatArray) -> FloatArray:
        """Return what the processes are given for vessels at x (..., D)."""
        return x

    def among(self, q: int, rows: ResidualRows) -> ResidualRows:
        """Return rows of species `q`, with inputs of the processes, and whatever else its process learns from."""
        del q
        return rows

    def searched(self, rows: ResidualRows, rng: np.random.Generator) -> Indices:
        """Choose rows on which hyperparameters are searched."""
        return _some_runs(rows.run, rng)

    def conditioned(self, data: IndexedData, log_factors: FloatArray) -> Residual:
        """Return the same hyperparameters, conditioned on other data."""

        def again(q: int, rows: ResidualRows) -> gp.Posterior | None:
            old = self.processes[q]
            if old is None:
                return None
            unit = self.unit[q]
            return sparse.condition(old.h, rows.x, rows.residual / unit, rows.noise / unit**2)

        return self._of(_for_each_species(data, log_factors, self, again, self.unit))

    def extended(self, data: IndexedData, log_factors: FloatArray) -> Residual:
        """Return the same processes that have also seen other data, without factorising anything again.

        The errors of new rows count as independent of those before. A species without a process gets none.
        """
        transitions = Transitions.of(data)
        at = self.mean(transitions.x)
        processes = list(self.processes)
        for q, p in enumerate(processes):
            if p is not None and (data.task == q).any():
                rows = residual_rows(data, transitions, log_factors, at, q)
                unit = self.unit[q]
                processes[q] = p.extended(self.inputs(rows.x), rows.residual / unit, rows.noise / unit**2)
        return self._of(tuple(processes))

    def _of(self, processes: tuple[gp.Posterior | None, ...], unit: FloatArray | None = None) -> Residual:
        """Return it with other processes; those of a fit come with their units, and their reach is looked at."""
        n = self.layout.n_species
        reach, own = (self.reach, self.unit) if unit is None else (np.zeros((2, n)), unit)
        usual = np.zeros(n)
        for q, p in enumerate(processes):
            if p is not None:
                mean, variance = p.predict(p.some_rows(N_USUAL_ROWS))
                usual[q] = np.percentile(variance, 98.0)
                if unit is not None and reach is not None and q not in self.layout.rate_form:
                    ends = np.percentile(unit[q] * mean, (2.0, 98.0))
                    reach[:, q] = max(-ends[0], 0.0), max(ends[1], 0.0)
        return replace(self, processes=processes, usual_variance=usual, unit=own, reach=reach)

    @property
    def is_fitted(self) -> bool:
        """Whether any species has a process."""
        return any(p is not None for p in self.processes)

    @property
    def noise_factor(self) -> FloatArray:
        """Fitted sd of readings over the sd that is expected of the analyzer, (Q,); 1 where nothing was fitted."""
        return np.array([1.0 if p is None else np.exp(p.h.log_noise) for p in self.processes])

    def predict(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and variance of the residuals at x (C, D), two arrays (Q, C)."""
        x = self.inputs(x)
        unit, n = self.unit, self.layout.n_species
        mean, variance = np.zeros((n, len(x))), np.zeros((n, len(x)))
        for q, p in enumerate(self.processes):
            if p is not None:
                # processes are fitted in units: the mean scales with it, the variance with its square
                m, v = p.predict(x)
                mean[q], variance[q] = unit[q] * m, unit[q] ** 2 * v
        return mean, variance

    def expanded(self, x: FloatArray) -> gp.Expansion:
        """Return the residuals about x (C, D): mean and variance (Q, C), slope and second derivative (Q, C, D)."""
        n, c, d = self.layout.n_species, *x.shape
        mean, variance, slope, curvature = np.zeros((n, c)), np.zeros((n, c)), np.zeros((n, c, d)), np.zeros((n, c, d))
        x = self.inputs(x)
        for q, p in enumerate(self.processes):
            if p is not None:
                unit, about = self.unit[q], p.expanded(x)
                mean[q], variance[q] = unit * about.mean, unit**2 * about.variance
                slope[q], curvature[q] = unit * about.slope[:, :d], unit * about.curvature[:, :d]
        return gp.Expansion(mean=mean, variance=variance, slope=slope, curvature=curvature)

    def support(self, x: FloatArray) -> FloatArray:
        """Return how close inputs x (C, D) are to data, (C,): 1 = as close as the data to one another, 0 = far off.

        For each species that has a process, its usual variance over that at x, at most 1; their mean.
        """
        x = self.inputs(x)
        # support = mean over species of min(1, usual posterior variance / posterior variance at x)
        shares = [
            np.minimum(1.0, self.usual_variance[q] / np.maximum(p.variance(x), 1e-12))
            for q, p in enumerate(self.processes)
            if p is not None
        ]
        return np.mean(shares, axis=0) if shares else np.zeros(len(x))

    def mean(self, x: FloatArray) -> FloatArray:
        """Return the mean residuals at x (C, D), shape (Q, C)."""
        x = self.inputs(x)
        mean = np.zeros((self.layout.n_species, len(x)))
        for q, p in enumerate(self.processes):
            if p is not None:
                mean[q] = self.unit[q] * p.mean(x)
        return mean

    def sample_paths(self, n_paths: int, seed: int, *, by_position: bool = False) -> Callable[[FloatArray], FloatArray]:
        """Draw residual functions; returns a function of x (G, S, D) that gives (Q, G, S).

        Each species has streams of its own by name, its random waves one along each input; `by_position` one stream
        for all in order, as it was before.
        """
        in_order = np.random.default_rng(seed)

        def along(species: str, n_inputs: int) -> list[np.random.Generator]:
            more = (f"coordinate {i}" for i in range(1, n_inputs - len(self.layout.inputs) + 1))
            return [stream(seed, species, name) for name in (*self.layout.inputs, *more)]

        drawn = {
            q: p.sample_paths(n_paths, in_order)
            if by_position
            else p.sample_paths(n_paths, stream(seed, name), along(name, p.x.shape[1]))
            for q, (name, p) in enumerate(zip(self.layout.species, self.processes, strict=True))
            if p is not None
        }
        bundle = Bundle(list(drawn.values())) if drawn else None
        n, unit = self.layout.n_species, self.unit[list(drawn)].astype(np.float32)

        def sampled(x: FloatArray) -> FloatArray:
            x = self.inputs(x)
            out = np.zeros((n, *x.shape[:2]), np.float32)
            if bundle is not None:
                out[list(drawn)] = unit[:, None, None] * bundle(x)
            return out

        return sampled


def _for_each_species(
    data: IndexedData,
    log_factors: FloatArray,
    before: Residual,
    make: Callable[[int, ResidualRows], gp.Posterior | None],
    unit: FloatArray,
) -> tuple[gp.Posterior | None, ...]:
    """Make the processes on their rows, those in rate form first; each around its estimate from `before`.

    `unit` (Q,) is that of each process once it is made.
    """
    transitions = Transitions.of(data)
    at = before.mean(transitions.x)
    layout, made = before.layout, dict[int, gp.Posterior | None]()
    for q in sorted(range(layout.n_species), key=lambda q: q not in layout.rate_form):
        made[q] = None
        rows = before.among(q, residual_rows(data, transitions, log_factors, at, q))
        if len(rows.residual) >= MIN_ROWS:
            made[q] = process = make(q, rows)
            if q in layout.rate_form and process is not None:
                at[q] = unit[q] * process.mean(before.inputs(transitions.x))
    return tuple(made[q] for q in range(layout.n_species))


def _some_runs(run: Indices, rng: np.random.Generator) -> Indices:
    """Choose rows of whole runs, at most N_HYPER_ROWS; of one run that is longer its first rows."""
    names, counts = np.unique(run, return_counts=True)
    order = rng.permutation(len(names))
    n = max(1, int(np.searchsorted(np.cumsum(counts[order]), N_HYPER_ROWS, side="right")))
    return np.flatnonzero(np.isin(run, names[order[:n]]))[:N_HYPER_ROWS]
