"""Parquet files as rows of cells, and back. Needs the extra `parquet`."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from perfusio.errors import ConfigError, UnreadableSource

MOST_ROWS = 2_000_000
MOST_UNPACKED = 200_000_000


def parquet_cells(data: bytes, name: str) -> list[list[str]]:
    """Return a Parquet file as rows of texts, the names of its columns first.

    Raises:
        UnreadableSource: pyarrow is not installed, the file is damaged, or it is too large.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        text = f"{name} is a Parquet file, which needs pyarrow: install 'perfusio-twin[parquet]', or export it as CSV."
        raise UnreadableSource((text,), connector=name) from error
    try:
        file = parquet.ParquetFile(io.BytesIO(data))
        about = file.metadata
        unpacked = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
        if about.num_rows > MOST_ROWS or unpacked > MOST_UNPACKED:
            text = (
                f"{name} holds {about.num_rows} rows and {unpacked / 1e6:.0f} MB, expected at most {MOST_ROWS} rows "
                f"and {MOST_UNPACKED // 10**6} MB. Split it into one file per run."
            )
            raise UnreadableSource((text,), connector=name)
        table = file.read()
    except (pa.ArrowException, OSError) as error:
        text = f"{name} cannot be read as a Parquet file ({error}). It may be cut short or damaged. Write it again."
        raise UnreadableSource((text,), connector=name) from error
    columns = [[_text(value) for value in column.to_pylist()] for column in table.columns]
    return [list(table.column_names), *(list(row) for row in zip(*columns, strict=True))]


def parquet_bytes(rows: Iterable[Sequence[str | float]]) -> bytes:
    """Return rows of cells, the names of the columns first, as a Parquet file; columns are numbers or texts.

    An empty cell is null. A column with any text among its cells, such as ``<0.1``, is one of texts.

    Raises:
        ConfigError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise ConfigError(
            "A Parquet file needs pyarrow: install 'perfusio-twin[parquet]', or write .csv or .xlsx."
        ) from error
    header, *cells = rows
    columns = [list(column) for column in zip(*cells, strict=True)] or [[] for _ in header]
    typed = {str(name): _typed(column) for name, column in zip(header, columns, strict=True)}
    content = io.BytesIO()
    parquet.write_table(pa.table(typed), content)
    return content.getvalue()


def _typed(column: list[str | float]) -> list[float | None] | list[str | None]:
    """Return the cells of a column all as numbers or all as texts."""
    numbers = [None if cell == "" else cell for cell in column]
    if any(isinstance(cell, str) for cell in numbers):
        return [None if cell is None else cell if isinstance(cell, str) else repr(cell) for cell in numbers]
    return [cell for cell in numbers if not isinstance(cell, str)]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if value != value else repr(value)
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
