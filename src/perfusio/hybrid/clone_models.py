"""One belief over vessels of several clones: each clone has a model, and each learns from all others.

A vessel is followed and forecast by the model of its clone. At every refit a clone starts from what it knew, with the
rows and rates that its relatives have learnt by then (`embedding`); so a day of one clone teaches all of them, as much
as their likeness allows. A clone of which nothing is known yet is a newcomer among the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np

from perfusio.errors import FitFailed, NotEnoughData
from perfusio.forecast import Forecast
from perfusio.hybrid.calibration import calibrate
from perfusio.hybrid.clones.embedding import CloneRegistry
from perfusio.hybrid.clones.transfer import adapt
from perfusio.hybrid.features import indexed
from perfusio.hybrid.filtering.belief import Process
from perfusio.hybrid.learning import MIN_TRANSITIONS, smoothed_courses, tried_in
from perfusio.hybrid.medium_check import Doubt, medium_doubts
from perfusio.hybrid.model import HybridModel
from perfusio.hybrid.rollout import Futures
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.protocols import Model, Refit
from perfusio.state import FloatArray, Setpoints, State
from perfusio.trajectory import Feed, Trajectory

WORSE = 1.1
"""A clone whose refit predicts its latest transitions this many times worse keeps its model; the others do not wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneModels:
    """A model for vessels of several clones. Frozen; everything that learns returns a new one.

    Attributes:
        models: By clone, as trajectories name it.
        alone: Clones to which relatives do harm, as runs left out said; they learn from their own runs only.
        panel: The quantities of the process.
    """

    models: dict[str, HybridModel] = field(default_factory=dict)
    alone: tuple[str, ...] = ()
    panel: Panel = CHO_PERFUSION

    @classmethod
    def fit(cls, runs: Sequence[Trajectory], clones: Collection[str] = (), *, seed: int = 0) -> CloneModels:
        """Learn from past runs of any clones.

        Args:
            runs: Past runs; clones with fewer than MIN_TRANSITIONS transitions are left to teach nobody.
            clones: Those of the vessels to come, past runs or not: they learn from all others too. Default: all.
            seed: Of every random choice.

        Raises:
            NotEnoughData: no clone has enough usable rows.
            FitFailed: no usable optimum.
        """
        of_clone = by_clone(runs)
        teaching = {c: own for c, own in of_clone.items() if sum(len(t.setpoints) for t in own) >= MIN_TRANSITIONS}
        if not teaching:
            raise NotEnoughData(
                f"{len(runs)} past runs have no clone with {MIN_TRANSITIONS} intervals between samples, which is the "
                "least to learn from. Give longer runs, or start without past runs."
            )
        registry = CloneRegistry.fit([t for own in teaching.values() for t in own], seed=seed)
        models, alone = dict(registry.models), []
        for clone in clones or of_clone:
            others = registry.without(clone)
            if others.models:
                adaptation = adapt(others, teaching.get(clone, ()), seed=seed)
                models[clone] = adaptation.model
                alone += [clone] if adaptation.is_alone else []
            elif clone in models:
                models[clone] = models[clone].calibrated(teaching[clone], seed=seed)
        return cls(models=models, alone=tuple(alone), panel=registry.layout.panel)

    def save(self, folder: Path, *, trajectories: Sequence[Trajectory]) -> Path:
        """Write it to a folder as a checkpoint (`perfusio.hybrid.checkpoints`); return its `checkpoint.json`.

        Raises:
            OSError: the disk does not take it.
        """
        from perfusio.hybrid import checkpoints  # it knows how to make this class again

        return checkpoints.save(self, folder, trajectories=trajectories)

    @property
    def model_id(self) -> str:
        """Twelve hex digits that change whenever the predictions for any clone change."""
        digest = hashlib.sha256()
        for clone in sorted(self.models):
            digest.update(f"{clone}\n{self.models[clone].model_id}\n".encode())
        return digest.hexdigest()[:12]

    def learnt_from(self) -> str:
        """Return the past runs that it was learnt from in words; empty where there are none."""
        told = [m.learnt_from() for m in self.models.values()]
        return "; ".join(dict.fromkeys(filter(None, told)))

    @property
    def registry(self) -> CloneRegistry:
        """The clones that something was learnt of."""
        return CloneRegistry(models={c: m for c, m in sorted(self.models.items()) if m.courses})

    def of(self, clone: str) -> HybridModel:
        """Return the model of a clone; of one that is new, what its relatives say, else the prior."""
        known = self.models.get(clone)
        if known is not None:
            return known
        registry = self.registry
        return registry.newcomer() if registry.models else HybridModel.prior(self.panel)

    def condition(self, trajectories: Sequence[Trajectory]) -> Self:
        """Take in these vessels' samples; parameters stay."""
        conditioned = {clone: self.of(clone).condition(own) for clone, own in by_clone(trajectories).items()}
        return replace(self, models=self.models | conditioned)

    def refit(self, trajectories: Sequence[Trajectory], *, seed: int) -> Refit[Self]:
        """Learn again for each clone, with what the others knew before; errors are RMS over vessels.

        Args:
            trajectories: The vessels that are followed from now on.
            seed: Of every random choice.

        Raises:
            NotEnoughData: of no clone there is enough to learn from.
            FitFailed: no clone has a usable optimum.
        """
        refits, failures = dict[str, Refit[HybridModel]](), list[NotEnoughData | FitFailed]()
        vessels = by_clone(trajectories)
        for clone, own in vessels.items():
            before = self.of(clone)
            try:
                refits[clone] = _or_as_before(before, before.refit(own, seed=seed, start=self._start(clone, own)))
            except (NotEnoughData, FitFailed) as error:
                failures.append(error)
        if not refits:
            raise failures[0]
        n = [len(vessels[clone]) for clone in refits]
        return Refit(
            model=replace(self, models=self.models | {clone: r.model for clone, r in refits.items()}),
            error=_rms([r.error for r in refits.values()], n),
            previous_error=_rms([r.previous_error for r in refits.values()], n),
        )

    def _start(self, clone: str, own: Sequence[Trajectory]) -> Process | None:
        """Return where a clone starts to learn: among its relatives as they are now; None where there are none."""
        relatives = self.registry.without(clone)
        if not relatives.models or clone in self.alone:
            return None
        before = self.of(clone)
        if before.courses:
            return relatives.among(before)
        courses = smoothed_courses(before.process, own)
        data = indexed([c.trajectory for c in courses], [c.species for c in courses], layout=before.process.layout)
        if len(data.y) < MIN_TRANSITIONS:
            return None
        rates = calibrate(data, before.process.log_factors, relatives.expected_rates()).log_factors
        return relatives.newcomer(rates).process

    def rollout(
        self,
        trajectory: Trajectory,
        plans: Sequence[Sequence[Setpoints]],
        *,
        interval_hours: float,
        n_paths: int,
        seed: int,
        feeds: Sequence[Feed | None] = (),
    ) -> tuple[Forecast, ...]:
        """Forecast one vessel; as `HybridModel.rollout`."""
        return self.of(trajectory.clone).rollout(
            trajectory, plans, interval_hours=interval_hours, n_paths=n_paths, seed=seed, feeds=feeds
        )

    def futures(
        self,
        trajectory: Trajectory,
        *,
        interval_hours: float,
        n_paths: int,
        n_intervals: int,
        seed: int,
        feeds: Sequence[Feed | None] = (),
    ) -> Futures:
        """Draw possible futures of one vessel; as `HybridModel.futures`."""
        return self.of(trajectory.clone).futures(
            trajectory, interval_hours=interval_hours, n_paths=n_paths, n_intervals=n_intervals, seed=seed, feeds=feeds
        )

    def medium_doubts(self, trajectory: Trajectory) -> tuple[Doubt, ...]:
        """Return the species whose declared inlet does not fit the first days of a vessel; see `medium_check`."""
        return medium_doubts(trajectory)

    def tried(self) -> tuple[FloatArray, FloatArray] | None:
        """Return the range of each setpoint in the runs that any clone learnt from; as `HybridModel.tried`."""
        return tried_in([course for model in self.models.values() for course in model.courses])

    def disturbance(self, trajectory: Trajectory) -> tuple[FloatArray, FloatArray]:
        """Return the estimated drift of a vessel and its sd; as `HybridModel.disturbance`."""
        return self.of(trajectory.clone).disturbance(trajectory)

    def estimate(self, trajectory: Trajectory) -> State:
        """Return the filtered state of a vessel; as `HybridModel.estimate`."""
        return self.of(trajectory.clone).estimate(trajectory)


