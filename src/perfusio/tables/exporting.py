"""Checked rows back into files: wide (one row per sample) or long (one value per row), CSV, Excel or Parquet.

Numbers are written with the digits that were read, in canonical units, with the unit in the header: 36.8, also where a
conversion left 36.80000000000001, and 11.1012 mmol/L of lactate for 1 g/L. `read_any` makes the exported rows of such a
file again.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from math import nan
from pathlib import Path

from perfusio.errors import ConfigError
from perfusio.quantities import Quantity, is_plain, without_dust
from perfusio.tables.cells.csv_files import csv_bytes, escaped, replace_file
from perfusio.tables.cells.parquet import parquet_bytes
from perfusio.tables.columns.culture_times import Group
from perfusio.tables.columns.header_names import (
    FEED,
    FRACTION,
    INOCULATED,
    MEDIUM,
    QUALITY,
    SAMPLE,
    STAMP,
    TIME,
    TRULY_ZERO,
    names_of,
)
from perfusio.tables.instruments.long_tables import TIDY_HEADER
from perfusio.tables.rows.samples import TableRow
from perfusio.tables.rows.table import Table

LAYOUTS = ("wide", "long")
ENDINGS = (".csv", ".xlsx", ".parquet")
Cell = str | float
_FEW_DIGITS = 12


def write_table(path: Path, table: Table, *, layout: str = "wide") -> None:
    """Write a table, whole or not at all; the ending of the name says whether as CSV, Excel or Parquet.

    Raises:
        ConfigError: another ending or layout, the place cannot be written, or pyarrow, which Parquet needs, is absent.
    """
    if path.suffix.lower() not in _FORMATS:
        raise ConfigError(f"{path.name}: the ending says what to write, expected {' or '.join(_FORMATS)}.")
    content = table_bytes(table, path.suffix.lower(), layout=layout)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}. Choose another place.") from error


def table_bytes(table: Table, ending: str, *, layout: str = "wide") -> bytes:
    """Return a table as the content of a file.

    Args:
        table: The rows.
        ending: One of ENDINGS, which says the format.
        layout: One of LAYOUTS.

    Raises:
        ConfigError: another ending or layout, or pyarrow, which Parquet needs, is absent.
    """
    if layout not in LAYOUTS:
        raise ConfigError(f"layout {layout!r}: expected {' or '.join(LAYOUTS)}.")
    if ending not in _FORMATS:
        raise ConfigError(f"A table as {ending!r}: expected {' or '.join(_FORMATS)}.")
    return _FORMATS[ending](wide_cells(table) if layout == "wide" else long_cells(table))


def wide_cells(table: Table) -> Iterator[list[Cell]]:
    """Yield one row per sample under a header; a quantity without any value has no column, save the usual three.

    Rows are made as they are written: a long table all at once is millions of objects, which Python then walks again
    and again in search of cycles.
    """
    texts = [n for n in ("run", "reactor") if any(getattr(row, n) for row in table.rows)]
    of_runs, is_dated = _of_runs(table), table.has_open_vessels
    quantities = {n: names_of(table.panel).numeric(n) for n in _used(table)}
    has_remarks = any(_further_remarks(row) for row in table.rows)
    yield [
        *(SAMPLE if n == "reactor" and is_dated else n for n in texts), *of_runs, STAMP if is_dated else TIME.header,
        *(f"{quantity.header}{_zeros(table, n)}" for n, quantity in quantities.items()),
        *([QUALITY] if has_remarks else []),
    ]  # fmt: skip
    for row in table.rows:
        known = _values(row)
        cells: list[Cell] = [getattr(row, n) for n in texts]
        cells += [said.get((row.run, row.reactor), "") for said in of_runs.values()]
        cells.append(_date(table, row) if is_dated else row.state.time_h)
        cells += [_cell(row, quantity, n, known.get(n, nan)) for n, quantity in quantities.items()]
        if has_remarks:
            further = _further_remarks(row)
            cells.append(json.dumps(further, ensure_ascii=False, sort_keys=True) if further else "")
        yield cells


def long_cells(table: Table) -> Iterator[list[Cell]]:
    """Yield one value per row; a sample without any value has a row without a quantity."""
    keys = {name: any(getattr(row, name) for row in table.rows) for name in ("run", "reactor")}
    is_dated = table.has_open_vessels
    keys |= {"clone": any(table.clones.values()), MEDIUM: any(table.media.values())}
    keys |= {INOCULATED: bool(table.starts) and not is_dated}
    kept = [i for i, name in enumerate(TIDY_HEADER) if keys.get(name, True)]
    renamed = {"reactor": SAMPLE, TIME.header: STAMP} if is_dated else {}
    for k, cells in enumerate(_all_long_cells(table)):
        yield [renamed.get(TIDY_HEADER[i], cells[i]) if k == 0 else cells[i] for i in kept]


def _all_long_cells(table: Table) -> Iterator[list[Cell]]:
    yield list(TIDY_HEADER)
    numeric = names_of(table.panel).numeric
    for row in table.rows:
        group = row.run, row.reactor
        clone, medium = (said.get(group, "") for said in (table.clones, table.media))
        start = table.starts[group].isoformat(sep=" ") if group in table.starts else ""
        known = {n: v for n, v in _values(row).items() if v == v}
        further = _further_remarks(row)
        when: Cell = _date(table, row) if table.has_open_vessels else row.state.time_h
        key: list[Cell] = [row.run, row.reactor, clone, medium, start, when]
        for name in dict.fromkeys([*known, *further]) or [""]:
            value = _cell(row, numeric(name), name, known[name]) if name in known else ""
            unit = f"{numeric(name).unit}{_zeros(table, name)}" if name else ""
            yield [*key, name, value, unit, table.name if name else "", further.get(name, "")]


def _zeros(table: Table, name: str) -> str:
    """A person's word that zeros were measured goes with them, so that nobody is asked twice."""
    return TRULY_ZERO if name in table.truly_zero else ""


