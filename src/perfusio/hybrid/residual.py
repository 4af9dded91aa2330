"""What the balances miss: independent Gaussian processes for the daily residual of the prior, one per species.

Each species has its own process and its own rows, so a missing value costs one row of one species, and no matrix ever
spans the species. A residual has one of two forms: a rate added on the latent scale [latent/day], or, for a species
that a concentrate holds, a correction of the logarithm of its uptake, which keeps the controller that feeds it.

A row is the difference of two readings, and the reading in the middle of two rows is in both: their errors are
correlated. Rows that know this use the whole course of a run, where rows that start from a smoothed state learn the
smoother's bias (ADR 0006). Letters as in `gp` and `layout`; T transitions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from perfusio.hybrid.features import IndexedData
from perfusio.hybrid.gaussian_processes import gp, sparse
from perfusio.hybrid.gaussian_processes.paths import Bundle
from perfusio.hybrid.layout import Layout, layout_of
from perfusio.hybrid.mechanistic import STEPS_PER_DAY, advance
from perfusio.hybrid.streams import stream
from perfusio.state import FloatArray

Indices = np.ndarray[tuple[int], np.dtype[np.intp]]

WASHED_SHARE, LEAST_PERFUSION = 0.9, 0.1  # of the perfusion rate; below so little of it [1/day] the bound stays
RATE_LIMIT = 3.0  # of a log rate
MIN_ROWS = 5
N_HYPER_ROWS = 300
"""Hyperparameters are searched on about so many rows, of whole runs; the process is conditioned on all rows."""
N_USUAL_ROWS = 100
OUTLIER_SD = 5.0
_NUDGE = 0.01
_LEAST_GAIN = 1e-3


def bounded(rate: FloatArray, limit: FloatArray | float) -> FloatArray:
    """Return a residual that stays within `limit`, unchanged where it is small."""
    smooth: FloatArray = limit * np.tanh(rate / limit)
    return smooth


def step(
    at: Layout,
    latent: FloatArray,
    setpoints: FloatArray,
    log_factors: FloatArray,
    hours: FloatArray,
    medium: FloatArray,
    residual: FloatArray | None = None,
    drift: FloatArray | float = 0.0,
    *,
    is_bounded: bool = True,
    steps_per_day: int = STEPS_PER_DAY,
) -> FloatArray:
    """Advance latent states by the balances and their residual.

    Args:
        at: Layout of the panel.
        latent: Start (Q, B).
        setpoints: (U, B).
        log_factors: Parameters of the prior (P, B).
        hours: Interval (B,).
        medium: What the perfusion medium holds, (Q,) or (Q, B).
        residual: Of each species in its form, (Q, B); None = none.
        drift: Rate to add to it [latent/day], (Q, B).
        is_bounded: Whether rates are held to what is plausible. Not while learning: where a bound bends, a row hardly
            tells its residual, and what it seems to tell has no end (targets of 35 a day on Random73 for 0.2; on six
            clones with 27 runs rRMSE in design is 0.13 with, 0.10 without).
        steps_per_day: Of the integration.

    Returns:
        Latent states after the interval, (Q, B).
    """
    if residual is None:
        rate = np.zeros_like(latent) + drift
    else:
        rate = residual + drift
        log_factors = log_factors.copy()
        for q, p in at.rate_form.items():
            log_factors[p] += bounded(residual[q], RATE_LIMIT)
            rate[q] -= residual[q]
    moved: FloatArray = mechanistic_step(at, latent, setpoints, log_factors, hours, medium, steps_per_day)
    if is_bounded:
        rate = bounded(rate, _washable(at, rate, setpoints))
    moved += rate * hours / 24.0
    return moved


def _washable(at: Layout, rate: FloatArray, setpoints: FloatArray) -> FloatArray:
    """Return what these rates (Q, B) may reach at these setpoints (U, B) [latent/day].

    A solute that grew by more than perfusion washes out, day after day, would end in the millions.
    """
    perfusion = setpoints[at.perfusion] if at.perfusion is not None else np.zeros_like(rate[0])
    washed = WASHED_SHARE * np.maximum(perfusion, LEAST_PERFUSION)
    limit = np.repeat(at.limit[:, None].astype(rate.dtype, copy=False), rate.shape[1], axis=1)
    usual = limit[at.washed_out]
    limit[at.washed_out] = np.where(rate[at.washed_out] > 0.0, np.minimum(usual, washed), usual)
    return limit


def mechanistic_step(
    at: Layout,
    latent: FloatArray,
    setpoints: FloatArray,
    log_factors: FloatArray,
    hours: FloatArray,
    medium: FloatArray,
    steps_per_day: int = STEPS_PER_DAY,
) -> FloatArray:
    """Advance latent states (Q, B) by the balances alone, on the latent scale.

    Viability above 100 % and concentrations below zero are what a filter may briefly believe; they enter as 100 and 0,
    and the excess is carried along so that no information is lost at the edge.
    """
    species = at.from_latent(latent)
    after = at.to_latent(advance(at, species, setpoints, log_factors, hours, medium, steps_per_day))
    if at.alive is not None:
        excess = at.excess_viability(latent, species)
        after[at.alive] += np.where(excess > 0.0, 0.5 * excess, 0.0)
    return after


@dataclass(frozen=True, slots=True, kw_only=True)
class Transitions:
    """The T different transitions behind R indexed rows, which repeat each of them for every measured species.

    Attributes:
        latent: Start (Q, T).
        setpoints: (U, T).
        hours: (T,).
        x: Inputs of the processes (T, D).
        place: Transition of each row, (R,).
        medium: (Q,) of all, or (Q, T).
        layout: Of the panel.
    """

    latent: FloatArray
    setpoints: FloatArray
    hours: FloatArray
    x: FloatArray
    place: Indices
    medium: FloatArray
    layout: Layout

    @classmethod
    def of(cls, data: IndexedData) -> Transitions:
        """Find them; rows of one transition follow one another."""
        is_new = np.ones(len(data.y), dtype=bool)
        is_new[1:] = (data.x[1:, :-1] != data.x[:-1, :-1]).any(axis=1) | (data.hours[1:] != data.hours[:-1])
        if data.medium is not None:
            is_new[1:] |= (data.medium[1:] != data.medium[:-1]).any(axis=1)
        one, at = data.x[is_new], data.layout
        latent, setpoints = at.to_latent(one[:, : at.n_species].T), one[:, at.n_species : -2].T
        return cls(
            latent=latent,
            setpoints=setpoints,
            hours=data.hours[is_new],
            x=at.gp_inputs(latent, setpoints, one[:, -2]),
            place=np.cumsum(is_new) - 1,
            medium=at.medium if data.medium is None else np.ascontiguousarray(data.medium[is_new].T),
            layout=at,
        )

    def repeated(self, n: int) -> Transitions:
        """Return the transitions `n` times, one copy after the other; rows stay those of the first."""
        return replace(
            self,
            latent=np.tile(self.latent, (1, n)),
            setpoints=np.tile(self.setpoints, (1, n)),
            hours=np.tile(self.hours, n),
            medium=self.medium if self.medium.ndim == 1 else np.tile(self.medium, (1, n)),
        )

    def predicted(
        self, log_factors: FloatArray, residual: FloatArray | None = None, latent: FloatArray | None = None
    ) -> FloatArray:
        """Return the latent states after the transitions (Q, T), from `latent` if given.

        Args:
            log_factors: Parameters of the prior, (P,), or (P, T) where they differ between transitions.
            residual: As for `step`.
            latent: Start (Q, T).
        """
        factors = log_factors if log_factors.ndim == 2 else np.repeat(log_factors[:, None], len(self.hours), axis=1)
        start = self.latent if latent is None else latent
        return step(self.layout, start, self.setpoints, factors, self.hours, self.medium, residual, is_bounded=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualRows:
    """Training rows of one species: inputs (N, D), residuals (N,), their noise (2, N) as in `gp`, run of each (N,)."""

    x: FloatArray
    residual: FloatArray
    noise: FloatArray
    run: Indices


def residual_rows(
    data: IndexedData, transitions: Transitions, log_factors: FloatArray, at: FloatArray, q: int
) -> ResidualRows:
    """Return the rows of species `q`: what its residual must have been, to first order around `at`.

    A reading z and the one before it, z0, say that  z - f(z0) = gain * residual + e - slope * e0,  with f the model's
    step, linear around the state that the row starts from. Where z0 was not read the estimate stands in for it.

    Args:
        data: Transitions in the indexed format.
        transitions: `Transitions.of(data)`.
        log_factors: Parameters of the prior (P,).
        at: Residuals of all species around which to linearise, at the transitions, (Q, T).
        q: Index of the species.
    """
    layout, usual = data.layout, data.layout.usual[q]
    nudged, moved = transitions.latent.copy(), at.copy()
    nudged[q] += _NUDGE
    moved[q] += _NUDGE * usual
    three = transitions.repeated(3).predicted(  # in one call: of few transitions that costs as much as each alone
        log_factors, np.hstack([at, at, moved]), np.hstack([transitions.latent, nudged, transitions.latent])
    )
    predicted, of_nudged, of_moved = np.split(three, 3, axis=1)
    slope = (of_nudged[q] - predicted[q]) / _NUDGE
    gain = (of_moved[q] - predicted[q]) / (_NUDGE * usual)
    gain = np.copysign(np.maximum(np.abs(gain), _LEAST_GAIN), gain)
    rows = np.flatnonzero(data.task == q)
    t = transitions.place[rows]
    z, z0 = _latent_of(layout, q, data.y[rows]), _latent_of(layout, q, data.read[rows])
    is_read = np.isfinite(z0)
    sd = layout.noise_sd(layout.from_latent(predicted))[q, t]
    sd0 = layout.noise_sd(layout.from_latent(transitions.latent))[q, t] * np.where(is_read, 1.0, 0.5)
    off = z - predicted[q, t] - slope[t] * np.where(is_read, z0 - transitions.latent[q, t], 0.0)
    total = np.hypot(sd, slope[t] * sd0)
    off = np.clip(off, -OUTLIER_SD * total - 0.5, OUTLIER_SD * total + 0.5)
    day, follows = data.x[rows, -2], np.zeros(len(rows), dtype=bool)
    same_time = np.isclose(day[:-1] + data.hours[rows][:-1] / 24.0, day[1:], atol=1e-6)
    follows[1:] = same_time & (data.read[rows][1:] == data.y[rows][:-1])
    shared = np.zeros(len(rows))
    (i,) = np.nonzero(follows[1:])
    shared[i] = -slope[t[i + 1]] * sd0[i + 1] * sd[i] / (gain[t[i]] * gain[t[i + 1]])
    return ResidualRows(
        x=transitions.x[t],
        residual=at[q, t] + off / gain[t],
        noise=np.stack([(total / gain[t]) ** 2, shared]),
        run=np.cumsum(np.concatenate([[True], day[1:] < day[:-1]])[: len(rows)]) - 1,
    )


def _latent_of(layout: Layout, q: int, values: FloatArray) -> FloatArray:
    species = np.zeros((layout.n_species, len(values)))
    species[q] = values
    latent: FloatArray = layout.to_latent(species)[q]
    return latent


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, weakref_slot=True)
class Residual:
    """One process per species; None where a species has too few rows (its residual is then zero).

    Attributes:
        layout: Of the panel.
        processes: One per species, in order; each models the residual over the usual one. Default: none.
        usual_variance: Of each process where it has data, (Q,): that which all but a few rows stay below.
    """

    layout: Layout = field(default_factory=layout_of)
    processes: tuple[gp.Posterior | None, ...] = ()
    usual_variance: FloatArray = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        """Have a place for each species."""
        n = self.layout.n_species
        if not self.processes:
            object.__setattr__(self, "processes", (None,) * n)
        if not len(self.usual_variance):
            object.__setattr__(self, "usual_variance", np.zeros(n))

    @classmethod
    def fit(cls, data: IndexedData, log_factors: FloatArray, before: Residual, seed: int) -> Residual:
        """Search hyperparameters (from those of `before` where it has them) and condition on all rows.

        Species in rate form come first: what they explain is not left to the others.

        Raises:
            FitFailed: a process has no usable fit.
        """

        def learnt(q: int, rows: ResidualRows) -> gp.Posterior:
            old, some = before.processes[q], before.searched(rows, stream(seed, before.layout.species[q]))
            usual = before.layout.usual[q]
            y, noise = rows.residual / usual, rows.noise / usual**2
            start = old.h if old is not None else gp.initial_hyperparameters(rows.x.shape[1])
            h = gp.fit(rows.x[some], y[some], noise[:, some], start=start)
            return sparse.condition(h, rows.x, y, noise)

        return before._of(_for_each_species(data, log_factors, before, learnt))

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
            usual = self.layout.usual[q]
            return sparse.condition(old.h, rows.x, rows.residual / usual, rows.noise / usual**2)

        return self._of(_for_each_species(data, log_factors, self, again))

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
                usual = self.layout.usual[q]
                processes[q] = p.extended(self.inputs(rows.x), rows.residual / usual, rows.noise / usual**2)
        return self._of(tuple(processes))

    def _of(self, processes: tuple[gp.Posterior | None, ...]) -> Residual:
        usual = np.zeros(self.layout.n_species)
        for q, p in enumerate(processes):
            if p is not None:
                usual[q] = np.percentile(p.predict(p.some_rows(N_USUAL_ROWS))[1], 98.0)
        return replace(self, processes=processes, usual_variance=usual)

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
        usual, n = self.layout.usual, self.layout.n_species
        mean, variance = np.zeros((n, len(x))), np.zeros((n, len(x)))
        for q, p in enumerate(self.processes):
            if p is not None:
                m, v = p.predict(x)
                mean[q], variance[q] = usual[q] * m, usual[q] ** 2 * v
        return mean, variance

    def support(self, x: FloatArray) -> FloatArray:
        """Return how close inputs x (C, D) are to data, (C,): 1 = as close as the data to one another, 0 = far off.

        For each species that has a process, its usual variance over that at x, at most 1; their mean.
        """
        x = self.inputs(x)
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
                mean[q] = self.layout.usual[q] * p.mean(x)
        return mean

    def sample_paths(
        self, n_paths: int, seed: int, *, by_position: bool = False
    ) -> Callable[[FloatArray], FloatArray]:
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
        n, usual = self.layout.n_species, self.layout.usual[list(drawn)].astype(np.float32)

        def sampled(x: FloatArray) -> FloatArray:
            x = self.inputs(x)
            out = np.zeros((n, *x.shape[:2]), np.float32)
            if bundle is not None:
                out[list(drawn)] = usual[:, None, None] * bundle(x)
            return out

        return sampled


def _for_each_species(
    data: IndexedData,
    log_factors: FloatArray,
    before: Residual,
    make: Callable[[int, ResidualRows], gp.Posterior | None],
) -> tuple[gp.Posterior | None, ...]:
    """Make the processes on their rows, those in rate form first; each around what is known of it from `before`."""
    transitions = Transitions.of(data)
    at = before.mean(transitions.x)
    layout, made = before.layout, dict[int, gp.Posterior | None]()
    for q in sorted(range(layout.n_species), key=lambda q: q not in layout.rate_form):
        made[q] = None
        rows = before.among(q, residual_rows(data, transitions, log_factors, at, q))
        if len(rows.residual) >= MIN_ROWS:
            made[q] = process = make(q, rows)
            if q in layout.rate_form and process is not None:
                at[q] = layout.usual[q] * process.mean(before.inputs(transitions.x))
    return tuple(made[q] for q in range(layout.n_species))


def _some_runs(run: Indices, rng: np.random.Generator) -> Indices:
    """Choose rows of whole runs, at most N_HYPER_ROWS; of one run that is longer its first rows."""
    names, counts = np.unique(run, return_counts=True)
    order = rng.permutation(len(names))
    n = max(1, int(np.searchsorted(np.cumsum(counts[order]), N_HYPER_ROWS, side="right")))
    return np.flatnonzero(np.isin(run, names[order[:n]]))[:N_HYPER_ROWS]
