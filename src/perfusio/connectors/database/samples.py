"""Samples in a database: put in once each, read back in order of time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby, islice
from math import isfinite
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, and_, func, select, text, update
from sqlalchemy.dialects import sqlite

from perfusio.connectors.database.database import Database
from perfusio.connectors.database.schema import LATEST_H, MORE, SOURCE, samples
from perfusio.connectors.database.values import CORE, Row, agreeing, declare, known_in, null_if_nan
from perfusio.connectors.database.values import values_of as numbers_of
from perfusio.errors import OutOfRange, UnreadableSource
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.state import Setpoints, State
from perfusio.tables.columns.header_names import amount

BATCH = 2000
Totals = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlSample:
    """One sample of one vessel.

    Attributes:
        state: The measurements.
        setpoints: In force from this sample to the next; NaN where it is not known.
        reactor: Vessel; empty where there is only one.
        run: Run; empty where runs are not told apart.
        clone: Cell line; empty where it is not said.
        others: Further values by name with unit, e.g. ``{"pH [-]": 7.02}``; kept and not read.
    """

    state: State
    setpoints: Setpoints = field(default_factory=Setpoints)
    reactor: str = ""
    run: str = ""
    clone: str = ""
    others: Mapping[str, float] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Rows of a database have no place that a person could look up."""
        return ""


def add_samples(where: str | Path, rows: Iterable[SqlSample], *, create: bool = True) -> int:
    """Put samples into a database, all of them or none.

    A sample that is there already with the same values is not put in twice; blanks of one that is there are filled in.

    Args:
        where: Path of an SQLite file, or a URL.
        rows: The samples, in any order; they are not held in memory.
        create: Make the SQLite file if there is none.

    Returns:
        How many samples are new.

    Raises:
        UnreadableSource: a sample that is there says something else; the message names the first ones.
        OutOfRange: a value or a time is not possible.
        NotConnected: the database cannot be reached.
    """
    database = Database(where, create=create)
    with database.writing("add_samples") as connection:
        return sum(_add(connection, batch, panel, database.name) for panel, batch in _batches(rows))


def groups_of(connection: Connection, run: str | None) -> list[tuple[str, str]]:
    """Return the pairs of run and reactor of which there are samples, in order of name."""
    query = select(samples.c.run, samples.c.reactor).where(samples.c.origin == SOURCE).distinct()
    if run is not None:
        query = query.where(samples.c.run == run)
    return sorted((found, reactor) for found, reactor in connection.execute(query))


def reactors_of(connection: Connection, run: str) -> set[str]:
    """Return the reactors of a run of which there are samples, from the index: one step a vessel, however many rows."""
    found, last = set[str](), ""
    query = select(func.min(samples.c.reactor)).where(samples.c.origin == SOURCE, samples.c.run == run)
    while (name := connection.execute(query.where(samples.c.reactor > last)).scalar()) is not None:
        found.add(name)
        last = name
    return found


def rows_of(
    connection: Connection,
    run: str,
    reactor: str,
    name: str,
    *,
    after: float = -1.0,
    panel: Panel = CHO_PERFUSION,
) -> list[SqlSample]:
    """Return the samples of one vessel in order of time, those later than `after` [h].

    Raises:
        UnreadableSource: a value is not possible (a database whose own rules were taken away), or kept in another unit
            than the process has it; all are named.
    """
    agreeing(connection, panel, name)
    query = select(samples).where(_is_of(run, reactor), samples.c.time_h > after).order_by(samples.c.time_h)
    rows = [_sample_of(row, panel) for row in connection.execute(query).mappings()]
    problems = []
    for row in rows:
        for values, own in ((row.state, panel.species), (row.setpoints, panel.setpoints)):
            for q in own:
                try:
                    q.check(getattr(values, q.name))
                except OutOfRange as error:
                    problems.append(f"{name}, sample at {row.state.time_h:g} h: {error}")
    if problems:
        raise UnreadableSource(tuple(problems), connector=name)
    return rows


def totals_of(connection: Connection, run: str, reactor: str, *, until: float, panel: Panel = CHO_PERFUSION) -> Totals:
    """Return a fingerprint of all samples up to a time [h]: counts and sums, made there."""
    more = [samples.c[MORE][name].as_float() for name in panel.by_name if name not in CORE]
    columns = [samples.c.time_h, *(samples.c[name] for name in panel.by_name if name in CORE), *more]
    totals = [total for c in columns for total in (func.count(c), func.sum(c))]
    query = select(*totals).where(_is_of(run, reactor), samples.c.time_h <= until)
    return tuple(connection.execute(query).one())


def values_of(sample: SqlSample) -> Row:
    """Return a sample as a row of the table, NaN as NULL."""
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


def _batches(rows: Iterable[SqlSample]) -> Iterator[tuple[Panel, list[Row]]]:
    """Yield rows of one process at a time."""
    for panel, of_panel in groupby(rows, key=lambda row: row.state.panel):
        while batch := [_checked(row) for row in islice(of_panel, BATCH)]:
            yield panel, batch


