"""The fleet as a table that is redrawn while the run goes on (rich)."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from perfusio.cli.echo import printable
from perfusio.report.fleet import Fleet, Row
from perfusio.report.lines import Tone
from perfusio.report.narration import NARROW, SHORT, SHOWN, number
from perfusio.state import SETPOINT_QUANTITIES, SETPOINTS, STATE_QUANTITIES

STYLES = {Tone.PLAIN: "", Tone.HEAD: "bold", Tone.QUIET: "dim", Tone.WARN: "yellow", Tone.ACT: "bold red"}


WIDE = 100
"""Columns of a terminal on which every quantity has room."""
FIRST = ("vcd", "viability", "glucose", "titer", "perfusion_rate", "bleed_rate", "temperature")
"""What is shown on a narrower one."""


def fleet_table(fleet: Fleet, n_turns: int, *, width: int) -> Table:
    """Return a row per vessel: its latest sample, the setpoints in force, and what became of it in this turn.

    Args:
        fleet: What is known of the vessels.
        n_turns: Length of the run, for the title.
        width: Of the terminal, in characters.
    """
    title = f"{printable(fleet.aim)}: turn {fleet.turn} of {n_turns}"
    table = Table(title=title, title_justify="left", padding=(0, 1, 0, 0), box=SIMPLE_HEAD)
    table.add_column("vessel")
    has_clones = any(row.clone for row in fleet.rows.values())
    if has_clones:
        table.add_column("clone")
    shown = [name for name in SHOWN if width >= WIDE or name in FIRST]
    asked = [name for name in SETPOINTS if width >= WIDE or name in FIRST]
    for name in shown:
        unit = STATE_QUANTITIES[name].unit
        table.add_column(f"{SHOWN[name]}\n{NARROW.get(unit, unit)}", justify="right")
    for name in asked:
        table.add_column(f"{SHORT[name]}\n{SETPOINT_QUANTITIES[name].unit}", justify="right", style="cyan")
    table.add_column("today")
    for reactor, row in fleet.rows.items():
        known = [printable(reactor), *([printable(row.clone)] if has_clones else [])]
        table.add_row(*known, *_cells(row, shown, asked), Text(row.word, STYLES[row.tone]))
    return table


def _cells(row: Row, shown: list[str], asked: list[str]) -> list[str]:
    measured = [number(getattr(row.sample, name)) if row.sample is not None else "-" for name in shown]
    return measured + [number(getattr(row.in_force, name)) for name in asked]
