"""From an Excel workbook to labelled columns of cells. Nothing here knows about quantities.

A sheet may have several header rows: the last one names the columns, those above name groups of columns, in the first
cell of each group (a merged cell is one). A column is found by its name where that is unique in the sheet, else by
``Group / Name``. Case, blanks and punctuation do not matter.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perfusio.errors import UnreadableSource
from perfusio.quantities import closest
from perfusio.tables.cells.percent_cells import percent_cells
from perfusio.tables.cells.sheets import EXCEL, existing_file, read_bytes
from perfusio.tables.cells.workbook_rows import error_cells, formulas_without_values, hidden_rows
from perfusio.tables.columns.header_names import form_of
from perfusio.tables.columns.problems import Problems

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

MAX_UNPACKED = 200_000_000
MAX_RATIO = 100
"""A workbook is a zip archive: a small one that unpacks to much more than it holds is an attack, not a table."""
Cell = Any
"""Types of cells in Excel: a number, a text, a truth value, a date or time; an empty text where there is nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledSheet:
    """A sheet whose columns have labels.

    Attributes:
        source: File and sheet, for messages.
        labels: Of each column, the groups it is in and its name, without the empty ones.
        rows: Cells below the header, each row as long as there are columns.
        lines: Row of the sheet that each row is in, from 1.
    """

    source: str
    labels: tuple[tuple[str, ...], ...]
    rows: tuple[tuple[Cell, ...], ...]
    lines: tuple[int, ...]

    def place(self, label: str, problems: Problems) -> int | None:
        """Return which column `label` names; None, with a problem, if it is none or several."""
        named = [i for i, parts in enumerate(self.labels) if form_of(label) in _forms(parts)]
        if len(named) == 1:
            return named[0]
        if named:
            full = dict.fromkeys(" / ".join(self.labels[i]) for i in named)
            remedy = f"Say which one: {', '.join(map(repr, full))}." if len(full) > 1 else "Rename all but one of them."
            problems.file(f"{label!r} names {len(named)} columns, expected one. {remedy}")
        else:
            names = tuple(dict.fromkeys(parts[-1] for parts in self.labels if parts))
            shown = ", ".join(map(repr, names[:12])) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
            problems.file(f"there is no column {label!r}, which the column map names.{closest(label, names)}\n  "
                          f"Mend the map: the columns are {shown}.")  # fmt: skip
        return None

    def texts(self, place: int) -> list[str]:
        """Return the cells of one column as texts."""
        return [cell_text(row[place]) for row in self.rows]


def _forms(parts: tuple[str, ...]) -> tuple[str, ...]:
    return (form_of(parts[-1]), form_of(" / ".join(parts))) if parts else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbook:
    """A workbook in memory.

    Attributes:
        name: File name.
        sha256: Of its bytes.
        n_bytes: How many.
        book: As the reader library holds it.
        data: Its bytes.
    """

    name: str
    sha256: str
    n_bytes: int
    book: CalamineWorkbook
    data: bytes = field(default=b"", repr=False)

    def labelled(self, sheet: str, *, header_rows: int = 1, turned: bool = False) -> LabelledSheet:
        """Return a sheet with its columns labelled.

        Args:
            sheet: Its name.
            header_rows: How many rows at the top are header.
            turned: Rows and columns change places first: labels stand in the first column.

        Raises:
            UnreadableSource: there is no such sheet, or nothing below its header.
        """
        cells = self.cells(sheet)
        self.refuse_empty_formulas(sheet)
        if turned:
            cells = [list(column) for column in zip(*cells, strict=True)]
        return labelled(f"{self.name}, sheet {sheet!r}", cells, header_rows=header_rows)

    @property
    def sheet_names(self) -> tuple[str, ...]:
        """Names of all sheets."""
        return tuple(self.book.sheet_names)

    def only_sheet(self) -> str:
        """Return the name of the only sheet that holds anything.

        Raises:
            UnreadableSource: there are several, or none.
        """
        full = [name for name in self.sheet_names if any(cell_text(c) for row in self.cells(name) for c in row)]
        if len(full) == 1:
            return full[0]
        listed = ", ".join(map(repr, full))
        several = f"has {len(full)} sheets with content: {listed}. Say which one: sheet = {full[0]!r}." if full else ""
        what = several or "is empty, expected a sheet with samples. Is it the right file?"
        raise UnreadableSource((f"{self.name} {what}",), connector=self.name)

    def refuse_empty_formulas(self, sheet: str) -> None:
        """Refuse a sheet with formulas that nobody has worked out: their values would be missing without a word.

        Raises:
            UnreadableSource: there are such cells.
        """
        if cells := formulas_without_values(self.data, sheet):
            more = f" and {len(cells) - 3} more" if len(cells) > 3 else ""
            text = (
                f"{self.name}, sheet {sheet!r}: {len(cells)} formulas have no stored value ({', '.join(cells[:3])}"
                f"{more}): "
                "a program wrote them, and no spreadsheet has worked them out. Open the file in Excel and save it, or "
                "export values."
            )
            raise UnreadableSource((text,), connector=self.name)

    def hidden_rows(self, sheet: str) -> tuple[int, ...]:
        """Return the numbers of the hidden rows of a sheet, from 1."""
        return hidden_rows(self.data, sheet)

    def cells(self, sheet: str) -> list[list[Cell]]:
        """Return all cells of a sheet, its rows of equal length.

        Raises:
            UnreadableSource: there is no such sheet, or it is damaged.
        """
        names = tuple(self.book.sheet_names)
        same = [n for n in names if form_of(n) == form_of(sheet)]
        if len(same) != 1:
            listed = ", ".join(map(repr, names))
            text = f"{self.name} has no sheet {sheet!r}.{closest(sheet, names)} It has {listed}."
            raise UnreadableSource((text,), connector=self.name)
        with _damage_told(self.name, f"{self.name}, sheet {sheet!r} cannot be read"):
            cells = self.book.get_sheet_by_name(same[0]).to_python(skip_empty_area=False)
        for row, column in percent_cells(self.data, same[0]):
            if row < len(cells) and column < len(cells[row]) and isinstance(value := cells[row][column], int | float):
                cells[row][column] = f"{100.0 * value:.12g} %"
        for (row, column), error in error_cells(self.data, same[0]).items():
            if row < len(cells) and column < len(cells[row]):
                cells[row][column] = error  # an empty cell would count as not measured, without a word
        return cells


