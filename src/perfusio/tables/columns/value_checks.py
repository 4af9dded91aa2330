"""Rules for the values of a file: units that fit, ranges that are possible, required columns."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, time

import numpy as np

from perfusio.process.declared import is_fraction
from perfusio.state import FloatArray
from perfusio.tables.cells.missing_by_name import without_it
from perfusio.tables.columns.column import Column, Role, quantity_of
from perfusio.tables.columns.culture_times import Group
from perfusio.tables.columns.grid import Grid, ReadOptions
from perfusio.tables.columns.header_names import SAMPLE, STAMP, TRULY_ZERO, form_of, says_truly_zero
from perfusio.tables.columns.plausibility import all_zero, are_fractions, doubts
from perfusio.tables.columns.problems import Problems
from perfusio.tables.columns.questions import Reading, column_reading, unread_reading
from perfusio.tables.columns.sample_names import Beside, parted
from perfusio.tables.columns.timestamps import read_stamps
from perfusio.tables.columns.typed_columns import SAMPLED_AT


def require_columns(grid: Grid, problems: Problems, warnings: list[str], *, is_part: bool) -> None:
    """Time and viable cell density must be there; without viability or glucose a run is warned about.

    Of a file that `is_part` of the data on its vessels only the time is required.
    """
    names = {c.name for c in grid.columns}
    if not names:
        return
    if not names & {"time", STAMP, SAMPLE}:
        _ask_time(grid, "no column gives the time, expected 'day' or 'time [h]'. Add or rename one.", problems)
    if problems:
        return  # an unknown header may well be the missing column
    if grid.lines and all(c.role in (Role.TEXT, Role.TIME) for c in grid.columns):
        what = "no column holds a quantity of the process. Is it the right file? Name one: --column HEADER=NAME."
        problems.line(grid.header_line, what)
        return
    if is_part:
        return
    cells = grid.panel[grid.panel.the("cells")]
    if cells.name not in names:
        expected = f"{cells.name.upper()!r} or {cells.header!r}"
        problems.line(grid.header_line, f"no column gives the {_lowered(cells.label)}, expected {expected}. Add one.")
    for name in (n for n in grid.panel.critical if n != cells.name):
        if name not in names:
            warnings.append(f"there is no column for {name}: it counts as not measured.")


def _ask_time(grid: Grid, what: str, problems: Problems) -> None:
    """A counter that writes no date still counted: one time may be said for the whole file."""
    says = "or all samples were taken at one time, which perfusio import can be told, e.g."
    one_time = Reading(says=says, options=(SAMPLED_AT, "2031-03-02T09:00"))
    problems.line(grid.header_line, what, readings=(one_time,), rule="no time")


def _lowered(label: str) -> str:
    return label[:1].lower() + label[1:]


def groups_of(
    grid: Grid, options: ReadOptions, problems: Problems, remarks: list[str]
) -> tuple[list[Group], FloatArray | None, bool]:
    """Return run and reactor of each row, the culture days that names of samples give, if they do, and an open point.

    The last one is whether it stays open which vessel each sample is from, so that its name stands for the reactor.
    """
    for name in ("run", "reactor"):
        column = grid.text_column(name)
        texts = grid.texts(name) if column else []
        for i, text in enumerate(texts) if "" in texts else ():
            if column and not text:
                why = f"is empty, expected the {name} that the sample belongs to. Fill it in."
                problems.cell(grid.lines[i], column.header, text, why)
    runs, reactors = grid.texts("run"), grid.texts("reactor")
    days, are_open = None, False
    if options.reactor:
        reactors = _declared(grid, options.reactor, problems)
    if (column := grid.text_column(SAMPLE)) is not None and not grid.text_column("reactor") and grid.lines:
        found = [] if options.reactor else parted(
            grid.texts(SAMPLE), _beside(grid, column, options), grid.lines, options.sample_pattern, problems, remarks,
            only_vessel=options.only_vessel, may_stay_open=options.may_stay_open,
        )  # fmt: skip
        runs = runs if grid.text_column("run") or not found else [f.run for f in found]
        reactors = [f.reactor for f in found] if found else reactors
        are_open = any(f.is_open for f in found)
        if any(f.day == f.day for f in found):
            days = np.array([f.day for f in found])
        elif not {c.name for c in grid.columns} & {"time", STAMP}:
            _ask_time(grid, "no column gives the time, expected 'day', 'time [h]' or a date. Add one.", problems)
    renamed = [options.vessels.get(r, r) for r in reactors] if options.vessels else reactors
    return list(zip(runs, renamed, strict=True)), days, are_open


def _declared(grid: Grid, reactor: str, problems: Problems) -> list[str]:
    """Let all rows be of the vessel that was declared; a file that names vessels itself must name no other."""
    said = dict.fromkeys(text for text in grid.texts("reactor") if text)
    if others := [name for name in said if name != reactor]:
        problems.file(
            f"its samples were said to be of vessel {reactor!r}, but it names {', '.join(map(repr, others))} itself. "
            "Leave --reactor away, or rename vessels: --vessel OLD=NEW."
        )
    return [reactor] * len(grid.lines)


def _beside(grid: Grid, column: Column, options: ReadOptions) -> Beside:
    """Return when the rows were sampled, as far as the file says it."""
    given = next((c for c in grid.numbers if c.role is Role.TIME), None)
    if given is not None:
        return Beside(header=column.header, hours=grid.numbers[given].values * given.factor)
    stamps = read_stamps(grid.texts(STAMP), options.date_order).values
    first = min((s for s in stamps if s is not None), default=None)
    if first is None:
        return Beside(header=column.header, hours=np.full(len(grid.lines), np.nan))
    midnight = datetime.combine(first.date(), time())
    hours = [np.nan if s is None else (s - midnight).total_seconds() / 3600.0 for s in stamps]
    return Beside(header=column.header, hours=np.array(hours), midnight_h=0.0)


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
        problems: Collects impossible and doubtful values.
        warnings: Collects conversions.
        has_started: Rows were handed out before: a doubt about a unit now only warns.
    """
    values = {c: n.values * c.factor for c, n in grid.numbers.items() if c.role is not Role.TIME}
    for column in fractions:
        values[column] = 100.0 * values[column]
        warnings.append(
            f"column {column.header!r}: all values lie between 0 and 1; taken as fractions and converted to %."
        )
    if not has_started:  # in a file that grows the one sample is quarantined, and the run goes on
        _refuse_mixed_fractions(grid, values, problems)
    doubted = _judge_units(grid, values, problems, warnings, has_started)
    for column, v in values.items():
        quantity = quantity_of(column)
        if column.name in doubted:
            continue
        for i in np.nonzero((v < quantity.low) | (v > quantity.high))[0].tolist():
            rule = _range_rule(column, float(v[i]), grid.cells[i][column.index])
            way_on = without_it(problems.source, grid.lines[i], column.header) if column.role is Role.STATE else ""
            problems.cell(grid.lines[i], column.header, grid.cells[i][column.index], rule + way_on, rule=rule)
    return values


