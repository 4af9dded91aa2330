"""SqlRecord: the lines of `audit.jsonl` as tables, for questions in SQL. The file is the truth, this is an index of it.

Every table that is filled here depends on nothing but the lines and their order, so it can be made anew from the file,
to equal content, at any time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, func, insert, select, update

from perfusio.connectors.sql_database import Database
from perfusio.connectors.sql_schema import QUANTILES, RECORD, decisions, events, forecasts, samples, setpoints
from perfusio.errors import UnreadableSource
from perfusio.state import SETPOINTS, STATE_QUANTITIES

Json = dict[str, Any]
_COPIED = ("run", "seq", "ts", "actor", "reactor", "event", "reason", "hash")


class SqlRecord:
    """Runs in the tables `events`, `decisions`, `forecasts`, `samples` and `setpoints` of one database."""

    def __init__(self, where: str | Path) -> None:
        """Refer to a database; an SQLite file is made with the first line.

        Args:
            where: Path of an SQLite file, or a URL.

        Raises:
            ConfigError: no such kind of database.
        """
        self._database = Database(where, create=True)

    @property
    def shown(self) -> str:
        """Where it is, without a password."""
        return self._database.shown

    def last(self, run: str) -> tuple[int, str]:
        """Return number and hash of the last record of a run that is here; (0, "") if there is none.

        Raises:
            NotConnected: the database cannot be reached.
            UnreadableSource: it is refused.
        """
        query = select(events.c.seq, events.c.hash).where(events.c.run == run).order_by(events.c.seq.desc()).limit(1)
        with self._database.reading("mirror") as connection:
            row = connection.execute(query).one_or_none()
            return (0, "") if row is None else (row.seq, row.hash)

    def add(self, lines: Sequence[str]) -> int:
        """Add lines of one record in their order, all or none; those that are here already are passed over.

        Args:
            lines: Without their line breaks.

        Returns:
            How many were new.

        Raises:
            NotConnected: the database cannot be reached; whether the lines are kept shows in `last`.
            UnreadableSource: a line does not follow from the last one here: the database holds another record.
        """
        with self._database.writing("mirror") as connection:
            return sum(_add(connection, line, self._database.name) for line in lines)

    def forget(self, run: str) -> None:
        """Take away everything that was copied from the record of one run; samples of the lab are left alone.

        Raises:
            NotConnected: the database cannot be reached.
        """
        with self._database.writing("mirror") as connection:
            for table in (events, decisions, forecasts):
                connection.execute(delete(table).where(table.c.run == run))
            for table in (samples, setpoints):
                connection.execute(delete(table).where(table.c.origin == RECORD, table.c.run == run))

    def lines(self, run: str) -> Iterator[str]:
        """Yield the lines of a run as they stand in its `audit.jsonl`, without their line breaks."""
        query = select(events.c.record).where(events.c.run == run).order_by(events.c.seq)
        with self._database.reading("mirror") as connection:
            yield from connection.execute(query).scalars()


def _add(connection: Connection, line: str, name: str) -> bool:
    record: Json = json.loads(line)
    run, seq = record["run"], record["seq"]
    here = select(events.c.seq, events.c.hash).where(events.c.run == run, events.c.seq.in_((seq, seq - 1)))
    hashes = {row.seq: row.hash for row in connection.execute(here)}
    if hashes.get(seq) == record["hash"]:
        return False
    if seq in hashes or hashes.get(seq - 1, "0" * 64) != record["prev"]:
        words = (
            f"{name} holds another record of run {run} than this one: they part at record {seq}. Verify the file with "
            "perfusio verify; then make the database anew from it: perfusio mirror FILE --to DATABASE --rebuild."
        )
        raise UnreadableSource((words,), connector=name, operation="mirror")
    _put(connection, events, {name: record[name] for name in _COPIED} | _when(record) | {"record": line})
    fill = _FILL.get(record["event"])
    if fill is not None and record["reactor"] is not None:
        fill(connection, record, record["payload"])
    return True


def _when(record: Json) -> Json:
    """Return turn and culture day of a record; version 1 called the turn `day` and knew no culture day."""
    if record["v"] == 1:
        return {"turn": record["day"], "culture_day": None}
    return {"turn": record["turn"], "culture_day": record["culture_day"]}


def _sample(connection: Connection, record: Json, payload: Json) -> None:
    """A sample; a second one of the same time brings late values, which complete it."""
    state, vessel = payload["state"], _vessel(record)
    if state["time_h"] is None:
        return
    measured = {name: state[name] for name in STATE_QUANTITIES if state[name] is not None}
    where = and_(*(samples.c[k] == v for k, v in vessel.items()), samples.c.time_h == state["time_h"])
    quality = connection.execute(select(samples.c.quality).where(where)).scalar_one_or_none()
    if quality is not None:
        connection.execute(update(samples).where(where).values(**measured, quality={**quality, **state["quality"]}))
        return
    row = vessel | {"time_h": state["time_h"], "quality": state["quality"]}
    _put(connection, samples, row | {name: measured.get(name) for name in STATE_QUANTITIES})
    # what was in force until this sample was in force from the one before on
    earlier = and_(*(samples.c[k] == v for k, v in vessel.items()), samples.c.time_h < state["time_h"])
    before = connection.execute(select(func.max(samples.c.time_h)).where(earlier)).scalar()
    in_force = {name: payload["in_force"][name] for name in SETPOINTS}
    connection.execute(update(samples).where(earlier, samples.c.time_h == before).values(**in_force))


def _decision(connection: Connection, record: Json, payload: Json) -> None:
    """A decision and its two forecasts."""
    row = {name: record[name] for name in ("run", "seq", "reactor", "reason")} | _when(record)
    row |= {name: payload[name] for name in ("key", "acquisition", "score", "model_id")}
    row |= {name: payload["setpoints"][name] for name in SETPOINTS} | {"time_h": _time_of(connection, record)}
    _put(connection, decisions, row)
    _forecast(connection, record, payload)


def _forecast(connection: Connection, record: Json, payload: Json) -> None:
    """One row per plan, quantity and time."""
    head = {name: record[name] for name in ("run", "seq", "reactor")} | _when(record)
    rows = [
        head | {"plan": plan, "quantity": quantity, "time_h": time_h}
        | {name: payload[plan][name][quantity][i] for name in ("mean", "sd", *QUANTILES)}
        for plan in ("hold", "chosen") if plan in payload
        for quantity in payload[plan]["mean"]
        for i, time_h in enumerate(payload[plan]["times_h"])
    ]  # fmt: skip
    if rows:
        connection.execute(insert(forecasts), rows)


def _asked(connection: Connection, record: Json, payload: Json) -> None:
    """An intent; the same key again is the same request."""
    row = {"time_h": _time_of(connection, record), "status": "asked", "asked_at": record["ts"]}
    row |= _six("asked", payload["new"])
    if not _update(connection, record, payload, row):
        _put(connection, setpoints, _vessel(record) | {"key": payload["key"]} | row)


def _acknowledged(connection: Connection, record: Json, payload: Json) -> None:
    row = {"status": "acknowledged", "answered_at": record["ts"]}
    _update(connection, record, payload, row | _six("acknowledged", payload["acknowledged"]))


def _withdrawn(connection: Connection, record: Json, payload: Json) -> None:
    """Nothing of the request is in force: refused, put back, or somebody else had changed the vessel."""
    found: Json = next((payload[name] for name in ("read_back", "restored", "found") if payload.get(name)), {})
    _update(connection, record, payload, {"status": "withdrawn"} | _six("acknowledged", found))


def _unknown(connection: Connection, record: Json, payload: Json) -> None:
    _update(connection, record, payload, {"status": "unknown"} | _six("acknowledged", payload["read_back"] or {}))


_FILL = {
    "SampleRead": _sample,
    "Decided": _decision,
    "Forecasted": _forecast,
    "WriteIntended": _asked,
    "SetpointsWritten": _acknowledged,
    "WriteRefused": _withdrawn,
    "WriteRestored": _withdrawn,
    "OverrideDetected": _withdrawn,
    "WritePartial": _unknown,
    "WriteUnknown": _unknown,
}


def _vessel(record: Json) -> dict[str, str]:
    return {"origin": RECORD, "run": record["run"], "reactor": record["reactor"]}


def _time_of(connection: Connection, record: Json) -> float | None:
    """Return the time of the last sample of the vessel so far: what an event of its day answers."""
    where = (samples.c[k] == v for k, v in _vessel(record).items())
    time_h: float | None = connection.execute(select(func.max(samples.c.time_h)).where(*where)).scalar()
    return time_h


def _six(prefix: str, values: Mapping[str, float | None]) -> dict[str, float | None]:
    return {f"{prefix}_{name}": values.get(name) for name in SETPOINTS}


def _update(connection: Connection, record: Json, payload: Json, row: Json) -> bool:
    where = {**_vessel(record), "key": payload["key"]}
    found = update(setpoints).where(*(setpoints.c[k] == v for k, v in where.items())).values(**row)
    return connection.execute(found).rowcount > 0


def _put(connection: Connection, table: Table, row: Json) -> None:
    """Insert one row. PostgreSQL keeps no NUL character in a text; the line itself has it, escaped."""
    plain = {name: v.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(v, str) else v for name, v in row.items()}
    connection.execute(insert(table), plain)
