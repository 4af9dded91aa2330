"""Content of a workbook that its values do not show: hidden rows, error values, formulas never worked out.

The library that reads workbooks gives none of them, and empty cells for errors, so all are looked up in the archive
itself, where there are any.
"""

from __future__ import annotations

import io
import re
import zipfile
from xml.etree import ElementTree

from perfusio.tables.cells.percent_cells import column_of, member_of

_row = re.compile(rb"<row\s([^>]*)>")
_number = re.compile(rb'(?:^|\s)r="(\d{1,7})"')
_is_hidden = re.compile(rb'\shidden="(?:1|true)"')
_cell = re.compile(rb'<c\s[^>]*?r="([A-Z]{1,3}\d{1,7})"[^>]*?(?<!/)>(.*?)</c>', re.DOTALL)
_error = re.compile(
    rb'<c\s(?=[^>]*?\bt="e")[^>]*?\br="([A-Z]{1,3})(\d{1,7})"[^>]*>(?:(?!</c>).)*?<v>([^<]*)</v>', re.DOTALL
)
_value = re.compile(rb"<v>[^<]|<is>")


def hidden_rows(data: bytes, sheet: str) -> tuple[int, ...]:
    """Return the numbers of the hidden rows of a sheet, from 1.

    Args:
        data: Of an .xlsx or .xlsm; other workbooks have none that could be found.
        sheet: Its exact name.
    """
    content = _content(data, sheet)
    if b"hidden=" not in content:
        return ()
    rows = (m[1] for m in _row.finditer(content) if _is_hidden.search(b" " + m[1]))
    return tuple(int(n[1]) for attributes in rows if (n := _number.search(attributes)))


def formulas_without_values(data: bytes, sheet: str) -> tuple[str, ...]:
    """Return the cells of a sheet whose formula has no value, e.g. ``"B2"``: no program has worked it out yet."""
    content = _content(data, sheet)
    if b"<f" not in content:
        return ()
    return tuple(m[1].decode() for m in _cell.finditer(content) if b"<f" in m[2] and not _has_value(m[0], m[2]))


def error_cells(data: bytes, sheet: str) -> dict[tuple[int, int], str]:
    """Return the error values of a sheet, e.g. ``"#REF!"``, by row and column from 0."""
    content = _content(data, sheet)
    if b't="e"' not in content:
        return {}
    return {(int(m[2]) - 1, column_of(m[1].decode())): m[3].decode() for m in _error.finditer(content)}


def _has_value(cell: bytes, inner: bytes) -> bool:
    """Whether a value stands beside the formula; a formula that gives an empty text has one too."""
    return bool(_value.search(inner)) or (b't="str"' in cell[: cell.index(b">")] and b"<v" in inner)


def _content(data: bytes, sheet: str) -> bytes:
    if not data.startswith(b"PK"):
        return b""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.read(member_of(archive, sheet))
    except (KeyError, StopIteration, ElementTree.ParseError, zipfile.BadZipFile):
        return b""  # whoever reads the values says that it is damaged
