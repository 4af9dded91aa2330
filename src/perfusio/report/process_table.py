"""A process as tables: its quantities with role, unit, range and expectations, media, vessel, limits and alarms."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from math import isfinite

from perfusio.process.derived import DERIVED, forecast_names, forecast_unit
from perfusio.process.facts import Limit
from perfusio.process.panel import Panel
from perfusio.process.species import Setpoint, Species
from perfusio.report.about_process import composition
from perfusio.report.lines import WIDTH

NOTHING = "-"
BALANCES = {
    "perfusion": "perfusion at constant volume",
    "fed_batch": "fed-batch: feeds raise the volume",
    "batch": "batch: nothing flows in",
}


def process_lines(panel: Panel) -> list[str]:
    """Return a process for a person, lines of at most 120 characters."""
    volume = panel.equipment.volume_ml
    said = [f"{panel.name} ({BALANCES[panel.balance]})", "", "Measured"]
    said += _table(
        ("name", "role", "unit", "range", "expected", "noise", "also called"), [_species(s) for s in panel.species]
    )
    said += ["", "Set"]
    said += _table(
        ("name", "role", "unit", "range", "may be written", "step", "also called"),
        [_setpoint(s) for s in panel.setpoints],
    )
    said += ["", "Medium and vessel"]
    media = [("perfusion medium", panel.medium), *((f"medium {name!r}", medium) for name, medium in panel.media)]
    media = media if panel.balance == "perfusion" else media[1:]
    words = {"feed_rate": "feed", "held_concentration": "concentrate of"}
    flows = [(f"{words[s.role]} {s.name}", s.composition) for s in panel.setpoints if s.role in words]
    for name, held in (*media, *flows):
        said += _wrapped(f"{name}: {composition(panel, held)}", "  ")
    said += [f"  {s.of} in the medium: as {s.name} says" for s in panel.setpoints if s.role == "inlet_concentration"]
    said.append(f"  working volume: {'not declared' if volume is None else f'{volume:g} mL'}")
    said.append(f"  samples take {panel.equipment.sampling:g} 1/day")
    said += ["", "Limits, alarms, and what must be measured"]
    said += [f"  {_limit(panel, limit)}, P >= {limit.probability:g}" for limit in panel.limits]
    said += [
        f"  alarm: {name} warns at {panel.alarms[name].warn:g}, acts at {panel.alarms[name].act:g} {panel[name].unit}"
        for name in panel.alarmed
    ]
    said += _wrapped(f"without {', '.join(panel.critical) or 'nothing'} no setpoint is changed for long", "  ")
    follows = [f"{name} [{forecast_unit(name, panel)}]" for name in DERIVED if name in forecast_names(panel)]
    return [*said, *_wrapped(f"forecast beside the species: {', '.join(follows) or 'nothing'}", "  ")]


def _species(s: Species) -> tuple[str, ...]:
    mean = NOTHING if s.prior is None else f"{s.prior.mean:g}"
    noise = NOTHING
    if s.noise is not None:
        parts = [f"{100.0 * s.noise.relative:g} %"] if s.noise.relative else []
        noise = " + ".join([*parts, f"{s.noise.absolute:g}"])
    role = f"{s.role} of {s.measures}" if s.measures else s.role
    return s.name, role, s.unit, _range(s), mean, noise, ", ".join(s.aliases)


def _setpoint(s: Setpoint) -> tuple[str, ...]:
    role = f"{s.role} of {s.of}" if s.of else str(s.role)
    may, step = "not said", NOTHING
    if s.allowed is not None:
        may = f"{s.allowed.low:g} to {s.allowed.high:g}, {s.allowed.nominal:g} at first"
        step = f"{s.allowed.max_step:g}"
    return s.name, role, s.unit, _range(s), may, step, ", ".join(s.aliases)


def _range(quantity: Species | Setpoint) -> str:
    return f"from {quantity.low:g}" if not isfinite(quantity.high) else f"{quantity.low:g} to {quantity.high:g}"


def _limit(panel: Panel, limit: Limit) -> str:
    name, unit = limit.quantity, forecast_unit(limit.quantity, panel)
    ends = ((">=", limit.low), ("<=", limit.high))
    return " and ".join(f"{name} {sign} {v:g} {unit}" for sign, v in ends if v is not None)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Align all columns but the last, which is wrapped."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head) - 1)]
    first = sum(widths) + 2 * len(widths) + 2
    said = []
    for row in (head, *rows):
        start = "  " + "  ".join(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=True))
        said += _wrapped(f"{start}  {row[-1]}", "", " " * first)
    return said


def _wrapped(text: str, indent: str, further: str | None = None) -> list[str]:
    following = f"{indent}  " if further is None else further
    lines = textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=following, break_on_hyphens=False,
        replace_whitespace=False, drop_whitespace=True,
    )  # fmt: skip
    return [line.rstrip() for line in lines] or [""]
