"""Forecasts are kept in the order of their key, on SQLite too: once, and not in a table and an index of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0005"
down_revision = "r0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table anew and empty: after an upgrade all that follows from the lines of records is made anew."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        made = connection.execute(sa.text("SELECT sql FROM sqlite_master WHERE name = 'forecasts'")).scalar_one()
        op.execute("DROP TABLE forecasts")
        if "WITHOUT ROWID" not in made:
            made += " WITHOUT ROWID"
        connection.exec_driver_sql(made)
