"""Measurements, forecasts and setpoints in one figure, drawn from the record of a run alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perfusio.events import (
    Decided,
    Event,
    Json,
    RunStarted,
)
from perfusio.objective import of_record
from perfusio.process.declared import is_fraction
from perfusio.process.panel import Panel
from perfusio.process.species import Setpoint
from perfusio.record.apply_event import after
from perfusio.record.run_state import RunState
from perfusio.record.verification.verify import read_records
from perfusio.report.axes_grid import grid
from perfusio.report.recorded_forecast import Outlook, outlook
from perfusio.state import Setpoints
from perfusio.trajectory import Trajectory

if TYPE_CHECKING:
    from matplotlib.axes import Axes

N_COLUMNS = 3
MEASURED, BELIEF, ASKED, LIMIT = "#1a1a1a", "#2b6cb0", "#2f855a", "#c05621"
BANDS: dict[int, tuple[float, str]] = {
    90: (0.15, "90 % interval: the true value is expected inside 9 times in 10"),
    80: (0.30, "80 % interval: inside 8 times in 10"),
}
"""Opacity and legend of each interval, widest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Story:
    """One vessel by the record.

    Attributes:
        known: Samples, corrected and completed, and the setpoints in force between them.
        asked: Recommended setpoints with the time of the sample that they answer [h].
        forecast: The latest one.
        plan: Setpoints of the intervals to come, under which it was made; the last one stays.
        is_chosen: Whether these are recommended, and not those in force.
    """

    known: Trajectory
    asked: tuple[tuple[float, Setpoints], ...]
    forecast: Json
    plan: tuple[Setpoints, ...]
    is_chosen: bool

    @property
    def now_h(self) -> float:
        return self.known.states[-1].time_h

    @property
    def panel(self) -> Panel:
        return self.known.panel

    @property
    def signals(self) -> tuple[str, ...]:
        """Signals that were measured and have an axis of their own; readings of a setpoint are on its axis."""
        asked = {s.measured_name for s in self.panel.setpoints}
        return tuple(
            name
            for name in self.panel.of_role("signal")
            if name not in asked and any(name in s.measured() for s in self.known.states)
        )


def plot_record(record: str | Path, path: Path, *, reactor: str | None = None) -> bool:
    """Draw the run in `record` and save the figure; the format follows the ending of `path`.

    Args:
        record: The `audit.jsonl` of a run, finished or not; it is verified line by line while it is read.
        path: File to write, e.g. ``forecast.png``.
        reactor: Vessel to draw; default the first.

    Returns:
        Whether there was a forecast to draw; without one nothing is written.

    Raises:
        AuditError: the record cannot be read.
        ChainBroken: the record was changed.
    """
    return plot_events((r.to_event() for r in read_records(record)), path, reactor=reactor)


def plot_events(events: Iterable[Event], path: Path, *, reactor: str | None = None) -> bool:
    """Draw the run that these events tell; see `plot_record`."""
    config, known, asked = dict[str, Any](), RunState(), dict[str, list[tuple[float, Setpoints]]]()
    for event in events:
        known = after(known, event)
        if isinstance(event, RunStarted):
            config = event.config
        elif isinstance(event, Decided) and event.reactor is not None:
            now_h = known.trajectories[event.reactor].states[-1].time_h
            asked.setdefault(event.reactor, []).append((now_h, event.setpoints))
    drawable = [name for name, one in known.trajectories.items() if one.states and name in known.forecasts]
    name = reactor if reactor is not None else next(iter(drawable), None)
    if name not in drawable:
        return False
    _draw(_story(known, name, asked.get(name, [])), config, path, name)
    return True


def _story(known: RunState, reactor: str, asked: list[tuple[float, Setpoints]]) -> _Story:
    latest = known.forecasts[reactor]
    is_chosen = isinstance(latest, Decided)
    return _Story(
        known=known.trajectories[reactor],
        asked=tuple(asked),
        forecast=latest.chosen if isinstance(latest, Decided) else latest.hold,
        plan=latest.planned if isinstance(latest, Decided) else (known.in_force[reactor],),
        is_chosen=is_chosen,
    )


