"""Rounds of a campaign drawn: the outcome of each run, and its expectation before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perfusio.report.drawing.figures import new_figure, save_figure
from perfusio.report.drawing.labels import label_points
from perfusio.report.drawing.panel_axes import BELIEF

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """One run of a campaign.

    Attributes:
        number: Of the run, from 1.
        round: Round in which it was cultivated; 0 = the first design.
        value: Measured objective; NaN if none.
        is_kept: Whether it keeps the limits.
        expected: Objective that was expected before; NaN for a run that was not recommended.
        sd: Standard deviation of that expectation.
        name: A word beside its point; may be empty.
    """

    number: int
    round: int
    value: float
    is_kept: bool = True
    expected: float = nan
    sd: float = nan
    name: str = ""


def plot_rounds(outcomes: Sequence[RunOutcome], path: Path, *, label: str, limit: str) -> None:
    """Draw the runs of a campaign in their order and save the figure.

    Args:
        outcomes: The runs.
        path: File to write; its ending is the format.
        label: Of the objective, with unit.
        limit: In words, what a hollow point says.
    """
    save_figure(rounds_figure(outcomes, label=label, limit=limit), path)


def rounds_figure(outcomes: Sequence[RunOutcome], *, label: str, limit: str) -> Figure:
    """Return the figure that `plot_rounds` saves."""
    figure = new_figure(max(8.0, 0.32 * len(outcomes) + 3.0), 4.4)
    draw_rounds(figure.subplots(), outcomes, label=label, limit=limit)
    return figure


def draw_rounds(axes: Axes, outcomes: Sequence[RunOutcome], *, label: str, limit: str) -> None:
    """Draw the runs of a campaign; runs that do not keep the limits are hollow.

    Args:
        axes: To draw into.
        outcomes: As for `plot_rounds`.
        label: Of the objective, with unit.
        limit: In words, what a hollow point says.
    """
    from matplotlib.ticker import MaxNLocator

    if foreseen := [o for o in outcomes if o.expected == o.expected]:
        axes.errorbar(
            [o.number for o in foreseen], [o.expected for o in foreseen], yerr=[2.0 * o.sd for o in foreseen],
            fmt="_", color="0.45", ecolor="0.65", markersize=10, capsize=3, label="expected before, +- 2 sd",
        )  # fmt: skip
    shown = [o for o in outcomes if o.value == o.value]
    for is_kept, face, what in ((True, BELIEF, "measured"), (False, "none", f"measured; {limit}")):
        if some := [o for o in shown if o.is_kept == is_kept]:
            places = [o.number for o in some], [o.value for o in some]
            axes.plot(*places, "o", color=BELIEF, markerfacecolor=face, label=what)
    for number in sorted({o.round for o in outcomes}):
        of_round = [o.number for o in outcomes if o.round == number]
        if number:
            axes.axvline(min(of_round) - 0.5, color="0.8", linewidth=0.8)
        axes.text(
            (min(of_round) + max(of_round)) / 2.0, 1.01, f"round {number}" if number else "design", fontsize=8,
            transform=axes.get_xaxis_transform(), ha="center", va="bottom", color="0.3",
        )  # fmt: skip
    numbers = [o.number for o in outcomes]
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=24))
    axes.set_xlim(min(numbers) - 0.8, max(numbers) + 0.8)
    axes.margins(y=0.2)
    axes.set(xlabel="Run", ylabel=label)
    axes.grid(axis="y", alpha=0.25)
    axes.legend(frameon=False, fontsize=8, loc="best")
    if any(o.name for o in shown):
        label_points(axes, np.array([[o.number, o.value] for o in shown]), [o.name for o in shown])
