"""Column: what a column of a table means, and how it was read."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from perfusio.quantities import Quantity


class Role(StrEnum):
    """Use of a column."""

    TIME = "time"
    STATE = "state"
    SETPOINT = "setpoint"
    FEED = "feed"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a file, understood.

    Attributes:
        index: Place in the row, from 0.
        header: As written in the file.
        role: Its use.
        name: Quantity, ``"time"``, or a key of TEXTS or FEEDS.
        unit: Unit of the values in the file.
        factor: Turns a value of the file into the canonical unit (hours for times).
        is_bare: Whether the header names no unit, so that the canonical one is assumed.
        is_open: Whether the header leaves open if it is a setpoint or a reading.
        quantity: Its unit, its range, and usual values; None for texts.
    """

    index: int
    header: str
    role: Role
    name: str
    unit: str = ""
    factor: float = 1.0
    is_bare: bool = False
    is_open: bool = False
    quantity: Quantity | None = field(default=None, compare=False)


def quantity_of(column: Column) -> Quantity:
    """Return the quantity of a column that holds numbers."""
    assert column.quantity is not None
    return column.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRead:
    """Use of one column of a file.

    Attributes:
        header: As written.
        meaning: Quantity, time or text; empty where it was left unread.
        unit: As it was read, e.g. ``"mmol/L"``.
        unit_from: Where the unit is from: ``"header"``, ``"assumed"`` where nothing says it, ``"profile"`` where only
            the kind of instrument does; empty for texts.
        n_values: Rows that have a value.
        first: The first value, as written.
    """

    header: str
    meaning: str
    unit: str = ""
    unit_from: str = ""
    n_values: int = 0
    first: str = ""
