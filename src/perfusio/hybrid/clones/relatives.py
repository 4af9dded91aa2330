"""Residual processes of one cell line that also learn from rows of its relatives.

Every cell line has coordinates, which are further inputs of the processes: how much a row of a relative counts, the
lengthscales along them decide, and these are learnt with all others by marginal likelihood. Rows of relatives say what
*their* balances missed, each around its own calibrated rates; they are the background, fixed while a line is learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from perfusio.hybrid.features import IndexedData
from perfusio.hybrid.gaussian_processes import gp, sparse
from perfusio.hybrid.residuals.residual import MIN_ROWS, N_HYPER_ROWS, Residual
from perfusio.hybrid.residuals.rows import ResidualRows, residual_rows
from perfusio.hybrid.residuals.transitions import Indices, Transitions
from perfusio.state import FloatArray

OWN_SHARE = 0.5
"""Of the rows on which hyperparameters are searched, so many at most are of the line itself."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CloneResidual(Residual):
    """The processes of one cell line, with those rows of other lines that they learn from too.

    Attributes:
        coordinates: Of this line (d,).
        centre: Log parameters that are expected of it (P,).
        centre_sd: Their sd (P,).
        background: Rows of relatives, one per species, coordinates among their inputs.
        freedom: How far a vessel may differ from the model, where its own runs are too few to tell.
    """

    coordinates: FloatArray = field(default_factory=lambda: np.zeros(0))
    centre: FloatArray = field(default_factory=lambda: np.zeros(0))
    centre_sd: FloatArray = field(default_factory=lambda: np.zeros(0))
    background: tuple[ResidualRows, ...] = ()
    freedom: float = 1.0

    def __post_init__(self) -> None:
        """Expect what is usual where relatives say nothing."""
        Residual.__post_init__(self)
        if not len(self.centre):
            object.__setattr__(self, "centre", np.zeros(self.layout.n_parameters))
            object.__setattr__(self, "centre_sd", self.layout.log_sd.copy())

    @property
    def expected_rates(self) -> tuple[FloatArray, FloatArray]:
        """Those of its relatives."""
        return self.centre, self.centre_sd

    @property
    def usual_freedom(self) -> float:
        """As relatives say."""
        return self.freedom

    def inputs(self, x: FloatArray) -> FloatArray:
        """Append the coordinates to x (..., D)."""
        return with_coordinates(x, self.coordinates)

    def among(self, q: int, rows: ResidualRows) -> ResidualRows:
        """Put rows of this line before those of its relatives."""
        return joined([replace(rows, x=self.inputs(rows.x)), self.background[q]])

    def searched(self, rows: ResidualRows, rng: np.random.Generator) -> Indices:
        """Choose rows of this line and of its relatives, so that the distance between them has a say."""
        is_own = (rows.x[:, -len(self.coordinates) :] == self.coordinates).all(axis=1)
        own, others = np.flatnonzero(is_own), np.flatnonzero(~is_own)
        n_own = min(len(own), max(int(OWN_SHARE * N_HYPER_ROWS), N_HYPER_ROWS - len(others)))
        chosen = [*_whole_runs(rows.run, own, n_own, rng), *_whole_runs(rows.run, others, N_HYPER_ROWS - n_own, rng)]
        return np.sort(np.array(chosen, dtype=np.intp))

    def on_background(self, processes: Sequence[gp.Posterior | None]) -> CloneResidual:
        """Return the processes before any row of this line, with hyperparameters of a relative's."""
        known: list[gp.Posterior | None] = [None] * self.layout.n_species
        for q, (old, rows) in enumerate(zip(processes, self.background, strict=True)):
            if old is not None and len(rows.residual) >= MIN_ROWS:
                h = _with_inputs(old.h, rows.x.shape[1])
                unit = self.unit[q]
                known[q] = sparse.condition(h, rows.x, rows.residual / unit, rows.noise / unit**2)
        made = self._of(tuple(known))
        assert isinstance(made, CloneResidual)
        return made


def with_coordinates(x: FloatArray, coordinates: FloatArray) -> FloatArray:
    """Append coordinates (d,) to each of x (..., D)."""
    return np.concatenate([x, np.broadcast_to(coordinates, (*x.shape[:-1], len(coordinates)))], axis=-1)


def joined(parts: Sequence[ResidualRows]) -> ResidualRows:
    """Put rows one after another; runs keep apart."""
    runs, first = [], 0
    for part in parts:
        runs.append(part.run + first)
        first += int(part.run.max(initial=-1)) + 1
    return ResidualRows(
        x=np.concatenate([p.x for p in parts]),
        residual=np.concatenate([p.residual for p in parts]),
        noise=np.concatenate([p.noise for p in parts], axis=1),
        run=np.concatenate(runs),
    )


def rows_of(data: IndexedData, log_factors: FloatArray, residual: Residual) -> tuple[ResidualRows, ...]:
    """Return what the balances missed in these transitions, by species; inputs without coordinates."""
    transitions = Transitions.of(data)
    at = residual.mean(transitions.x)
    return tuple(residual_rows(data, transitions, log_factors, at, q) for q in range(data.layout.n_species))


def _whole_runs(run: Indices, among: Indices, n: int, rng: np.random.Generator) -> list[int]:
    """Choose about n of the rows `among`: whole runs at random, the last of them cut."""
    chosen: list[int] = []
    for name in rng.permutation(np.unique(run[among])):
        chosen += [int(i) for i in among[run[among] == name]]
    return chosen[:n]


def _with_inputs(h: gp.Hyperparameters, n_inputs: int) -> gp.Hyperparameters:
    """Return hyperparameters for so many inputs: the last are coordinates, of which `h` may have fewer or more."""
    n_more = max(0, n_inputs - len(h.log_lengthscales))
    more = np.full(n_more, gp.initial_hyperparameters(n_inputs).log_lengthscales[0])
    return replace(h, log_lengthscales=np.concatenate([h.log_lengthscales[:n_inputs], more]))
