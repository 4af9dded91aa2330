"""Rows of a batch of lines, gathered by table and kept together: one statement a table instead of several a line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table, and_, insert, update
from sqlalchemy.dialects import postgresql, sqlite

Json = dict[str, Any]


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
        self._new, self._replaced = {}, {}

    def _replace(self, table: Table, names: Sequence[str], rows: list[Json]) -> None:
        made = (sqlite if self._is_sqlite else postgresql).insert(table)
        changes = {name: made.excluded[name] for name in names}
        key = [column.name for column in table.primary_key.columns]
        self.connection.execute(made.on_conflict_do_update(index_elements=key, set_=changes), rows)


def _kept(row: Json) -> Json:
    """Return a row as both kinds of database keep it: PostgreSQL has no NUL character in a text; the line has it."""
    return {name: v.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(v, str) else v for name, v in row.items()}
