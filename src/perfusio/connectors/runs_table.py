"""Old name of `perfusio.tables.runs_table`; it stays."""

from perfusio.tables.runs_table import runs_header, runs_rows, write_csv

__all__ = ["runs_header", "runs_rows", "write_csv"]
