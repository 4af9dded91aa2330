"""Rows of a batch of lines, gathered by table and kept together: one statement a table instead of several a line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any

from sqlalchemy import Connection, Table, and_, insert, text, update
from sqlalchemy.dialects import postgresql, sqlite

from perfusio.connectors.database.schema import QUANTILES, forecasts

Json = dict[str, Any]
Key = tuple[str, tuple[Any, ...]]
_HEAD = ("run", "seq", "reactor", "turn", "culture_day", "plan")
_SERIES = ("mean", "sd", *QUANTILES)
_FORECAST = (*_HEAD, "quantity", "time_h", *_SERIES)
_INTO_SQLITE = f"INSERT INTO forecasts ({', '.join(_FORECAST)}) VALUES ({', '.join('?' * len(_FORECAST))})"


def _into_postgres() -> str:
    """Return the statement that takes the forecast of one plan, column by column."""
    types = {c.name: {float: "double precision", int: "integer", str: "text"}[c.type.python_type] for c in forecasts.c}
    head = ", ".join(f"CAST(:{name} AS {types[name]})" for name in _HEAD)
    columns = ", ".join(f"CAST(:{name} AS {types[name]}[])" for name in _FORECAST[len(_HEAD) :])
    return f"INSERT INTO forecasts ({', '.join(_FORECAST)}) SELECT {head}, series.* FROM unnest({columns}) AS series"


_INTO_POSTGRES = text(_into_postgres())


class Gathered:
    """Rows that are not in the database yet.

    Attributes:
        connection: Where they go, within a transaction that writes.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._is_sqlite = connection.dialect.name == "sqlite"
        self._new: dict[Table, list[Json]] = {}
        self._replaced: dict[Table, dict[tuple[Any, ...], tuple[Json, Json]]] = {}
        self._forecasts: list[tuple[Any, ...]] = []

    def put(self, table: Table, row: Json) -> None:
        """Take a new row."""
        self._new.setdefault(table, []).append(_kept(row))

    def replace(self, table: Table, key: Json, row: Json) -> None:
        """Take a row that may be there already: then these columns of it are changed."""
        rows, key = self._replaced.setdefault(table, {}), _kept(key)
        _, before = rows.get(tuple(key.values()), ({}, {}))
        rows[tuple(key.values())] = key, before | _kept(row)

    def change(self, table: Table, key: Json, row: Json) -> None:
        """Change columns of a row that is there or was taken; nothing if there is none."""
        key, row = _kept(key), _kept(row)
        if tuple(key.values()) in self._replaced.get(table, {}):
            self.replace(table, key, row)
            return
        self.connection.execute(update(table).where(and_(*(table.c[k] == v for k, v in key.items()))).values(**row))

    def forecast(self, head: Json, forecast: Mapping[str, Any]) -> None:
        """Take one plan: a row per quantity and time.

        Args:
            head: Columns that all rows share.
            forecast: As on record.
        """
        shared, times = [*map(_kept(head).__getitem__, _HEAD)], forecast["times_h"]
        if self._is_sqlite:
            for quantity in forecast["mean"]:
                series = (forecast[name][quantity] for name in _SERIES)
                self._forecasts += zip(*map(repeat, (*shared, quantity)), times, *series, strict=False)
            return
        quantities = [*forecast["mean"]]
        columns = {name: [v for q in quantities for v in forecast[name][q]] for name in _SERIES}
        columns |= {"quantity": [q for q in quantities for _ in times], "time_h": [*times] * len(quantities)}
        if times:
            arrays = {name: _array(column) for name, column in columns.items()}
            self.connection.execute(_INTO_POSTGRES, dict(zip(_HEAD, shared, strict=True)) | arrays)

    def keep(self) -> None:
        """Put everything into the database."""
        for table, rows in self._new.items():
            self.connection.execute(insert(table), rows)
        for table, taken in self._replaced.items():
            alike: dict[tuple[str, ...], list[Json]] = {}
            for key, row in taken.values():
                alike.setdefault(tuple(row), []).append(key | row)
            for names, rows in alike.items():
                self._replace(table, names, rows)
        if self._forecasts:
            self.connection.exec_driver_sql(_INTO_SQLITE, self._forecasts)
        self._new, self._replaced, self._forecasts = {}, {}, []

    def _replace(self, table: Table, names: Sequence[str], rows: list[Json]) -> None:
        made = (sqlite if self._is_sqlite else postgresql).insert(table)
        changes = {name: made.excluded[name] for name in names}
        key = [column.name for column in table.primary_key.columns]
        self.connection.execute(made.on_conflict_do_update(index_elements=key, set_=changes), rows)


def _array(values: Sequence[Any]) -> str:
    """Return values as PostgreSQL writes an array: as JSON does, but for its brackets and NULL."""
    return "{" + json.dumps(values)[1:-1].replace("null", "NULL") + "}"


def _kept(row: Json) -> Json:
    """Return a row as both kinds of database keep it: PostgreSQL has no NUL character in a text; the line has it."""
    return {name: v.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(v, str) else v for name, v in row.items()}