def ask_about_zeros(
    grid: Grid, values: Mapping[Column, FloatArray], options: ReadOptions, problems: Problems, warnings: list[str], *,
    has_started: bool,
) -> frozenset[str]:  # fmt: skip
    """Ask about columns of measurements that are 0 in all samples: sheets write 0 for a channel that was off.

    Returns the quantities of which somebody said so.

    Args:
        grid: The file.
        values: Columns of numbers in canonical units, shape (N,), NaN where not measured.
        options: The user's declarations; a meaning, or a header, that ends with `TRULY_ZERO` settles it.
        problems: Collects the questions.
        warnings: Collects the doubt about a file that grows.
        has_started: Rows were handed out before: the run goes on.
    """
    told = set[str]()
    settled = {form_of(header) for header, meaning in options.columns.items() if says_truly_zero(meaning)}
    for column in all_zero({c: _measured(grid, c, v) for c, v in values.items() if c.role is Role.STATE}):
        if form_of(column.header) in settled or says_truly_zero(column.header):
            told.add(column.name)
            continue
        if grid.numbers[column].limits:
            continue
        what = f"column {column.header!r} holds 0 in all samples"
        if has_started:
            warnings.append(f"{what}: was it measured? The run goes on with 0.")
            continue
        meaning = f"{column.name} [{column.unit}]{TRULY_ZERO}"
        readings = (
            unread_reading("it was not measured", column.header),
            column_reading("it was measured, and is truly 0", column.header, meaning),
        )
        problems.line(grid.header_line, f"{what}: was it measured?", readings=readings)
    return frozenset(told)