def _date(table: Table, row: TableRow) -> str:
    """Return when a sample was taken, where nobody said yet which vessel it is from: culture time belongs to one."""
    start = table.starts.get((row.run, row.reactor))
    taken = start + timedelta(hours=row.state.time_h) if start else None
    return taken.isoformat(sep=" ", timespec="seconds") if taken else ""


def _used(table: Table) -> list[str]:
    """Return the quantities that get a column, in order."""
    every = (*table.panel.by_name, *names_of(table.panel).feeds)
    used = set(table.panel.critical)
    for row in table.rows:
        if len(used) < len(every):
            used.update(n for n, v in _values(row).items() if v == v)
    return [n for n in every if n in used]


def _values(row: TableRow) -> dict[str, float]:
    """Return everything that a row says, by name."""
    found = {s.name: getattr(row.state, s.name) for s in row.state.panel.species} | row.setpoints.by_name()
    if row.feed is not None:
        found |= {FRACTION: row.feed.fraction}
        found |= {f"{FEED}{name}": value for name, value in row.feed.concentrations().items()}
    return found


def _of_runs(table: Table) -> dict[str, Mapping[Group, str]]:
    """Return the values that are the same in every row of a run, by column, where any run has it."""
    dated = {} if table.has_open_vessels else table.starts
    starts = {group: start.isoformat(sep=" ") for group, start in dated.items()}
    return {n: said for n, said in (("clone", table.clones), (MEDIUM, table.media), (INOCULATED, starts)) if said}


def _cell(row: TableRow, quantity: Quantity, name: str, value: float) -> Cell:
    """Return a value; one at a limit as a text like ``<0.1``."""
    if value != value:
        return ""
    sign, shown = _sign(row, name, value), as_read(quantity, value)
    return f"{sign}{shown!r}" if sign else shown


def as_read(quantity: Quantity, value: float) -> float:
    """Return a value with the digits that were read; one that a conversion made, in the resolution of its quantity."""
    if len(repr(value)) <= _FEW_DIGITS:  # nearly all are, and a long table has millions
        return value
    return without_dust(value) if is_plain(value) else quantity.as_written(value)


def _sign(row: TableRow, name: str, value: float) -> str:
    remark = row.state.quality.get(name, "")
    if not remark:
        return ""
    at = f"{value:g}"
    signs = {f"below the detection limit of {at}": "<", f"above the measuring range of {at}": ">"}
    return signs.get(remark, "")


def _further_remarks(row: TableRow) -> dict[str, str]:
    """Return the remarks that the values themselves do not show."""
    if not row.state.quality:
        return {}
    species = {s.name for s in row.state.panel.species}
    said = {n: remark for n, remark in row.state.quality.items() if n in species}
    return {n: remark for n, remark in said.items() if not _sign(row, n, getattr(row.state, n))}


def _texts(rows: Iterable[Sequence[Cell]]) -> Iterable[list[str]]:
    return ([cell if isinstance(cell, str) else repr(cell) for cell in row] for row in rows)


def _csv(rows: Iterable[Sequence[Cell]]) -> bytes:
    return csv_bytes(_texts(rows))


def xlsx_bytes(rows: Iterable[Sequence[Cell]], *, sheet_name: str = "samples") -> bytes:
    """Return a workbook with one sheet; numbers are numbers, and no text is a formula."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet(sheet_name)
    sheet.freeze_panes = "A2"
    for row in rows:
        cells = []
        for value in row:
            cell = WriteOnlyCell(sheet, value=escaped(value) if isinstance(value, str) else repr(value))
            cell.data_type = "s" if isinstance(value, str) else "n"  # all digits; floats would be cut to 16 of them
            cells.append(cell if value != "" else None)
        sheet.append(cells)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


_FORMATS = {".csv": _csv, ".xlsx": xlsx_bytes, ".parquet": parquet_bytes}
