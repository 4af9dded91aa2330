"""The first tables. Written out, not derived: the result of a released revision must not change with the code."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "r0001"
down_revision = None
branch_labels = None
depends_on = None

MEASURED = (
    ("vcd", "1e6 cells/mL", "Viable cell density", 0, 400),
    ("viability", "%", "Viability", 0, 100),
    ("glucose", "g/L", "Glucose", 0, 60),
    ("glutamine", "mmol/L", "Glutamine", 0, 60),
    ("glutamate", "mmol/L", "Glutamate", 0, 60),
    ("lactate", "mmol/L", "Lactate", 0, 200),
    ("ammonium", "mmol/L", "Ammonium", 0, 60),
    ("pyruvate", "mmol/L", "Pyruvate", 0, 60),
    ("titer", "mg/L", "Titer", 0, 30000),
    ("diameter", "um", "Cell diameter", 5, 40),
)
SET = (
    ("perfusion_rate", "1/day", "Perfusion rate", 0, 20),
    ("bleed_rate", "1/day", "Bleed rate", 0, 10),
    ("glucose_setpoint", "g/L", "Glucose setpoint", 0, 60),
    ("temperature", "°C", "Temperature", 15, 45),
    ("agitation", "rpm", "Agitation", 0, 3000),
    ("pyruvate_feed", "mmol/L", "Pyruvate feed", 0, 60),
)
VESSEL = "Vessel; empty where there is only one"


def upgrade() -> None:
    """Make all tables and fill in the quantities."""
    quantities = op.create_table(
        "quantities",
        _text("name", "Column of that quantity in the other tables"),
        _text("unit", "Unit of all its values in this database"),
        _text("label", "Words for axes"),
        sa.Column("low", sa.Double, nullable=False, comment="Smallest value that is possible, in its unit"),
        sa.Column("high", sa.Double, nullable=False, comment="Largest value that is no obvious mistake, in its unit"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_quantities")),
        comment="Every quantity and its unit",
    )
    op.bulk_insert(
        quantities, [dict(zip(("name", "unit", "label", "low", "high"), q, strict=True)) for q in MEASURED + SET]
    )
    _source_tables()
    _record_tables()


def _source_tables() -> None:
    op.create_table(
        "samples",
        *_vessel(),
        _time(null=False),
        _text("clone", "Cell line", default=""),
        *_values(MEASURED, "", ""),
        *_values(SET, "", " in force from this sample on"),
        _json("quality", "Remarks by quantity, e.g. below the detection limit"),
        _json("others", "Further values by name with unit, kept and not read"),
        sa.PrimaryKeyConstraint("origin", "run", "reactor", "time_h", name=op.f("pk_samples")),
        sa.CheckConstraint("time_h >= 0 AND time_h < 1000000", name=op.f("ck_samples_time_h")),
        *_possible("samples", MEASURED + SET, ""),
        comment="One row per sample; insert a row to hand it to a twin",
    )
    op.create_table(
        "setpoints",
        *_vessel(),
        _text("key", "Which request, unique within its vessel"),
        _time(null=True),
        _text("status", "advice: nobody acts; asked: act now; acknowledged: done; withdrawn, unknown: do not act"),
        _text("asked_at", "When, UTC, ISO 8601"),
        _text("not_after", "A controller acts before this time or never, UTC, ISO 8601", null=True),
        _text("answered_at", "When it was acknowledged, UTC, ISO 8601", null=True),
        *_values(SET, "asked_", ", asked for"),
        *_values(SET, "acknowledged_", ", acknowledged"),
        sa.PrimaryKeyConstraint("origin", "run", "reactor", "key", name=op.f("pk_setpoints")),
        sa.CheckConstraint(
            "status IN ('advice', 'asked', 'acknowledged', 'withdrawn', 'unknown')", name=op.f("ck_setpoints_status")
        ),
        *_possible("setpoints", SET, "acknowledged_"),
        comment="One row per change of setpoints that was asked for, and what the vessel acknowledged",
    )
    op.create_index("ix_setpoints_time_h", "setpoints", ["run", "reactor", "time_h"])


def _record_tables() -> None:
    op.create_table(
        "events",
        _run(),
        _whole("seq", "Number of the record in its run; orders the run"),
        _text("ts", "Wall time, UTC, ISO 8601"),
        _text("actor", "Who did it"),
        _text("reactor", VESSEL, null=True),
        _whole("day", "Turn of the loop", null=True),
        _text("event", "Name of the event type"),
        _text("reason", "Why, in one sentence"),
        _text("hash", "SHA-256 of the record, which ties the next one to it"),
        _text("record", "The line of audit.jsonl, byte for byte without its line break; JSON"),
        sa.PrimaryKeyConstraint("run", "seq", name=op.f("pk_events")),
        comment="The record of a run: one row per line of audit.jsonl",
    )
    op.create_index("ix_events_event", "events", ["run", "event"])
    op.create_table(
        "decisions",
        _run(),
        _text("key", "Which decision; setpoints.key names the same one"),
        _whole("seq", "Record of the run that holds it"),
        _text("reactor", VESSEL),
        _whole("day", "Turn of the loop", null=True),
        _time(null=True),
        *_values(SET, "", ", proposed"),
        _text("acquisition", "Acquisition function"),
        sa.Column("score", sa.Double, comment="Its value [-]; NULL = none"),
        _text("model_id", "Model that forecast it"),
        _text("reason", "Why, in one sentence"),
        sa.PrimaryKeyConstraint("run", "key", name=op.f("pk_decisions")),
        comment="What was proposed, and why",
    )
    op.create_table(
        "forecasts",
        _run(),
        _whole("seq", "Record of the run that holds it"),
        _text("plan", "hold: setpoints in force; chosen: those of the decision"),
        _text("quantity", "Species; its unit is in quantities"),
        _time(null=False),
        _text("reactor", VESSEL),
        _whole("day", "Turn of the loop that made it", null=True),
        *(
            sa.Column(name, sa.Double, comment=f"{name} of the forecast, in the unit of the quantity")
            for name in ("mean", "sd", "q05", "q10", "q90", "q95")
        ),
        sa.PrimaryKeyConstraint("run", "seq", "plan", "quantity", "time_h", name=op.f("pk_forecasts")),
        comment="What was expected: mean, spread and quantiles by quantity and time",
    )


def _text(name: str, comment: str, *, default: str | None = None, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null, server_default=default, comment=comment)


def _whole(name: str, comment: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=null, comment=comment)


def _json(name: str, comment: str) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON, nullable=False, server_default="{}", comment=comment)


def _time(*, null: bool) -> sa.Column[float]:
    return sa.Column("time_h", sa.Double, nullable=null, comment="Time since the start of the culture [h]")


def _run() -> sa.Column[str]:
    return _text("run", "Run; empty where the lab does not tell runs apart", default="")


def _vessel() -> tuple[sa.Column[str], ...]:
    origin = _text("origin", "source = of the lab; record = copied from audit.jsonl", default="source")
    return origin, _run(), _text("reactor", VESSEL, default="")


def _values(rows: tuple[tuple[str, str, str, int, int], ...], prefix: str, what: str) -> list[sa.Column[float]]:
    return [
        sa.Column(prefix + name, sa.Double, comment=f"{label}{what} [{unit}]; NULL = not measured or not known")
        for name, unit, label, _, _ in rows
    ]


def _possible(table: str, rows: tuple[tuple[str, str, str, int, int], ...], prefix: str) -> list[sa.CheckConstraint]:
    return [
        sa.CheckConstraint(
            f"origin <> 'source' OR {prefix}{name} BETWEEN {low} AND {high}", name=op.f(f"ck_{table}_{prefix}{name}")
        )
        for name, _, _, low, high in rows
    ]
