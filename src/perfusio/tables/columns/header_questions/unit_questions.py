"""Questions about a unit in a header: one that can mean two, and a flow of volume without the volume of the vessel."""

from __future__ import annotations

from perfusio.quantities import CELLS, Quantity
from perfusio.tables.columns.problems import Problems
from perfusio.tables.columns.questions import Reading, column_reading
from perfusio.unit_spellings import two_densities


def asked_density(text: str, quantity: Quantity, unit: str, problems: Problems, line: int) -> bool:
    """Ask which of its two readings ``10E6 cells/mL`` has; return whether there was anything to ask."""
    two = two_densities(unit) if quantity.unit == CELLS else None
    if two is None:
        return False
    what = f"column {text!r} says {unit!r}, which people write for {two[0]} and which is {two[1]}."
    readings = tuple(column_reading(u, text, f"{quantity.name} [{u}]") for u in two)
    problems.line(line, what, readings=readings)
    return True


def ask_volume(text: str, name: str, why: str, problems: Problems, line: int) -> None:
    """Ask for the working volume of a flow in mL/h."""
    volume = Reading(
        says="a volume per time, in vessels of 250 mL (or of what they hold)", options=("--working-volume", "250mL")
    )
    day = column_reading("working volumes per day, whatever the heading says", text, f"{name} [1/day]")
    remedy = 'Where a command has no such option: --process with working_volume = "250 mL" in process.toml.'
    problems.line(line, f"column {text!r}: {why}", readings=(volume, day), remedy=remedy)
