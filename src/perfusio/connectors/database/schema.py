"""The tables of a perfusio database, derived from the declared quantities; `migrations/` makes them.

Two kinds of rows live side by side in `samples` and `setpoints`, told apart by `origin`: ``source`` rows belong to the
lab (samples that a twin reads, setpoints that it asks for), ``record`` rows are copied from a run's `audit.jsonl`, as
is everything in `events` and `decisions`, and can be made anew from it at any time; `forecasts` is a view of `events`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, CheckConstraint, Column, Double, Index, Integer, MetaData, Table, Text

from perfusio.quantities import Quantity
from perfusio.state import QUANTITIES, SETPOINT_QUANTITIES

VERSION_TABLE = "perfusio_version"
"""Where a database says which revision of these tables it holds, and that it is one of ours."""
SOURCE, RECORD = "source", "record"
STATUSES = ("advice", "asked", "acknowledged", "withdrawn", "unknown")
LATEST_H = 1_000_000
"""No culture is older [h]; NaN and infinity are not below it either, on both kinds of database."""
QUANTILES = ("q05", "q10", "q90", "q95")
MORE = "more"
"""Where quantities that a process declares beside the core ones stand, by name."""

metadata = MetaData(naming_convention={"pk": "pk_%(table_name)s", "ck": "ck_%(table_name)s_%(constraint_name)s"})


def _value(name: str, q: Quantity, what: str = "") -> Column[float]:
    return Column(name, Double, comment=f"{q.label}{what} [{q.unit}]; NULL = not measured or not known")


def _possible(name: str, q: Quantity) -> CheckConstraint:
    """Values that a lab writes must be possible; a record is copied as it is."""
    return CheckConstraint(f"origin <> '{SOURCE}' OR {name} BETWEEN {q.low:g} AND {q.high:g}", name=name)


def _text(name: str, comment: str, *, key: bool = False, default: str | None = None, null: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=null, server_default=default, comment=comment)


def _time(*, key: bool = False, null: bool = False) -> Column[float]:
    return Column("time_h", Double, primary_key=key, nullable=null, comment="Time since the start of the culture [h]")


def _whole(name: str, comment: str, *, key: bool = False, null: bool = False) -> Column[int]:
    return Column(name, Integer, primary_key=key, autoincrement=False, nullable=null, comment=comment)


def _json(name: str, comment: str) -> Column[Any]:
    return Column(name, JSON, nullable=False, server_default="{}", comment=comment)


def _more(prefix: str, what: str) -> Column[Any]:
    return _json(f"{prefix}{MORE}", f"{what}; their units are in quantities")


def _origin() -> Column[str]:
    return _text("origin", "source = of the lab; record = copied from audit.jsonl", key=True, default=SOURCE)


def _run(*, key: bool = True) -> Column[str]:
    return _text("run", "Run; empty where the lab does not tell runs apart", key=key, default="")


def _age() -> Column[float]:
    comment = "Days since inoculation of the vessel; NULL = of no vessel, not known, or a record of version 1"
    return Column("culture_day", Double, comment=comment)


_REACTOR = "Vessel; empty where there is only one"

quantities = Table(
    "quantities",
    metadata,
    _text("name", "Column of that quantity in the other tables", key=True),
    _text("unit", "Unit of all its values in this database"),
    _text("label", "Words for axes"),
    Column("low", Double, nullable=False, comment="Smallest value that is possible, in its unit"),
    Column("high", Double, nullable=False, comment="Largest value that is no obvious mistake, in its unit"),
    comment="Every quantity and its unit",
)
samples = Table(
    "samples",
    metadata,
    _origin(),
    _run(),
    _text("reactor", _REACTOR, key=True, default=""),
    _time(key=True),
    _text("clone", "Cell line", default=""),
    *(
        _value(name, q, " in force from this sample on" * (name in SETPOINT_QUANTITIES))
        for name, q in QUANTITIES.items()
    ),
    _json("quality", "Remarks by quantity, e.g. below the detection limit"),
    _json("others", "Further values by name with unit, kept and not read"),
    _more("", "Declared quantities by name, measured or in force"),
    CheckConstraint(f"time_h >= 0 AND time_h < {LATEST_H}", name="time_h"),
    *(_possible(name, q) for name, q in QUANTITIES.items()),
    comment="One row per sample; insert a row to hand it to a twin",
)
setpoints = Table(
    "setpoints",
    metadata,
    _origin(),
    _run(),
    _text("reactor", _REACTOR, key=True, default=""),
    _text("key", "Which request, unique within its vessel", key=True),
    _time(null=True),
    _text("status", "advice: nobody acts; asked: act now; acknowledged: done; withdrawn, unknown: do not act"),
    _text("asked_at", "When, UTC, ISO 8601"),
    _text("not_after", "A controller acts before this time or never, UTC, ISO 8601", null=True),
    _text("answered_at", "When it was acknowledged, UTC, ISO 8601", null=True),
    *(_value(f"asked_{name}", q, ", asked for") for name, q in SETPOINT_QUANTITIES.items()),
    *(_value(f"acknowledged_{name}", q, ", acknowledged") for name, q in SETPOINT_QUANTITIES.items()),
    _more("asked_", "Declared setpoints by name, asked for"),
    _more("acknowledged_", "Declared setpoints by name, acknowledged"),
    CheckConstraint(f"status IN ({', '.join(map(repr, STATUSES))})", name="status"),
    *(_possible(f"acknowledged_{name}", q) for name, q in SETPOINT_QUANTITIES.items()),
    Index("ix_setpoints_time_h", "run", "reactor", "time_h"),
    comment="One row per change of setpoints that was asked for, and what the vessel acknowledged",
)
events = Table(
    "events",
    metadata,
    _run(),
    _whole("seq", "Number of the record in its run; orders the run", key=True),
    _text("ts", "Wall time, UTC, ISO 8601"),
    _text("actor", "Who did it"),
    _text("reactor", _REACTOR, null=True),
    _whole("turn", "Turn of the loop", null=True),
    _text("event", "Name of the event type"),
    _text("reason", "Why, in one sentence"),
    _text("hash", "SHA-256 of the record, which ties the next one to it"),
    _text("record", "The line of audit.jsonl, byte for byte without its line break; JSON"),
    _age(),
    Index("ix_events_event", "run", "event"),
    comment="The record of a run: one row per line of audit.jsonl",
)
decisions = Table(
    "decisions",
    metadata,
    _run(),
    _text("key", "Which decision; setpoints.key names the same one", key=True),
    _whole("seq", "Record of the run that holds it"),
    _text("reactor", _REACTOR),
    _whole("turn", "Turn of the loop", null=True),
    _time(null=True),
    *(_value(name, q, ", proposed") for name, q in SETPOINT_QUANTITIES.items()),
    _text("acquisition", "Acquisition function"),
    Column("score", Double, comment="Its value [-]; NULL = none"),
    _text("model_id", "Model that forecast it"),
    _text("reason", "Why, in one sentence"),
    _age(),
    _more("", "Declared setpoints by name, proposed"),
    comment="What was proposed, and why",
)
views = MetaData()
"""What the migrations make beside the tables."""
forecasts = Table(
    "forecasts",
    views,
    _run(),
    _whole("seq", "Record of the run that holds it", key=True),
    _text("plan", "hold: setpoints in force; chosen: those of the decision", key=True),
    _text("quantity", "Species; its unit is in quantities", key=True),
    _time(key=True),
    _text("reactor", _REACTOR),
    _whole("turn", "Turn of the loop that made it", null=True),
    *(Column(name, Double, comment=f"{name} of the forecast, in the unit of the quantity")
      for name in ("mean", "sd", *QUANTILES)),
    _age(),
    comment="What was expected: mean, spread and quantiles by quantity and time; a view of the lines in events",
)  # fmt: skip
