"""Labels of points that neither cover one another nor a point, as far as there is room around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from perfusio.state import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = 8
_NEAR, _FAR = 5.0, 14.0
_WHERE = ((1, 1), (1, -1), (-1, 1), (-1, -1), (1, 0), (-1, 0), (0, 1), (0, -1))
"""Directions in which a label may stand from its point, the usual one first."""
_BEHIND = {"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.6}
_LINE = {"arrowstyle": "-", "linewidth": 0.5, "color": "0.5", "shrinkA": 0.0, "shrinkB": 2.0}
"""From a label that stands away from its point to the point."""
_ACROSS, _ALONG = {1: "left", 0: "center", -1: "right"}, {1: "bottom", 0: "center", -1: "top"}


def label_points(axes: Axes, points: FloatArray, names: Sequence[str]) -> None:
    """Write a name beside each point; call it when all else is drawn: the layout is fixed with it.

    Args:
        axes: Of the points.
        points: Their places in data coordinates, (N, 2).
        names: A name for each; an empty one is left out.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # places of points are known with the layout
    pixels, places = axes.figure.dpi / 72.0, axes.transData.transform(points)
    dots = [_box(x, y, 8.0 * pixels, 8.0 * pixels, (0, 0)) for x, y in places]
    taken, frame = list(dots), np.array(axes.get_window_extent().extents)
    for own, (point, name) in enumerate(zip(points, names, strict=False)):
        if not name:
            continue
        x, y = places[own]
        size = 0.6 * SIZE * len(name) * pixels, 1.2 * SIZE * pixels
        tried = [
            (far, where, _box(x + far * where[0] * pixels, y + far * where[1] * pixels, *size, where))
            for far in (_NEAR, _FAR)
            for where in _WHERE
        ]
        whole = size[0] * size[1]
        costs = [
            sum(_shared(box, o) for o in taken) - _shared(box, frame) + whole * _is_anothers(box, places, own)
            for _, _, box in tried
        ]
        far, where, box = tried[int(np.argmin(costs))]
        taken.append(box)
        is_apart = far == _FAR or _is_anothers(box, places, own)
        axes.annotate(
            name, point, xytext=(far * where[0], far * where[1]), textcoords="offset points", fontsize=SIZE,
            ha=_ACROSS[where[0]], va=_ALONG[where[1]], bbox=_BEHIND, arrowprops=_LINE if is_apart else None,
        )  # fmt: skip


def _box(x: float, y: float, width: float, height: float, where: tuple[int, int]) -> FloatArray:
    """Return left, bottom, right, top of a text that stands in that direction from a place [pixel]."""
    left, bottom = x - width * (1 - where[0]) / 2.0, y - height * (1 - where[1]) / 2.0
    return np.array([left, bottom, left + width, bottom + height])


def _is_anothers(box: FloatArray, places: FloatArray, own: int) -> bool:
    """Whether a label stands nearer to another point than to its own: it would be read as that one's."""
    middle = (box[:2] + box[2:]) / 2.0
    aside = np.maximum(np.abs(places - middle) - (box[2:] - box[:2]) / 2.0, 0.0)
    apart = np.hypot(*(places - middle).T) * 1e-3 + np.hypot(*aside.T)  # of two that touch it, the nearer to its middle
    return bool(np.min(apart) < apart[own] - 1e-9)


def _shared(one: FloatArray, other: FloatArray) -> float:
    """Return the area that two boxes share [pixel^2]."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    return float(np.prod(np.maximum(sides, 0.0)))
