"""Old name of `perfusio.tables.runs_from_workbook`; it stays."""

from perfusio.tables.runs_from_workbook import read_workbook as read_workbook
