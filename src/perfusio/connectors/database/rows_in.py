"""Rows on their way into the table `samples`: tuples in the order of its columns, checked a batch at a time.

A rig writes a row a minute and vessel, so a month is a million of them. Quantities of the default process have a column
each and are taken from a sample at C speed; those of any other process take the way of `values.py`, name by name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby, islice
from math import isfinite
from operator import attrgetter
from typing import Any

import numpy as np
from sqlalchemy import Connection, text

from perfusio.connectors.database.schema import LATEST_H, MORE, SOURCE, samples
from perfusio.connectors.database.sql_sample import SqlSample
from perfusio.connectors.database.values import CORE, Row, null_if_nan
from perfusio.connectors.database.values import values_of as numbers_of
from perfusio.errors import OutOfRange
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.state import SETPOINT_QUANTITIES, STATE_QUANTITIES

BATCH = 2000
Values = tuple[Any, ...]
NAMES: tuple[str, ...] = tuple(samples.c.keys())
"""Columns, in the order of a row."""
_QUANTITIES = (*STATE_QUANTITIES.values(), *SETPOINT_QUANTITIES.values())
_FIRST = NAMES.index(_QUANTITIES[0].name)
NUMBERS = slice(_FIRST, _FIRST + len(_QUANTITIES))
"""Where the numbers of the default process stand in a row."""
_TIME = NAMES.index("time_h")
_LOW, _HIGH = (np.array([getattr(q, end) for q in _QUANTITIES]) for end in ("low", "high"))
_measured, _in_force = attrgetter(*STATE_QUANTITIES), attrgetter(*SETPOINT_QUANTITIES)
_NOTHING = "{}"


def batches(rows: Iterable[SqlSample]) -> Iterator[tuple[Panel, list[SqlSample], list[Values]]]:
    """Yield samples of one process at a time, with their rows.

    Raises:
        OutOfRange: a value or a time is not possible.
    """
    for panel, of_panel in groupby(rows, key=lambda row: row.state.panel):
        while batch := list(islice(of_panel, BATCH)):
            yield panel, batch, _rows(batch, panel)


def row_of_sample(sample: SqlSample) -> Row:
    """Return a sample as a row of the table by name, NaN as NULL."""
    return {
        "origin": SOURCE,
        "run": sample.run,
        "reactor": sample.reactor,
        "time_h": sample.state.time_h,
        "clone": sample.clone,
        "quality": dict(sample.state.quality),
        "others": {name: null_if_nan(value) for name, value in sample.others.items()},
        **numbers_of(sample.state, sample.setpoints),
    }


def numbers_in(row: Row) -> dict[str, float]:
    """Return the values of a row by name, core and declared quantities alike."""
    more: dict[str, float] = row[MORE]
    return {k: v for k, v in row.items() if k in CORE and v is not None} | more


def insert(connection: Connection, rows: Sequence[Values]) -> int:
    """Insert those rows whose key is not there yet; return how many.

    PostgreSQL takes a batch as one document in one statement: row by row it would be several times slower.
    """
    if connection.dialect.name == "sqlite":  # which keeps NaN as NULL
        return connection.exec_driver_sql(_INTO_SQLITE, [*rows]).rowcount
    named = [{k: v for k, v in zip(NAMES, row, strict=True) if v == v} for row in rows]  # NaN is not itself
    return connection.execute(text(_into_postgres(connection)), {"rows": json.dumps(named)}).rowcount


_INTO_SQLITE = (
    f"INSERT INTO samples ({', '.join(NAMES)}) VALUES ({', '.join('?' * len(NAMES))}) ON CONFLICT DO NOTHING"
)


def _into_postgres(connection: Connection) -> str:
    """Return the statement that takes a batch; documents within it come as texts."""
    types = {c.name: c.type.compile(connection.dialect) for c in samples.c}
    shape = ", ".join(f"{name} {'TEXT' if kind == 'JSON' else kind}" for name, kind in types.items())
    taken = ", ".join(f"CAST({name} AS {kind})" if kind == "JSON" else name for name, kind in types.items())
    rows = f"SELECT {taken} FROM json_to_recordset(CAST(:rows AS json)) AS batch({shape})"
    return f"INSERT INTO samples ({', '.join(NAMES)}) {rows} ON CONFLICT DO NOTHING"


def _rows(batch: Sequence[SqlSample], panel: Panel) -> list[Values]:
    if panel is not CHO_PERFUSION or any(sample.setpoints.panel is not panel for sample in batch):
        return [_by_name(sample) for sample in batch]
    rows = [
        (
            SOURCE, s.run, s.reactor, s.state.time_h, s.clone, *_measured(s.state), *_in_force(s.setpoints),
            json.dumps(dict(s.state.quality)) if s.state.quality else _NOTHING,
            _document(s.others) if s.others else _NOTHING, _NOTHING,
        )
        for s in batch
    ]  # fmt: skip
    times = np.array([row[_TIME] for row in rows], dtype=float)
    numbers = np.array([row[NUMBERS] for row in rows], dtype=float)
    impossible = ((numbers < _LOW) | (numbers > _HIGH)).any(axis=1) | ~((times >= 0) & (times < LATEST_H))
    if impossible.any():
        _by_name(batch[int(impossible.argmax())])  # which says it in words
    return rows


def _by_name(sample: SqlSample) -> Values:
    """Return the row of one sample, checked in words: the rules of the table speak of constraints."""
    row = row_of_sample(sample)
    where = f"The sample at {sample.state.time_h!r} h of {sample.reactor or 'the vessel'}"
    if not 0 <= sample.state.time_h < LATEST_H:
        raise OutOfRange(f"{where} has no possible time: expected 0 h or later.")
    try:
        for name, value in numbers_in(row).items():
            sample.state.panel[name].check(value)
        row["others"] = _document(sample.others)
    except OutOfRange as error:
        raise OutOfRange(f"{where}: {error}") from error
    return tuple(json.dumps(value) if isinstance(value, dict) else value for value in map(row.get, NAMES))


def _document(others: Mapping[str, float]) -> str:
    """Return further values as JSON.

    Raises:
        OutOfRange: one is infinite.
    """
    if isfinite(sum(others.values())):
        return _template(tuple(others)) % tuple(map(float, others.values()))
    for name, value in others.items():
        if value == value and not isfinite(value):
            raise OutOfRange(f"{name!r} = {value!r} cannot be kept: expected a finite number, or NaN.")
    return json.dumps({name: null_if_nan(value) for name, value in others.items()})


@lru_cache
def _template(names: tuple[str, ...]) -> str:
    """Return JSON of these names with a place for each number: a number is written in JSON as Python writes it."""
    return "{" + ", ".join(json.dumps(name).replace("%", "%%") + ": %r" for name in names) + "}"
