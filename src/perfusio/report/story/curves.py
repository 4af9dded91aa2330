"""Curves: all that one panel of a figure shows of one quantity of one vessel, whatever draws it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from perfusio.objective import of_record
from perfusio.process.declared import is_fraction
from perfusio.process.derived import DERIVED_QUANTITIES, forecast_quantity, quantity_paths
from perfusio.process.panel import Panel
from perfusio.process.species import Setpoint
from perfusio.quantities import Quantity
from perfusio.report.recorded_forecast import Outlook
from perfusio.report.story.calibration import Outcomes, outcomes
from perfusio.report.story.kept_forecasts import EarlierForecasts, KeptForecast, earlier
from perfusio.report.story.run_story import RunStory, VesselStory
from perfusio.state import FloatArray

BoolArray = NDArray[np.bool_]
Pair = tuple[FloatArray, FloatArray]
NOTHING: Pair = (np.zeros(0), np.zeros(0))
LEAD_DAYS = 3
"""Days ahead of the forecasts that figures hold against the samples."""
LEAST_SPAN, LEAST_SHARE_SPAN = 0.2, 5.0
"""Least height of an axis: as a share of the largest value; of an axis of living cells, in points."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """One panel.

    Attributes:
        vessel: Name of the vessel.
        name: Of the quantity.
        label: Words for the axis, with unit.
        unit: Of all values.
        days: Of the measurements, (N,).
        values: Measured, (N,).
        is_outside: Whether each lies outside of the 80 % interval that was forecast for it, noise included, (N,).
        later: Days and values measured after the latest forecast, which did not know them; two arrays.
        earlier: Forecasts that were made `lead_days` before; None where there are none.
        ahead: The latest forecast, as far as the figure reaches; None where nothing is to come.
        centre: Name of the line in its middle; a record keeps the mean.
        steps: Edges [day] and values of the setpoint in force, two arrays (M + 1,) and (M,); empty for a species.
        planned: The same of the plan to come.
        recommended: Begin [day] and value of each recommendation, two arrays; empty for a species.
        levels: Value and kind of each level, ``"target"``, ``"limit"`` or ``"bound"``.
        now_day: Of the last sample.
        day_ends: Ends of the axis of time [day].
        value_ends: Ends of the axis of values.
        verdict: Share of samples within the earlier forecasts, in words; empty where there is none.
    """

    vessel: str
    name: str
    label: str
    unit: str
    days: FloatArray
    values: FloatArray
    is_outside: BoolArray
    later: Pair = field(default_factory=lambda: NOTHING)
    earlier: EarlierForecasts | None = None
    ahead: Outlook | None = None
    centre: str = "mean"
    steps: Pair = field(default_factory=lambda: NOTHING)
    planned: Pair = field(default_factory=lambda: NOTHING)
    recommended: Pair = field(default_factory=lambda: NOTHING)
    levels: tuple[tuple[float, str], ...] = ()
    now_day: float = float("nan")
    day_ends: tuple[float, float] = (0.0, 1.0)
    value_ends: tuple[float, float] = (0.0, 1.0)
    verdict: str = ""

    def beyond(self) -> tuple[FloatArray, FloatArray]:
        """Return the days on which the mean of a forecast lies above the axis of values, and below it."""
        shown = [one for one in (self.earlier, self.ahead) if one is not None]
        days = np.concatenate([np.zeros(0), *(one.times_h / 24.0 for one in shown)])
        means = np.concatenate([np.zeros(0), *(one.mean for one in shown)])
        return days[means > self.value_ends[1]], days[means < self.value_ends[0]]

    def rows(self) -> Iterator[tuple[str, str, str, float, float, float, float]]:
        """Yield the numbers of the panel: vessel, quantity, curve, day, value, lower and upper end (NaN where none)."""
        nan = float("nan")
        for day, value in zip(self.days, self.values, strict=True):
            yield self.vessel, self.name, "measured", float(day), float(value), nan, nan
        for day, value in zip(*self.later, strict=True):
            yield self.vessel, self.name, "measured later", float(day), float(value), nan, nan
        for curve, shown in ((f"forecast {LEAD_DAYS} days before", self.earlier), ("latest forecast", self.ahead)):
            if shown is not None:
                for i, time_h in enumerate(shown.times_h):
                    low, high = (float(end[i]) for end in shown.ends[80])
                    yield self.vessel, self.name, curve, float(time_h) / 24.0, float(shown.mean[i]), low, high
        for curve, (edges, held) in (("in force", self.steps), ("planned", self.planned)):
            for day, value in zip(edges[:-1], held, strict=True):
                yield self.vessel, self.name, curve, float(day), float(value), nan, nan
        for day, value in zip(*self.recommended, strict=True):
            yield self.vessel, self.name, "recommended", float(day), float(value), nan, nan


class Panels:
    """The panels of a run; forecasts of a vessel are held against its samples once.

    Args:
        story: The run.
        lead_days: Days ahead of the earlier forecasts.
    """

    def __init__(self, story: RunStory, *, lead_days: int = LEAD_DAYS) -> None:
        self.story, self.lead_days = story, lead_days
        self._outcomes: dict[str, Outcomes] = {}

    def signals(self, vessel: VesselStory) -> tuple[str, ...]:
        """Return signals that were measured and have a panel of their own; readings of a setpoint are on its panel."""
        asked = {s.measured_name for s in vessel.panel.setpoints}
        return tuple(
            name
            for name in vessel.panel.of_role("signal")
            if name not in asked and any(name in s.measured() for s in vessel.known.states)
        )

    def outcomes(self, vessel: VesselStory) -> Outcomes:
        """Return the earlier forecasts of a vessel beside the samples that came."""
        if vessel.name not in self._outcomes:
            self._outcomes[vessel.name] = outcomes(vessel, self.lead_days, self.story.interval_h)
        return self._outcomes[vessel.name]

    def species(self, vessel: VesselStory, name: str) -> Curves:
        """Return the panel of a species, a signal, or a quantity that follows from species and setpoints."""
        panel, end_h = vessel.panel, self.story.end_h(vessel)
        quantity = panel[name] if name in panel.by_name else forecast_quantity(name, panel)
        days, values = measured(vessel, name)
        is_forecast = bool(vessel.kept) and (name in panel.species_names or name in DERIVED_QUANTITIES)
        before = earlier(vessel.kept, name, self.lead_days, vessel.now_h) if is_forecast else None
        ahead = _until(vessel.kept[-1], name, end_h) if is_forecast else None
        is_outside, verdict = self._verdict(vessel, name, days)
        levels = tuple(_levels(self.story.config.get("run", {}), name, panel))
        shown = [values, *(end for o in (before, ahead) if o is not None for end in (o.mean, *o.ends[80]))]
        return Curves(
            vessel=vessel.name, name=name, label=quantity.axis_label, unit=quantity.unit, days=days, values=values,
            is_outside=is_outside, earlier=None if before is None or not len(before.times_h) else before, ahead=ahead,
            levels=levels, now_day=vessel.now_h / 24.0, day_ends=_day_ends(vessel, end_h),
            value_ends=value_ends(shown, quantity, panel, levels=[v for v, k in levels if k == "target"]),
            verdict=verdict,
        )  # fmt: skip

    def setpoint(self, vessel: VesselStory, name: str) -> Curves:
        """Return the panel of a setpoint: in force, recommended, planned, its bounds, and readings of it."""
        story, end_h = self.story, self.story.end_h(vessel)
        asked, panel = vessel.panel[name], vessel.panel
        days, values = NOTHING
        if isinstance(asked, Setpoint) and asked.measured_name in panel.by_name:
            days, values = measured(vessel, asked.measured_name)
        edges = vessel.known.times_h / 24.0
        held = np.array([getattr(u, name) for u in vessel.known.setpoints])
        asked_days = np.array([time_h / 24.0 for time_h, _ in vessel.asked])
        recommended = asked_days, np.array([getattr(u, name) for _, u in vessel.asked])
        planned = _planned(vessel, name, end_h)
        bounds = story.config.get("design_space", {}).get("bounds", {}).get(name)
        levels = tuple((float(bounds[side]), "bound") for side in ("low", "high")) if bounds else ()
        ends = [v for v, _ in levels]
        return Curves(
            vessel=vessel.name, name=name, label=asked.axis_label, unit=asked.unit, days=days, values=values,
            is_outside=np.zeros(len(days), dtype=bool), steps=(edges if len(held) else np.zeros(0), held),
            planned=planned, recommended=recommended, levels=levels, now_day=vessel.now_h / 24.0,
            day_ends=_day_ends(vessel, end_h),
            value_ends=value_ends([held, recommended[1], planned[1], values], asked, panel, levels=ends),
        )  # fmt: skip

    def _verdict(self, vessel: VesselStory, name: str, days: FloatArray) -> tuple[BoolArray, str]:
        is_outside = np.zeros(len(days), dtype=bool)
        if name not in vessel.panel.species_names or not vessel.kept:
            return is_outside, ""
        came = self.outcomes(vessel)
        inside = came.is_inside(80)[:, vessel.panel.index(name)]
        n = int(np.isfinite(inside).sum())
        if not n:
            return is_outside, ""
        out = came.times_h[inside == 0.0] / 24.0
        return np.isin(days, out), f"{int(np.nansum(inside))} of {n} within 80 %"


def measured(vessel: VesselStory, name: str) -> Pair:
    """Return culture days and values of a quantity, where it was measured or follows from measured ones.

    A derived quantity takes the setpoints that were in force up to the sample, so the first sample has none.
    """
    known, panel = vessel.known, vessel.panel
    if name in panel.by_name:
        values = np.array([getattr(s, name) for s in known.states])
        days = known.times_h / 24.0
    elif len(known.states) < 2 or name == "vcv":
        return NOTHING
    else:
        values = quantity_paths(name, known.values[None, None, 1:], known.inputs[None], panel=panel)[0, 0]
        days = known.times_h[1:] / 24.0
    is_there = np.isfinite(values)
    return days[is_there], values[is_there]


def _until(one: KeptForecast, name: str, end_h: float) -> Outlook | None:
    """Return a forecast of a quantity up to a time [h], None if all of it lies beyond."""
    whole = one.outlook(name)
    n = int((whole.times_h <= end_h + 1e-6).sum())
    if not n:
        return None
    ends = {level: (low[:n], high[:n]) for level, (low, high) in whole.ends.items()}
    return Outlook(times_h=whole.times_h[:n], mean=whole.mean[:n], ends=ends)


def _planned(vessel: VesselStory, name: str, end_h: float) -> Pair:
    if vessel.latest is None or not len(vessel.latest.times_h):
        return NOTHING
    times = np.array([vessel.latest.made_h, *vessel.latest.times_h])
    n = int((times[1:] <= end_h + 1e-6).sum())
    plan = vessel.latest.plan
    values = np.array([getattr(plan[min(i, len(plan) - 1)], name) for i in range(n)])
    return (times[: n + 1] / 24.0, values) if n else NOTHING


def _levels(run: Mapping[str, object], name: str, panel: Panel) -> Iterator[tuple[float, str]]:
    for objective in of_record(run.get("objective", ()), panel):  # type: ignore[arg-type]
        if objective.quantity == name and objective.target:
            yield float(objective.target), "target"
    constraints = run.get("constraints", ())
    assert isinstance(constraints, list | tuple)
    for constraint in constraints:
        for side in ("low", "high"):
            if constraint["quantity"] == name and constraint[side] is not None:
                yield float(constraint[side]), "limit"


def _day_ends(vessel: VesselStory, end_h: float) -> tuple[float, float]:
    if not vessel.known.states:
        return 0.0, 1.0
    first, last = vessel.known.states[0].day, end_h / 24.0
    room = max(0.02 * (last - first), 0.1)
    return first - room, last + room


def value_ends(
    shown: list[FloatArray], quantity: Quantity, panel: Panel, *, levels: list[float] | None = None
) -> tuple[float, float]:
    """Return the ends of an axis of values.

    All values and levels are on it. A concentration begins at zero. No axis is finer than LEAST_SPAN of its largest
    value, or than a change that the process calls clear: on an axis from 0.48 to 0.52 a constant looks like an event.
    A band that is honestly very wide may leave the axis.

    Args:
        shown: Values first, then all that is drawn with them.
        quantity: Quantity of the axis.
        panel: The process.
        levels: Levels that must be on it.
    """
    must = _finite(shown[0], np.array(levels or [], dtype=float))
    every = _finite(*shown, must)
    if not len(every):
        return (quantity.low, quantity.high) if isfinite(quantity.high) else (0.0, 1.0)
    low, high = float(every.min()), float(every.max())
    is_setpoint, is_share = isinstance(quantity, Setpoint), is_fraction(quantity.name, panel)
    if quantity.low == 0.0 and not is_setpoint and not is_share:
        most = max(1.0 if not len(must) else float(must.max()), 1e-3)
        return 0.0, 1.06 * max(min(high, 2.5 * most), 1e-3)
    least = LEAST_SHARE_SPAN if is_share else LEAST_SPAN * high * (quantity.low == 0.0)
    span = max(least, float(getattr(quantity, "clear_change", 0.0)), 1e-3)
    if high - low < span:
        low, high = (low + high - span) / 2.0, (low + high + span) / 2.0
    if is_share and high > quantity.high:
        low, high = max(low - (high - quantity.high), 0.0), quantity.high
    room = 0.06 * (high - low)
    return low - room, high + room


def _finite(*some: FloatArray) -> FloatArray:
    every = np.concatenate(some)
    found: FloatArray = every[np.isfinite(every)]
    return found
