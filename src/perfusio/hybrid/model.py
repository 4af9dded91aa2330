"""HybridModel: what perfusio believes about its vessels. Frozen; everything that learns returns a new model."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np

from perfusio.errors import ModelError, OutOfRange
from perfusio.forecast import Forecast
from perfusio.hybrid.blend.blend import Blend
from perfusio.hybrid.blend.weighing import blend_of
from perfusio.hybrid.conformal import multipliers
from perfusio.hybrid.features import IndexedData
from perfusio.hybrid.filtering.belief import Belief, Process
from perfusio.hybrid.filtering.filter import filter_runs
from perfusio.hybrid.layout import layout_of
from perfusio.hybrid.learning import Course, Learnt, from_rows, from_runs, runs_in_words, tried_in, unlearnt
from perfusio.hybrid.left_out import left_out
from perfusio.hybrid.medium_check import Doubt, medium_doubts
from perfusio.hybrid.plans import checked, forecasts, forecasts_beside
from perfusio.hybrid.relearning import from_vessels
from perfusio.hybrid.rollout import Futures
from perfusio.hybrid.threads import one_thread
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.protocols import Refit
from perfusio.state import FloatArray, Setpoints, State
from perfusio.trajectory import Feed, Trajectory

N_FOLLOWED = 24
"""A fit follows so many runs, those given last; others are taken in as soon as a forecast is asked of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HybridModel:
    """Mass balances with simple kinetics, Gaussian processes for their error, and a filter for each vessel.

    Attributes:
        process: Parameters and residual processes.
        beliefs: One per vessel that was conditioned on, by reactor_id.
        spread: Multipliers of forecast spread from runs left out, (K, Q) as in `rollout.Futures`; None = too few runs.
        blend: Rivals, and how much forecasts believe them beside it; None = not at all. Decisions never do.
        courses: What it was learnt from (`learning`): a refit learns from these too.
    """

    process: Process = field(default_factory=unlearnt)
    beliefs: dict[str, Belief] = field(default_factory=dict)
    spread: FloatArray | None = None
    blend: Blend | None = None
    courses: tuple[Course, ...] = ()

    @classmethod
    def prior(cls, panel: Panel = CHO_PERFUSION) -> Self:
        """Return what is believed of a process before any data.

        Args:
            panel: Its quantities, medium and equipment.

        Raises:
            ConfigError: the rate laws cannot be bound to it.
        """
        return cls(process=unlearnt(panel))

    @classmethod
    def of_runs(cls, trajectories: Sequence[Trajectory]) -> Self:
        """Return the prior of the process that runs are of; that of the default panel where there are none."""
        return cls.prior(next((t.panel for t in trajectories if t.states), CHO_PERFUSION))

    def for_process(self, panel: Panel) -> Self:
        """Return the model for vessels with other equipment, medium, noise or limits: what was learnt stays.

        Args:
            panel: With the same quantities, in the same order and units, as the model's.

        Raises:
            ModelError: the quantities, or the scales on which it learnt, are others.
        """
        at, here = self.process.layout, layout_of(panel)
        if panel == at.panel:
            return self
        if not here.is_alike(at):
            raise ModelError(
                f"A model of {at.panel.name!r} cannot serve {panel.name!r}: quantities, their order, noise floors, "
                "usual residuals or clear changes are others than those it learnt with. Fit a model of this process."
            )
        residual = replace(self.process.residual, layout=here)
        return replace(self, process=replace(self.process, residual=residual), beliefs={})

    def __repr__(self) -> str:
        """Say what it learnt from and which vessels it follows."""
        n = len(self.courses)
        learnt = f"learnt from {n} run{'s' * (n != 1)}" if n else "the mechanistic prior, no data"
        follows = f", follows {', '.join(self.beliefs)}" if self.beliefs else ""
        return f"<HybridModel {self.model_id}: {learnt}{follows}>"

    def learnt_from(self) -> str:
        """Return the past runs behind it in words; empty for the prior."""
        return runs_in_words(self.courses, self.process)

    @property
    def panel(self) -> Panel:
        """The quantities of the process."""
        return self.process.layout.panel

    def save(self, folder: Path, *, trajectories: Sequence[Trajectory]) -> Path:
        """Write it to a folder as a checkpoint (`perfusio.hybrid.checkpoints`); return its `checkpoint.json`.

        Raises:
            OSError: the disk does not take it.
        """
        from perfusio.hybrid import checkpoints  # it knows how to make this class again

        return checkpoints.save(self, folder, trajectories=trajectories)

    @property
    def model_id(self) -> str:
        """Twelve hex digits that change whenever the predictions change."""
        digest = hashlib.sha256(self.process.log_factors.tobytes() + self.process.rate_cov.tobytes())
        digest.update(b"" if self.spread is None else self.spread.tobytes())
        digest.update(b"" if self.blend is None else self.blend.weights.tobytes() + self.blend.factor.tobytes())
        for p in self.process.residual.processes:
            if p is not None:
                digest.update(p.h.vector().tobytes() + p.alpha.tobytes())
        for name in sorted(self.beliefs):
            digest.update(name.encode() + self.beliefs[name].mean.tobytes() + self.beliefs[name].cov.tobytes())
        return digest.hexdigest()[:12]

    def condition(self, trajectories: Sequence[Trajectory]) -> HybridModel:
        """Take in these vessels' samples; only new ones cost time where a trajectory goes on from the last call.

        Vessels of another equipment than the one it learnt with are followed by `for_process` of theirs.

        Raises:
            ModelError: a vessel is of another process, or vessels have different equipment.
        """
        model = self._following(trajectories)
        model.process.layout.check_equipment(t.panel for t in trajectories if t.states)
        known = [model.beliefs.get(t.reactor_id) for t in trajectories]
        starts = [b if b is not None and b.continues(t) else None for b, t in zip(known, trajectories, strict=True)]
        ends, _ = filter_runs(model.process, trajectories, starts)
        return replace(model, beliefs={**model.beliefs, **{b.trajectory.reactor_id: b for b in ends}})

    def _following(self, trajectories: Sequence[Trajectory]) -> Self:
        """Return the model for the equipment of these vessels."""
        at, theirs = self.process.layout, next((t.panel for t in trajectories if t.states), self.panel)
        if theirs is self.panel or (theirs.species_names, theirs.setpoint_names) != (at.species, at.setpoints):
            return self
        return self.for_process(theirs)

    @one_thread
    def fit(self, trajectories: Sequence[Trajectory], *, seed: int = 0, calibrate: bool = True) -> HybridModel:
        """Learn parameters and residual processes from runs, starting from this model.

        Two rounds: the runs are smoothed with what is known, then parameters and processes are fitted on
        differences of readings. Then the spread of forecasts is calibrated on runs left out.

        Args:
            trajectories: Runs.
            seed: Of every random choice.
            calibrate: Whether to calibrate the spread.

        Raises:
            NotEnoughData: fewer than MIN_TRANSITIONS usable rows.
            FitFailed: no usable optimum.
            ModelError: runs are of another process, or of different equipment.
        """
        start = self._following(trajectories)
        start.process.layout.check_equipment(t.panel for t in trajectories if t.states)
        sampled = [t.of_samples() for t in trajectories]  # what is learnt is learnt from samples
        learnt = from_runs(start.process, sampled, courses=(), held_out=[0] * len(sampled), seed=seed)
        model = start._with(learnt, trajectories[-N_FOLLOWED:])
        return model.calibrated(trajectories, seed=seed) if calibrate else model

    @one_thread
    def calibrated(self, trajectories: Sequence[Trajectory], *, seed: int = 0) -> HybridModel:
        """Return the model with intervals that hold on runs left out, as far as there are runs to leave out.

        Args:
            trajectories: The runs that it was fitted on.
            seed: Of folds and paths.
        """
        sampled, at = [t.of_samples() for t in trajectories], self.process.layout
        left = left_out(self.process, sampled, seed=seed, learn=from_rows)
        if left is None:
            return replace(self, spread=None, blend=None)
        spread = multipliers(at, left.errors)
        return replace(self, spread=spread, blend=blend_of(at, left, sampled, spread, seed=seed))

    def fit_indexed(self, x: FloatArray, y: FloatArray, *, hours: float = 24.0, seed: int = 0) -> HybridModel:
        """Learn from rows in the indexed multi-task format, as they are (no smoothing).

        Args:
            x: Shape (R, Q + U + 2), columns [species x Q, setpoints x U, day, task_id].
            y: Shape (R,), species `task_id` one interval later, canonical units.
            hours: Length of the interval [h].
            seed: Of the subset on which hyperparameters are searched.
        """
        x, y = np.asarray(x, float), np.asarray(y, float)
        read = np.take_along_axis(x, x[:, -1:].astype(np.intp), axis=1)[:, 0]
        data = IndexedData(x=x, y=y, hours=np.full(len(y), float(hours)), read=read, layout=self.process.layout)
        return replace(self, process=from_rows(data, self.process, seed), courses=(), beliefs={})

    @one_thread
    def refit(
        self, trajectories: Sequence[Trajectory], *, seed: int, start: Process | None = None
    ) -> Refit[HybridModel]:
        """Learn again on a copy, and compare with this model on transitions that neither has learnt from.

        Whatever this model was learnt from counts too, unless it goes on in one of `trajectories` or is of another
        equipment. Hyperparameters and rates are searched without the latest HELD_OUT new transitions of each vessel,
        scored on these, and the processes then conditioned on all rows. Most runs are known, and so is the place to
        search; but if the new samples are a surprise (SURPRISED), everything is learnt anew.

        Args:
            trajectories: The vessels that are followed from now on.
            seed: Of every random choice.
            start: Where to start learning, if not from the process of this model.

        Raises:
            NotEnoughData: fewer than MIN_TRANSITIONS usable rows, or nothing new.
            FitFailed: no usable optimum.
        """
        if (following := self._following(trajectories)) is not self:
            return following.refit(trajectories, seed=seed, start=start)
        again = from_vessels(self.process, self.courses, [t.of_samples() for t in trajectories], seed=seed, start=start)
        return Refit(
            model=self._with(again.learnt, trajectories), error=again.error, previous_error=again.previous_error
        )

    def _with(self, learnt: Learnt, followed: Sequence[Trajectory]) -> HybridModel:
        return replace(self, process=learnt.process, courses=learnt.courses, beliefs={}).condition(followed)

    def predict_next_state(self, trajectory: Trajectory, setpoints: Setpoints, hours: float) -> Forecast:
        """Predict the vessel `hours` after its last sample at constant `setpoints`.

        Args:
            trajectory: The vessel so far; what was not measured is filled from the filtered belief.
            setpoints: Held constant over the interval.
            hours: Interval length, > 0 [h]. Trained intervals are near 24.

        Returns:
            A Forecast with H = 1.

        Raises:
            OutOfRange: a setpoint lies outside the physical range of its quantity, or `hours` is not positive.
        """
        if not 0 < hours < np.inf:
            raise OutOfRange(f"hours = {hours:g}: expected a positive interval in hours.")
        return self.rollout(trajectory, [[setpoints]], interval_hours=hours, n_paths=256, seed=0)[0]

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
        """Forecast from the last sample under each plan (one Setpoints per interval), on common random paths.

        Args:
            trajectory: The vessel so far.
            plans: One Setpoints per interval each, all of the same length.
            interval_hours: Length of an interval [h].
            n_paths: Paths per plan.
            seed: Of every random draw.
            feeds: What is given at the start of each interval, the first right after the last sample; empty = nothing.

        Raises:
            OutOfRange: a setpoint is not known or not possible, or feeds and plans differ in length.
        """
        arrays = checked(self.panel, plans)
        n = arrays.shape[1]
        if len(feeds) not in (0, n):
            raise OutOfRange(f"{len(feeds)} feeds for {n} intervals: expected one each, None where nothing is fed.")
        futures = self.futures(
            trajectory, interval_hours=interval_hours, n_paths=n_paths, n_intervals=n, seed=seed, feeds=feeds
        )
        return forecasts(trajectory, futures, Futures.play_and_support([(futures, arrays)])[0], arrays, self.blend)

    def rollout_vessels(
        self,
        trajectories: Sequence[Trajectory],
        plans: Sequence[Sequence[Setpoints]],
        *,
        interval_hours: float,
        n_paths: int,
        seed: int,
    ) -> tuple[Forecast, ...]:
        """Forecast many vessels at once, each from its last sample under its own plan; all plans are equally long.

        A vessel may be there several times, with a plan each. The numbers are those of `rollout`; this is cheaper.
        Raises as `rollout` does.
        """
        arrays = checked(self.panel, plans)
        at_hand, n = self.condition(trajectories), arrays.shape[1]
        drawn = {
            name: at_hand.futures(t, interval_hours=interval_hours, n_paths=n_paths, n_intervals=n, seed=seed)
            for name, t in {t.reactor_id: t for t in trajectories}.items()
        }
        return forecasts_beside(trajectories, arrays, drawn, self.blend)

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
        """Draw possible futures of a vessel, to be played under any number of plans (arrays in, arrays out)."""
        at_hand = self.condition([trajectory])  # free where it is up to date
        return Futures.draw(
            at_hand.process, at_hand.beliefs[trajectory.reactor_id], hours=interval_hours, n_paths=n_paths,
            n_intervals=n_intervals, seed=seed, feeds=feeds, spread=self.spread,
        )  # fmt: skip

    def disturbance(self, trajectory: Trajectory) -> tuple[FloatArray, FloatArray]:
        """Return the drift that the filter estimates for each species, and its sd, canonical units a day, both (Q,)."""
        at_hand = self.condition([trajectory])
        belief, at = at_hand.beliefs[trajectory.reactor_id], at_hand.process.layout
        latent, drift, sd = belief.mean[at.latent], belief.mean[at.drift], np.sqrt(np.diag(belief.cov)[at.drift])
        now = at.from_latent(latent)
        return at.from_latent(latent + drift) - now, np.abs(at.from_latent(latent - sd) - now)

    def medium_doubts(self, trajectory: Trajectory) -> tuple[Doubt, ...]:
        """Return the species whose declared inlet does not fit the first days of a vessel; see `medium_check`."""
        return medium_doubts(trajectory)

    def tried(self) -> tuple[FloatArray, FloatArray] | None:
        """Return the range of each setpoint in the runs learnt from, two arrays (U,); None below TELLING runs."""
        return tried_in(self.courses)

    def estimate(self, trajectory: Trajectory) -> State:
        """Return the filtered state at the last sample: what is believed of every species, measured or not."""
        at_hand = self.condition([trajectory])
        belief, at = at_hand.beliefs[trajectory.reactor_id], at_hand.process.layout
        return State.of(trajectory.states[-1].time_h, at.from_latent(belief.mean[at.latent]), at.panel)
