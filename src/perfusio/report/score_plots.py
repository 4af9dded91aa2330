"""How good forecasts were, drawn: parity (forecast against measurement) and coverage (nominal against found)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perfusio.hybrid.scores.scoring import Cases, coverage, pit, pit_histogram
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.quantities import Quantity
from perfusio.report.axes_grid import grid, title_above
from perfusio.report.drawing.figures import new_figure, save_figure
from perfusio.report.drawing.panel_axes import ASKED, BELIEF, LIMIT, MEASURED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

N_COLUMNS = 3
LEVELS = np.linspace(0.1, 0.9, 9)
_COLORS = (BELIEF, ASKED, LIMIT, "#805ad5", "#718096")
_MARKERS = ("o", "s", "^", "D", "v")


def plot_parity(
    cases: Mapping[str, Cases], path: Path, *, title: str, process: Panel = CHO_PERFUSION
) -> None:
    """Draw forecasts over measurements, a panel per species, a color and marker per horizon; save the figure.

    Args:
        cases: By name of the horizon; at most five.
        path: File to write; its ending is the format.
        title: Heading of the figure.
        process: Whose species these are.
    """
    save_figure(parity_figure(cases, title=title, process=process), path)


def parity_figure(cases: Mapping[str, Cases], *, title: str, process: Panel = CHO_PERFUSION) -> Figure:
    """Return the figure that `plot_parity` saves."""
    species = process.modelled
    figure = new_figure(12.0, 11 / 3 * -(-len(species) // N_COLUMNS))
    (panels,) = grid(figure, (len(species),), n_columns=N_COLUMNS, is_over_time=False)
    for q, (panel, quantity) in enumerate(zip(panels, species, strict=True)):
        draw_parity(panel, cases, q, quantity)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6, frameon=False)
    title_above(figure, title)
    return figure


def draw_parity(axes: Axes, cases: Mapping[str, Cases], place: int, quantity: Quantity) -> None:
    """Draw forecasts of one species over what came.

    Args:
        axes: To draw into.
        cases: By name of the horizon; at most five.
        place: Of the species among those of the cases.
        quantity: The species.
    """
    seen = np.concatenate([c.actual[:, place] for c in cases.values()])
    for (horizon, c), color, marker in zip(cases.items(), _COLORS, _MARKERS, strict=False):
        pairs = c.actual[:, place], c.point[:, place]
        axes.plot(*pairs, marker, color=color, markersize=3.5, alpha=0.6, label=_named(horizon))
    if np.isfinite(seen).any():
        ends = [float(np.nanmin(seen)), float(np.nanmax(seen))]
        axes.plot(ends, ends, color=MEASURED, linewidth=1.0, label="forecast = what came")
    else:
        axes.text(0.5, 0.5, "never measured", ha="center", va="center", transform=axes.transAxes)
    axes.set_title(quantity.label, fontsize="medium")
    axes.set_xlabel(f"what came [{quantity.unit}]")
    axes.set_ylabel(f"forecast, mean [{quantity.unit}]")
    axes.grid(alpha=0.2)


def plot_coverage(cases: Mapping[str, Cases], path: Path, *, title: str) -> None:
    """Draw the share of values inside intervals over the nominal level, and PIT histograms; save the figure.

    A line per horizon, the mean of all species; on the diagonal intervals keep their promise, below it they are too
    narrow. A flat histogram says the same.

    Args:
        cases: By name of the horizon, with samples; at most five.
        path: File to write; its ending is the format.
        title: Heading of the figure.
    """
    save_figure(coverage_figure(cases, title=title), path)


def coverage_figure(cases: Mapping[str, Cases], *, title: str) -> Figure:
    """Return the figure that `plot_coverage` saves."""
    figure = new_figure(11.0, 5.0)
    promise, ranks = figure.subplots(1, 2)
    draw_coverage(promise, cases)
    draw_ranks(ranks, cases)
    promise.legend(frameon=False)
    title_above(figure, title)
    return figure


def draw_coverage(axes: Axes, cases: Mapping[str, Cases]) -> None:
    """Draw the share of values inside intervals over their nominal level; arguments as of `plot_coverage`."""
    axes.plot([0, 100], [0, 100], color=MEASURED, linewidth=1.0, label="promise kept")
    for horizon, c, color, marker in _with_samples(cases):
        kept = [100.0 * np.nanmean(coverage(c.samples, c.actual, float(level))) for level in LEVELS]
        axes.plot(100.0 * LEVELS, kept, f"-{marker}", color=color, markersize=4, label=_named(horizon))
    axes.set_xlabel("interval [%]")
    axes.set_ylabel("values inside it [%], mean of the species")
    axes.grid(alpha=0.2)


def draw_ranks(axes: Axes, cases: Mapping[str, Cases]) -> None:
    """Draw how values are spread over their forecasts (PIT); arguments as of `plot_coverage`."""
    for horizon, c, color, _ in _with_samples(cases):
        shares = np.nanmean(pit_histogram(pit(c.samples, c.actual)), axis=0)
        axes.stairs(100.0 * shares, np.linspace(0.0, 1.0, len(shares) + 1), color=color, label=_named(horizon))
    axes.axhline(10.0, color=MEASURED, linewidth=1.0)
    axes.set_xlabel("place of the value in its forecast (PIT)")
    axes.set_ylabel("share of values [%]")
    axes.grid(alpha=0.2)


def _with_samples(cases: Mapping[str, Cases]) -> Iterator[tuple[str, Any, str, str]]:
    for (horizon, c), color, marker in zip(cases.items(), _COLORS, _MARKERS, strict=False):
        if c.samples is not None and np.isfinite(c.actual).any():
            yield horizon, c, color, marker


def _named(horizon: str) -> str:
    return f"{horizon} day{'' if horizon == '1' else 's'} ahead" if horizon.isdigit() else horizon