def _refuse_mixed_fractions(grid: Grid, values: Mapping[Column, FloatArray], problems: Problems) -> None:
    """A share of living cells is written as a fraction or in per cent, in one column in one way."""
    for column, v in values.items():
        if not is_fraction(column.name, grid.panel):
            continue
        small, percents = np.nonzero((v > 0) & (v <= _MOST_FRACTION))[0], np.nonzero(v > _LEAST_PERCENT)[0]
        fractions = [int(i) for i in small if not grid.cells[int(i)][column.index].rstrip().endswith("%")]
        if fractions and percents.size and not _dies(v):
            i, j = fractions[0], int(percents[0])
            written = grid.cells[j][column.index].strip()
            more = f" So do {len(fractions) - 1} further rows." if len(fractions) > 1 else ""
            why = (
                f"looks like a fraction, but line {grid.lines[j]} has {written!r}: expected all in per cent, or all as "
                f"fractions.{more} Write {100 * v[i]:g} if it is one, '{v[i]:g} %' if not."
            )
            problems.cell(grid.lines[i], column.header, grid.cells[i][column.index], why, rule="mixed fractions")


def _dies(values: FloatArray) -> bool:
    """Whether small values follow on a slow fall, as in a culture that dies, and not on a value of a living one."""
    known = values[np.isfinite(values)]
    jumps = known[:-1][(known[1:] <= _MOST_FRACTION) & (known[1:] > 0)]
    is_first_small = known.size > 0 and 0 < known[0] <= _MOST_FRACTION
    return not is_first_small and bool((jumps < _LEAST_PERCENT / 2).all())


_MOST_FRACTION, _LEAST_PERCENT = 1.5, 50.0


def _judge_units(
    grid: Grid, values: Mapping[Column, FloatArray], problems: Problems, warnings: list[str], has_started: bool
) -> set[str]:
    found = doubts({c: _measured(grid, c, v) for c, v in values.items()})
    for doubt in found:
        column = doubt.column
        if has_started:
            warnings.append(f"column {column.header!r}: {doubt.question()} The run goes on with {column.unit}.")
        else:
            cell = grid.cells[doubt.row][column.index]
            readings = tuple(column_reading(meaning, column.header, meaning) for meaning in doubt.headers)
            problems.cell(grid.lines[doubt.row], column.header, cell, f"{doubt.readings}.", readings=readings,
                          remedy="Or write the unit into the header.")  # fmt: skip
    return set() if has_started else {doubt.column.name for doubt in found}


def _measured(grid: Grid, column: Column, values: FloatArray) -> FloatArray:
    """Values without those at a limit: a limit says something about the instrument, not about the culture."""
    limits = grid.numbers[column].limits
    if not limits:
        return values
    measured = values.copy()
    measured[[*limits]] = np.nan
    return measured


def _range_rule(column: Column, value: float, cell: str) -> str:
    quantity = quantity_of(column)
    if value < 0:
        return (
            "is negative, expected 0 or more. Write a detection limit like '<0.1', or leave the cell empty if it was "
            "not measured."
        )
    if cell.rstrip().endswith("%") and quantity.low <= value / 100.0 <= quantity.high:
        return (
            f"is not possible, expected {quantity.low:g} to {quantity.high:g} %. A cell of Excel that is formatted as "
            "per cent holds the fraction, 0.975 for 97.5 %. Mend the cell, or its format."
        )
    meaning = "" if column.factor == 1.0 else f" after conversion from {column.unit}"
    return (
        f"is not possible, expected {quantity.low:g} to {quantity.high:g} {quantity.unit}{meaning}. "
        "Check the value and its unit."
    )
