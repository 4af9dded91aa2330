"""Old name of `perfusio.connectors.database.record_index`; it stays."""

from perfusio.connectors.database.record_index import SqlRecord

__all__ = ["SqlRecord"]
