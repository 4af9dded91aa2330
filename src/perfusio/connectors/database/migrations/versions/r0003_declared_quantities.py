"""Quantities that a process declares beside the core ones stand by name in one JSON column of each table."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0003"
down_revision = "r0002"
branch_labels = None
depends_on = None

COLUMNS = (
    ("samples", "more", "Declared quantities by name, measured or in force; their units are in quantities"),
    ("setpoints", "asked_more", "Declared setpoints by name, asked for; their units are in quantities"),
    ("setpoints", "acknowledged_more", "Declared setpoints by name, acknowledged; their units are in quantities"),
    ("decisions", "more", "Declared setpoints by name, proposed; their units are in quantities"),
)


def upgrade() -> None:
    """Add the columns, empty: databases of before knew core quantities only."""
    for table, name, comment in COLUMNS:
        op.add_column(table, sa.Column(name, sa.JSON, nullable=False, server_default="{}", comment=comment))
