"""What the values of a file must keep: times that rise, units that fit, ranges that are possible, required columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from perfusio.connectors.columns import Column, Role, quantity_of
from perfusio.connectors.grids import Grid
from perfusio.connectors.names import TIME
from perfusio.connectors.plausibility import are_fractions, doubt_time, doubts
from perfusio.connectors.problems import Problems
from perfusio.state import FloatArray

SAME_TIME_H = 1e-6
Group = tuple[str, str]


def require_columns(grid: Grid, problems: Problems, warnings: list[str]) -> None:
    """Time and viable cell density must be there; without viability or glucose a run is warned about."""
    names = {c.name for c in grid.columns}
    if not names:
        return
    if "time" not in names:
        problems.line(grid.header_line, "no column gives the time, expected 'day' or 'time [h]'. Add or rename one.")
    if problems:
        return  # an unknown header may well be the missing column
    if "vcd" not in names:
        expected = "'VCD' or 'vcd [1e6 cells/mL]'"
        problems.line(grid.header_line, f"no column gives the viable cell density, expected {expected}. Add one.")
    for name in ("viability", "glucose"):
        if name not in names:
            warnings.append(f"there is no column for {name}: it counts as not measured.")


def groups_of(grid: Grid, problems: Problems) -> list[Group]:
    """Return run and reactor of each row."""
    for name in ("run", "reactor"):
        column = grid.text_column(name)
        for i, text in enumerate(grid.texts(name) if column else ()):
            if column and not text:
                why = f"is empty, expected the {name} that the sample belongs to. Fill it in."
                problems.cell(grid.lines[i], column.header, text, why)
    return list(zip(grid.texts("run"), grid.texts("reactor"), strict=True))


def times_of(grid: Grid, groups: Sequence[Group], problems: Problems) -> FloatArray:
    """Return the sample times [h], shape (N,), checked to start at 0 or later and to rise within each group."""
    given = [c for c in grid.numbers if c.role is Role.TIME]
    if not given:
        return np.full(len(grid.lines), np.nan)
    column = next((c for c in given if not c.is_bare), given[0])
    times = np.round(grid.numbers[column].values * column.factor, 6)
    for other in given:
        _check_same_time(grid, column, times, other, problems)
    last: dict[Group, int] = {}
    steps: list[float] = []
    for i, (t, group) in enumerate(zip(times.tolist(), groups, strict=True)):
        if not 0 <= t <= TIME.high:
            _refuse_time(grid, column, i, t, problems)
            continue
        before = last.get(group, i)
        if t < times[before] - SAME_TIME_H:
            line, cell = grid.lines[before], grid.cells[before][column.index]
            problems.cell(
                grid.lines[i],
                column.header,
                grid.cells[i][column.index],
                f"comes after {cell!r} in line {line}, expected times that rise{_of(group)}. Sort the rows; if these "
                "are several runs, give each its own file or add a column 'run'.",
                rule="times rise",
            )
            continue
        if t > times[before] + SAME_TIME_H:
            steps.append(t - times[before])
        last[group] = i
    if len(times) and not problems:
        doubt = doubt_time(column, np.array(steps), float(times[0]))
        if doubt is not None:
            problems.line(grid.header_line, f"column {column.header!r}: {doubt.question()}")
    return times


def _of(group: Group) -> str:
    run, reactor = group
    return (f" within run {run}" if run else "") + (f" within reactor {reactor}" if reactor else "")


def _refuse_time(grid: Grid, column: Column, i: int, t: float, problems: Problems) -> None:
    if i in grid.numbers[column].refused:
        return  # already said
    why = "is before the start, expected 0 or more: times count from inoculation. Remove the rows before it."
    if t > 0:
        why = f"is more than {TIME.high / 24:g} days, expected the age of the culture. Check the value and its unit."
    elif t != t:
        why = "is no time, and every sample has one. Fill it in, or remove the row."
    problems.cell(grid.lines[i], column.header, grid.cells[i][column.index], why)


def _check_same_time(grid: Grid, column: Column, times: FloatArray, other: Column, problems: Problems) -> None:
    """A file may give its times twice, e.g. as day and as hours, if they agree."""
    others = grid.numbers[other].values * other.factor
    differ = np.nonzero(np.abs(others - times) > 1e-3)[0]
    if differ.size:
        i = int(differ[0])
        problems.line(
            grid.lines[i],
            f"columns {column.header!r} and {other.header!r} give two times, {times[i]:g} h and {others[i]:g} h. "
            f'Leave one unread: FilesystemStore(..., ignore=["{other.header}"]).',
        )


def canonical_values(
    grid: Grid, problems: Problems, warnings: list[str], *, has_started: bool
) -> dict[Column, FloatArray]:
    """Return every column but the times in its canonical unit, checked.

    Args:
        grid: The file.
        problems: Collects what is impossible or in doubt.
        warnings: Collects what was converted.
        has_started: Rows were handed out before: a doubt about a unit now only warns.
    """
    values = {c: n.values * c.factor for c, n in grid.numbers.items() if c.role is not Role.TIME}
    for column, v in values.items():
        is_percent = column.name == "viability" and column.factor == 1.0
        if is_percent and not grid.numbers[column].has_percent_sign and are_fractions(v):
            values[column] = 100.0 * v
            warnings.append(
                f"column {column.header!r}: all values lie between 0 and 1; taken as fractions and converted to %."
            )
    doubted = _judge_units(grid, values, problems, warnings, has_started)
    for column, v in values.items():
        quantity = quantity_of(column)
        if column.name in doubted:
            continue
        for i in np.nonzero((v < quantity.low) | (v > quantity.high))[0].tolist():
            problems.cell(grid.lines[i], column.header, grid.cells[i][column.index], _range_rule(column, float(v[i])))
    return values


def _judge_units(
    grid: Grid, values: Mapping[Column, FloatArray], problems: Problems, warnings: list[str], has_started: bool
) -> set[str]:
    found = doubts({c: _measured(grid, c, v) for c, v in values.items()})
    for doubt in found:
        column = doubt.column
        if has_started:
            warnings.append(f"column {column.header!r}: {doubt.question()} The run goes on with {column.unit}.")
        else:
            problems.cell(
                grid.lines[doubt.row], column.header, grid.cells[doubt.row][column.index], doubt.question()
            )
    return set() if has_started else {doubt.column.name for doubt in found}


def _measured(grid: Grid, column: Column, values: FloatArray) -> FloatArray:
    """Values without those at a limit: a limit says something about the instrument, not about the culture."""
    limits = grid.numbers[column].limits
    if not limits:
        return values
    measured = values.copy()
    measured[[*limits]] = np.nan
    return measured


def _range_rule(column: Column, value: float) -> str:
    quantity = quantity_of(column)
    if value < 0:
        return (
            "is negative, expected 0 or more. Write a detection limit like '<0.1', or leave the cell empty if it was "
            "not measured."
        )
    meaning = "" if column.factor == 1.0 else f" after conversion from {column.unit}"
    return (
        f"is not possible, expected {quantity.low:g} to {quantity.high:g} {quantity.unit}{meaning}. "
        "Check the value and its unit."
    )
