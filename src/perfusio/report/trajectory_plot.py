"""All runs of an experiment in one figure: small multiples, one panel per measured quantity."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perfusio.report.axes_grid import grid, title_above
from perfusio.report.drawing.figures import new_figure, save_figure
from perfusio.report.story.curves import value_ends
from perfusio.trajectory import Trajectory

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

N_COLUMNS = 3
MOST_MARKED = 9
"""Of more runs lines alone are drawn: hundreds of dots hide one another."""


def plot_trajectories(trajectories: Sequence[Trajectory], path: Path, *, color_by: str, title: str) -> None:
    """Draw every run of every quantity that was ever measured over the culture day and save the figure.

    Measured values are joined by thin lines, with dots where there are few runs; a missing value is a gap. The format
    follows the file's ending.

    Args:
        trajectories: The runs, of one process.
        path: File to write, e.g. ``trajectories.png``.
        color_by: The setpoint whose value on the first day colors a run.
        title: Heading of the figure.
    """
    save_figure(trajectories_figure(trajectories, color_by=color_by, title=title), path)


def trajectories_figure(trajectories: Sequence[Trajectory], *, color_by: str, title: str) -> Figure:
    """Return the figure that `plot_trajectories` saves."""
    process = trajectories[0].panel
    drawn = [q for q in process.species if any(q.name in s.measured() for t in trajectories for s in t.states)]
    figure = new_figure(15.0, 3.3 * -(-len(drawn) // N_COLUMNS))
    (panels,) = grid(figure, (len(drawn),), n_columns=N_COLUMNS)
    colors: Any = None
    for panel, quantity in zip(panels, drawn, strict=True):
        colors = draw_trajectories(panel, trajectories, quantity.name, color_by=color_by)
        panel.set_ylabel(quantity.axis_label)
    levels = sorted({getattr(t.setpoints[0], color_by) for t in trajectories})
    figure.colorbar(
        colors, ax=panels, label=f"{process[color_by].axis_label} on the first day", shrink=0.6, pad=0.01,
        ticks=levels if len(levels) <= 7 else None,
    )  # fmt: skip
    title_above(figure, title)
    return figure


def draw_trajectories(axes: Axes, trajectories: Sequence[Trajectory], quantity: str, *, color_by: str) -> Any:
    """Draw one quantity of several runs.

    Args:
        axes: To draw into; labels are left to the caller.
        trajectories: The runs, of one process.
        quantity: A species.
        color_by: The setpoint whose value on the first day colors a run.

    Returns:
        The colors as a `ScalarMappable`, for ``figure.colorbar``.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    levels = np.array([getattr(t.setpoints[0], color_by) for t in trajectories])
    spread = Normalize(levels.min(), levels.max() if np.ptp(levels) > 0 else levels.min() + 1.0)
    shades = _viridis_without_its_end()
    is_few, seen, process = len(trajectories) <= MOST_MARKED, list[float](), trajectories[0].panel
    for trajectory, color in zip(trajectories, shades(spread(levels)), strict=True):
        values = [getattr(state, quantity) for state in trajectory.states]
        seen += values
        days = trajectory.times_h / 24.0
        axes.plot(days, values, "-", color=color, linewidth=1.0, alpha=0.8)
        dots = np.ones(len(values), dtype=bool) if is_few else _alone(values)
        axes.plot(days[dots], np.array(values)[dots], "o", color=color, markersize=2.5)
    axes.set_ylim(*value_ends([np.array(seen)], process[quantity], process))
    axes.grid(alpha=0.25)
    return ScalarMappable(norm=spread, cmap=shades)


def _viridis_without_its_end() -> Any:
    """Its last greens and yellows are hard to see on white."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    return ListedColormap(colormaps["viridis"](np.linspace(0.0, 0.82, 256)))


def _alone(values: Sequence[float]) -> NDArray[np.bool_]:
    """Return which values stand alone between two gaps: a line would not show them."""
    there = np.isfinite(np.array([np.nan, *values, np.nan]))
    alone: NDArray[np.bool_] = there[1:-1] & ~there[:-2] & ~there[2:]
    return alone
