"""Cell lines as vectors, and the registry that carries knowledge of them to the next one.

The calibrated rates of a line, relative to how much they differ between cell lines, place it among the others; the one
to three directions in which the lines differ most are its **coordinates**. How much each direction matters for what the
balances miss is learnt by the processes (`relatives`). Rates of a new line are expected near the mean of those known,
shrunken to what is typical where few are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from perfusio.errors import NotEnoughData
from perfusio.hybrid.calibration import calibrate
from perfusio.hybrid.clones import clone_distances
from perfusio.hybrid.clones.relatives import CloneResidual, joined, rows_of, with_coordinates
from perfusio.hybrid.features import indexed
from perfusio.hybrid.filtering.belief import Process
from perfusio.hybrid.layout import Layout, layout_of
from perfusio.hybrid.learning import smoothed_courses
from perfusio.hybrid.model import HybridModel
from perfusio.hybrid.residuals.rows import ResidualRows
from perfusio.state import FloatArray
from perfusio.trajectory import Trajectory

MOST_DIMENSIONS = 3
BETWEEN_LINES = 0.8
"""Of the sd of a rate between cell lines in general: around lines that were calibrated on the same balances."""
LEAST_FREEDOM = 0.25
"""Of a vessel of a new line; a line with many runs may have less. Of 0.1 to 1, best on Random700 to 712 with 3 runs."""
WIDEST = 1.5
"""By so much the spread between the known lines may exceed or fall below that of cell lines in general."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneRegistry:
    """Cell lines that are known, each with the model of its own runs.

    Attributes:
        models: By name of the clone; each remembers the runs it was learnt from.
    """

    models: dict[str, HybridModel] = field(default_factory=dict)

    @classmethod
    def fit(cls, trajectories: Sequence[Trajectory], *, seed: int = 0) -> CloneRegistry:
        """Learn every clone of these runs by itself; `adapted` then lets one learn from the others.

        Raises:
            NotEnoughData: a clone has too few usable rows.
            FitFailed: no usable optimum.
        """
        by_clone: dict[str, list[Trajectory]] = {}
        for t in trajectories:
            by_clone.setdefault(t.clone, []).append(t)
        prior = HybridModel.of_runs(trajectories)
        return cls(models={c: prior.fit(runs, seed=seed, calibrate=False) for c, runs in by_clone.items()})

    @property
    def layout(self) -> Layout:
        """Layout of the arrays of its models; that of the default panel where there are none."""
        return next((m.process.layout for m in self.models.values()), None) or layout_of()

    @property
    def runs(self) -> tuple[Trajectory, ...]:
        """All runs of all clones."""
        return tuple(c.trajectory for m in self.models.values() for c in m.courses)

    def without(self, clone: str) -> CloneRegistry:
        """Return the registry of the other clones."""
        return replace(self, models={name: m for name, m in self.models.items() if name != clone})

    def factors(self) -> FloatArray:
        """Return the calibrated log parameters of the clones (K, P)."""
        return np.array([m.process.log_factors for m in self.models.values()]).reshape(-1, self.layout.n_parameters)

    def expected_rates(self) -> tuple[FloatArray, FloatArray]:
        """Return log parameters expected of a new clone, and their sd, two arrays (P,)."""
        known = self.factors()
        k, log_sd = len(known), self.layout.log_sd
        if k == 0:
            return np.zeros(len(log_sd)), log_sd.copy()
        centre = known.mean(axis=0) * k / (k + BETWEEN_LINES**2)
        usual = (BETWEEN_LINES * log_sd) ** 2
        between = (3.0 * usual + ((known - centre) ** 2).sum(axis=0)) / (3.0 + k)
        between = np.clip(between, usual / WIDEST**2, usual * WIDEST**2)
        return centre, np.sqrt(between * (1.0 + 1.0 / (k + 1.0)))

    def distances(self) -> FloatArray:
        """Return how far apart the rates of clones are (`likeness`), (K, K)."""
        return clone_distances.distances(self.factors(), self.layout.log_sd)

    def places(self) -> FloatArray:
        """Return the clones on a map (`likeness`), (K, d)."""
        return clone_distances.places(self.distances())

    def newcomer(self, log_factors: FloatArray | None = None) -> HybridModel:
        """Return the model of a clone of which no run is known: rows and rates of relatives, and the doubt about them.

        Args:
            log_factors: Its rates, if something is known of them, (P,); they place it among the others.

        Raises:
            NotEnoughData: the registry is empty.
        """
        bare, largest = self._around(log_factors)
        process = Process(
            log_factors=bare.centre if log_factors is None else log_factors,
            rate_cov=np.diag(bare.centre_sd[: self.layout.n_vessel_rates] ** 2),
            residual=bare.on_background(largest.residual.processes),
        )
        return HybridModel(process=process)

    def among(self, model: HybridModel) -> Process:
        """Return the process of a clone with runs of its own, with the knowledge of its relatives, the clones here.

        Raises:
            NotEnoughData: the registry is empty.
        """
        log_factors = model.process.log_factors
        bare, _ = self._around(log_factors)
        start = bare.on_background(model.process.residual.processes)
        own = indexed([c.trajectory for c in model.courses], [c.species for c in model.courses], layout=self.layout)
        return replace(model.process, residual=start.conditioned(own, log_factors))

    def _around(self, log_factors: FloatArray | None) -> tuple[CloneResidual, Process]:
        """Return the lesson of relatives for a clone with these rates, before any process; and the best known one."""
        if not self.models:
            raise NotEnoughData("The registry knows no clone, so nothing can be carried over: fit a model of its runs.")
        centre, sd = self.expected_rates()
        places, own = coordinates(self.factors(), log_factors, centre, self.layout.log_sd)
        parts: list[list[ResidualRows]] = [[] for _ in range(self.layout.n_species)]
        for place, model in zip(places, self.models.values(), strict=True):
            data = indexed(
                [c.trajectory for c in model.courses], [c.species for c in model.courses], layout=self.layout
            )
            for q, rows in enumerate(rows_of(data, model.process.log_factors, model.process.residual)):
                parts[q].append(replace(rows, x=with_coordinates(rows.x, place)))
        largest = max(self.models.values(), key=lambda m: len(m.courses)).process
        bare = CloneResidual(
            layout=self.layout,
            coordinates=own,
            unit=largest.residual.unit,
            reach=largest.residual.reach,
            centre=centre,
            centre_sd=sd,
            background=tuple(joined(of_species) for of_species in parts),
            freedom=max(largest.freedom, LEAST_FREEDOM),
        )
        return bare, largest

    def adapted(self, runs: Sequence[Trajectory], *, seed: int = 0, is_calibrated: bool = True) -> HybridModel:
        """Return the model of a clone with these few runs, learnt with the knowledge of the others.

        Args:
            runs: Of the new clone; none = the model of `newcomer`.
            seed: Of every random choice.
            is_calibrated: Whether to calibrate the spread of forecasts.

        Raises:
            NotEnoughData: the registry is empty, or there are runs with too few usable rows.
            FitFailed: no usable optimum.
        """
        start = self.newcomer()
        if not runs:
            return start
        courses = smoothed_courses(start.process, runs)
        data = indexed([c.trajectory for c in courses], [c.species for c in courses], layout=self.layout)
        placed = self.newcomer(calibrate(data, start.process.log_factors, self.expected_rates())[0])
        return placed.fit(runs, seed=seed, calibrate=is_calibrated)


def coordinates(
    known: FloatArray, own: FloatArray | None, centre: FloatArray, log_sd: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the coordinates of known clones (K, d), and of one with log parameters `own` (d,).

    Principal components of the rates over their usual differences. Of a clone with no data nothing is known but that it
    is another: it lies off all of them, as far as two clones usually differ.
    """
    scale = log_sd * np.sqrt(2.0 * len(log_sd))
    z = (np.vstack([known, centre if own is None else own]) - centre) / scale
    mean = z.mean(axis=0)
    _, _, axes = np.linalg.svd(z - mean, full_matrices=False)
    axes = axes[: min(MOST_DIMENSIONS, len(known))]
    places = (z - mean) @ axes.T
    if own is None:
        off = np.zeros((len(places), 1))
        off[-1] = 1.0
        places = np.hstack([places[:, : MOST_DIMENSIONS - 1], off])
    return places[:-1], places[-1]
