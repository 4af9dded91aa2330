"""Old name of `perfusio.tables.columns.column_map`; it stays."""

from perfusio.tables.columns.column_map import ColumnMap, FeedSheet, column_map_of, read_column_map

__all__ = ["ColumnMap", "FeedSheet", "column_map_of", "read_column_map"]
