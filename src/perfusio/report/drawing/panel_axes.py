"""One panel drawn into axes of matplotlib: measurements, the forecasts made before them, setpoints, levels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perfusio.report.recorded_forecast import Outlook
from perfusio.report.story.curves import Curves
from perfusio.report.story.kept_forecasts import EarlierForecasts
from perfusio.state import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEASURED, BELIEF, ASKED, LIMIT, OUTSIDE = "#1a1a1a", "#2b6cb0", "#2f855a", "#c05621", "#d9480f"
BANDS: dict[int, tuple[float, str]] = {
    90: (0.15, "90 % interval: the true value is expected inside 9 times in 10"),
    80: (0.30, "80 % interval: inside 8 times in 10"),
}
"""Opacity and legend of each interval, widest first."""
_LEVELS: dict[str, dict[str, Any]] = {
    "target": {"color": ASKED, "linewidth": 1.2, "label": "target"},
    "limit": {"color": LIMIT, "linewidth": 1.0, "linestyle": (0, (1, 2)), "label": "limit"},
    "bound": {"color": LIMIT, "linewidth": 1.0, "linestyle": (0, (1, 2)), "label": "limit"},
}
DOTTED: dict[str, Any] = {"color": "0.55", "linewidth": 0.8, "linestyle": ":"}


def draw_curves(axes: Axes, curves: Curves) -> None:
    """Draw one panel: everything that its curves hold; axis labels are left to the caller."""
    if curves.earlier is not None:
        draw_earlier(axes, curves.earlier)
    if curves.ahead is not None:
        draw_ahead(axes, curves.ahead, centre=curves.centre)
    draw_levels(axes, curves)
    draw_setpoint(axes, curves)
    draw_measured(axes, curves)
    if curves.ahead is not None or len(curves.planned[1]):
        axes.axvline(curves.now_day, **DOTTED)
    draw_beyond(axes, curves)
    axes.set_xlim(*curves.day_ends)
    axes.set_ylim(*curves.value_ends)
    axes.grid(alpha=0.2)


def draw_earlier(axes: Axes, before: EarlierForecasts) -> None:
    """Draw forecasts that were made the same time before the time they speak of: mean and 80 % interval."""
    days, made = before.times_h / 24.0, f"{before.lead_days:g} day{'' if before.lead_days == 1 else 's'} before"
    axes.fill_between(
        days, *before.ends[80], color=BELIEF, alpha=0.25, linewidth=0, label=f"forecast {made}, 80 % interval"
    )
    axes.plot(days, before.mean, color=BELIEF, linewidth=1.0, label=f"forecast {made}, mean")


def draw_ahead(axes: Axes, ahead: Outlook, *, centre: str = "mean") -> None:
    """Draw a forecast with its intervals; their ends are smoothed over a week, for the eye only."""
    days = ahead.times_h / 24.0
    for level, (opacity, words) in BANDS.items():
        low, high = (smoothed(end) for end in ahead.ends[level])
        axes.fill_between(days, low, high, color=BELIEF, alpha=opacity, linewidth=0, label=words)
    axes.plot(days, smoothed(ahead.mean), "--", color=BELIEF, linewidth=1.4, label=f"latest forecast, {centre}")


def smoothed(end: FloatArray) -> FloatArray:
    """Return an end of an interval without the scatter of a hundred paths: a quadratic through each week of days."""
    from scipy.signal import savgol_filter

    if len(end) < 8:
        return end
    smooth: FloatArray = savgol_filter(end, 7, 2)
    return np.maximum(smooth, 0.0) if (end >= 0.0).all() else smooth


def draw_beyond(axes: Axes, curves: Curves) -> None:
    """Mark at the edge where a forecast has left the axis: one that cannot be seen is not one that is missing."""
    for days, edge, mark in zip(curves.beyond(), (0.97, 0.03), ("^", "v"), strict=True):
        if len(days):
            axes.plot(
                days, np.full(len(days), edge), mark, color=BELIEF, markersize=4.5,
                transform=axes.get_xaxis_transform(), label="forecast, mean beyond the axis",
            )  # fmt: skip


def draw_measured(axes: Axes, curves: Curves) -> None:
    """Draw measurements as dots; those outside of the interval that was forecast for them are filled orange."""
    inside, outside = ~curves.is_outside, curves.is_outside
    axes.plot(curves.days[inside], curves.values[inside], "o", color=MEASURED, markersize=3.6, label="measured")
    if outside.any():
        label = "measured, outside of the 80 % interval (noise included)"
        axes.plot(
            curves.days[outside], curves.values[outside], "o", markerfacecolor=OUTSIDE, markeredgecolor=MEASURED,
            markeredgewidth=0.7, markersize=4.6, label=label,
        )  # fmt: skip
    if len(curves.later[0]):
        label = "measured later, unknown to the forecast"
        axes.plot(*curves.later, "o", mfc="none", color=MEASURED, markersize=4, label=label)


def draw_setpoint(axes: Axes, curves: Curves) -> None:
    """Draw a setpoint: in force, planned, recommended."""
    edges, held = curves.steps
    if len(held):
        axes.stairs(held, edges, baseline=None, color=MEASURED, linewidth=1.4, label="setpoint in force")
    begin, planned = curves.planned
    if len(planned):
        axes.stairs(
            planned, begin, baseline=None, color=BELIEF, linewidth=1.4, linestyle="--", label="setpoint planned"
        )
    days, asked = curves.recommended
    if len(asked):
        length = float(np.median(np.diff(days))) if len(days) > 1 else 1.0
        ends = np.minimum(days + length, [*days[1:], days[-1] + length])
        axes.hlines(asked, days, ends, color=ASKED, linewidth=4.0, alpha=0.5, label="recommended")


def draw_levels(axes: Axes, curves: Curves) -> None:
    """Draw target, limits and bounds, as far as they lie on the axis."""
    low, high = curves.value_ends
    for value, kind in curves.levels:
        if low <= value <= high:
            axes.axhline(value, **_LEVELS[kind])
