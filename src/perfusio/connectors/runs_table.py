"""Old name of `perfusio.tables.runs_table`; it stays."""

from perfusio.tables.runs_table import runs_header as runs_header
from perfusio.tables.runs_table import runs_rows as runs_rows
from perfusio.tables.runs_table import write_csv as write_csv
