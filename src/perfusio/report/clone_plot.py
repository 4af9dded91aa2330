"""How alike clones are, as a table to print and as a figure: a map of them, and how far apart any two are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perfusio.report.drawing.figures import new_figure, save_figure
from perfusio.report.drawing.labels import label_points
from perfusio.report.drawing.panel_axes import BELIEF
from perfusio.state import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

SCALE = "0 = the same rates, 1 = as far apart as two cell lines usually are"
_MOST_NUMBERS = 12
"""Of more clones a matrix shows colors only: numbers would not be readable."""


def clone_table(names: Sequence[str], distances: FloatArray) -> str:
    """Return a table of how far apart clones are, and the nearest one of each.

    Args:
        names: Of the clones.
        distances: As `CloneRegistry.distances` gives them, (K, K).
    """
    if len(names) < 2:
        return f"Only one clone is known, {', '.join(names)}: there is nothing to compare it with."
    first, wide = max(map(len, names)), max(6, *map(len, names))
    lines = [f"Distance between the rates of clones ({SCALE})"]
    lines.append(" " * first + "".join(f"  {name:>{wide}}" for name in names) + "  nearest")
    for i, name in enumerate(names):
        apart = np.where(np.arange(len(names)) == i, np.inf, distances[i])
        cells = ["-" if i == j else f"{d:.2f}" for j, d in enumerate(distances[i])]
        row = "".join(f"  {cell:>{wide}}" for cell in cells)
        lines.append(f"{name:{first}}{row}  {names[int(np.argmin(apart))]}")
    return "\n".join(lines)


def plot_clones(names: Sequence[str], distances: FloatArray, places: FloatArray, path: Path) -> None:
    """Write a figure: the clones on a map, and a matrix of how far apart they are.

    Args:
        names: Of the clones.
        distances: As `CloneRegistry.distances` gives them, (K, K).
        places: As `CloneRegistry.places` gives them, (K, d); the first two are drawn.
        path: File to write; its ending is the format.
    """
    save_figure(clones_figure(names, distances, places), path)


def clones_figure(names: Sequence[str], distances: FloatArray, places: FloatArray) -> Figure:
    """Return the figure that `plot_clones` saves."""
    figure = new_figure(11.0, 4.8)
    where, matrix = figure.subplots(1, 2)
    drawn = draw_distances(matrix, names, distances)
    figure.colorbar(drawn, ax=matrix, label=SCALE.replace(", ", "\n"))
    draw_map(where, names, places)
    return figure


def draw_map(axes: Axes, names: Sequence[str], places: FloatArray) -> None:
    """Draw clones as points, near one another where their rates are alike; arguments as of `plot_clones`."""
    at = np.zeros((len(names), 2))
    at[:, : min(2, places.shape[1])] = places[:, :2]
    axes.plot(*at.T, "o", color=BELIEF, markersize=8)
    axes.set(
        title="Clones by their calibrated rates",
        xlabel="direction in which they differ most",
        ylabel="direction in which they differ next",
    )
    axes.axis("equal")
    axes.margins(0.25)
    axes.grid(alpha=0.25)
    label_points(axes, at, names)


def draw_distances(axes: Axes, names: Sequence[str], distances: FloatArray) -> AxesImage:
    """Draw how far apart any two clones are, and return the image, for ``figure.colorbar``."""
    drawn = axes.imshow(distances, cmap="Blues", vmin=0.0, vmax=max(1.0, float(distances.max())))
    axes.set(title="How far apart", xticks=range(len(names)), yticks=range(len(names)))
    axes.set_xticklabels(names, rotation=45, ha="right")
    axes.set_yticklabels(names)
    if len(names) <= _MOST_NUMBERS:
        for i, j in np.ndindex(*distances.shape):
            dark = distances[i, j] > 0.6 * drawn.get_clim()[1]
            axes.text(j, i, f"{distances[i, j]:.2f}", ha="center", va="center", color="white" if dark else "black")
    return drawn
