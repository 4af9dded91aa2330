"""A data frame, of pandas or polars, as rows of cells: it is read and checked as the same table in a file would be."""

from __future__ import annotations

from datetime import datetime
from math import isnan
from typing import Any

from perfusio.errors import UnreadableSource
from perfusio.tables.cells.csv_files import csv_bytes
from perfusio.tables.cells.sheets import Sheet
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.rows.table import Table, empty_table
from perfusio.tables.table import of_sheet

NAME = "the data frame"


def is_frame(given: object) -> bool:
    """Whether something has named columns that can be taken one by one, as frames of pandas and polars have."""
    return hasattr(given, "columns") and hasattr(given, "__getitem__") and hasattr(given, "shape")


def table_of_frame(frame: Any, options: ReadOptions) -> Table:
    """Read a data frame as the table in a file that it would be written to.

    Args:
        frame: One row per run and sample; columns by name, with or without unit. A named index is a column, too.
        options: The user's declarations about it.

    Raises:
        UnreadableSource: it is refused; the message lists every problem.
    """
    if any(name is not None for name in getattr(getattr(frame, "index", None), "names", ())):
        frame = frame.reset_index()
    names = list(frame.columns)
    if strange := [name for name in names if not isinstance(name, str)]:
        text = (
            f"{NAME} has a column {strange[0]!r}, expected texts that name a quantity. Name the columns, as by "
            "frame.columns = [...]; join headers of several levels into one."
        )
        raise UnreadableSource((text,), connector=NAME)
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UnreadableSource((f"{NAME} has two columns {twice!r}. Leave one out or rename it.",), connector=NAME)
    columns = [[_text(value) for value in frame[name].to_list()] for name in names]
    rows = [names, *(list(row) for row in zip(*columns, strict=True))]
    kept = [(row, line) for line, row in enumerate(rows, start=1) if any(cell.strip() for cell in row)]
    sheet = Sheet(rows=tuple(r for r, _ in kept), lines=tuple(n for _, n in kept), separator=",", is_cut=False)
    return of_sheet(empty_table(NAME, csv_bytes(rows), options.panel), sheet, options, [])


def _text(value: Any) -> str:
    """Return a value as a cell; None, NaN, NaT and NA are empty."""
    if value is None or value != value or str(value) in ("<NA>", "NaT"):
        return ""
    if isinstance(value, float):
        return "" if isnan(value) else repr(float(value))
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
