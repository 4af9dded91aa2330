"""A forecast of one vessel beside the measurements before and after: species, derived quantities, plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perfusio.forecast import Forecast, QuantityForecast
from perfusio.quantities import Quantity
from perfusio.report.axes_grid import DAY
from perfusio.report.forecast_plot import BANDS, BELIEF, MEASURED
from perfusio.state import Setpoints
from perfusio.trajectory import Trajectory

if TYPE_CHECKING:
    from matplotlib.axes import Axes

N_COLUMNS = 4


def plot_vessel_forecast(
    run: Trajectory,
    forecast: Forecast,
    plan: Sequence[Setpoints],
    path: Path,
    *,
    start_h: float,
    title: str,
    derived: Mapping[str, tuple[Quantity, QuantityForecast]] | None = None,
) -> None:
    """Draw the forecast with its 80 and 90 % intervals over the measured values, and save the figure.

    Args:
        run: All measurements; those after `start_h` are drawn hollow: the forecast did not know it.
        forecast: Of the true state.
        plan: Setpoints of each interval of the forecast.
        path: File to write; its ending is the format.
        start_h: Time of the last sample that the forecast knew [h].
        title: Heading of the figure.
        derived: Further quantities by name.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    derived, process = derived or {}, forecast.panel
    n_panels = len(process.modelled) + len(derived) + len(process.setpoints)
    n_rows = -(-n_panels // N_COLUMNS)
    figure = Figure(figsize=(17, 2.9 * n_rows), layout="constrained")
    FigureCanvasAgg(figure)
    panels = iter(figure.subplots(n_rows, N_COLUMNS, sharex=True).flat)
    first = None
    for species in process.modelled:
        panel = next(panels)
        first = first or panel
        _bands(panel, forecast[species.name])
        _measured(panel, run, species.name, start_h)
        panel.set_ylabel(species.axis_label)
    for quantity, ahead in derived.values():
        panel = next(panels)
        _bands(panel, ahead)
        panel.set_ylabel(quantity.axis_label)
    for setpoint in process.setpoints:
        panel = next(panels)
        if run.setpoints:
            held = [getattr(u, setpoint.name) for u in run.setpoints]
            panel.stairs(held, run.times_h / 24.0, baseline=None, color=MEASURED, linewidth=1.4)
        planned = [getattr(u, setpoint.name) for u in plan]
        panel.stairs(planned, np.append(start_h, forecast.times_h) / 24.0, baseline=None, color=BELIEF, linestyle="--")
        panel.set_ylabel(setpoint.axis_label)
    for panel in panels:
        panel.remove()
    for panel in figure.axes:
        panel.axvline(start_h / 24.0, color="0.55", linewidth=0.8, linestyle=":")
        panel.grid(alpha=0.2)
        panel.set_xlabel(DAY)
    assert first is not None
    handles, labels = first.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False)
    figure.suptitle(title)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _bands(panel: Axes, ahead: QuantityForecast) -> None:
    days = ahead.times_h / 24.0
    for level, (opacity, words) in BANDS.items():
        panel.fill_between(days, *ahead.interval(level / 100.0), color=BELIEF, alpha=opacity, linewidth=0, label=words)
    panel.plot(days, ahead.median, "--", color=BELIEF, linewidth=1.4, label="forecast, median")


def _measured(panel: Axes, run: Trajectory, name: str, start_h: float) -> None:
    days, values = run.times_h / 24.0, np.array([getattr(s, name) for s in run.states])
    is_known = run.times_h <= start_h + 1e-6
    panel.plot(days[is_known], values[is_known], "o", color=MEASURED, markersize=4, label="measured")
    label = "measured later, unknown to the forecast"
    panel.plot(days[~is_known], values[~is_known], "o", mfc="none", color=MEASURED, markersize=4, label=label)
