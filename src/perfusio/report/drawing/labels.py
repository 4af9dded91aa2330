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
    pixels = axes.figure.dpi / 72.0
    dots = [_box(x, y, 8.0 * pixels, 8.0 * pixels, (0, 0)) for x, y in axes.transData.transform(points)]
    taken, frame = list(dots), np.array(axes.get_window_extent().extents)
    for place, name in zip(points, names, strict=False):
        if not name:
            continue
        x, y = axes.transData.transform(place)
        size = 0.6 * SIZE * len(name) * pixels, 1.2 * SIZE * pixels
        tried = [
            (far, where, _box(x + far * where[0] * pixels, y + far * where[1] * pixels, *size, where))
            for far in (_NEAR, _FAR)
            for where in _WHERE
        ]
        far, where, box = min(tried, key=lambda t: sum(_shared(t[2], o) for o in taken) - _shared(t[2], frame))
        taken.append(box)
        axes.annotate(
            name, place, xytext=(far * where[0], far * where[1]), textcoords="offset points", fontsize=SIZE,
            ha=_ACROSS[where[0]], va=_ALONG[where[1]],
        )  # fmt: skip


def _box(x: float, y: float, width: float, height: float, where: tuple[int, int]) -> FloatArray:
    """Return left, bottom, right, top of a text that stands in that direction from a place [pixel]."""
    left, bottom = x - width * (1 - where[0]) / 2.0, y - height * (1 - where[1]) / 2.0
    return np.array([left, bottom, left + width, bottom + height])


def _shared(one: FloatArray, other: FloatArray) -> float:
    """Return the area that two boxes share [pixel^2]."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    return float(np.prod(np.maximum(sides, 0.0)))
