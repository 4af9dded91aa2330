"""Past runs from a file of any layout with one row per sample, as a column map says: fed-batches too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from perfusio.errors import UnreadableSource
from perfusio.tables.columns.column_map import ColumnMap
from perfusio.tables.mapped_table import read_mapped
from perfusio.tables.rows.table import Table
from perfusio.tables.runs_from_files import run_of
from perfusio.trajectory import Trajectory


def read_workbook(
    path: str | Path, column_map: ColumnMap, *, on_remark: Callable[[str], object] = lambda _: None
) -> tuple[Trajectory, ...]:
    """Read all runs of a file that a column map describes.

    A missing value is NaN; an Excel error such as ``#DIV/0!`` counts as not measured. Values are checked as those
    of a CSV file are.

    Args:
        path: An .xlsx, .xlsm or .xls file; CSV or Parquet, if the map names no sheet.
        column_map: Meaning of its columns.
        on_remark: Called with a sentence for each thing that was converted, joined, assumed or left out.

    Returns:
        Runs in the order of the sheet, with their feeds.

    Raises:
        UnreadableSource: the file is refused; the message lists every problem.
        ConfigError: the column map names a quantity that perfusio does not know.
    """
    table = read_mapped(path, column_map)
    for remark in table.warnings:
        on_remark(remark)
    return _runs(table, column_map, on_remark)


def _runs(table: Table, column_map: ColumnMap, on_remark: Callable[[str], object]) -> tuple[Trajectory, ...]:
    runs, problems = [], []
    last = {(row.run, row.reactor): row for row in table.rows}
    for group in table.groups:
        run, unsaid = run_of(table, group, column_map.setpoints)
        runs.append(run)
        if unknown := [n for n in unsaid if getattr(column_map.setpoints, n) != getattr(column_map.setpoints, n)]:
            problems.append(
                f"{table.name} ({run.run_id}): neither a column nor the column map says what was in force: "
                f"{', '.join(unknown)}. Say it under setpoints in the column map; a fed-batch has perfusion_rate = 0.0."
            )
        if last[group].feed:
            on_remark(f"{run.run_id}: what was fed after its last sample is left out, nothing was measured since.")
    if problems:
        raise UnreadableSource(tuple(problems), connector=table.name)
    return tuple(runs)
