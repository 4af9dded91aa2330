"""Requests for setpoints as rows of a table: asked for once, acknowledged by whoever acts on them, or withdrawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, func, insert, select, update

from perfusio.connectors.database.schema import SOURCE, setpoints
from perfusio.connectors.database.values import known_in, row_of
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.state import Setpoints

_CORE = CHO_PERFUSION.setpoint_names
REPEATABLE = ("advice", "asked", "acknowledged")
"""A request in one of these is the same request when the same is asked for again; a withdrawn one is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One row: the request at a sample, and its result.

    Attributes:
        run: As the samples it answers.
        reactor: As above.
        key: Time of that sample and the number of the request for it.
        time_h: Time of that sample [h].
        status: One of sql_schema.STATUSES.
        asked: Setpoints asked for.
        acknowledged: Setpoints that the vessel acknowledged; NaN until it did.
    """

    run: str
    reactor: str
    key: str
    time_h: float
    status: str
    asked: Setpoints
    acknowledged: Setpoints


def ask(
    connection: Connection,
    wanted: Setpoints,
    *,
    run: str,
    reactor: str,
    time_h: float,
    now: datetime,
    valid_seconds: float | None,
) -> Request:
    """Put a request in, unless the last one for that sample is the same.

    Args:
        connection: Within a transaction that writes.
        wanted: All of the process, finite.
        run: As the sample.
        reactor: As the sample.
        time_h: Of the sample that is answered [h].
        now: Wall time.
        valid_seconds: How long a controller may act on it [s]; None: it is advice, nobody acts.
    """
    of_sample = and_(_is_of(run, reactor), setpoints.c.time_h == time_h)
    rows = [_request(row, wanted.panel) for row in connection.execute(select(setpoints).where(of_sample)).mappings()]
    latest = max(rows, key=lambda r: _number(r.key), default=None)
    status = "advice" if valid_seconds is None else "asked"
    if latest is not None and latest.asked == wanted and latest.status in REPEATABLE:
        if latest.status != "asked":
            return latest
        number = _number(latest.key)  # asked for again, so it holds for longer
    else:
        number = 0 if latest is None else _number(latest.key) + 1
    key = f"{time_h!r}:{number}"
    not_after = None if valid_seconds is None else utc_text(now + timedelta(seconds=valid_seconds))
    if latest is not None and latest.key == key:
        connection.execute(update(setpoints).where(_is(latest)).values(not_after=not_after))
        return latest
    row = {
        "origin": SOURCE, "run": run, "reactor": reactor, "key": key, "time_h": time_h, "status": status,
        "asked_at": utc_text(now), "not_after": not_after, **row_of(wanted.by_name(), _CORE, "asked_"),
        **row_of({}, _CORE, "acknowledged_"),
    }  # fmt: skip
    connection.execute(insert(setpoints), row)
    return _request(row, wanted.panel)


def answer_to(connection: Connection, request: Request) -> Request:
    """Return a request as it stands now."""
    return _request(connection.execute(select(setpoints).where(_is(request))).mappings().one(), request.asked.panel)


def withdraw(connection: Connection, request: Request) -> bool:
    """Take a request back unless it was acknowledged in the meantime; return whether it is withdrawn."""
    still_open = and_(_is(request), setpoints.c.status == "asked")
    return connection.execute(update(setpoints).where(still_open).values(status="withdrawn")).rowcount == 1


def withdraw_open(connection: Connection, run: str, reactor: str) -> int:
    """Take back requests of an earlier program that nobody has acknowledged; return how many requests these were."""
    still_open = and_(_is_of(run, reactor), setpoints.c.status == "asked")
    return connection.execute(update(setpoints).where(still_open).values(status="withdrawn")).rowcount


def last_acknowledged(connection: Connection, run: str, reactor: str, panel: Panel = CHO_PERFUSION) -> Request | None:
    """Return the request of one vessel that was acknowledged last."""
    done = and_(_is_of(run, reactor), setpoints.c.status == "acknowledged")
    latest = select(func.max(setpoints.c.time_h)).where(done).scalar_subquery()
    rows = connection.execute(select(setpoints).where(done, setpoints.c.time_h == latest)).mappings()
    return max((_request(row, panel) for row in rows), key=lambda r: _number(r.key), default=None)


def utc_text(moment: datetime) -> str:
    """Return a moment as all times stand in the database, and in the record."""
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"


def _number(key: str) -> int:
    return int(key.rpartition(":")[2])


def _is_of(run: str, reactor: str) -> Any:
    return and_(setpoints.c.origin == SOURCE, setpoints.c.run == run, setpoints.c.reactor == reactor)


def _is(request: Request) -> Any:
    return and_(_is_of(request.run, request.reactor), setpoints.c.key == request.key)


def _request(row: Mapping[Any, Any], panel: Panel) -> Request:
    def known(prefix: str) -> Setpoints:
        return Setpoints.of_values(panel, known_in(row, panel.setpoint_names, prefix))

    plain = {name: row[name] for name in ("run", "reactor", "key", "time_h", "status")}
    return Request(**plain, asked=known("asked_"), acknowledged=known("acknowledged_"))
