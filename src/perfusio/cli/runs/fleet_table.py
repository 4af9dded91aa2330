"""The fleet as a table that is redrawn while the run goes on (rich)."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from perfusio.cli.echo import printable
from perfusio.process.declared import is_fraction
from perfusio.process.panel import Panel
from perfusio.report.columns import narrow, short, shown
from perfusio.report.fleet import Fleet, Row
from perfusio.report.lines import Tone
from perfusio.report.wording import number

STYLES = {Tone.PLAIN: "", Tone.HEAD: "bold", Tone.QUIET: "dim", Tone.WARN: "yellow", Tone.ACT: "bold red"}


URGENCY = (Tone.ACT, Tone.WARN, Tone.HEAD, Tone.PLAIN, Tone.QUIET)
"""Vessels stand in this order: those that need a person first."""
WIDE = 100
"""Columns of a terminal on which every quantity has room."""
_AROUND = 9
"""Lines of a table beside its rows: title, header, caption."""
N_FIRST = 7
"""Columns of quantities on a narrower one."""


def first(panel: Panel) -> tuple[str, ...]:
    """Return the columns of a narrow terminal: cells and toxic species, flows, then others in order."""
    living = (name for name in panel.species_names if is_fraction(name, panel))
    ahead = (*panel.of_role("cells"), *living, *panel.of_role("product", "perfusion", "bleed"))
    others = (*panel.critical, *panel.of_role("feed_rate", "condition"), *panel.species_names)
    return tuple(dict.fromkeys((*ahead, *others)))[:N_FIRST]


def fleet_table(fleet: Fleet, n_turns: int, *, width: int, height: int | None = None) -> Table:
    """Return a row per vessel: its latest sample, the setpoints in force, and its result in this turn.

    Args:
        fleet: State of the vessels.
        n_turns: Length of the run, for the title.
        width: Of the terminal, in characters.
        height: The same, in lines; the most urgent vessels that fit are shown, and how many more there are is said.
    """
    title = f"{printable(fleet.aim)}: turn {fleet.turn} of {n_turns}"
    table = Table(title=title, title_justify="left", padding=(0, 1, 0, 0), box=SIMPLE_HEAD)
    table.add_column("vessel")
    has_clones = any(row.clone for row in fleet.rows.values())
    if has_clones:
        table.add_column("clone")
    panel = fleet.panel
    species, setpoints = shown(panel), short(panel)
    measured = [name for name in species if width >= WIDE or name in first(panel)]
    asked = [name for name in setpoints if width >= WIDE or name in first(panel)]
    for name in measured:
        table.add_column(f"{species[name]}\n{narrow(panel[name])}", justify="right")
    for name in asked:
        table.add_column(f"{setpoints[name]}\n{narrow(panel[name])}", justify="right", style="cyan")
    table.add_column("today")
    left = len(species) + len(setpoints) - len(measured) - len(asked)
    rows = sorted(fleet.rows.items(), key=lambda named: URGENCY.index(named[1].tone))
    room = len(rows) if height is None else max(1, height - _AROUND)
    said = [f"... and {len(rows) - room} more, less urgent: perfusio status"] if len(rows) > room else []
    said += [f"{left} more columns on a terminal of {WIDE} characters: perfusio status --json"] if left else []
    if said:
        table.caption, table.caption_justify = "\n".join(said), "left"
    for reactor, row in rows[:room]:
        known = [printable(reactor), *([printable(row.clone)] if has_clones else [])]
        table.add_row(*known, *_cells(row, measured, asked), Text(row.word, STYLES[row.tone]))
    return table


def _cells(row: Row, measured: list[str], asked: list[str]) -> list[str]:
    values = [number(getattr(row.sample, name)) if row.sample is not None else "-" for name in measured]
    return values + [number(getattr(row.in_force, name)) for name in asked]
