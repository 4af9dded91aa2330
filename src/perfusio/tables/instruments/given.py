"""Instrument readers of other packages: they say which cells mean which quantity; every check of a file stays ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from perfusio.registry import INSTRUMENTS, ExtensionError
from perfusio.tables.cells.sheets import Sheet
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.columns.problems import Problems
from perfusio.tables.instruments.profiles import Recognised


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A table as an instrument reader understands it.

    Attributes:
        rows: Cells as texts, the header first, then a row a sample.
        columns: Header -> meaning with unit, e.g. ``{"Gluc": "glucose [g/L]", "Date": "timestamp"}``; columns that are
            not named stay unread.
        lines: Place of each of these rows among those that were given, from 0, for messages; empty = the first ones.
    """

    rows: Sequence[Sequence[str]]
    columns: Mapping[str, str]
    lines: Sequence[int] = field(default=())


Reader = Callable[[Sequence[Sequence[str]]], Reading | None]
"""From all rows of a sheet, as texts, to a reading; None where the sheet is not of this instrument."""


def given_reading(sheet: Sheet, options: ReadOptions, problems: Problems) -> Recognised:
    """Return a sheet as the reader that the user named understands it; problems where it does not.

    Raises:
        ConfigError: there is no such reader.
        ExtensionError: it cannot be loaded, or it fails; the message names its package.
    """
    name = options.instrument
    reader, extension = INSTRUMENTS.find(name)
    try:
        found = reader([list(row) for row in sheet.rows])
        reading = None if found is None else _checked(found, len(sheet.rows))
    except Exception as error:
        raise ExtensionError(
            f"The instrument reader {name!r} of the package {extension.package} failed with {type(error).__name__}: "
            f"{error}. Read the file without it, or ask its author."
        ) from error
    if reading is None:
        problems.file(f"it is no file of the instrument {name!r}: its reader does not know it. Name another, or none.")
        return Recognised(name="", sheet=sheet, options=options)
    places = reading.lines or range(len(reading.rows))
    rows = tuple(list(row) for row in reading.rows)
    read = replace(sheet, rows=rows, lines=tuple(sheet.lines[place] for place in places))
    columns = {**reading.columns, **options.columns}
    named = replace(options, columns=columns, only_named=True, may_be_unsorted=True)
    return Recognised(name=f"{name} ({extension.package})", sheet=read, options=named)


def _checked(found: Reading, n_rows: int) -> Reading:
    if not isinstance(found, Reading):
        raise TypeError(f"a Reading was expected, found {type(found).__name__}")
    if not all(isinstance(cell, str) for row in found.rows for cell in row):
        raise TypeError("cells must be texts")
    widths = {len(row) for row in found.rows}
    if len(widths) > 1:
        raise ValueError(f"rows have {', '.join(map(str, sorted(widths)))} cells, expected one number")
    if found.lines and (len(found.lines) != len(found.rows) or not all(0 <= at < n_rows for at in found.lines)):
        raise ValueError("lines must give the place of each row among those that were read")
    if not found.lines and len(found.rows) > n_rows:
        raise ValueError("more rows than were read: say with lines where each comes from")
    return found
