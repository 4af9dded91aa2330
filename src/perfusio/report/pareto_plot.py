"""A front drawn: the trade-off between objectives, and which compromise was picked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perfusio.state import FloatArray

FRONT, BEATEN, PICKED = "#1f4e79", "#b0b0b0", "#c0504d"


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
    """

    title: str
    labels: tuple[str, str]
    values: FloatArray
    front: Sequence[int]
    picked: int
    names: Sequence[str] = ()


def plot_fronts(panels: Sequence[FrontPanel], path: Path) -> None:
    """Write a figure with a panel per front."""
    figure = Figure(figsize=(5.2 * len(panels), 4.4), layout="constrained")
    for axes, panel in zip(np.atleast_1d(figure.subplots(1, len(panels))), panels, strict=True):
        _draw(axes, panel)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _draw(axes: Axes, panel: FrontPanel) -> None:
    values, front = panel.values, np.asarray(panel.front, dtype=int)
    line = front[np.argsort(values[front, 0], kind="stable")]
    others = np.setdiff1d(np.arange(len(values)), front)
    axes.plot(*values[others].T, "o", color=BEATEN, markersize=5, label="beaten on both")
    axes.plot(*values[line].T, "o-", color=FRONT, markersize=5, linewidth=1.0, label="front")
    axes.plot(*values[panel.picked], "D", color=PICKED, markersize=9, label="knee", zorder=3)
    for row, name in zip(values, panel.names, strict=False):
        axes.annotate(name, row, xytext=(6, 4), textcoords="offset points", fontsize=8)
    axes.set(title=panel.title, xlabel=panel.labels[0], ylabel=panel.labels[1])
    axes.legend(frameon=False, fontsize=8)
    axes.margins(0.12)
    axes.grid(alpha=0.25)
