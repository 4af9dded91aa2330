"""Past runs from an Excel workbook of any layout with one row per sample, as a column map says: fed-batches too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from types import MappingProxyType

import numpy as np

from perfusio.connectors.cells import read_numbers
from perfusio.connectors.checks import Group
from perfusio.connectors.column_map import ColumnMap
from perfusio.connectors.columns import read_header
from perfusio.connectors.excel import Cell, LabelledSheet, Workbook, cell_text, open_workbook
from perfusio.connectors.feeding import Contents, read_contents, read_feeds
from perfusio.connectors.grids import ReadOptions
from perfusio.connectors.history import run_of
from perfusio.connectors.names import meaning_of, split
from perfusio.connectors.problems import Problems
from perfusio.connectors.sheets import Sheet
from perfusio.connectors.tables import Table, filled
from perfusio.errors import UnreadableSource
from perfusio.physics import derived
from perfusio.state import FloatArray
from perfusio.trajectory import Feed, Trajectory

MOST_VIABLE = 1.01
"""Viable over all cells: more than this is no rounding."""


def read_workbook(
    path: str | Path, column_map: ColumnMap, *, on_remark: Callable[[str], object] = lambda _: None
) -> tuple[Trajectory, ...]:
    """Read all runs of a workbook.

    What was not measured is NaN; an Excel error such as ``#DIV/0!`` counts as not measured. Values are checked as those
    of a CSV file are.

    Args:
        path: An .xlsx, .xlsm or .xls file.
        column_map: What its columns mean.
        on_remark: Called with a sentence for each thing that was converted, joined, assumed or left out.

    Returns:
        Runs in the order of the sheet, with their feeds.

    Raises:
        UnreadableSource: the file is refused; the message lists every problem.
        ConfigError: the column map names a quantity that perfusio does not know.
    """
    book = open_workbook(path)
    remarks: list[str] = []
    contents = _contents(book, column_map, remarks)
    sheet = book.labelled(column_map.sheet, header_rows=column_map.header_rows)
    problems = Problems(sheet.source)
    columns = _mapped(sheet, column_map, problems)
    problems.refuse_if_any()
    sheet, columns = _without_empty_rows(sheet, columns)
    groups = _groups(columns, column_map, len(sheet.rows))
    feeds = read_feeds(sheet, column_map, contents, groups, problems) if column_map.feed_volumes else {}
    table = _table(book, sheet, columns, column_map, groups, problems)
    _refuse_lost(table, feeds, sheet.source)
    for remark in (*remarks, *table.warnings):
        on_remark(remark)
    return _runs(table, column_map, feeds, on_remark)


def _contents(book: Workbook, column_map: ColumnMap, remarks: list[str]) -> Contents:
    about = column_map.feed_sheet
    if about is None:
        return Contents({})
    sheet = book.labelled(about.sheet, turned=about.turned)
    problems = Problems(sheet.source)
    contents = read_contents(sheet, about, problems, remarks)
    problems.refuse_if_any()
    return contents


def _mapped(sheet: LabelledSheet, column_map: ColumnMap, problems: Problems) -> dict[str, list[Cell]]:
    """Return the cells of each column that the map names, but volumes, by the label in the map."""
    labels = [*column_map.columns, *(x for x in (column_map.timestamp, column_map.total_cells) if x)]
    places = {label: place for label in labels if (place := sheet.place(label, problems)) is not None}
    return {label: [row[place] for row in sheet.rows] for label, place in places.items()}


def _without_empty_rows(
    sheet: LabelledSheet, columns: dict[str, list[Cell]]
) -> tuple[LabelledSheet, dict[str, list[Cell]]]:
    """Leave out rows in which no mapped column has anything: people part runs by them."""
    kept = [i for i in range(len(sheet.rows)) if any(cell_text(cells[i]) for cells in columns.values())]
    shorter = replace(sheet, rows=tuple(sheet.rows[i] for i in kept), lines=tuple(sheet.lines[i] for i in kept))
    return shorter, {label: [cells[i] for i in kept] for label, cells in columns.items()}


def _groups(columns: dict[str, list[Cell]], column_map: ColumnMap, n: int) -> list[Group]:
    def texts(name: str) -> list[str]:
        label = next((x for x, m in column_map.columns.items() if meaning_of(split(m)[0]) == name), None)
        return [cell_text(cell) for cell in columns[label]] if label else [""] * n

    return list(zip(texts("run"), texts("reactor"), strict=True))


def _table(
    book: Workbook,
    sheet: LabelledSheet,
    columns: dict[str, list[Cell]],
    column_map: ColumnMap,
    groups: Sequence[Group],
    problems: Problems,
) -> Table:
    """Hand the mapped columns on as lines of cells, times and viability worked out, to the checks of every table."""
    meanings = dict(column_map.columns)
    texts = {label: [cell_text(cell) for cell in cells] for label, cells in columns.items()}
    if stamp := column_map.timestamp:
        texts[stamp] = _hours(sheet, stamp, columns[stamp], groups, problems)
        meanings[stamp] = "time [h]"
    if total := column_map.total_cells:
        texts[total] = _viability(sheet, texts, total, column_map, problems)
        meanings[total] = "viability [%]"
    empty = Table(
        name=sheet.source, sha256=book.sha256, n_bytes=book.n_bytes, columns=MappingProxyType({}), rows=(),
        clones=MappingProxyType({}), warnings=(),
    )  # fmt: skip
    rows = (list(texts), *(list(row) for row in zip(*texts.values(), strict=True)))
    lines = (column_map.header_rows, *sheet.lines)
    cells = Sheet(rows=rows, lines=lines, separator=",", is_cut=False)
    return filled(empty, cells, ReadOptions(columns=meanings), problems, [])


def _hours(
    sheet: LabelledSheet, label: str, cells: Sequence[Cell], groups: Sequence[Group], problems: Problems
) -> list[str]:
    """Return the hours since the first sample of the same run, as texts; empty where there is no time stamp."""
    stamps = [_stamp(cell) for cell in cells]
    for line, cell, stamp in zip(sheet.lines, cells, stamps, strict=True):
        if stamp is None and cell_text(cell):
            why = (
                "is no date with time, expected one. Format the column as a date in Excel, or write 2024-05-31 16:30; "
                "culture times instead belong into columns, as 'day' or 'time [h]'."
            )
            problems.cell(line, label, cell_text(cell), why)
    first: dict[Group, datetime] = {}
    for group, stamp in zip(groups, stamps, strict=True):
        if stamp is not None:
            first[group] = min(stamp, first.get(group, stamp))
    return ["" if s is None else repr(round((s - first[g]).total_seconds() / 3600.0, 6))
            for s, g in zip(stamps, groups, strict=True)]  # fmt: skip


def _stamp(cell: Cell) -> datetime | None:
    if isinstance(cell, str):
        try:
            cell = datetime.fromisoformat(cell.strip())
        except ValueError:
            return None
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).replace(tzinfo=None) if cell.tzinfo else cell
    return datetime.combine(cell, time()) if isinstance(cell, date) else None


def _viability(
    sheet: LabelledSheet, texts: dict[str, list[str]], total: str, column_map: ColumnMap, problems: Problems
) -> list[str]:
    """Return 100 viable / total as texts; empty where one of them was not measured, or no cells at all were found.

    All cells are what a counter counts, dead ones are a difference: where people note all three, total is the reading.
    """
    viable_label = next(x for x, m in column_map.columns.items() if meaning_of(split(m)[0]) == "vcd")
    viable = _densities(texts[viable_label], viable_label, column_map.columns[viable_label], problems)
    everything = _densities(texts[total], total, "vcd", problems)
    for i in np.nonzero(viable > MOST_VIABLE * everything)[0].tolist():
        why = f"is less than the {viable[i]:g} viable cells, expected all cells. Check both columns and their units."
        problems.cell(sheet.lines[i], total, texts[total][i], why, rule="less than viable")
    with np.errstate(invalid="ignore", divide="ignore"):
        percent = derived.viability(viable, np.maximum(everything - viable, 0.0))
    return ["" if v != v else repr(round(float(v), 6)) for v in percent]


def _densities(texts: Sequence[str], label: str, meaning: str, problems: Problems) -> FloatArray:
    """Return cell densities in the unit of vcd; a limit says nothing about viability."""
    understood = read_header([label], problems, columns={label: meaning})
    numbers = read_numbers(texts)
    numbers.values[list(numbers.limits)] = np.nan
    return numbers.values * (understood[0].factor if understood else 1.0)


def _refuse_lost(table: Table, feeds: dict[int, Feed], source: str) -> None:
    """Rows of the same vessel and time are joined; a feed on the second of them would vanish."""
    if lost := sorted(set(feeds) - {row.line for row in table.rows}):
        text = (
            f"{source}, line {lost[0]}: is another row for a sample that is there already, and has a feed of its own. "
            "Put the feeds of one sample into one row."
        )
        raise UnreadableSource((text,), connector=source)


def _runs(
    table: Table, column_map: ColumnMap, feeds: dict[int, Feed], on_remark: Callable[[str], object]
) -> tuple[Trajectory, ...]:
    runs, problems = [], []
    last = {(row.run, row.reactor): row for row in table.rows}
    for group in table.groups:
        run, unsaid = run_of(table, group, column_map.setpoints, feeds=feeds)
        runs.append(run)
        if unknown := [n for n in unsaid if getattr(column_map.setpoints, n) != getattr(column_map.setpoints, n)]:
            problems.append(
                f"{table.name} ({run.run_id}): neither a column nor the column map says what was in force: "
                f"{', '.join(unknown)}. Say it under setpoints in the column map; a fed-batch has perfusion_rate = 0.0."
            )
        if last[group].line in feeds:
            on_remark(f"{run.run_id}: what was fed after its last sample is left out, nothing was measured since.")
    if problems:
        raise UnreadableSource(tuple(problems), connector=table.name)
    return tuple(runs)
