"""How good forecasts were, drawn: parity (forecast against measurement) and coverage (nominal against found)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perfusio.hybrid.scores.scoring import Cases, coverage, pit, pit_histogram
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.report.axes_grid import grid
from perfusio.report.forecast_plot import ASKED, BELIEF, LIMIT, MEASURED

if TYPE_CHECKING:
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
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    species = process.modelled
    figure = Figure(figsize=(12, 11 / 3 * -(-len(species) // N_COLUMNS)), layout="constrained")
    FigureCanvasAgg(figure)
    (panels,) = grid(figure, (len(species),), n_columns=N_COLUMNS, is_over_time=False)
    for q, (panel, quantity) in enumerate(zip(panels, species, strict=True)):
        seen = np.concatenate([c.actual[:, q] for c in cases.values()])
        for (horizon, c), color, marker in zip(cases.items(), _COLORS, _MARKERS, strict=False):
            panel.plot(
                c.actual[:, q], c.point[:, q], marker, color=color, markersize=3.5, alpha=0.6, label=_named(horizon)
            )
        if np.isfinite(seen).any():
            ends = [float(np.nanmin(seen)), float(np.nanmax(seen))]
            panel.plot(ends, ends, color=MEASURED, linewidth=1.0, label="forecast = what came")
        else:
            panel.text(0.5, 0.5, "never measured", ha="center", va="center", transform=panel.transAxes)
        panel.set_title(quantity.label, fontsize="medium")
        panel.set_xlabel(f"what came [{quantity.unit}]")
        panel.set_ylabel(f"forecast, mean [{quantity.unit}]")
        panel.grid(alpha=0.2)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6, frameon=False)
    figure.suptitle(title)
    _save(figure, path)


def plot_coverage(cases: Mapping[str, Cases], path: Path, *, title: str) -> None:
    """Draw the share of values inside intervals over the nominal level, and PIT histograms; save the figure.

    A line per horizon, the mean of all species; on the diagonal intervals keep their promise, below it they are too
    narrow. A flat histogram says the same.

    Args:
        cases: By name of the horizon, with samples; at most five.
        path: File to write; its ending is the format.
        title: Heading of the figure.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5), layout="constrained")
    FigureCanvasAgg(figure)
    promise, ranks = figure.subplots(1, 2)
    promise.plot([0, 100], [0, 100], color=MEASURED, linewidth=1.0, label="promise kept")
    for (horizon, c), color, marker in zip(cases.items(), _COLORS, _MARKERS, strict=False):
        if c.samples is None or not np.isfinite(c.actual).any():
            continue
        kept = [100.0 * np.nanmean(coverage(c.samples, c.actual, float(level))) for level in LEVELS]
        promise.plot(100.0 * LEVELS, kept, f"-{marker}", color=color, markersize=4, label=_named(horizon))
        shares = np.nanmean(pit_histogram(pit(c.samples, c.actual)), axis=0)
        ranks.stairs(100.0 * shares, np.linspace(0.0, 1.0, len(shares) + 1), color=color, label=_named(horizon))
    ranks.axhline(10.0, color=MEASURED, linewidth=1.0)
    promise.set_xlabel("interval [%]")
    promise.set_ylabel("values inside it [%], mean of the species")
    ranks.set_xlabel("place of the value in its forecast (PIT)")
    ranks.set_ylabel("share of values [%]")
    for panel in (promise, ranks):
        panel.grid(alpha=0.2)
    promise.legend(frameon=False)
    figure.suptitle(title)
    _save(figure, path)


def _named(horizon: str) -> str:
    return f"{horizon} day{'' if horizon == '1' else 's'} ahead" if horizon.isdigit() else horizon


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
