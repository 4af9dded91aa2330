"""From a table to checked rows; or a refusal that lists every problem with file, line, column, value and remedy.

A row is one sample of one vessel. Its setpoint columns were in force **from that sample to the next one**.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from perfusio.errors import UnknownQuantity, UnreadableSource
from perfusio.tables.cells.sheets import Sheet, read_bytes, sheet_of, text_of
from perfusio.tables.columns.column import Column, ColumnRead, Role
from perfusio.tables.columns.culture_times import Group, times_of
from perfusio.tables.columns.declared_options import asked_encoding
from perfusio.tables.columns.grid import Grid, ReadOptions
from perfusio.tables.columns.header_names import MEDIUM, WITH_UNIT, form_of, names_of
from perfusio.tables.columns.mass_balance import judge_balance
from perfusio.tables.columns.no_samples import ask_about_repeats
from perfusio.tables.columns.problems import Problems
from perfusio.tables.columns.typed_columns import grid_of
from perfusio.tables.columns.value_checks import (
    ask_about_zeros,
    canonical_values,
    fractions_of,
    groups_of,
    require_columns,
)
from perfusio.tables.instruments.cell_counters import report_of
from perfusio.tables.instruments.control_files import refuse_tracks
from perfusio.tables.instruments.given import given_reading
from perfusio.tables.instruments.long_tables import turned
from perfusio.tables.instruments.profiles import Recognised, recognised
from perfusio.tables.rows.samples import TableRow, are_apart, built_rows, feeds_of, joined_rows, remarks_of
from perfusio.tables.rows.table import Table, empty_table


def read_table(path: Path, options: ReadOptions | None = None) -> Table:
    """Read a text file of samples: CSV, whoever wrote it.

    Raises:
        UnreadableSource: the file is refused; the message lists every problem.
    """
    return parse_table(read_bytes(path), path.name, options)


def parse_table(
    data: bytes, name: str, options: ReadOptions | None = None, *, may_be_short: bool = False, has_started: bool = False
) -> Table:
    """Read the bytes of a text file: somebody's own table, or that of an instrument, by its header.

    Args:
        data: The whole file.
        name: Its name, for messages.
        options: The user's declarations.
        may_be_short: The file may still be empty, or hold only its header.
        has_started: Rows were already handed out: a doubt about a unit can no longer refuse the file, it warns.

    Raises:
        UnreadableSource: the file is refused; the message lists every problem.
    """
    options = options or ReadOptions()
    table = empty_table(name, data, options.panel)
    if may_be_short and not data.strip():
        return table
    with asked_encoding():
        text, about_text = text_of(data, name, options.encoding)
    with _collector_at_rest():
        sheet = report_of(text) or sheet_of(text, name)
        return of_sheet(table, sheet, options, list(about_text), may_be_short=may_be_short, has_started=has_started)


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Pause the search for cycles: a long table is a million objects without one, and it would walk them many times."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def of_sheet(
    table: Table,
    sheet: Sheet,
    options: ReadOptions,
    warnings: list[str],
    *,
    may_be_short: bool = False,
    has_started: bool = False,
) -> Table:
    """Return `table` with the content of a sheet, of whichever known kind it is; otherwise as `filled`."""
    problems = Problems(table.name)
    refuse_tracks(sheet, problems)
    problems.refuse_if_any()
    if options.instrument:
        known = given_reading(sheet, options, problems)
        problems.refuse_if_any()
    else:
        known = turned(sheet, options, problems) or recognised(sheet, options)
    if known.name:
        warnings.append(f"it is read as: {known.name}.")
    warnings += known.remarks
    result = filled(
        table, known.sheet, known.options, problems, warnings, may_be_short=may_be_short, has_started=has_started
    )
    return replace(result, profile=known.name, reads=_of_profile(result.reads, known, options))


def _writes_unit(read: ColumnRead, unit: str) -> bool:
    """Whether a header has a unit at its end or in its middle: ``Viable (x10^6) cells/mL``."""
    return bool(unit) or read.unit.rpartition(" ")[2].lower() in read.header.lower()


def _of_profile(reads: Sequence[ColumnRead], known: Recognised, options: ReadOptions) -> tuple[ColumnRead, ...]:
    """Say which units only the kind of instrument tells: an assumption too, if a better one."""
    split = names_of(options.panel).split
    said = {form_of(text) for text in options.columns}
    by_profile = {form_of(text) for text, meaning in known.options.columns.items() if split(meaning)[1]} - said
    return tuple(
        replace(read, unit_from="profile")
        if read.unit_from and form_of(read.header) in by_profile and not _writes_unit(read, split(read.header)[1])
        else read
        for read in reads
    )  # fmt: skip


def filled(
    table: Table,
    sheet: Sheet,
    options: ReadOptions,
    problems: Problems,
    warnings: list[str],
    *,
    may_be_short: bool = False,
    has_started: bool = False,
) -> Table:
    """Return `table` with the content of a sheet, checked.

    Args:
        table: The file as such, without content.
        sheet: Lines of cells, the header among the first ones.
        options: The user's declarations.
        problems: Collects faults; it may hold something already.
        warnings: Collects conversions, joins and omissions.
        may_be_short: As in `parse_table`.
        has_started: As in `parse_table`.

    Raises:
        UnreadableSource: there are problems; the message lists all of them.
    """
    grid = grid_of(sheet, options, problems, warnings)
    require_columns(grid, problems, warnings, is_part=options.is_part)
    if not grid.lines and not problems and not may_be_short:
        problems.file("it has a header but no samples, expected one row per sample. Is it the right file?")
    groups, days, are_open = groups_of(grid, options, problems, warnings)
    times = times_of(grid, groups, days, options, problems, warnings)
    if not has_started:
        ask_about_repeats(grid, groups, options, problems)
    fractions = fractions_of(grid, options)
    values = canonical_values(grid, fractions, problems, warnings, has_started=has_started)
    truly_zero = ask_about_zeros(grid, values, options, problems, warnings, has_started=has_started)
    judge_balance(grid, groups, times, values, problems, warnings, has_started=has_started)
    clones = _of_runs(grid, "clone", groups, problems)
    media = _media(grid, groups, problems)
    remarks = remarks_of(grid, values, problems)
    feeds = feeds_of(grid, values, problems)
    with _understood(grid):
        problems.refuse_if_any()
        rows: Sequence[TableRow] = built_rows(grid, groups, times, values, remarks, feeds)
        rows = rows if are_apart(groups, times) else joined_rows(rows, problems, warnings)
        problems.refuse_if_any()
    return replace(
        table,
        columns=MappingProxyType({c.header: _meaning(c) for c in grid.columns}),
        rows=rows,
        clones=MappingProxyType(clones),
        media=MappingProxyType(media),
        panel=options.panel,
        warnings=tuple(f"{table.name}: {warning}" for warning in warnings),
        reads=_reads(grid),
        starts=MappingProxyType(dict(times.starts)),
        assumed_starts=times.assumed,
        is_by_day=times.is_by_day,
        decimal=grid.decimal,
        has_fractions=bool(fractions),
        truly_zero=truly_zero,
        has_open_vessels=are_open,
    )


@contextmanager
def _understood(grid: Grid) -> Iterator[None]:
    """Let a refusal tell which columns were understood all the same."""
    try:
        yield
    except UnreadableSource as error:
        error.understood = _reads(grid)
        raise


def _reads(grid: Grid) -> tuple[ColumnRead, ...]:
    """Say the reading of each column that has a name."""
    by_index = {c.index: c for c in grid.columns}
    found = []
    for i, header in enumerate(grid.header):
        if not header.strip():
            continue
        column = by_index.get(i)
        if column is not None and column in grid.numbers:
            known = np.nonzero(np.isfinite(grid.numbers[column].values))[0]
            n_values, first = len(known), grid.cells[int(known[0])][i].strip() if len(known) else ""
        else:
            values = [cell for cell in map(str.strip, grid.by_column[i]) if cell]
            n_values, first = len(values), values[0] if values else ""
        meaning, unit = (column.name, column.unit) if column else ("", "")
        unit_from = ""
        if column is not None and column.role is not Role.TEXT:
            is_assumed = column.is_bare and form_of(header) not in WITH_UNIT and unit not in ("", "-", "pH")
            unit_from = "assumed" if is_assumed else "header"
        found.append(
            ColumnRead(header=header, meaning=meaning, unit=unit, unit_from=unit_from, n_values=n_values, first=first)
        )
    return tuple(found)


def _meaning(column: Column) -> str:
    return column.name if column.role is Role.TEXT else f"{column.name} [{column.unit}]"


def _of_runs(grid: Grid, name: str, groups: Sequence[Group], problems: Problems) -> dict[Group, str]:
    """A clone or a medium may stand in every row of a run or only in its first; two different ones are a problem."""
    if grid.text_column(name) is None:
        return {}
    texts, found = grid.texts(name), dict[Group, str]()
    pairs = [pair for pair in dict.fromkeys(zip(groups, texts, strict=True)) if pair[1]]
    if len({group for group, _ in pairs}) == len(pairs):  # one word for each run
        return dict(pairs)
    for i, said in enumerate(texts):
        if said and found.setdefault(groups[i], said) != said:
            problems.line(
                grid.lines[i],
                f"the {name} is {said!r}, but earlier rows of the same run say {found[groups[i]]!r}. Correct it; if "
                "these are several runs, add a column 'run'.",
                rule=f"two of {name}",
            )
    return found


def _media(grid: Grid, groups: Sequence[Group], problems: Problems) -> dict[Group, str]:
    """Return the medium of each run that names one; it must be one of those that the process declares."""
    found = _of_runs(grid, MEDIUM, groups, problems)
    for name in dict.fromkeys(found.values()):
        try:
            grid.panel.medium_named(name)
        except UnknownQuantity as error:
            problems.line(grid.lines[grid.texts(MEDIUM).index(name)], str(error), rule=f"medium {name}")
    return found
