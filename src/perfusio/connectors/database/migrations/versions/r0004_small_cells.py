"""Cells may be as small as a lymphocyte: the least possible diameter is 1 um, where it was 5."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0004"
down_revision = "r0003"
branch_labels = None
depends_on = None

NAME, BEFORE, NOW = "ck_samples_diameter", "diameter BETWEEN 5 AND 40", "diameter BETWEEN 1 AND 40"


def upgrade() -> None:
    """Exchange the constraint. SQLite cannot: there the table is made anew with all others as they are, and filled."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        made = connection.execute(sa.text("SELECT sql FROM sqlite_master WHERE name = 'samples'")).scalar_one()
        op.execute("ALTER TABLE samples RENAME TO samples_before")
        connection.exec_driver_sql(made.replace(BEFORE, NOW))
        op.execute("INSERT INTO samples SELECT * FROM samples_before")
        op.execute("DROP TABLE samples_before")
    else:
        op.execute(f"ALTER TABLE samples DROP CONSTRAINT {NAME}")
        op.execute(f"ALTER TABLE samples ADD CONSTRAINT {NAME} CHECK (origin <> 'source' OR {NOW})")
    op.execute("UPDATE quantities SET low = 1 WHERE name = 'diameter'")
