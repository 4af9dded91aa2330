"""Cells of a workbook that are formatted as percentages: they show 97.4 % and hold 0.974.

The library that reads workbooks gives values without formats, so the formats are looked up in the archive itself; only
where the workbook has a percent format at all, which is rare.
"""

from __future__ import annotations

import io
import re
import zipfile
from xml.etree import ElementTree

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_BUILT_IN = {"9", "10"}
_cell = re.compile(rb'<c\s[^>]*?r="([A-Z]{1,3})(\d{1,7})"[^>]*>')
_quoted = re.compile(r'"[^"]*"|\\.').sub
_style = re.compile(rb'\ss="(\d+)"')


def percent_cells(data: bytes, sheet: str) -> frozenset[tuple[int, int]]:
    """Return the places (row, column), from 0, of the cells of a sheet that are formatted as percentages.

    Args:
        data: Of an .xlsx or .xlsm; other workbooks have none that could be found.
        sheet: Its exact name.
    """
    if not data.startswith(b"PK"):
        return frozenset()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            styles = _percent_styles(archive)
            if not styles:
                return frozenset()
            content = archive.read(member_of(archive, sheet))
    except (KeyError, StopIteration, ElementTree.ParseError, zipfile.BadZipFile):
        return frozenset()  # whoever reads the values says that it is damaged
    found = set()
    for match in _cell.finditer(content):
        style = _style.search(match[0])
        if style is not None and int(style[1]) in styles:
            found.add((int(match[2]) - 1, column_of(match[1].decode())))
    return frozenset(found)


def _percent_styles(archive: zipfile.ZipFile) -> frozenset[int]:
    root = ElementTree.fromstring(archive.read("xl/styles.xml"))
    formats_of_its_own = [(f.get("numFmtId", ""), f.get("formatCode", "")) for f in root.iter(f"{_MAIN}numFmt")]
    own = {number for number, code in formats_of_its_own if "%" in _quoted("", code)}
    cells = root.find(f"{_MAIN}cellXfs")
    formats = [] if cells is None else [x.get("numFmtId", "") for x in cells]
    return frozenset(i for i, number in enumerate(formats) if number in _BUILT_IN | own)


def member_of(archive: zipfile.ZipFile, sheet: str) -> str:
    """Return the name in the archive of the sheet of that name.

    Raises:
        KeyError, StopIteration: it is no such archive, or has no such sheet.
        ElementTree.ParseError: it is damaged.
    """
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    key = next(s.get(_RELATION) for s in book.iter(f"{_MAIN}sheet") if s.get("name") == sheet)
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    target = next(r.get("Target", "") for r in relations if r.get("Id") == key)
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def column_of(letters: str) -> int:
    """Return the place of a column, from 0, by its letters."""
    n = 0
    for letter in letters:
        n = 26 * n + ord(letter) - 64
    return n - 1
