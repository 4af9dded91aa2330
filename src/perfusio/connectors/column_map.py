"""Old name of `perfusio.tables.columns.column_map`; it stays."""

from perfusio.tables.columns.column_map import (
    ColumnMap as ColumnMap,
)
from perfusio.tables.columns.column_map import (
    FeedSheet as FeedSheet,
)
from perfusio.tables.columns.column_map import (
    column_map_of as column_map_of,
)
from perfusio.tables.columns.column_map import (
    read_column_map as read_column_map,
)
