"""What the values of a file must keep: units that fit, ranges that are possible, required columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

import numpy as np

from perfusio.process.declared import is_fraction
from perfusio.state import FloatArray
from perfusio.tables.columns.columns import Column, Role, quantity_of
from perfusio.tables.columns.culture_times import Group
from perfusio.tables.columns.header_names import SAMPLE, STAMP
from perfusio.tables.columns.plausibility import are_fractions, doubts
from perfusio.tables.columns.problems import Problems
from perfusio.tables.columns.typed_columns import Grid, ReadOptions


def require_columns(grid: Grid, problems: Problems, warnings: list[str], *, is_part: bool) -> None:
    """Time and viable cell density must be there; without viability or glucose a run is warned about.

    Of a file that `is_part` of what is known about its vessels only the time is required.
    """
    names = {c.name for c in grid.columns}
    if not names:
        return
    if not names & {"time", STAMP, SAMPLE}:
        problems.line(grid.header_line, "no column gives the time, expected 'day' or 'time [h]'. Add or rename one.")
    if problems:
        return  # an unknown header may well be the missing column
    if is_part:
        return
    cells = grid.panel[grid.panel.the("cells")]
    if cells.name not in names:
        expected = f"{cells.name.upper()!r} or {cells.header!r}"
        problems.line(grid.header_line, f"no column gives the {_lowered(cells.label)}, expected {expected}. Add one.")
    for name in (n for n in grid.panel.critical if n != cells.name):
        if name not in names:
            warnings.append(f"there is no column for {name}: it counts as not measured.")


def _lowered(label: str) -> str:
    return label[:1].lower() + label[1:]


def groups_of(grid: Grid, options: ReadOptions, problems: Problems) -> tuple[list[Group], FloatArray | None]:
    """Return run and reactor of each row, and the culture days that names of samples give, if they do."""
    for name in ("run", "reactor"):
        column = grid.text_column(name)
        for i, text in enumerate(grid.texts(name) if column else ()):
            if column and not text:
                why = f"is empty, expected the {name} that the sample belongs to. Fill it in."
                problems.cell(grid.lines[i], column.header, text, why)
    runs, reactors = grid.texts("run"), grid.texts("reactor")
    days = None
    if (column := grid.text_column(SAMPLE)) is not None:
        found = _of_samples(grid, column, options, problems)
        runs = runs if grid.text_column("run") else [f.get("run", "") for f in found]
        reactors = reactors if grid.text_column("reactor") else [f.get("reactor", "") for f in found]
        if any("day" in f for f in found):
            days = np.array([float(f.get("day", "nan")) for f in found])
        elif not {c.name for c in grid.columns} & {"time", STAMP}:
            problems.line(grid.header_line, "no column gives the time, expected 'day', 'time [h]' or a date. Add one.")
    return list(zip(runs, [options.vessels.get(r, r) for r in reactors], strict=True)), days


SAMPLE_PATTERN = r"(?P<reactor>.*?[^\s_-])[\s_-]+(?:day|d)?[\s_-]*(?P<day>\d{1,3}(?:\.\d+)?)"
"""Names of samples as people like to give them: R01-D03, HT2_5, Vessel 3 day 07."""


def _of_samples(grid: Grid, column: Column, options: ReadOptions, problems: Problems) -> list[dict[str, str]]:
    """Take names of samples apart. With one name for all rows, or with a reactor in every row, nothing need fit."""
    names = grid.texts(SAMPLE)
    if grid.text_column("reactor") is not None and not options.sample_pattern:
        return [{}] * len(names)
    fits = re.compile(options.sample_pattern or SAMPLE_PATTERN, re.IGNORECASE).fullmatch
    found = [fits(name) for name in names]
    if not options.sample_pattern and not any(found) and len(set(names)) == 1:
        return [{"reactor": name} if name else {} for name in names]
    for i, match in enumerate(found):
        if match is None:
            why = (
                "does not say which vessel it is from, expected a name like 'R01-D03'. Say how to read these names: "
                "sample_pattern = '(?P<reactor>...)(?P<day>...)' in the mapping."
            )
            problems.cell(grid.lines[i], column.header, names[i], why)
    return [{k: v for k, v in m.groupdict().items() if v} if m else {} for m in found]


def fractions_of(grid: Grid, options: ReadOptions) -> frozenset[Column]:
    """Return the columns of viability that hold fractions instead of percents."""
    plain = {c: n for c, n in grid.numbers.items() if is_fraction(c.name, grid.panel) and c.factor == 1.0}
    if options.fractions is not None:
        return frozenset(plain if options.fractions else ())
    return frozenset(c for c, n in plain.items() if not n.has_percent_sign and are_fractions(n.values))


def canonical_values(
    grid: Grid, fractions: AbstractSet[Column], problems: Problems, warnings: list[str], *, has_started: bool
) -> dict[Column, FloatArray]:
    """Return every column of numbers but the times in its canonical unit, checked.

    Args:
        grid: The file.
        fractions: Columns to convert to %.
        problems: Collects what is impossible or in doubt.
        warnings: Collects what was converted.
        has_started: Rows were handed out before: a doubt about a unit now only warns.
    """
    values = {c: n.values * c.factor for c, n in grid.numbers.items() if c.role is not Role.TIME}
    for column in fractions:
        values[column] = 100.0 * values[column]
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
            problems.cell(grid.lines[doubt.row], column.header, grid.cells[doubt.row][column.index], doubt.question())
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
