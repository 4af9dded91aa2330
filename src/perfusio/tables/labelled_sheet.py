"""The sheet that a column map is about, whatever kind of file it is in: a workbook, a CSV file, a Parquet file."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from perfusio.errors import UnreadableSource
from perfusio.tables.cells.file_kind import Kind, kind_of
from perfusio.tables.cells.parquet import parquet_cells
from perfusio.tables.cells.sheets import TABLES, existing_file, read_bytes, sheet_of, text_of
from perfusio.tables.columns.column_map import ColumnMap
from perfusio.tables.columns.declared_options import asked_encoding
from perfusio.tables.excel import LabelledSheet, Workbook, labelled, open_workbook


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A sheet with labelled columns, and where it comes from.

    Attributes:
        sheet: The sheet.
        book: The workbook that it is in, if it is in one.
        sha256: Of the bytes of the file.
        n_bytes: How many.
        separator: Separator of the cells.
        is_cut: Whether the last row has no line break.
        remarks: Assumptions on the way.
    """

    sheet: LabelledSheet
    book: Workbook | None
    sha256: str
    n_bytes: int
    separator: str = ","
    is_cut: bool = False
    remarks: tuple[str, ...] = ()


def open_labelled(path: str | Path, about: ColumnMap) -> Labelled:
    """Read the sheet that a column map is about.

    Raises:
        UnreadableSource: no such file or sheet, or it is refused.
    """
    file = existing_file(Path(path), TABLES)
    data = read_bytes(file)
    kind = kind_of(data)
    if kind is Kind.EXCEL:
        book = open_workbook(file)
        sheet = book.labelled(about.sheet or book.only_sheet(), header_rows=about.header_rows)
        return Labelled(sheet=sheet, book=book, sha256=book.sha256, n_bytes=book.n_bytes)
    if about.sheet:
        text = f"{file.name} is no workbook and has no sheets, but the column map names the sheet {about.sheet!r}."
        raise UnreadableSource((f"{text} Give the workbook, or take `sheet` out.",), connector=file.name)
    remarks: tuple[str, ...] = ()
    separator, is_cut = ",", False
    if kind is Kind.PARQUET:
        rows = parquet_cells(data, file.name)
        lines = tuple(range(1, len(rows) + 1))
    else:
        with asked_encoding():
            text, remarks = text_of(data, file.name, about.encoding or None)
        found = sheet_of(text, file.name)
        rows, lines, separator, is_cut = list(found.rows), tuple(found.lines), found.separator, found.is_cut
    sheet = labelled(file.name, rows, header_rows=about.header_rows, lines=lines)
    return Labelled(
        sheet=sheet, book=None, sha256=sha256(data).hexdigest(), n_bytes=len(data), separator=separator, is_cut=is_cut,
        remarks=remarks,
    )  # fmt: skip
