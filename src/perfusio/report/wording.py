"""Numbers, moves and effects in the words of a line."""

from __future__ import annotations

from collections.abc import Iterable

from perfusio.events import (
    ModeChanged,
    SetpointsWritten,
    WriteIntended,
)
from perfusio.process.derived import forecast_names
from perfusio.process.panel import Panel
from perfusio.report.columns import WIDTH, short
from perfusio.state import Setpoints

UNCHANGED = "."
ABBREVIATED = {"cspr": "CSPR"}


def number(value: float) -> str:
    """Write a value with about three significant digits and no exponent; ``-`` where there is none."""
    if value != value:
        return "-"
    size = abs(value)
    return f"{value:.{0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 or size == 0 else 3}f}"


def held_in_words(held: ModeChanged) -> str:
    """Say who holds a vessel, and why."""
    return f"by {held.who}: {held.reason}" if held.who else f"by a file: {held.reason}"


def moves(written: SetpointsWritten, intended: WriteIntended | None) -> str:
    """Say which setpoints a write has changed."""
    old = intended.old if intended is not None else None
    panel = written.acknowledged.panel
    moved = [
        f"{label} {text} {panel[name].unit}"
        for name, label in short(panel).items()
        if (text := moved_to(old, written.acknowledged, name)) != UNCHANGED
    ]
    return ", ".join(moved) or "all as before"


def moved_to(old: Setpoints | None, new: Setpoints, name: str) -> str:
    """Return the new value of a setpoint, UNCHANGED where it reads as before."""
    before, after = (number(getattr(u, name)) if u is not None else "" for u in (old, new))
    return UNCHANGED if before == after else after


def effect_in(reason: str) -> str:
    """Leave out the moves, which the row shows."""
    _, colon, effect = reason.partition(": expect ")
    return effect if colon else reason


def in_columns(texts: Iterable[str]) -> str:
    """Return texts in columns, right-aligned."""
    return " ".join(f"{text:>{WIDTH}}" for text in texts)


def another_aim(panel: Panel) -> str:
    """Return an objective that could be maximised instead, as its option."""
    cells = panel.the("cells")
    raised = next((name for name in ("productivity", *panel.of_role("product")) if name in forecast_names(panel)), "")
    other = f", --maximize {raised}" if raised else ""
    return f"Another aim: --track {cells}=40{other}; in Python objective=track({cells}=40)."
