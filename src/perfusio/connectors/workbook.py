"""Old name of `perfusio.tables.runs_from_workbook`; it stays."""

from perfusio.tables.runs_from_workbook import read_workbook

__all__ = ["read_workbook"]
