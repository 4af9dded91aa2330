"""One advice told to a person: the moves, the expected effect, and the data that it rests on. From events alone."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perfusio.config import Objective
from perfusio.events import Decided
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.derived import forecast_names, forecast_quantity
from perfusio.process.needs import NEEDS
from perfusio.process.panel import Panel
from perfusio.report.about_process import composition
from perfusio.report.columns import shown
from perfusio.report.lines import counted, without_support
from perfusio.report.recorded_forecast import outlook
from perfusio.report.wording import number
from perfusio.state import Setpoints
from perfusio.texts import shown as plain
from perfusio.trajectory import Trajectory

WIDTH = 80
LABEL = 11
"""Characters of the label before a remark, with its blanks."""
NEARLY = 0.01
"""A setpoint that moves by less than this share of its value stays as it is, as in the reason of a decision."""
MUCH, LITTLE = 0.7, 0.5
"""Support above and below which forecasts are said to be of the kind that was learnt, or far from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """The data that advice rests on.

    Attributes:
        trajectory: Samples of the vessel.
        in_force: Setpoints before the advice.
        assumed: Those of them that nobody stated.
        learnt_from: Past runs in words; empty = none, None = not known.
        objectives: Of the vessel.
    """

    trajectory: Trajectory
    in_force: Setpoints
    assumed: tuple[str, ...]
    learnt_from: str | None
    objectives: Sequence[Objective]


def advice_lines(decided: Decided, basis: Basis, *, width: int = WIDTH) -> list[str]:
    """Return the moves, the expected effect and its basis as lines of at most `width` characters."""
    said = _moves(decided.setpoints, basis, width)
    for objective in basis.objectives:
        said += _labelled("expected", _effect(decided, basis, objective), width)
    if also := _also(decided, basis):
        said += _labelled("", also, width)
    remarks = without_support(_remarks(decided.reason))[0].strip(" ;.")
    if remarks:
        said += _labelled("limits", f"{remarks}.", width)
    return said + basis_lines(decided, basis, width=width)


def basis_lines(decided: Decided | None, basis: Basis, *, width: int = WIDTH) -> list[str]:
    """Return the basis of advice and its assumptions as lines."""
    panel, states = basis.trajectory.panel, basis.trajectory.states
    learnt = "past runs are not on record" if basis.learnt_from is None else basis.learnt_from
    own = f"{counted(len(states), 'sample')} of this culture"
    if states:
        own += f", day {states[0].day:.3g} to {states[-1].day:.3g}"
    told = f"{learnt or 'general kinetics alone, no past runs (--history)'}; {own}{_likeness(decided)}."
    said = _labelled("rests on", told, width)
    measured = {name for state in states for name in state.measured()}
    if never := [s.name for s in panel.modelled if s.name not in measured]:
        said += _labelled("estimated", f"{', '.join(never)}: never measured.", width)
    if basis.assumed:
        listed = ", ".join(f"{n} {number(getattr(basis.in_force, n))} {panel[n].unit}" for n in basis.assumed)
        said += _labelled("assumed", f"in force until now, as nothing states it: {listed}.", width)
    if panel == CHO_PERFUSION:
        words = f"medium {composition(panel, panel.medium)}, as no process was given. Yours: perfusio init."
        said += _labelled("" if basis.assumed else "assumed", words, width)
    return said


def _moves(advised: Setpoints, basis: Basis, width: int) -> list[str]:
    panel, before = advised.panel, basis.in_force
    rows, same = [], []
    for quantity in panel.setpoints:
        old, new = getattr(before, quantity.name), getattr(advised, quantity.name)
        if abs(new - old) <= NEARLY * max(abs(old), 1e-3):
            same.append(f"{quantity.name} {number(new)}")
            continue
        guess = " (assumed)" if quantity.name in basis.assumed else ""
        rows.append(f"{quantity.name} {number(old)}{guess} -> {number(new)} {quantity.unit}")
    said = [line for i, row in enumerate(rows) for line in _labelled("" if i else "set", row, width)]
    kept = f"unchanged: {', '.join(same)}" if rows else "nothing: all setpoints stay as they are"
    return said + (_labelled("" if rows else "set", kept, width) if same or not rows else [])