def _checked(sample: SqlSample) -> Row:
    """Return a row that the rules of the table let pass; those speak of constraints, this of quantities."""
    row = values_of(sample)
    where = f"The sample at {sample.state.time_h!r} h of {sample.reactor or 'the vessel'}"
    if not 0 <= sample.state.time_h < LATEST_H:
        raise OutOfRange(f"{where} has no possible time: expected 0 h or later.")
    try:
        for name, value in _numbers(row).items():
            sample.state.panel[name].check(value)
    except OutOfRange as error:
        raise OutOfRange(f"{where}: {error}") from error
    for name, value in row["others"].items():
        if value is not None and not isfinite(value):
            raise OutOfRange(f"{where}: {name!r} = {value!r} cannot be kept: expected a finite number, or NaN.")
    return row


def _key(row: Row) -> tuple[str, str, float]:
    return row["run"], row["reactor"], row["time_h"]


def _numbers(row: Row) -> dict[str, float]:
    """Return the values of a row, core and declared quantities alike."""
    more: dict[str, float] = row[MORE]
    return {k: v for k, v in row.items() if k in CORE and v is not None} | more


def _add(connection: Connection, batch: list[Row], panel: Panel, name: str) -> int:
    """Put one batch in; only where some of it was there already is the database read."""
    declare(connection, panel, name)
    n_new = _insert(connection, batch)
    if n_new == len(batch):
        return n_new
    there = _there(connection, batch)
    problems: list[str] = []
    for row in batch:
        old = there[_key(row)]
        problems += _differences(name, old, row, panel)
        blanks = {k: v for k, v in _numbers(row).items() if k not in _numbers(old)}
        if blanks:
            remarks = {k: v for k, v in row["quality"].items() if k in blanks}
            more = {k: v for k, v in blanks.items() if k not in CORE}
            core: Row = {k: v for k, v in blanks.items() if k in CORE}
            filled = core | {MORE: {**old[MORE], **more}, "quality": {**old["quality"], **remarks}}
            old |= filled
            where = and_(_is_of(row["run"], row["reactor"]), samples.c.time_h == row["time_h"])
            connection.execute(update(samples).where(where).values(**filled))
    if problems:
        raise UnreadableSource(tuple(problems[:20]), connector=name, operation="add_samples")
    return n_new


def _insert(connection: Connection, batch: list[Row]) -> int:
    """Insert those rows whose key is not there yet; return how many.

    PostgreSQL takes a batch as one document in one statement: row by row it would be several times slower.
    """
    if connection.dialect.name == "sqlite":
        return connection.execute(sqlite.insert(samples).on_conflict_do_nothing(), batch).rowcount
    names = ", ".join(samples.c.keys())
    shape = ", ".join(f"{c.name} {c.type.compile(connection.dialect)}" for c in samples.c)
    rows = f"SELECT {names} FROM json_to_recordset(CAST(:rows AS json)) AS batch({shape})"
    statement = text(f"INSERT INTO samples ({names}) {rows} ON CONFLICT DO NOTHING")
    return connection.execute(statement, {"rows": json.dumps(batch, allow_nan=False)}).rowcount


def _there(connection: Connection, batch: list[Row]) -> dict[tuple[str, str, float], Row]:
    """Return the rows of the database for the samples of a batch."""
    found: dict[tuple[str, str, float], Row] = {}
    for vessel in {(row["run"], row["reactor"]) for row in batch}:
        times = [row["time_h"] for row in batch if (row["run"], row["reactor"]) == vessel]
        between = samples.c.time_h.between(min(times), max(times))
        for row in connection.execute(select(samples).where(_is_of(*vessel), between)).mappings():
            found[_key(dict(row))] = dict(row)
    return found


def _differences(name: str, old: Row, new: Row, panel: Panel) -> list[str]:
    there, now = _numbers(old), _numbers(new)
    return [
        f"{name}: {q.name} of the sample at {new['time_h']:g} h of {new['reactor'] or 'the vessel'} is "
        f"{amount(there[q.name], q)} there and {amount(now[q.name], q)} now. Correct the database itself if it is "
        "wrong."
        for q in panel.quantities
        if q.name in there and q.name in now and there[q.name] != now[q.name]
    ]


def _is_of(run: str, reactor: str) -> Any:
    return and_(samples.c.origin == SOURCE, samples.c.run == run, samples.c.reactor == reactor)


def _sample_of(row: Mapping[Any, Any], panel: Panel) -> SqlSample:
    state = State.of_values(
        panel,
        row["time_h"],
        known_in(row, (s.name for s in panel.species)),
        {k: str(v) for k, v in row["quality"].items() if k in panel.by_name},
    )
    return SqlSample(
        state=state,
        setpoints=Setpoints.of_values(panel, known_in(row, panel.setpoint_names)),
        reactor=row["reactor"],
        run=row["run"],
        clone=row["clone"],
        others=row["others"],
    )
