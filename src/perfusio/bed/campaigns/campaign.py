"""An off-line campaign: runs are finished, the next batch of recipes is recommended, its results are added, and again.

A recipe is a constant set of setpoints for a whole run. A recommended recipe without a result is pending: it
counts as known to be tried, so that a second call recommends something else. Results may be partial: runs that still
go on, species that were not measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np

from perfusio.bed.campaigns.batches import Aim, best_batch, in_steps, outlook
from perfusio.bed.campaigns.campaign_file import CampaignSettings, read_campaign, write_campaign
from perfusio.bed.campaigns.initial_designs import DesignKind, plan, usable
from perfusio.bed.campaigns.recipes_frame import recipes_frame
from perfusio.bed.campaigns.recommendation import (
    Recommendation,
    constant_recipe,
    goes_on,
    next_names,
    recipe_run,
    start_of,
    told,
)
from perfusio.bed.campaigns.run_rows import runs_of
from perfusio.config import (
    DEFAULT_AMBR250_DESIGN_SPACE,
    Constraint,
    DesignSpace,
    Objective,
    maximize,
)
from perfusio.errors import ConfigError
from perfusio.frames import DataFrame
from perfusio.objective import limits_of
from perfusio.process.derived import forecast_names
from perfusio.process.panel import Panel
from perfusio.process.sound_numbers import MOST_DAYS, MOST_RECIPES, refuse_outside
from perfusio.protocols import Futures
from perfusio.state import FloatArray, Setpoints
from perfusio.trajectory import Trajectory

N_PATHS = 64
USUAL_AIM = "productivity"
LIKELY = 0.8
"""Probability of keeping all limits on all days from which on a recipe counts as one that keeps them."""
MIN_TRANSITIONS = 3
"""With fewer, nothing can be learnt and the space is filled."""


class Learner(Protocol):
    """A model that learns from runs and forecasts; `HybridModel` is one."""

    def fit(self, trajectories: Sequence[Trajectory], *, seed: int, calibrate: bool) -> Self:
        """Return the model having learnt from runs."""
        ...

    def futures(
        self, trajectory: Trajectory, *, interval_hours: float, n_paths: int, n_intervals: int, seed: int
    ) -> Futures:
        """Draw possible futures of a vessel from its last sample on."""
        ...


class Campaign:
    """Recommends recipes, learns from their results; with `save` and `load` over weeks.

    Args:
        model: Before any of these runs, e.g. ``HybridModel()``.
        objective: Criterion of a run, averaged over days `from_day` to `days`; by default productivity, if the
            process has it.
        design_space: Bounds of the factors, and the process that they belong to.
        constraints: Limits that hold on every day of a run, by default those of the process; their `probability` is
            not used here: a batch explores.
        factors: Setpoints that vary; none: those that vary between the runs, or all free ones.
        days: Length of a run.
        from_day: First day that counts.
        seed: Of every random draw.
    """

    def __init__(
        self,
        model: Learner,
        *,
        objective: Objective | None = None,
        design_space: DesignSpace = DEFAULT_AMBR250_DESIGN_SPACE,
        constraints: Sequence[Constraint] | None = None,
        factors: Sequence[str] = (),
        days: int = 28,
        from_day: int = 9,
        seed: int = 0,
    ) -> None:
        refuse_outside("days", days, 1, MOST_DAYS, is_whole=True)
        refuse_outside("from_day", from_day, 1, MOST_DAYS, is_whole=True)
        refuse_outside("seed", seed, 0, inf, is_whole=True)
        if from_day > days:
            raise ConfigError(
                f"Days {from_day} to {days} are to be judged: expected a first day from 1 to {days}. Lower from_day "
                "(--from-day), or make the runs longer (--days)."
            )
        usable(factors, design_space)
        process = design_space.process
        objective = _usual_aim(process) if objective is None else objective.within(process)
        kept = limits_of(process) if constraints is None else tuple(c.within(process) for c in constraints)
        self.aim = Aim(objective=objective, constraints=kept, from_day=from_day, days=days)
        self.design_space, self.factors, self.seed = design_space, tuple(factors), seed
        self.runs: dict[str, Trajectory] = {}
        self.pending: dict[str, Setpoints] = {}
        self.notes: list[str] = []
        self._prior, self._fitted = model, model
        self._is_up_to_date = False

    def __repr__(self) -> str:
        """Say the aim, and how many runs there are and wait."""
        return f"<Campaign: {self.aim.objective}; {len(self.runs)} runs, {len(self.pending)} recipes wait>"

    def to_frame(self) -> DataFrame:
        """Return the recipes as a data frame, one row each: those that were run, then those that wait.

        Columns: ``run``, ``status`` (``done``, ``goes on`` or ``waits``), ``last_day`` with a sample, ``measured``
        (mean of the objective's quantity over the days that count), and every setpoint by name, NaN where a run varied
        them. The samples of a run are ``campaign.runs[name].to_frame()``.

        Raises:
            ConfigError: pandas is not installed.
        """
        return recipes_frame(self.aim, self.runs, self.pending)

    def add_measurements(self, results: Any) -> None:
        """Take in results: trajectories, or a data frame with one row per run and sample.

        A run that was given before is replaced by its longer version. A pending recipe is no longer pending once its
        run has reached the last day: the one of the same name, or of the same setpoints within what a rig can set, of
        which `notes` tells.

        Args:
            results: Trajectories, or a pandas or polars data frame with ``run``, ``day`` and quantities by name;
                without setpoints, the recipe recommended under that name was in force.

        Raises:
            ConfigError: a column is not known, or a run contradicts the one of the same name that is known.
            UnreadableSource: rows contradict one another; a QuestionOpen where a unit is in doubt.
        """
        for run in runs_of(results, self._recipes(), self.design_space.process):
            known = self.runs.get(run.reactor_id)
            if known is not None and not goes_on(known, run):
                raise ConfigError(
                    f"There are two different runs named {run.reactor_id}: their first samples or setpoints differ. "
                    "Each run needs a name of its own; rename one."
                )
            if known is None or len(run.states) >= len(known.states):
                self.runs[run.reactor_id] = run
                self._is_up_to_date = False
            self._resolve(run)

    def add_pending(self, recipes: Mapping[str, Setpoints]) -> None:
        """Tell of recipes that wait for their results, by name."""
        self.pending.update(recipes)
        for run in self.runs.values():
            self._resolve(run)

    def recommend(
        self, batch: int = 6, *, on_step: Callable[[int, int], object] = lambda _done, _total: None
    ) -> tuple[Recommendation, ...]:
        """Return the next recipes to run; they are pending from now on.

        Without results they fill the space. With results each is expected to improve on all runs, on those pending
        and on the members before it; some are bolder at the limits than others, on purpose.

        Args:
            batch: How many.
            on_step: Called with the steps done and their number.

        Raises:
            ConfigError: `batch` is no number of recipes.
        """
        refuse_outside("batch", batch, 1, MOST_RECIPES, is_whole=True)
        if self._n_transitions() < MIN_TRANSITIONS:
            found = self._filling(batch)
        else:
            model = self._learnt()
            tried = self._tried()
            recipes, expected = best_batch(
                self._aim(),
                self._futures(model),
                space=self.design_space,
                factors=self.varied(),
                base=self._base(),
                tried=tried,
                n=batch,
                seed=self.seed + len(tried),
                on_step=on_step,
            )
            found = told(self.aim, next_names((*self.runs, *self.pending), batch), recipes, expected)
        self.pending.update({r.name: r.setpoints for r in found})
        return found

    def best(self, *, probability: float = LIKELY) -> Recommendation | None:
        """Return the recipe expected to be best, among the finished runs that are likely to keep all limits.

        Args:
            probability: Least probability of keeping all limits on all days.

        Returns:
            The recipe under its run's name; None if no run at constant setpoints is that likely to keep the limits.
        """
        likely = [r for r in self.judged() if r.probability >= probability]
        return max(likely, key=lambda r: self.aim.sign * r.value, default=None)

    def judged(self) -> tuple[Recommendation, ...]:
        """Return the recipes of all finished runs at constant setpoints, each with its expected outcome.

        It is the model that judges, having seen all runs: one run alone is noisy, and may have been lucky. Empty while
        too little is known to judge.
        """
        done = {name: u for name, run in self.runs.items() if (u := constant_recipe(run)) is not None}
        if not done or self._n_transitions() < MIN_TRANSITIONS:
            return ()
        recipes = np.array([u.vector() for u in done.values()])
        return told(self.aim, tuple(done), recipes, outlook(self._aim(), self._futures(self._learnt()), recipes))

    def varied(self) -> tuple[str, ...]:
        """The factors of this campaign: as given, or those in which the runs differ, or all that are free."""
        space, seen = self.design_space, self._tried()
        free = [n for n in space.process.setpoint_names if space.bounds[n].low < space.bounds[n].high]
        differ = [n for n in free if len(seen) > 1 and np.ptp(seen[:, space.process.index(n)]) > 1e-9]
        return self.factors or tuple(differ or free)

    def save(self, path: str | Path) -> Path:
        """Write everything but the model to a JSON file, whole or not at all; the model is fitted again when needed."""
        settings = CampaignSettings(
            objective=self.aim.objective,
            constraints=self.aim.constraints,
            design_space=self.design_space,
            factors=self.factors,
            days=self.aim.days,
            from_day=self.aim.from_day,
            seed=self.seed,
            process=self.design_space.process,
        )
        return write_campaign(Path(path), settings, self.pending, list(self.runs.values()))

    @classmethod
    def load(cls, path: str | Path, model: Learner) -> Campaign:
        """Return a saved campaign; it recommends as the saved one would have.

        Raises:
            ConfigError: the file is not a campaign that this version reads.
        """
        settings, pending, runs = read_campaign(Path(path))
        campaign = cls(model, **{name: value for name, value in settings if name != "process"})
        campaign.pending, campaign.runs = pending, {run.reactor_id: run for run in runs}
        return campaign

    def _n_transitions(self) -> int:
        return sum(len(run.setpoints) for run in self.runs.values())

    def _recipes(self) -> dict[str, Setpoints]:
        """Return every recipe that is known by name, whether pending or run."""
        done = {name: u for name, run in self.runs.items() if (u := constant_recipe(run)) is not None}
        return {**self.pending, **done}

    def _tried(self) -> FloatArray:
        """Return the recipes that were run, run now or wait, (K, U)."""
        return np.array([u.vector() for u in self._recipes().values()]).reshape(-1, len(self.design_space.low))

    def _base(self) -> FloatArray:
        """Return the values at which constant setpoints are held: as in the runs, (U,)."""
        held = np.median(np.concatenate([run.inputs for run in self.runs.values()]), axis=0)
        free = self.design_space.low < self.design_space.high
        return np.where(free & np.isfinite(held), held, self.design_space.nominal.vector())

    def _resolve(self, run: Trajectory) -> None:
        """Take a recipe off the pending ones if this run of it is finished."""
        if not run.states or run.states[-1].day < self.aim.days - 0.5:
            return
        if self.pending.pop(run.reactor_id, None) or self.pending.pop(run.run_id, None):
            return
        done = constant_recipe(run)
        if done is None or (found := recipe_run(done, self.pending, self.design_space)) is None:
            return
        name, kept_otherwise = found
        del self.pending[name]
        if kept_otherwise:
            differences = ", ".join(f"{n} {d:+.3g}" for n, d in kept_otherwise.items())
            self.notes.append(f"Run {run.reactor_id} is taken as recipe {name}: the rig kept {differences}.")

    def _aim(self) -> Aim:
        """Return the aim with the cell diameter that the runs had: the model has none."""
        name, states = self.design_space.process.one_or_none("size"), [s for r in self.runs.values() for s in r.states]
        sizes = [] if name is None else [size for s in states if (size := getattr(s, name)) == size]
        return replace(self.aim, size=float(np.median(sizes)) if sizes else float("nan"))

    def _learnt(self) -> Learner:
        """Return the model that has learnt from all runs, always from the same start: data alone decide."""
        if not self._is_up_to_date:
            self._fitted = self._prior.fit(list(self.runs.values()), seed=self.seed, calibrate=False)
            self._is_up_to_date = True
        return self._fitted

    def _futures(self, model: Learner) -> Futures:
        start = start_of(list(self.runs.values()))
        return model.futures(start, interval_hours=24.0, n_paths=N_PATHS, n_intervals=self.aim.days, seed=self.seed)

    def _filling(self, batch: int) -> tuple[Recommendation, ...]:
        n_waiting = len(self._tried())
        points = plan(DesignKind.SOBOL, self.design_space, self.varied(), n_runs=n_waiting + batch, seed=self.seed)
        new = sorted(points.runs, key=lambda run: run.standard_order)[n_waiting:]
        names = next_names((*self.runs, *self.pending), batch)
        why = "fills the space: there are no results yet to learn from"
        recipes = in_steps(np.array([run.setpoints.vector() for run in new]), self.design_space)
        return tuple(
            Recommendation(name=name, setpoints=Setpoints.of(recipe, self.design_space.process), limits={}, why=why)
            for name, recipe in zip(names, recipes, strict=True)
        )


def _usual_aim(process: Panel) -> Objective:
    """Return the criterion of a run unless told otherwise.

    Raises:
        ConfigError: the process has no productivity.
    """
    known = forecast_names(process)
    if USUAL_AIM not in known:
        raise ConfigError(
            f"{process.name} has no {USUAL_AIM}: it needs a product and perfusion. Say what a run is judged by, e.g. "
            f"objective=maximize({process.the('cells')!r}, process=...). Known: {', '.join(known)}."
        )
    return maximize(USUAL_AIM, process=process)
