"""Entry of alembic for every upgrade: on the connection, and within the transaction, that it is given."""

from __future__ import annotations

from alembic import context

from perfusio.connectors.database.schema import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
context.run_migrations()
