"""The recipes of a campaign as a data frame: setpoints, progress of the run, measured objective."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan

import numpy as np

from perfusio.bed.campaigns.batches import Aim
from perfusio.bed.campaigns.recommendation import constant_recipe
from perfusio.config import forecast_unit
from perfusio.frames import DataFrame, data_frame
from perfusio.process.derived import quantity_paths
from perfusio.state import Setpoints
from perfusio.trajectory import Trajectory


def recipes_frame(aim: Aim, runs: Mapping[str, Trajectory], pending: Mapping[str, Setpoints]) -> DataFrame:
    """Return one row per recipe: those with samples in the order they came, then those that wait.

    Raises:
        ConfigError: pandas is not installed.
    """
    panel = aim.objective.process
    unsaid = Setpoints(panel=panel)
    waiting = {name: recipe for name, recipe in pending.items() if name not in runs}
    recipes = [constant_recipe(run) or unsaid for run in runs.values()] + list(waiting.values())
    status = ["goes on" if name in pending else "done" for name in runs] + ["waits"] * len(waiting)
    columns: dict[str, Sequence[object]] = {
        "run": [*runs, *waiting],
        "status": status,
        "last_day": [run.states[-1].day if run.states else nan for run in runs.values()] + [nan] * len(waiting),
        "measured": [measured(aim, run) for run in runs.values()] + [nan] * len(waiting),
    }
    columns |= {name: [getattr(recipe, name) for recipe in recipes] for name in panel.setpoint_names}
    units = {"last_day": "day", "measured": forecast_unit(aim.objective.quantity, panel)}
    return data_frame(columns, units=units | {name: panel[name].unit for name in panel.setpoint_names})


def measured(aim: Aim, run: Trajectory) -> float:
    """Return the mean of the objective's quantity over the samples of the days that count, canonical unit.

    NaN where nothing of it was measured on those days.
    """
    panel = aim.objective.process
    counts = (run.times_h[1:] >= 24.0 * aim.from_day) & (run.times_h[1:] <= 24.0 * aim.days + 1.0)
    if not counts.any():
        return nan
    paths, plans = run.values[1:][counts][None, None], run.inputs[counts][None]
    size = aim.size if np.isfinite(aim.size) else _size(run)
    if aim.objective.quantity == "vcv" and not size > 0.0:
        return nan
    daily = quantity_paths(aim.objective.quantity, paths, plans, size=size, panel=panel)[0, 0]
    return float(np.nanmean(daily)) if np.isfinite(daily).any() else nan


def _size(run: Trajectory) -> float:
    """Return the mean measured cell diameter [um], NaN where there is none."""
    name = run.panel.one_or_none("size")
    sizes = [] if name is None else [size for s in run.states if (size := getattr(s, name)) == size]
    return float(np.mean(sizes)) if sizes else nan
