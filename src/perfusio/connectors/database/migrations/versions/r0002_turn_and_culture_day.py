"""The former `day` is the turn of the loop; the age of the culture stands beside it, out of the records."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "r0002"
down_revision = "r0001"
branch_labels = None
depends_on = None

TABLES = ("events", "decisions", "forecasts")
COMMENT = "Days since inoculation of the vessel; NULL = of no vessel, not known, or a record of version 1"
N_AT_ONCE = 1000


def upgrade() -> None:
    """Rename one column, add one, and fill it from the lines that are here."""
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN day TO turn")
        op.add_column(table, sa.Column("culture_day", sa.Double, comment=COMMENT))
    connection = op.get_bind()
    known = connection.execute(sa.text("SELECT run, seq, record FROM events ORDER BY run, seq")).all()
    aged = [
        {"age": age, "of_run": run, "of_seq": seq}
        for run, seq, line in known
        if (age := json.loads(line).get("culture_day")) is not None
    ]
    for table in TABLES:
        fill = sa.text(f"UPDATE {table} SET culture_day = :age WHERE run = :of_run AND seq = :of_seq")
        for start in range(0, len(aged), N_AT_ONCE):
            connection.execute(fill, aged[start : start + N_AT_ONCE])
