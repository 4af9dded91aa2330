"""A forecast of one vessel beside the measurements before and after: species, derived quantities, plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perfusio.forecast import Forecast, QuantityForecast
from perfusio.process.panel import Panel
from perfusio.quantities import Quantity
from perfusio.report.drawing.figures import save_figure
from perfusio.report.forecast_plot import panels_figure
from perfusio.report.recorded_forecast import Outlook
from perfusio.report.story.curves import NOTHING, Curves, Pair, value_ends
from perfusio.state import FloatArray, Setpoints
from perfusio.trajectory import Trajectory

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
    save_figure(vessel_figure(run, forecast, plan, start_h=start_h, title=title, derived=derived), path)


def vessel_figure(
    run: Trajectory, forecast: Forecast, plan: Sequence[Setpoints], *, start_h: float, title: str,
    derived: Mapping[str, tuple[Quantity, QuantityForecast]] | None = None,
) -> Figure:  # fmt: skip
    """Return the figure that `plot_vessel_forecast` saves."""
    process = forecast.panel
    ends = min([*run.times_h[:1], start_h]) / 24.0, max([*run.times_h[-1:], forecast.times_h[-1]]) / 24.0
    room = 0.02 * (ends[1] - ends[0])
    at = _Frame(run.reactor_id, process, start_h, (ends[0] - room, ends[1] + room))
    species = [at.of_forecast(s, run, forecast[s.name]) for s in process.modelled]
    further = [at.of_forecast(quantity, None, ahead) for quantity, ahead in (derived or {}).values()]
    asked = [at.of_setpoint(s, run, np.append(start_h, forecast.times_h), plan) for s in process.setpoints]
    return panels_figure([block for block in (species, further, asked) if block], title)


def forecast_curves(forecast: Forecast, name: str, *, run: Trajectory | None = None, start_h: float = 0.0) -> Curves:
    """Return the panel of one species of a forecast; arguments as of `plot_vessel_forecast`.

    Raises:
        UnknownQuantity: the process has no species of that name.
    """
    known = [] if run is None else [*run.times_h]
    ends = min([*known, start_h]) / 24.0, max([*known, *forecast.times_h]) / 24.0
    frame = _Frame("" if run is None else run.reactor_id, forecast.panel, start_h, ends)
    return frame.of_forecast(forecast.panel[name], run, forecast[name])


class _Frame:
    """What the panels have in common."""

    def __init__(self, vessel: str, process: Panel, start_h: float, day_ends: tuple[float, float]) -> None:
        self._vessel, self._process, self._start_h, self._day_ends = vessel, process, start_h, day_ends

    def of_forecast(self, quantity: Quantity, run: Trajectory | None, ahead: QuantityForecast) -> Curves:
        """Return the panel of a species or of a derived quantity."""
        known, later = NOTHING, NOTHING
        if run is not None:
            values = np.array([getattr(s, quantity.name) for s in run.states])
            is_there, is_known = np.isfinite(values), run.times_h <= self._start_h + 1e-6
            known, later = (
                (run.times_h[is_there & of] / 24.0, values[is_there & of]) for of in (is_known, ~is_known)
            )
        ends = {level: ahead.interval(level / 100.0) for level in (80, 90)}
        shown = [np.append(known[1], later[1]), ahead.median, *ends[90]]
        shown_ahead = Outlook(times_h=ahead.times_h, mean=ahead.median, ends=ends)
        return self._curves(quantity, known, shown, later=later, centre="median", ahead=shown_ahead)

    def of_setpoint(
        self, quantity: Quantity, run: Trajectory, times_h: FloatArray, plan: Sequence[Setpoints]
    ) -> Curves:
        """Return the panel of a setpoint: as it was in force, and as planned."""
        held = np.array([getattr(u, quantity.name) for u in run.setpoints])
        planned = np.array([getattr(u, quantity.name) for u in plan])
        steps = (run.times_h / 24.0, held) if len(held) else NOTHING
        return self._curves(quantity, NOTHING, [held, planned], steps=steps, planned=(times_h / 24.0, planned))

    def _curves(
        self, quantity: Quantity, known: Pair, shown: Sequence[FloatArray], *, later: Pair = NOTHING,
        ahead: Outlook | None = None, centre: str = "mean", steps: Pair = NOTHING, planned: Pair = NOTHING,
    ) -> Curves:  # fmt: skip
        return Curves(
            vessel=self._vessel, name=quantity.name, label=quantity.axis_label, unit=quantity.unit, days=known[0],
            values=known[1], is_outside=np.zeros(len(known[0]), dtype=bool), later=later, ahead=ahead, centre=centre,
            steps=steps, planned=planned, now_day=self._start_h / 24.0, day_ends=self._day_ends,
            value_ends=value_ends(list(shown), quantity, self._process),
        )  # fmt: skip
