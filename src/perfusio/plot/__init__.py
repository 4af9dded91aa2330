"""Figures as functions that take axes of matplotlib: `from perfusio import plot`, then ``plot.front(axes, ...)``.

Each draws into the axes that it is given and changes nothing else of the figure. Labels and legends are those of the
axes: ``axes.legend()`` shows what was drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfusio.report.clone_plot import draw_distances as clone_distances
from perfusio.report.clone_plot import draw_map as clone_map
from perfusio.report.drawing.panel_axes import draw_curves
from perfusio.report.pareto_plot import FrontPanel
from perfusio.report.pareto_plot import draw_front as front
from perfusio.report.rounds_plot import RunOutcome
from perfusio.report.rounds_plot import draw_rounds as rounds
from perfusio.report.score_plots import draw_coverage as coverage
from perfusio.report.score_plots import draw_parity as parity
from perfusio.report.score_plots import draw_ranks as ranks
from perfusio.report.story.curves import LEAD_DAYS, Curves, Panels
from perfusio.report.story.run_story import RunStory
from perfusio.report.story.run_story import story_of as read_run
from perfusio.report.trajectory_plot import draw_trajectories as trajectories
from perfusio.report.vessel_plot import forecast_curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from perfusio.forecast import Forecast
    from perfusio.trajectory import Trajectory

__all__ = [
    "Curves",
    "FrontPanel",
    "RunOutcome",
    "clone_distances",
    "clone_map",
    "coverage",
    "forecast",
    "front",
    "parity",
    "quantity",
    "ranks",
    "read_run",
    "rounds",
    "setpoint",
    "trajectories",
]


def quantity(axes: Axes, run: RunStory, name: str, *, vessel: str | None = None, lead_days: int = LEAD_DAYS) -> Curves:
    """Draw one quantity of a recorded run: samples, forecasts that were made before them, the latest forecast, limits.

    Args:
        axes: To draw into.
        run: As `read_run` reads it out of an ``audit.jsonl``.
        name: A species, or a quantity that follows from species and setpoints, e.g. ``"productivity"``.
        vessel: Name of the vessel; default the first.
        lead_days: How long before a sample the forecasts were made [day].

    Returns:
        The numbers that were drawn.

    Raises:
        UnknownQuantity: the process has none of that name.
    """
    return _drawn(axes, Panels(run, lead_days=lead_days).species(run.vessel(vessel), name))


def setpoint(axes: Axes, run: RunStory, name: str, *, vessel: str | None = None) -> Curves:
    """Draw one setpoint of a recorded run: in force, recommended, planned, its bounds.

    Args:
        axes: To draw into.
        run: As `read_run` reads it.
        name: Of the setpoint.
        vessel: Name of the vessel; default the first.

    Returns:
        The numbers that were drawn.
    """
    return _drawn(axes, Panels(run).setpoint(run.vessel(vessel), name))


def forecast(axes: Axes, future: Forecast, name: str, *, run: Trajectory | None = None, start_h: float = 0.0) -> Curves:
    """Draw one species of a forecast over the measurements of its vessel.

    Args:
        axes: To draw into.
        future: The forecast.
        name: A species.
        run: Samples of the vessel; those after `start_h` are drawn hollow.
        start_h: Time of the last sample that the forecast knew [h].

    Returns:
        The numbers that were drawn.
    """
    return _drawn(axes, forecast_curves(future, name, run=run, start_h=start_h))


def _drawn(axes: Axes, curves: Curves) -> Curves:
    draw_curves(axes, curves)
    axes.set(xlabel="Culture day [day]", ylabel=curves.label)
    return curves