def labelled(
    source: str, cells: Sequence[Sequence[Cell]], *, header_rows: int = 1, lines: Sequence[int] = ()
) -> LabelledSheet:
    """Label the columns of rows of cells by the header rows above them.

    Args:
        source: File and sheet, for messages.
        cells: All rows; below the header they may be shorter than it, and longer by empty cells.
        header_rows: How many rows at the top are header.
        lines: Line of each row in the file; empty = counted from 1.

    Raises:
        UnreadableSource: there is nothing below the header, or a row is longer than it.
    """
    if len(cells) <= header_rows:
        expected = f"{header_rows} of header and more below"
        text = f"{source} has {len(cells)} rows, expected {expected}. Is it the right one?"
        raise UnreadableSource((text,), connector=source)
    lines = lines or range(1, len(cells) + 1)
    n = max(len(row) for row in cells[:header_rows])
    head = [[cell_text(cell) for cell in row] + [""] * (n - len(row)) for row in cells[:header_rows]]
    levels = [*(_carried_on(row) for row in head[:-1]), head[-1]]
    labels = tuple(tuple(p for p in parts if p) if parts[-1] else () for parts in zip(*levels, strict=True))
    problems = Problems(source)
    for row, line in zip(cells[header_rows:], lines[header_rows:], strict=True):
        if len(row) != n and any(cell_text(cell) for cell in row):
            remedy = "Complete the row" if len(row) < n else "Put quotes around texts with the separator in them"
            what = f"has {len(row)} values, expected {n} as in the header. {remedy}, or remove it if it is no sample."
            problems.line(line, what, rule=f"{len(row)} cells")
    problems.refuse_if_any()
    body = tuple(tuple(row) for row in cells[header_rows:] if len(row) == n)
    kept = tuple(line for row, line in zip(cells[header_rows:], lines[header_rows:], strict=True) if len(row) == n)
    return LabelledSheet(source=source, labels=labels, rows=body, lines=kept)


def open_workbook(path: str | Path) -> Workbook:
    """Read an .xlsx, .xlsm or .xls file.

    Raises:
        UnreadableSource: it is missing, too large, locked by a password, or no workbook.
    """
    file = existing_file(Path(path), EXCEL)
    return workbook_of(read_bytes(file), file.name)


def workbook_of(data: bytes, name: str) -> Workbook:
    """Read the bytes of a workbook of this name.

    Raises:
        UnreadableSource: it is too large, locked by a password, or no workbook.
    """
    from python_calamine import CalamineWorkbook

    with _damage_told(name, f"{name} cannot be read as an Excel workbook"):
        if data.startswith(b"PK"):
            _check_archive(data, name)
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    return Workbook(name=name, sha256=sha256(data).hexdigest(), n_bytes=len(data), book=book, data=data)


def is_whole_workbook(data: bytes) -> bool:
    """Whether bytes that may be half written hold a workbook as a whole: the directory of an archive is at its end."""
    return not data.startswith(b"PK") or zipfile.is_zipfile(io.BytesIO(data))


@contextmanager
def _damage_told(name: str, what: str) -> Iterator[None]:
    """Turn the reader library's error on a damaged or locked workbook into a refusal.

    On some damage the library's own checks fail; it then raises an exception that is no `Exception`, and that has a
    name but no place to import it from.
    """
    from python_calamine import CalamineError, PasswordError

    try:
        yield
    except PasswordError as error:
        text = f"{name} is locked by a password. Save it in Excel without one."
        raise UnreadableSource((text,), connector=name) from error
    except (CalamineError, zipfile.BadZipFile) as error:
        text = f"{what} ({error}). Open it in Excel and save it as .xlsx."
        raise UnreadableSource((text,), connector=name) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        text = f"{what} (it is damaged, or was not copied as a whole). Copy it again."
        raise UnreadableSource((text,), connector=name) from None


def cell_text(cell: Cell) -> str:
    """Return a cell as the text a person would type: ``11``, not ``11.0``; dates in the order of ISO 8601."""
    if isinstance(cell, float) and not isinstance(cell, bool):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    return cell.isoformat() if isinstance(cell, date) else str(cell).strip()


def _carried_on(row: Sequence[str]) -> list[str]:
    """A group's name stands over its first column only."""
    carried, now = [], ""
    for text in row:
        now = text or now
        carried.append(now)
    return carried


def _check_archive(data: bytes, name: str) -> None:
    """Look at the directory of the archive before anything is unpacked."""
    unpacked = sum(entry.file_size for entry in zipfile.ZipFile(io.BytesIO(data)).infolist())
    if unpacked > MAX_UNPACKED or unpacked > MAX_RATIO * len(data):
        text = (
            f"{name} unpacks from {len(data) / 1e6:.1f} to {unpacked / 1e6:.0f} MB, expected at most "
            f"{MAX_UNPACKED // 10**6} MB and {MAX_RATIO} times its size. Save the sheet that you need as its own file."
        )
        raise UnreadableSource((text,), connector=name)
