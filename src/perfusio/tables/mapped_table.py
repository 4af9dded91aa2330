"""A file of any layout with one row per sample, read as a column map says: fed-batches too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from perfusio.errors import UnreadableSource
from perfusio.physics.derived import viability as percent_alive
from perfusio.process.panel import Panel
from perfusio.process.roles import share_alive
from perfusio.state import FloatArray
from perfusio.tables.cells.cells import read_numbers
from perfusio.tables.cells.missing_by_name import missing_of
from perfusio.tables.cells.sheets import Sheet
from perfusio.tables.columns.column_map import ColumnMap
from perfusio.tables.columns.columns import read_header
from perfusio.tables.columns.culture_times import Group
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.columns.header_names import STAMP
from perfusio.tables.columns.problems import Problems
from perfusio.tables.excel import Cell, LabelledSheet, Workbook, cell_text
from perfusio.tables.feeds.bolus_feeds import Contents, read_contents, read_feeds
from perfusio.tables.feeds.scheduled_feeds import scheduled
from perfusio.tables.labelled_sheet import Labelled, open_labelled
from perfusio.tables.rows.table import Table
from perfusio.tables.table import filled
from perfusio.trajectory import Feed

MOST_VIABLE = 1.01
"""Viable over all cells: more than this is no rounding."""


def read_mapped(path: str | Path, column_map: ColumnMap, *, is_part: bool = False) -> Table:
    """Read a file that a column map describes, as a table of checked rows.

    Args:
        path: As `read_workbook`.
        column_map: Meaning of its columns.
        is_part: No density of cells is needed, other files have it.

    Raises:
        UnreadableSource: the file is refused; the message lists every problem.
        ConfigError: the column map names a quantity that perfusio does not know.
    """
    source = open_labelled(path, column_map)
    remarks: list[str] = []
    contents = _contents(source.book, column_map, remarks)
    sheet = source.sheet
    problems = Problems(sheet.source)
    columns = _mapped(sheet, column_map, problems)
    problems.refuse_if_any()
    sheet, columns = _without_empty_rows(sheet, columns)
    groups = _groups(columns, column_map, len(sheet.rows))
    feeds = read_feeds(sheet, column_map, contents, groups, problems) if column_map.feed_volumes else {}
    table = _table(source, sheet, columns, column_map, problems, is_part=is_part)
    _refuse_lost(table, feeds, sheet.source)
    said = {column.partition(" ")[0] for column in table.columns.values()}
    always = {n: v for n, v in column_map.setpoints.by_name().items() if n not in said and v == v}
    rows = tuple(
        replace(row, feed=feeds.get(row.line, row.feed), setpoints=row.setpoints.with_values(**always))
        for row in table.rows
    )
    if column_map.schedule is not None and source.book is not None:
        rates = source.book.labelled(column_map.schedule.sheet)
        times = [row.state.time_h for row in rows]
        given = scheduled(times, rates, column_map.schedule, table.panel, Path(path).stem, remarks)
        rows = tuple(
            replace(row, feed=feed or row.feed, setpoints=row.setpoints.with_values(**said))
            for row, (feed, said) in zip(rows, given, strict=True)
        )
    return replace(table, rows=rows, warnings=(*remarks, *table.warnings))


def _contents(book: Workbook | None, column_map: ColumnMap, remarks: list[str]) -> Contents:
    about = column_map.feed_sheet
    if about is None or book is None:
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
        parts = [columns[x] for x, m in column_map.columns.items() if column_map.meaning(m) == name and x in columns]
        named = ["/".join(filter(None, map(cell_text, cells))) for cells in zip(*parts, strict=True)]
        return named if parts else [""] * n

    return list(zip(texts("run"), texts("reactor"), strict=True))


def _table(
    source: Labelled,
    sheet: LabelledSheet,
    columns: dict[str, list[Cell]],
    column_map: ColumnMap,
    problems: Problems,
    *,
    is_part: bool,
) -> Table:
    """Hand the mapped columns on as lines of cells, viability worked out, to the checks of every table."""
    meanings = dict(column_map.columns)
    texts = {label: [cell_text(cell) for cell in cells] for label, cells in columns.items()}
    if stamp := column_map.timestamp:
        meanings[stamp] = STAMP
    if total := column_map.total_cells:
        texts[total] = _viability(sheet, texts, total, column_map, problems)
        meanings[total] = column_map.panel[share_alive(column_map.panel) or ""].header
    empty = Table(
        name=sheet.source, sha256=source.sha256, n_bytes=source.n_bytes, columns=MappingProxyType({}), rows=(),
        clones=MappingProxyType({}), warnings=(), panel=column_map.panel,
    )  # fmt: skip
    rows = (list(texts), *(list(row) for row in zip(*texts.values(), strict=True)))
    lines = (column_map.header_rows, *sheet.lines)
    cells = Sheet(rows=rows, lines=lines, separator=source.separator, is_cut=source.is_cut)
    options = ReadOptions(
        columns=meanings,
        decimal=column_map.decimal or None,
        date_order=column_map.date_order or None,
        inoculated=column_map.inoculated,
        sample_pattern=column_map.sample_pattern,
        reactor=column_map.reactor,
        keep=column_map.keep,
        leave_out=column_map.leave_out,
        set_missing=missing_of(column_map.set_missing),
        fill_down=column_map.fill_down,
        vessels=column_map.vessels,
        is_part=is_part,
        panel=column_map.panel,
    )
    return filled(empty, cells, options, problems, list(source.remarks))


def _viability(
    sheet: LabelledSheet, texts: dict[str, list[str]], total: str, column_map: ColumnMap, problems: Problems
) -> list[str]:
    """Return 100 viable / total as texts; empty where one of them was not measured, or no cells at all were found.

    A counter counts all cells, dead ones are a difference: where people note all three, total is the reading.
    """
    panel = column_map.panel
    cells = panel.the("cells")
    viable_label = next(x for x, m in column_map.columns.items() if column_map.meaning(m) == cells)
    viable = _densities(texts[viable_label], viable_label, column_map.columns[viable_label], panel, problems)
    everything = _densities(texts[total], total, cells, panel, problems)
    for i in np.nonzero(viable > MOST_VIABLE * everything)[0].tolist():
        why = f"is less than the {viable[i]:g} viable cells, expected all cells. Check both columns and their units."
        problems.cell(sheet.lines[i], total, texts[total][i], why, rule="less than viable")
    with np.errstate(invalid="ignore", divide="ignore"):
        percent = percent_alive(viable, np.maximum(everything - viable, 0.0))
    return ["" if v != v else repr(round(float(v), 6)) for v in percent]


def _densities(texts: Sequence[str], label: str, meaning: str, panel: Panel, problems: Problems) -> FloatArray:
    """Return cell densities in the unit of vcd; a limit says nothing about viability."""
    understood = read_header([label], problems, columns={label: meaning}, panel=panel)
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
