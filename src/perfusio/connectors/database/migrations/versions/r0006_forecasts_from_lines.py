"""Forecasts are a view of the lines in `events`: said once, and a decision no longer makes five hundred rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0006"
down_revision = "r0005"
branch_labels = None
depends_on = None

SERIES = ("mean", "sd", "q05", "q10", "q90", "q95")
_PLAN = "'$.payload.' || plan.value"
ON_SQLITE = f"""
CREATE VIEW forecasts AS
SELECT events.run, events.seq, plan.value AS plan, quantity.key AS quantity, time.value AS time_h, events.reactor,
       events.turn, {", ".join(
    f"json_extract(events.record, {_PLAN} || '.{name}.' || quantity.key || '[' || time.key || ']') AS {name}"
    for name in SERIES
)}, events.culture_day
FROM events
CROSS JOIN json_each('["hold","chosen"]') AS plan
CROSS JOIN json_each(events.record, {_PLAN} || '.mean') AS quantity
CROSS JOIN json_each(events.record, {_PLAN} || '.times_h') AS time
WHERE events.event IN ('Decided', 'Forecasted') AND events.reactor IS NOT NULL
"""
_LINE = r"CAST(replace(events.record, '\u0000', '\ufffd') AS json)"  # no text of PostgreSQL holds that character
ON_POSTGRES = f"""
CREATE VIEW forecasts AS
SELECT events.run, events.seq, plan.name AS plan, quantity.name AS quantity, series.time_h, events.reactor,
       events.turn, {", ".join(f"series.{name}" for name in SERIES)}, events.culture_day
FROM events
CROSS JOIN (VALUES ('hold'), ('chosen')) AS plan(name)
CROSS JOIN LATERAL (
    SELECT CAST({_LINE} #> ARRAY['payload', plan.name] AS jsonb) AS said OFFSET 0
) AS of_plan
CROSS JOIN LATERAL jsonb_object_keys(CASE jsonb_typeof(of_plan.said) WHEN 'object' THEN of_plan.said -> 'mean' END)
           AS quantity(name)
CROSS JOIN LATERAL (
    SELECT {", ".join(f"CAST(texts.{name} AS double precision) AS {name}" for name in ("time_h", *SERIES))}
    FROM ROWS FROM (jsonb_array_elements_text(of_plan.said -> 'times_h'), {", ".join(
    f"jsonb_array_elements_text(of_plan.said -> '{name}' -> quantity.name)" for name in SERIES
)}) AS texts({", ".join(("time_h", *SERIES))})
) AS series
WHERE events.event IN ('Decided', 'Forecasted') AND events.reactor IS NOT NULL
"""


def upgrade() -> None:
    """Put the view in the place of the table; whoever could read the one can read the other."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("DROP TABLE forecasts")
        connection.exec_driver_sql(ON_SQLITE)
        return
    readers = sa.text(
        "SELECT DISTINCT quote_ident(grantee) FROM information_schema.role_table_grants "
        "WHERE table_schema = current_schema() AND table_name = 'forecasts' AND privilege_type = 'SELECT' "
        "AND grantee NOT IN ('PUBLIC', current_user)"
    )
    names = connection.execute(readers).scalars().all()
    connection.exec_driver_sql("DROP TABLE forecasts")
    connection.exec_driver_sql(ON_POSTGRES)
    for name in names:
        connection.exec_driver_sql(f"GRANT SELECT ON forecasts TO {name}")
