"""One way into any file of samples: its kind, its layout, and its rows, checked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from perfusio.errors import UnreadableSource
from perfusio.state import State
from perfusio.tables.cells.file_kind import Kind, kind_of
from perfusio.tables.cells.missing_by_name import missing_in
from perfusio.tables.cells.parquet import parquet_cells
from perfusio.tables.cells.sheets import TABLES, Sheet, existing_file, read_bytes
from perfusio.tables.columns.column_map import ColumnMap
from perfusio.tables.columns.columns import looks_like_header
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.columns.mapping_options import as_options, is_addition, with_options
from perfusio.tables.columns.no_samples import ask_about_hidden
from perfusio.tables.columns.problems import Problems
from perfusio.tables.excel import Workbook, cell_text, workbook_of
from perfusio.tables.instruments.ambr import AMBR, DAY_H, is_ambr, read_signals
from perfusio.tables.instruments.cell_counters import plain
from perfusio.tables.instruments.given import given_reading
from perfusio.tables.instruments.long_tables import turned
from perfusio.tables.instruments.profiles import recognised
from perfusio.tables.mapped_table import read_mapped
from perfusio.tables.merging import joined_vessels
from perfusio.tables.rows.samples import TableRow
from perfusio.tables.rows.table import Table, empty_table
from perfusio.tables.table import of_sheet, parse_table

_LOOKED_AT = 12


def read_any(
    path: str | Path, options: ReadOptions | None = None, *, column_map: ColumnMap | None = None, sheet: str = ""
) -> Table:
    """Read a CSV, Excel or Parquet file of samples.

    Args:
        path: The file; its kind follows from its content.
        options: The user's declarations about it; they go before those of the map.
        column_map: Meaning of its columns; nothing is recognised then, unless the map says so.
        sheet: Which sheet of a workbook; needed where several could be meant.

    Returns:
        Checked rows of all vessels.

    Raises:
        UnreadableSource: the file is refused; the message lists every problem.
        ConfigError: the column map names a quantity that perfusio does not know.
    """
    if column_map is not None and options is not None and column_map.panel != options.panel:
        column_map = column_map.within(options.panel)
    options = options or ReadOptions()
    options = replace(options, sheet=sheet or options.sheet)
    if column_map is not None and not is_addition(column_map):
        return read_mapped(path, with_options(column_map, options), is_part=options.is_part)
    if column_map is not None:
        options = as_options(column_map, options)
    file = existing_file(Path(path), TABLES)
    data = read_bytes(file)
    return table_of(data, file, options)


def table_of(
    data: bytes, file: Path, options: ReadOptions, *, may_be_short: bool = False, has_started: bool = False
) -> Table:
    """Read the bytes of a file, as `read_any` does.

    Args:
        data: All of them.
        file: Where they are from.
        options: The user's declarations.
        may_be_short: As `parse_table`.
        has_started: As `parse_table`.

    Raises:
        UnreadableSource: the file is refused; the message lists every problem.
    """
    kind, sheet = kind_of(data), options.sheet
    if kind is Kind.EXCEL:
        return _of_workbook(
            workbook_of(data, file.name), options, sheet, may_be_short=may_be_short, has_started=has_started
        )
    if sheet:
        text = f"{file.name} is no workbook, so it has no sheet {sheet!r}. Leave the sheet away."
        raise UnreadableSource((text,), connector=file.name)
    if kind is Kind.PARQUET:
        empty = empty_table(file.name, data, options.panel)
        cells = _sheet(parquet_cells(data, file.name))
        return of_sheet(empty, cells, options, [], may_be_short=may_be_short, has_started=has_started)
    return parse_table(data, file.name, options, may_be_short=may_be_short, has_started=has_started)


def _sheet(rows: list[list[str]]) -> Sheet:
    kept = [(row, line) for line, row in enumerate(rows, start=1) if any(cell.strip() for cell in row)]
    return Sheet(rows=tuple(row for row, _ in kept), lines=tuple(line for _, line in kept), separator=",", is_cut=False)


def _of_workbook(
    book: Workbook, options: ReadOptions, sheet: str, *, may_be_short: bool, has_started: bool
) -> Table:
    empty = Table(
        name=book.name, sha256=book.sha256, n_bytes=book.n_bytes, columns=MappingProxyType({}), rows=(),
        clones=MappingProxyType({}), warnings=(), panel=options.panel,
    )  # fmt: skip
    if not sheet and not options.instrument and is_ambr(book):
        return _of_signals(book, empty, options)
    full = [n for n in book.sheet_names if any(cell_text(c) for row in book.cells(n) for c in row)]
    names = [sheet] if sheet else [n for n in full if _has_samples(_cells(book, n), options)]
    if not names and len(full) == 1:
        names = full
    if not names:
        listed = ", ".join(map(repr, book.sheet_names))
        text = f"{book.name}: no sheet has a header that names a time and a quantity. It has {listed}."
        remedy = "Write a column map for it: see `perfusio import --help`."
        raise UnreadableSource((f"{text} {remedy}",), connector=book.name)
    of_book = [value for value in options.set_missing if value.is_of(book.name)]
    missing_in(of_book, [book.name] if len(names) == 1 else [f"{book.name}, sheet {name!r}" for name in names])
    options = replace(options, may_stay_open=options.may_stay_open and len(names) == 1)
    is_one_of_several = len(names) > 1
    tables = [
        _of_sheet(
            book, empty, name, options, is_one_of_several=is_one_of_several, may_be_short=may_be_short,
            has_started=has_started,
        )
        for name in names
    ]  # fmt: skip
    return tables[0] if len(tables) == 1 else joined_vessels(book.name, tables)


def _cells(book: Workbook, name: str) -> Sheet:
    return _sheet([[cell_text(cell) for cell in row] for row in book.cells(name)])


def _has_samples(sheet: Sheet, options: ReadOptions) -> bool:
    problems = Problems("")
    if options.instrument:
        return bool(sheet.rows) and bool(given_reading(sheet, options, problems).name)
    return bool(
        any(looks_like_header(row, options.columns, options.panel) for row in sheet.rows[:_LOOKED_AT])
        or (sheet.rows and (recognised(sheet, options).name or turned(sheet, options, problems)))
    )


def _of_sheet(
    book: Workbook, empty: Table, name: str, options: ReadOptions, *, is_one_of_several: bool, may_be_short: bool,
    has_started: bool,
) -> Table:  # fmt: skip
    """Read one sheet; where several have samples and no column names the vessel, the sheet does."""
    where = f"{book.name}, sheet {name!r}" if is_one_of_several else book.name
    book.refuse_empty_formulas(name)
    cells = _cells(book, name)
    shown = plain(cells).lines[1:]  # a counter hides rows that are none of its samples
    hidden = [n for n in book.hidden_rows(name) if n in shown]
    ask_about_hidden(hidden, options, Problems(where))
    begun = replace(empty, name=where)
    table = of_sheet(begun, cells, options, [], may_be_short=may_be_short, has_started=has_started)
    if not is_one_of_several or any(row.reactor for row in table.rows):
        return table
    vessel = options.vessels.get(name, name)
    return replace(
        table,
        rows=tuple(replace(row, reactor=vessel) for row in table.rows),
        clones=MappingProxyType({(run, vessel): clone for (run, _), clone in table.clones.items()}),
        media=MappingProxyType({(run, vessel): medium for (run, _), medium in table.media.items()}),
        starts=MappingProxyType({(run, vessel): start for (run, _), start in table.starts.items()}),
        assumed_starts=frozenset((run, vessel) for run, _ in table.assumed_starts),
    )


def _of_signals(book: Workbook, empty: Table, options: ReadOptions) -> Table:
    """Read an ambr workbook: a row a day with the setpoints in force, until samples of other files are joined to it."""
    problems, remarks = Problems(book.name), [f"it is read as: {AMBR}."]
    panel = options.panel
    signals = read_signals(book, options.columns, problems, remarks, panel)
    problems.refuse_if_any()
    named = {("", options.vessels.get(sheet, sheet)): s for sheet, s in signals.items()}
    rows = []
    for (run, reactor), of_vessel in named.items():
        n_days = int(of_vessel.last_h // DAY_H) + 1
        rows += [
            TableRow(line=0, run=run, reactor=reactor, state=State(time_h=day * DAY_H, panel=panel),
                     setpoints=of_vessel.in_force(day * DAY_H, (day + 1) * DAY_H))
            for day in range(n_days)
        ]  # fmt: skip
    warnings = tuple(f"{book.name}: {remark}" for remark in remarks)
    return replace(empty, rows=tuple(rows), warnings=warnings, profile=AMBR, signals=MappingProxyType(named))
