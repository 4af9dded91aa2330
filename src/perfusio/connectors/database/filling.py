"""The rows that follow from one line of `audit.jsonl`: from its lines and their order alone, so the same at any time.

Samples come from `record/vessel_history.py`, the fold that the twin itself uses.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, func, insert, select, update

from perfusio.connectors.database.histories import Histories, lines_of
from perfusio.connectors.database.schema import QUANTILES, RECORD, decisions, events, forecasts, samples, setpoints
from perfusio.connectors.database.values import declare, row_of, values_of
from perfusio.errors import UnreadableSource
from perfusio.events import RunStarted
from perfusio.record.vessel_history import VesselHistory, process_of
from perfusio.state import SETPOINTS, Setpoints

Json = dict[str, Any]
_COPIED = ("run", "seq", "ts", "actor", "reactor", "event", "reason", "hash")


def add_line(connection: Connection, line: str, histories: Histories, name: str) -> bool:
    """Add one line of a record, unless it is here already; return whether it is new.

    Args:
        connection: Within a transaction that writes.
        line: Without its line break.
        histories: Histories of the vessels up to these lines.
        name: Of the database, for messages.

    Raises:
        UnreadableSource: the line does not follow from the last one here.
    """
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
    _derive(connection, record, histories, name)
    return True


def refill(connection: Connection) -> None:
    """Make everything that follows from lines anew, of every run: an older perfusio may have derived it otherwise."""
    for run in connection.execute(select(events.c.run).distinct()).scalars().all():
        _forget_derived(connection, run)
        histories = Histories()
        for line in lines_of(connection, run):
            _derive(connection, json.loads(line), histories, "the database")


def forget(connection: Connection, run: str) -> None:
    """Take away everything that was copied from the record of one run; samples of the lab are left alone."""
    connection.execute(delete(events).where(events.c.run == run))
    _forget_derived(connection, run)


def _forget_derived(connection: Connection, run: str) -> None:
    for table in (decisions, forecasts):
        connection.execute(delete(table).where(table.c.run == run))
    for table in (samples, setpoints):
        connection.execute(delete(table).where(table.c.origin == RECORD, table.c.run == run))


def _derive(connection: Connection, record: Json, histories: Histories, name: str) -> None:
    """Bring the tables of samples, decisions, forecasts and setpoints up to one more record."""
    if record["event"] == RunStarted.__name__:
        declare(connection, process_of(record["payload"]["config"]), name)
    if record["reactor"] is not None and (fill := _FILL.get(record["event"])) is not None:
        fill(connection, record, record["payload"])
    changed = histories.after(connection, record)
    if changed is not None:
        _samples(connection, record, *changed)


def _when(record: Json) -> Json:
    """Return turn and culture day of a record; version 1 called the turn `day` and knew no culture day."""
    if record["v"] == 1:
        return {"turn": record["day"], "culture_day": None}
    return {"turn": record["turn"], "culture_day": record["culture_day"]}


def _samples(connection: Connection, record: Json, history: VesselHistory, time_h: float) -> None:
    """The sample of that time as the twin knows it now, and the one before, whose setpoints held until then."""
    trajectory, n_before = history.trajectory, history.trajectory.n_before(time_h)
    for i in range(max(n_before - 1, 0), n_before + 1):
        state = trajectory.states[i]
        in_force = trajectory.setpoints[i] if i < len(trajectory.setpoints) else Setpoints(panel=state.panel)
        row = values_of(state, in_force)
        row |= {"quality": dict(state.quality), "clone": trajectory.clone}
        where = and_(*(samples.c[k] == v for k, v in _vessel(record).items()), samples.c.time_h == state.time_h)
        if not connection.execute(update(samples).where(where).values(**_kept(row))).rowcount:
            _put(connection, samples, _vessel(record) | {"time_h": state.time_h} | row)


def _decision(connection: Connection, record: Json, payload: Json) -> None:
    """A decision and its two forecasts."""
    row = {name: record[name] for name in ("run", "seq", "reactor", "reason")} | _when(record)
    row |= {name: payload[name] for name in ("key", "acquisition", "score", "model_id")}
    row |= row_of(payload["setpoints"], SETPOINTS) | {"time_h": _time_of(connection, record)}
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
    row |= row_of(payload["new"], SETPOINTS, "asked_")
    if not _update(connection, record, payload, row):
        _put(connection, setpoints, _vessel(record) | {"key": payload["key"]} | row)


def _acknowledged(connection: Connection, record: Json, payload: Json) -> None:
    row = {"status": "acknowledged", "answered_at": record["ts"]}
    _update(connection, record, payload, row | row_of(payload["acknowledged"], SETPOINTS, "acknowledged_"))


def _withdrawn(connection: Connection, record: Json, payload: Json) -> None:
    """Nothing of the request is in force: refused, put back, or somebody else had changed the vessel."""
    found: Json = next((payload[name] for name in ("read_back", "restored", "found") if payload.get(name)), {})
    _update(connection, record, payload, {"status": "withdrawn"} | row_of(found, SETPOINTS, "acknowledged_"))


def _unknown(connection: Connection, record: Json, payload: Json) -> None:
    found = row_of(payload["read_back"] or {}, SETPOINTS, "acknowledged_")
    _update(connection, record, payload, {"status": "unknown"} | found)


_FILL = {
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
    """Return the time of the last sample of the vessel so far: the sample that an event of its day answers."""
    where = (samples.c[k] == v for k, v in _vessel(record).items())
    time_h: float | None = connection.execute(select(func.max(samples.c.time_h)).where(*where)).scalar()
    return time_h


def _update(connection: Connection, record: Json, payload: Json, row: Json) -> bool:
    where = {**_vessel(record), "key": payload["key"]}
    found = update(setpoints).where(*(setpoints.c[k] == v for k, v in where.items())).values(**row)
    return connection.execute(found).rowcount > 0


def _put(connection: Connection, table: Table, row: Json) -> None:
    connection.execute(insert(table), _kept(row))


def _kept(row: Json) -> Json:
    """Return a row as both kinds of database keep it: PostgreSQL has no NUL character in a text; the line has it."""
    return {name: v.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(v, str) else v for name, v in row.items()}
