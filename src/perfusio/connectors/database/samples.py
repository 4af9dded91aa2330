"""Samples in a database: put in once each, read back in order of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, and_, func, select, update
from sqlalchemy import Row as SqlRow

from perfusio.connectors.database.database import Database
from perfusio.connectors.database.rows_in import (
    BATCH,
    NAMES,
    NUMBERS,
    Values,
    batches,
    insert,
    numbers_in,
    row_of_sample,
)
from perfusio.connectors.database.schema import MORE, SOURCE, samples
from perfusio.connectors.database.sql_sample import SqlSample
from perfusio.connectors.database.values import CORE, Row, agreeing, declare, known_in
from perfusio.errors import OutOfRange, UnreadableSource
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.state import Setpoints, State
from perfusio.tables.columns.header_names import amount

__all__ = [
    "BATCH", "RawRow", "SqlSample", "Totals", "add_samples", "groups_of", "raw_rows_of", "reactors_of", "rows_of",
    "samples_in", "totals_of", "values_of",
]  # fmt: skip
Totals = tuple[Any, ...]
RawRow = SqlRow[Any]
Key = tuple[str, str, float]


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
        return sum(_add(connection, batch, of_batch, panel, database.name) for panel, batch, of_batch in batches(rows))


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
        UnreadableSource: as `samples_in`.
    """
    return samples_in(raw_rows_of(connection, run, reactor, after=after), connection, name, panel)


def raw_rows_of(connection: Connection, run: str, reactor: str, *, after: float = -1.0) -> Sequence[RawRow]:
    """Return the rows of one vessel as they stand there, those later than `after` [h]: to compare is cheap."""
    query = select(samples).where(_is_of(run, reactor), samples.c.time_h > after).order_by(samples.c.time_h)
    return connection.execute(query).all()


def samples_in(raw: Sequence[RawRow], connection: Connection, name: str, panel: Panel) -> list[SqlSample]:
    """Return rows as samples.

    Raises:
        UnreadableSource: a value is not possible (a database whose own rules were taken away), or kept in another unit
            than the process has it; all are named.
    """
    agreeing(connection, panel, name)
    rows = [_sample_of(row._mapping, panel) for row in raw]
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


def totals_of(
    connection: Connection, run: str, reactor: str, *, until: float, after: float = -1.0, panel: Panel = CHO_PERFUSION
) -> Totals:
    """Return a fingerprint of all samples after a time and up to another [h]: counts and sums, made there."""
    more = [samples.c[MORE][name].as_float() for name in panel.by_name if name not in CORE]
    columns = [samples.c.time_h, *(samples.c[name] for name in panel.by_name if name in CORE), *more]
    totals = [total for c in columns for total in (func.count(c), func.sum(c))]
    query = select(*totals).where(_is_of(run, reactor), samples.c.time_h > after, samples.c.time_h <= until)
    return tuple(connection.execute(query).one())


def values_of(sample: SqlSample) -> Row:
    """Return a sample as a row of the table, NaN as NULL."""
    return row_of_sample(sample)


def _key(row: Row) -> Key:
    return row["run"], row["reactor"], row["time_h"]


def _add(connection: Connection, samples_in: list[SqlSample], batch: list[Values], panel: Panel, name: str) -> int:
    """Put one batch in; only where some of it was there already is the database read."""
    declare(connection, panel, name)
    n_new = insert(connection, batch)
    if n_new == len(batch):
        return n_new
    rows = [row_of_sample(s) for s in _otherwise(connection, samples_in, batch)]
    there = _there(connection, rows)
    problems: list[str] = []
    for row in rows:
        old = there[_key(row)]
        problems += _differences(name, old, row, panel)
        blanks = {k: v for k, v in numbers_in(row).items() if k not in numbers_in(old)}
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


def _otherwise(connection: Connection, samples_in: list[SqlSample], batch: list[Values]) -> Iterator[SqlSample]:
    """Yield the samples of a batch that say more, or something else, than their rows in the database."""
    columns = [samples.c[name] for name in NAMES[NUMBERS]]
    there: dict[Key, Values] = {}
    for vessel, times in _times(row[1:4] for row in batch).items():
        between = samples.c.time_h.between(min(times), max(times))
        query = select(samples.c.time_h, *columns).where(_is_of(*vessel), between)
        there |= {(*vessel, time_h): tuple(numbers) for time_h, *numbers in connection.execute(query)}
    for sample, row in zip(samples_in, batch, strict=True):
        pairs = zip(row[NUMBERS], there[row[1:4]], strict=True)
        if row[-1] != "{}" or any(new != old and new is not None and new == new for new, old in pairs):
            yield sample


def _there(connection: Connection, batch: list[Row]) -> dict[Key, Row]:
    """Return the rows of the database for the samples of a batch."""
    found: dict[Key, Row] = {}
    for vessel, times in _times(map(_key, batch)).items():
        between = samples.c.time_h.between(min(times), max(times))
        for row in connection.execute(select(samples).where(_is_of(*vessel), between)).mappings():
            found[_key(dict(row))] = dict(row)
    return found


def _times(keys: Iterable[Key]) -> dict[tuple[str, str], list[float]]:
    """Return the times of each vessel."""
    found: dict[tuple[str, str], list[float]] = {}
    for run, reactor, time_h in keys:
        found.setdefault((run, reactor), []).append(time_h)
    return found


def _differences(name: str, old: Row, new: Row, panel: Panel) -> list[str]:
    there, now = numbers_in(old), numbers_in(new)
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
