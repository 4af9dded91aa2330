"""Parquet files as rows of cells. Needs the extra `parquet`."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

from perfusio.errors import UnreadableSource

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


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if value != value else repr(value)
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
