"""A front drawn: the trade-off between objectives, and which compromise was picked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perfusio.report.drawing.figures import new_figure, save_figure
from perfusio.report.drawing.labels import label_points
from perfusio.state import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FRONT, BEATEN, PICKED = "#1f4e79", "#8a8a8a", "#c0504d"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontPanel:
    """One front.

    Attributes:
        title: The alternatives.
        labels: Names of the two axes, with units.
        values: (N, 2), in the units of the labels.
        front: Rows that no other beats.
        picked: The row that was picked.
        names: A word per row, or none.
        is_kept: Whether each row keeps the limits; None = all do. Those that do not are drawn hollow.
    """

    title: str
    labels: tuple[str, str]
    values: FloatArray
    front: Sequence[int]
    picked: int
    names: Sequence[str] = ()
    is_kept: Sequence[bool] | None = None


def plot_fronts(panels: Sequence[FrontPanel], path: Path) -> None:
    """Write a figure with a panel per front."""
    save_figure(fronts_figure(panels), path)


def fronts_figure(panels: Sequence[FrontPanel]) -> Figure:
    """Return the figure that `plot_fronts` saves."""
    figure = new_figure(5.6 * len(panels), 4.6)
    for axes, panel in zip(np.atleast_1d(figure.subplots(1, len(panels))), panels, strict=True):
        draw_front(axes, panel)
    return figure


def draw_front(axes: Axes, panel: FrontPanel) -> None:
    """Draw one front with its title, axis labels and legend.

    Args:
        axes: To draw into.
        panel: The front.
    """
    values, front = panel.values, np.asarray(panel.front, dtype=int)
    line = front[np.argsort(values[front, 0], kind="stable")]
    kept = np.ones(len(values), dtype=bool) if panel.is_kept is None else np.asarray(panel.is_kept, dtype=bool)
    others = np.setdiff1d(np.arange(len(values)), front)
    axes.plot(*values[line].T, "-", color=FRONT, linewidth=1.0)
    for rows, color, label in ((line, FRONT, "front"), (others, BEATEN, "beaten on both")):
        for is_kept, face, what in ((True, color, label), (False, "none", f"{label}, a limit is not kept")):
            if len(some := rows[kept[rows] == is_kept]):
                axes.plot(*values[some].T, "o", color=color, markerfacecolor=face, markersize=5, label=what)
    face = PICKED if kept[panel.picked] else "none"
    axes.plot(*values[panel.picked], "D", color=PICKED, markerfacecolor=face, markersize=9, label="knee", zorder=3)
    axes.set(title=panel.title, xlabel=panel.labels[0], ylabel=panel.labels[1])
    axes.margins(0.14)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=8, loc="best")
    if panel.names:
        label_points(axes, values, panel.names)