def _draw(story: _Story, config: dict[str, Any], path: Path, reactor: str) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = (*story.panel.species_names, *story.signals)
    n_rows = sum(-(-len(of) // N_COLUMNS) for of in (names, story.panel.setpoint_names))
    figure = Figure(figsize=(15, 2.8 * n_rows), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = grid(figure, (len(names), len(story.panel.setpoint_names)), n_columns=N_COLUMNS)
    for panel, species in zip(above, names, strict=True):
        _species(panel, species, story, config)
    for panel, setpoint in zip(below, story.panel.setpoint_names, strict=True):
        _setpoint(panel, setpoint, story, config)
    for panel in (*above, *below):
        panel.axvline(story.now_h / 24.0, color="0.55", linewidth=0.8, linestyle=":")
        panel.grid(alpha=0.2)
        panel.margins(x=0.02)
    under = "recommended" if story.is_chosen else "in force"
    figure.suptitle(
        f"Vessel {reactor}, forecast made on day {story.now_h / 24.0:g} under the setpoints {under} "
        "(dotted line: last sample). Intervals as the model states them."
    )
    handles: dict[str, Any] = {}
    for panel in (*above, *below):
        handles |= {label: handle for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _species(panel: Axes, name: str, story: _Story, config: dict[str, Any]) -> None:
    is_forecast = name in story.panel.species_names
    ahead = outlook(story.forecast, name, story.plan) if is_forecast else None
    if ahead is not None:
        _bands(panel, ahead)
    values = _dots(panel, name, story)
    run = config.get("run", {})
    for objective in of_record(run.get("objective", ()), story.panel):
        if objective.quantity == name and objective.target:
            panel.axhline(objective.target, color=ASKED, linewidth=1.2, label="target")
    for constraint in run.get("constraints", ()):
        for side in ("low", "high"):
            if constraint["quantity"] == name and constraint[side] is not None:
                panel.axhline(constraint[side], color=LIMIT, linewidth=1.0, linestyle=(0, (1, 2)), label="limit")
    panel.set_ylabel(story.panel[name].axis_label)
    if ahead is not None and not is_fraction(name, story.panel):
        panel.set_ylim(bottom=0.0, top=_top(values, ahead))


def _dots(panel: Axes, name: str, story: _Story) -> list[float]:
    """Draw the measurements of a quantity and return them."""
    values = [v for s in story.known.states if (v := getattr(s, name)) == v]
    days = [s.day for s in story.known.states if getattr(s, name) == getattr(s, name)]
    panel.plot(days, values, "o", color=MEASURED, markersize=4, label="measured")
    return values


def _top(values: list[float], ahead: Outlook) -> float:
    """Leave room for all dots and the mean; a band that is honestly very wide may leave the panel."""
    seen = max([*values, float(ahead.mean.max()), 1e-3])
    return 1.08 * min(max(seen, float(ahead.ends[90][1].max())), 2.5 * seen)


def _bands(panel: Axes, ahead: Outlook) -> None:
    days = ahead.times_h / 24.0
    for level, (opacity, words) in BANDS.items():
        panel.fill_between(days, *ahead.ends[level], color=BELIEF, alpha=opacity, linewidth=0, label=words)
    panel.plot(days, ahead.mean, "--", color=BELIEF, linewidth=1.4, label="forecast, mean")


def _setpoint(panel: Axes, name: str, story: _Story, config: dict[str, Any]) -> None:
    asked = story.panel[name]
    if isinstance(asked, Setpoint) and asked.measured_name in story.panel.by_name:
        _dots(panel, asked.measured_name, story)
    edges = [s.day for s in story.known.states]
    if story.known.setpoints:
        held = [getattr(u, name) for u in story.known.setpoints]
        panel.stairs(held, edges, baseline=None, color=MEASURED, linewidth=1.4, label="setpoint in force")
    times = np.array([story.now_h, *story.forecast["times_h"]]) / 24.0
    ahead = [getattr(story.plan[min(i, len(story.plan) - 1)], name) for i in range(len(times) - 1)]
    panel.stairs(ahead, times, baseline=None, color=BELIEF, linewidth=1.4, linestyle="--")
    hours = float(config.get("run", {}).get("sampling_interval_hours", 24.0))
    days = np.array([time_h / 24.0 for time_h, _ in story.asked])
    recommended = [getattr(u, name) for _, u in story.asked]
    panel.hlines(recommended, days, days + hours / 24.0, color=ASKED, linewidth=4.0, alpha=0.5, label="recommended")
    bounds = config.get("design_space", {}).get("bounds", {}).get(name)
    if bounds:
        for side in ("low", "high"):
            panel.axhline(bounds[side], color=LIMIT, linewidth=1.0, linestyle=(0, (1, 2)), label="limit")
    panel.set_ylabel(story.panel[name].axis_label)
