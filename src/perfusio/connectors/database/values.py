"""Numbers of perfusio as a database keeps them, and back: core quantities as columns, declared ones in one document.

The quantities of the default panel have a column each. Quantities that another process declares stand by name in a
JSON column, ``more``, in the unit that the table `quantities` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import nan
from typing import Any

from sqlalchemy import Connection, insert, select

from perfusio.connectors.database.schema import MORE, quantities
from perfusio.errors import UnreadableSource
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.state import Setpoints, State

CORE = frozenset(CHO_PERFUSION.by_name)
Row = dict[str, Any]


def null_if_nan(value: float) -> float | None:
    """Return a number as the database keeps it: a missing value is NULL."""
    return None if value != value else float(value)


def nan_if_null(value: float | None) -> float:
    """Return a number as perfusio keeps it: NULL is NaN, not measured."""
    return nan if value is None else float(value)


def row_of(values: Mapping[str, float | None], core: Iterable[str], prefix: str = "") -> Row:
    """Return numbers by name as columns; declared quantities that are known stand in the document beside them.

    Args:
        values: By quantity name, canonical units; NaN or None = not known.
        core: Quantities that have a column.
        prefix: Of the names of the columns.
    """
    known = {name: v for name, v in values.items() if v is not None and v == v}
    columns: Row = {f"{prefix}{name}": known.get(name) for name in core}
    return columns | {f"{prefix}{MORE}": {name: v for name, v in known.items() if name not in CORE}}


def known_in(row: Mapping[Any, Any], names: Iterable[str], prefix: str = "") -> dict[str, float]:
    """Return the numbers of these quantities in a row that are not NULL, by name."""
    more = row[f"{prefix}{MORE}"]
    found = {name: row[f"{prefix}{name}"] if name in CORE else more.get(name) for name in names}
    return {name: float(value) for name, value in found.items() if value is not None}


def values_of(state: State, setpoints: Setpoints) -> Row:
    """Return a sample and the setpoints in force from it on as columns of the table `samples`."""
    measured = {s.name: getattr(state, s.name) for s in state.panel.species}
    return row_of(measured | setpoints.by_name(), CHO_PERFUSION.by_name)


def declare(connection: Connection, panel: Panel, name: str) -> None:
    """Let the table `quantities` say the unit of each quantity of a process.

    Args:
        connection: Within a transaction that writes.
        panel: The process.
        name: Of the database, for messages.

    Raises:
        UnreadableSource: the database keeps one of them in another unit.
    """
    there = agreeing(connection, panel, name)
    new = [q for q in panel.quantities if q.name not in there]
    if new:
        rows = [{k: getattr(q, k) for k in ("name", "unit", "label")} | _range(q.low, q.high) for q in new]
        connection.execute(insert(quantities), rows)


def agreeing(connection: Connection, panel: Panel, name: str) -> set[str]:
    """Return the quantities that the database knows.

    Raises:
        UnreadableSource: it keeps one of the process in another unit.
    """
    if panel is CHO_PERFUSION:
        return set(CORE)
    units = {row.name: row.unit for row in connection.execute(select(quantities.c.name, quantities.c.unit))}
    others = [q for q in panel.quantities if q.name in units and units[q.name] != q.unit]
    if others:
        told = ", ".join(f"{q.name} is in {units[q.name]} there and in {q.unit} in {panel.name}" for q in others)
        words = f"{name}: {told}. Declare the unit of the database in process.toml, or take another database."
        raise UnreadableSource((words,), connector=name)
    return set(units)


def _range(low: float, high: float) -> Row:
    return {"low": max(low, -_LARGEST), "high": min(high, _LARGEST)}


_LARGEST = 1e300
"""An open end of a range: JSON and some databases have no infinity."""
