"""The rows that follow from the lines of `audit.jsonl`: from lines and their order alone, so the same at any time.

Samples come from `record/vessel_history.py`, the fold that the twin itself uses. Rows are gathered over a batch of
lines and go into each table at once. Forecasts have no rows: they are a view of the lines.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, and_, delete, select

from perfusio.connectors.database.gathered import Gathered
from perfusio.connectors.database.histories import Histories, lines_of
from perfusio.connectors.database.schema import RECORD, decisions, events, samples, setpoints
from perfusio.connectors.database.values import declare, row_of, values_of
from perfusio.errors import UnreadableSource
from perfusio.events import RunStarted
from perfusio.record.line import GENESIS, Record
from perfusio.record.mirror import Line
from perfusio.record.vessel_history import VesselHistory, process_of
from perfusio.state import SETPOINTS, Setpoints

Json = dict[str, Any]
_COPIED = ("run", "seq", "ts", "actor", "reactor", "turn", "culture_day", "event", "reason", "hash")
_copied = attrgetter(*_COPIED)
REFILLED_AT_ONCE = 1000
"""Lines whose rows are held in memory while tables are made anew."""


def add_lines(connection: Connection, lines: Sequence[Line], histories: Histories, name: str) -> int:
    """Add lines of one record, except those that are here already; return how many are new.

    Args:
        connection: Within a transaction that writes.
        lines: In their order, each with what it says.
        histories: Histories of the vessels up to these lines.
        name: Of the database, for messages.

    Raises:
        UnreadableSource: a line does not follow from the last one here.
    """
    hashes = _hashes(connection, [record for record, _ in lines])
    rows, n_new = Gathered(connection), 0
    for record, line in lines:
        run, seq = record.run, record.seq
        if hashes.get((run, seq)) == record.hash:
            continue
        if (run, seq) in hashes or hashes.get((run, seq - 1), GENESIS) != record.prev:
            words = (
                f"{name} holds another record of run {run} than this one: they part at record {seq}. Verify the file "
                "with perfusio verify; then make the database anew from it: perfusio mirror FILE --to DATABASE "
                "--rebuild."
            )
            raise UnreadableSource((words,), connector=name, operation="mirror")
        hashes[run, seq] = record.hash
        rows.put(events, dict(zip(_COPIED, _copied(record), strict=True)) | {"record": line})
        _derive(rows, record, histories, name)
        n_new += 1
    rows.keep()
    return n_new


def _hashes(connection: Connection, records: Sequence[Record]) -> dict[tuple[str, int], str]:
    """Return the hashes of those lines that are here among these and the ones before them."""
    found: dict[tuple[str, int], str] = {}
    for run in {record.run for record in records}:
        seqs = [record.seq for record in records if record.run == run]
        here = and_(events.c.run == run, events.c.seq.between(min(seqs) - 1, max(seqs)))
        there = connection.execute(select(events.c.seq, events.c.hash).where(here))
        found |= {(run, row.seq): row.hash for row in there}
    return found


def refill(connection: Connection) -> None:
    """Make everything that follows from lines anew, of every run: an older perfusio may have derived it otherwise."""
    for run in connection.execute(select(events.c.run).distinct()).scalars().all():
        _forget_derived(connection, run)
        histories, rows = Histories(), Gathered(connection)
        for i, line in enumerate(lines_of(connection, run), start=1):
            _derive(rows, Record.of_fields(json.loads(line)), histories, "the database")
            if i % REFILLED_AT_ONCE == 0:
                rows.keep()
        rows.keep()


def forget(connection: Connection, run: str) -> None:
    """Take away everything that was copied from the record of one run; samples of the lab are left alone."""
    connection.execute(delete(events).where(events.c.run == run))
    _forget_derived(connection, run)


def _forget_derived(connection: Connection, run: str) -> None:
    connection.execute(delete(decisions).where(decisions.c.run == run))
    for table in (samples, setpoints):
        connection.execute(delete(table).where(table.c.origin == RECORD, table.c.run == run))


def _derive(rows: Gathered, record: Record, histories: Histories, name: str) -> None:
    """Bring the tables of samples, decisions and setpoints up to one more record."""
    if record.event == RunStarted.__name__:
        declare(rows.connection, process_of(record.payload["config"]), name)
    if record.reactor is not None and (fill := _FILL.get(record.event)) is not None:
        # of the sample that it answers: the last one of the vessel so far
        time_h = histories.latest_h(rows.connection, record) if record.event in _AT_A_SAMPLE else None
        fill(rows, record, record.payload, time_h)
    changed = histories.after(rows.connection, record)
    if changed is not None:
        _samples(rows, record, *changed)


def _samples(rows: Gathered, record: Record, history: VesselHistory, time_h: float) -> None:
    """The sample of that time as the twin knows it now, and the one before, whose setpoints held until then."""
    trajectory, n_before = history.trajectory, history.trajectory.n_before(time_h)
    for i in range(max(n_before - 1, 0), n_before + 1):
        state = trajectory.states[i]
        in_force = trajectory.setpoints[i] if i < len(trajectory.setpoints) else Setpoints(panel=state.panel)
        row = values_of(state, in_force)
        row |= {"quality": dict(state.quality), "clone": trajectory.clone}
        rows.replace(samples, _vessel(record) | {"time_h": state.time_h}, row)


def _decision(rows: Gathered, record: Record, payload: Json, time_h: float | None) -> None:
    row = {name: getattr(record, name) for name in ("run", "seq", "reactor", "turn", "culture_day", "reason")}
    row |= {name: payload[name] for name in ("key", "acquisition", "score", "model_id")}
    row |= row_of(payload["setpoints"], SETPOINTS) | {"time_h": time_h}
    rows.put(decisions, row)


def _asked(rows: Gathered, record: Record, payload: Json, time_h: float | None) -> None:
    """An intent; the same key again is the same request."""
    row = {"time_h": time_h, "status": "asked", "asked_at": record.ts}
    rows.replace(setpoints, _request(record, payload), row | row_of(payload["new"], SETPOINTS, "asked_"))


def _acknowledged(rows: Gathered, record: Record, payload: Json, _: float | None) -> None:
    row = {"status": "acknowledged", "answered_at": record.ts}
    _answered(rows, record, payload, row | row_of(payload["acknowledged"], SETPOINTS, "acknowledged_"))


def _withdrawn(rows: Gathered, record: Record, payload: Json, _: float | None) -> None:
    """Nothing of the request is in force: refused, put back, or somebody else had changed the vessel."""
    found: Json = next((payload[name] for name in ("read_back", "restored", "found") if payload.get(name)), {})
    _answered(rows, record, payload, {"status": "withdrawn"} | row_of(found, SETPOINTS, "acknowledged_"))


def _unknown(rows: Gathered, record: Record, payload: Json, _: float | None) -> None:
    found = row_of(payload["read_back"] or {}, SETPOINTS, "acknowledged_")
    _answered(rows, record, payload, {"status": "unknown"} | found)


_FILL = {
    "Decided": _decision,
    "WriteIntended": _asked,
    "SetpointsWritten": _acknowledged,
    "WriteRefused": _withdrawn,
    "WriteRestored": _withdrawn,
    "OverrideDetected": _withdrawn,
    "WritePartial": _unknown,
    "WriteUnknown": _unknown,
}
_AT_A_SAMPLE = ("Decided", "WriteIntended")


def _vessel(record: Record) -> dict[str, str]:
    return {"origin": RECORD, "run": record.run, "reactor": str(record.reactor)}


def _request(record: Record, payload: Json) -> dict[str, str]:
    return {**_vessel(record), "key": payload["key"]}


def _answered(rows: Gathered, record: Record, payload: Json, row: Json) -> None:
    rows.change(setpoints, _request(record, payload), row)
