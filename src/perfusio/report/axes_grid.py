"""Axes for any number of quantities: in rows, one block below another, with no axis left empty."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DAY = "Culture day [day]"
_LETTERS_PER_INCH = 10.8
"""Of a heading, at the size that matplotlib gives it."""


def grid(figure: Figure, blocks: Sequence[int], *, n_columns: int, is_over_time: bool = True) -> list[list[Axes]]:
    """Return the axes of each block; a block begins a new row.

    Args:
        figure: To put them into.
        blocks: How many axes each block has; one with none takes no row.
        n_columns: Axes in a row.
        is_over_time: Whether all share the culture day, which is written below the lowest axis of each column only.
    """
    rows = [-(-n // n_columns) for n in blocks]
    if not sum(rows):
        return [[] for _ in blocks]
    every = figure.subplots(sum(rows), n_columns, sharex=is_over_time, squeeze=False)
    found, begin = [], 0
    for n, n_rows in zip(blocks, rows, strict=True):
        block = list(every[begin : begin + n_rows].flat)
        for unused in block[n:]:
            unused.remove()
        found.append(block[:n])
        begin += n_rows
    if is_over_time:
        used = [axes for block in found for axes in block]
        for column in range(n_columns):
            lowest = [axes for axes in used if axes.get_subplotspec().colspan.start == column][-1:]
            for axes in lowest:
                axes.set_xlabel(DAY)
                axes.tick_params(labelbottom=True)
    return found


def title_above(figure: Figure, title: str) -> None:
    """Write a heading above all axes, in as many lines as the width of the figure needs."""
    wide = int(_LETTERS_PER_INCH * figure.get_figwidth())
    figure.suptitle("\n".join(textwrap.wrap(title, wide, break_long_words=True)))


def legend_below(figure: Figure) -> None:
    """Write one legend for all axes below them, in as many columns as fit its width."""
    handles: dict[str, Artist] = {}
    for axes in figure.axes:
        handles |= {label: handle for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    if not handles:
        return
    n_columns = max(1, min(len(handles), int(figure.get_figwidth() / 4.4)))
    figure.legend(
        list(handles.values()), list(handles), loc="outside lower center", ncols=n_columns, frameon=False, fontsize=9
    )