def by_clone(trajectories: Iterable[Trajectory]) -> dict[str, list[Trajectory]]:
    """Return trajectories by clone, in the order in which clones come."""
    found: dict[str, list[Trajectory]] = {}
    for t in trajectories:
        found.setdefault(t.clone, []).append(t)
    return found


def keeping_apart(model: Model, trajectories: Sequence[Trajectory]) -> Model:
    """Return a model that keeps the clones of these vessels apart; the same one where that changes nothing.

    A HybridModel knows no clones. With vessels of several, it goes on as the model of that clone whose runs it was
    learnt from, and the others are that clone's relatives; one that learnt nothing is where every clone starts. One
    that somebody has learnt from runs of several clones is what they wanted, and stays.

    Args:
        model: In use.
        trajectories: Of the vessels.
    """
    clones = {t.clone for t in trajectories}
    if not isinstance(model, HybridModel) or len(clones) < 2:
        return model
    learnt = {c.trajectory.clone for c in model.courses}
    if len(learnt) > 1:
        return model
    models = {}
    for clone in sorted(learnt or clones):
        beliefs = {r: b for r, b in model.beliefs.items() if b.trajectory.clone == clone}
        models[clone] = replace(model, beliefs=beliefs)
    return CloneModels(models=models, panel=model.panel)


def _or_as_before(before: HybridModel, refit: Refit[HybridModel]) -> Refit[HybridModel]:
    if np.isfinite(refit.error) and refit.error <= WORSE * refit.previous_error:
        return refit
    return Refit(model=before, error=refit.previous_error, previous_error=refit.previous_error)


def _rms(errors: Sequence[float], n: Sequence[int]) -> float:
    return float(np.sqrt(np.average(np.square(errors), weights=n)))
