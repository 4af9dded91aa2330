"""DayTable: the table of a run told day by day: measured values, the forecast of the end, setpoints that move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from perfusio.config import Objective
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.derived import forecast_names, forecast_quantity
from perfusio.process.needs import NEEDS
from perfusio.process.panel import Panel
from perfusio.report.columns import WIDTH, narrow, short, shown
from perfusio.report.lines import WIDTH as LINE
from perfusio.report.recorded_forecast import outlook
from perfusio.report.wording import ABBREVIATED, UNCHANGED, in_columns, moved_to, number
from perfusio.state import Setpoints, State


@dataclass(slots=True, kw_only=True)
class DayRow:
    """What a row tells of one vessel.

    Attributes:
        turn: Of the day.
        sample: The sample; None = none came.
        expected_h: When the missing one was expected [h].
        forecast: As recorded, with the setpoints of its intervals to come.
        asked: Recommended setpoints; None = no decision.
        before: Setpoints that they replace; None = nothing is written.
        is_held: Whether all setpoints stay.
    """

    turn: int
    sample: State | None = None
    expected_h: float | None = None
    forecast: tuple[dict[str, Any], Sequence[Setpoints]] | None = None
    asked: Setpoints | None = None
    before: Setpoints | None = None
    is_held: bool = False


@dataclass(slots=True, kw_only=True)
class DayTable:
    """Header and rows of a run; it learns the run from the caller.

    Attributes:
        width: Of the terminal, in characters; where it has no room for columns of setpoints, there are none.
        panel: The process.
        objectives: Aims; the quantity of the first one has the forecast's column. None = cells.
        days: Planned length [day].
        interval_h: Expected time between samples [h].
        is_one: Whether the run has one vessel.
        end_h: Planned end of each vessel that was sampled [h].
    """

    width: int = LINE
    panel: Panel = CHO_PERFUSION
    objectives: Sequence[Objective] = ()
    days: float = 0.0
    interval_h: float = 24.0
    is_one: bool = True
    end_h: dict[str, float] = field(default_factory=dict)

    @property
    def is_narrow(self) -> bool:
        """Whether there is no room for columns of setpoints."""
        return self.width < LINE

    def header(self) -> tuple[str, str, str]:
        """Return the three lines above the rows."""
        name, panel = self._shown_ahead, self.panel
        measured, asked = shown(panel), short(panel)
        unit = narrow(forecast_quantity(name, panel))
        end = max(self.end_h.values(), default=24.0 * self.days) / 24.0
        vessel = "" if self.is_one else f"{'vessel':<7}"
        label = measured.get(name) or (name if name in panel.by_name else ABBREVIATED.get(name, name))
        over = (
            f"{'measured':<{(WIDTH + 1) * len(measured) + 1}}{f'{label} on day {end:g}':<24}"
            f"{'' if self.is_narrow else f'setpoints from now on ({UNCHANGED} = as before)'}"
        )
        asked = {} if self.is_narrow else asked
        names = in_columns(measured.values()), in_columns(asked.values())
        units = in_columns(narrow(panel[n]) for n in measured), in_columns(narrow(panel[n]) for n in asked)
        blank = " " * len(vessel)
        return (
            f"{blank}      {over}".rstrip(),
            f"{vessel}{'day':>5} {names[0]}  {'mean':>7} {'80 % interval':^15} {names[1]}".rstrip(),
            f"{blank}{'':5} {units[0]}  {unit:>7} {'':15} {units[1]}".rstrip(),
        )

    def row(self, reactor: str, today: DayRow) -> str:
        """Return the row of a vessel's day."""
        sample = today.sample
        start = self._end_h(reactor) - 24.0 * self.days
        time_h = sample.time_h if sample else today.expected_h
        day = (start + today.turn * self.interval_h if time_h is None else time_h) / 24.0
        values = [number(getattr(sample, name)) if sample else "-" for name in shown(self.panel)]
        vessel = "" if self.is_one else f"{reactor:<7}"
        measured, setpoints = in_columns(values), "" if self.is_narrow else in_columns(self._setpoints(today))
        return f"{vessel}{round(day, 2):>5g} {measured}  {self._ahead(reactor, today)} {setpoints}".rstrip()

    def moves(self, today: DayRow) -> str:
        """Return the setpoints that move, e.g. ``"perf. 1.30 1/day, bleed 0.12 1/day"``; empty where none does."""
        asked = zip(short(self.panel).items(), self._setpoints(today), strict=False)
        moved = [f"{label} {text} {narrow(self.panel[n])}" for (n, label), text in asked if text != UNCHANGED]
        return ", ".join(moved)

    @property
    def _shown_ahead(self) -> str:
        """The quantity in the forecast's column: that of the first objective; for a volume or a composed one, cells."""
        name = self.objectives[0].quantity if self.objectives else self.panel.the("cells")
        is_forecast = name in forecast_names(self.panel) and "size" not in NEEDS.get(name, ())
        return name if is_forecast else self.panel.the("cells")

    def _end_h(self, reactor: str) -> float:
        """Return the planned end of a vessel [h]; a run that goes on has not shown its first sample."""
        return self.end_h.get(reactor, 24.0 * self.days)

    def _ahead(self, reactor: str, today: DayRow) -> str:
        if today.forecast is not None:
            there = outlook(today.forecast[0], self._shown_ahead, today.forecast[1]).at(self._end_h(reactor))
            if there is not None:
                mean, low, high = (number(v) for v in there)
                return f"{mean:>7} {f'{low} to {high}':^15}"
        return f"{'-':>7} {'':15}"

    def _setpoints(self, today: DayRow) -> list[str]:
        if today.is_held:
            return [UNCHANGED] * len(self.panel.setpoints)
        if today.asked is None:
            return []
        return [moved_to(today.before, today.asked, name) for name in self.panel.setpoint_names]