def _effect(decided: Decided, basis: Basis, objective: Objective) -> str:
    """Return the forecast of an objective's quantity with and without the advice."""
    name, panel = objective.quantity, basis.trajectory.panel
    days = f"{name} in {counted(objective.horizon_days, 'day')}"
    goal = "" if objective.target is None else f"; target {objective.target:g}"
    at_h = (basis.trajectory.states[-1].time_h if basis.trajectory.states else 0.0) + 24.0 * objective.horizon_days
    is_on_record = "mean" in decided.chosen and "mean" in decided.hold
    if not is_on_record or name not in forecast_names(panel) or "size" in NEEDS.get(name, ()):
        effect = decided.reason.partition(": expect ")[2].partition(";")[0]
        return f"{effect or f'{name}: no forecast is on record'}."
    chosen = outlook(decided.chosen, name, decided.planned).at(at_h)
    hold = outlook(decided.hold, name, (basis.in_force,)).at(at_h)
    if chosen is None or hold is None:
        return f"{days}: not forecast{goal}."
    told = f"{_interval(chosen)} {forecast_quantity(name, panel).unit} with 80 % probability"
    return f"{days}: {told}; unchanged setpoints give {_interval(hold)}{goal}."


def _also(decided: Decided, basis: Basis) -> str:
    """Return the forecasts of the other species that tables show, for the horizon of the first objective."""
    states, panel = basis.trajectory.states, basis.trajectory.panel
    if not states or not basis.objectives or "mean" not in decided.chosen:
        return ""
    named, first = {o.quantity for o in basis.objectives}, basis.objectives[0]
    at_h, found = states[-1].time_h + 24.0 * first.horizon_days, []
    for name in shown(panel):
        if name in named or name not in decided.chosen["mean"]:
            continue
        there = outlook(decided.chosen, name, decided.planned).at(at_h)
        if there is not None:
            found.append(f"{name} {_interval(there)} {panel[name].unit}")
    return f"also then: {', '.join(found)}." if found else ""


def _interval(there: tuple[float, float, float]) -> str:
    mean, low, high = (number(v) for v in there)
    return f"{mean} ({low} to {high})"


def _remarks(reason: str) -> str:
    """Return the reason behind moves and effects: limits, exploration, support."""
    _, found, effects = reason.partition(": expect ")
    return effects.partition("; ")[2] if found else reason


def _likeness(decided: Decided | None) -> str:
    support = None if decided is None else decided.why.get("support")
    if not isinstance(support, float | int) or support != support:
        return ""
    if support >= MUCH:
        kind = "much like the states that were learnt"
    else:
        kind = "partly like the states that were learnt" if support >= LITTLE else "far from all that was learnt"
    return f"; this state is {kind} (support {support:.2f} of 1)"


def labelled(label: str, text: str, *, width: int = WIDTH) -> list[str]:
    """Return a remark behind its label, wrapped and aligned with those of an advice."""
    return _labelled(label, text, width)


def _labelled(label: str, text: str, width: int) -> list[str]:
    clean = plain(" ".join(text.split()), 4000)
    begins = f"  {label:<{LABEL}}" if len(label) < LABEL else f"  {label} "
    return textwrap.wrap(
        clean, width, initial_indent=begins, subsequent_indent=" " * (LABEL + 2), break_on_hyphens=False
    ) or [begins.rstrip()]


def of_panel(panel: Panel, values: Mapping[str, float]) -> str:
    """Return measured values in words, those of narrow tables first."""
    names = [n for n in shown(panel) if n in values] + [n for n in values if n not in shown(panel)]
    return ", ".join(f"{n} {number(values[n])} {panel[n].unit}" for n in names)
