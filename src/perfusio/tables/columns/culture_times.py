"""When samples were taken: culture times as they stand, or worked out from dates with times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from perfusio.state import FloatArray
from perfusio.tables.columns.column import Column, Role
from perfusio.tables.columns.grid import Grid, ReadOptions
from perfusio.tables.columns.header_names import INOCULATED, STAMP, TIME, form_of
from perfusio.tables.columns.plausibility import doubt_time
from perfusio.tables.columns.problems import Problems
from perfusio.tables.columns.questions import Reading, unread_reading
from perfusio.tables.columns.timestamps import Stamps, is_date_only, read_stamps

SAME_TIME_H = 1e-6
FROM_FIRST = "counts from the first time stamp"
Group = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Sample times of a file.

    Attributes:
        hours: Culture time of each row, shape (N,) [h].
        order: Rows in order of time; rows of a file with culture times stay as they are.
        starts: Date of culture time 0, by run and reactor, where the file has dates.
        assumed: Those of them that nobody declared: culture time counts from the first date of the file.
        is_by_day: Whether the dates have no time of day.
    """

    hours: FloatArray
    order: Sequence[int]
    starts: Mapping[Group, datetime]
    assumed: frozenset[Group] = frozenset()
    is_by_day: bool = False


def times_of(
    grid: Grid, groups: Sequence[Group], days: FloatArray | None, options: ReadOptions, problems: Problems,
    warnings: list[str],
) -> Times:  # fmt: skip
    """Return the sample times of a grid; faults go to `problems`.

    Args:
        grid: The file.
        groups: Run and reactor of each row.
        days: Culture days that the names of the samples give, shape (N,), where there is nothing else.
        options: The user's declarations.
        problems: Collects faults.
        warnings: Collects assumptions.
    """
    given = [c for c in grid.numbers if c.role is Role.TIME]
    stamp = grid.text_column(STAMP)
    declared = _declared(grid, groups, options, problems, warnings)
    in_order = range(len(grid.lines))
    if stamp is not None and not given:
        return _from_stamps(grid, stamp, groups, days, declared, options, problems, warnings)
    if not given:
        hours = np.full(len(grid.lines), np.nan) if days is None else days * 24.0
        return Times(hours=hours, order=_by_time(hours) if days is not None else in_order, starts=declared)
    hours = _culture_times(grid, given, groups, problems)
    return Times(hours=hours, order=in_order, starts={**_starts(grid, stamp, groups, hours, options), **declared})


def _declared(
    grid: Grid, groups: Sequence[Group], options: ReadOptions, problems: Problems, warnings: list[str]
) -> dict[Group, datetime]:
    """Return culture time 0 of each vessel that the user declares, or a column of the file."""
    found: dict[Group, datetime] = {}
    column = grid.text_column(INOCULATED)
    stamps = read_stamps(grid.texts(INOCULATED) if column else (), options.date_order)
    for i, (group, stamp) in enumerate(zip(groups, stamps.values, strict=False)):
        if column is None:
            break
        if i in stamps.refused or stamps.doubt is not None:
            why = stamps.refused.get(i, "leaves open which number is the day. Declare date_order.")
            problems.cell(grid.lines[i], column.header, grid.cells[i][column.index], why)
        elif stamp is not None and found.setdefault(group, stamp) != stamp:
            why = f"is another date than {found[group]} in an earlier row{_of(group)}, expected one. Correct it."
            problems.cell(grid.lines[i], column.header, grid.cells[i][column.index], why)
    if column is not None and any(is_date_only(text) for text in grid.texts(INOCULATED)):
        warnings.append(f"column {column.header!r}: dates without a time of day count from midnight.")
    for group in dict.fromkeys(groups):
        zero = options.inoculated.get(group[1], options.inoculated.get(""))
        if zero is not None:
            found[group] = zero
    return found


def _by_time(hours: FloatArray) -> list[int]:
    return [int(i) for i in np.argsort(hours, kind="stable")]


def _culture_times(grid: Grid, given: Sequence[Column], groups: Sequence[Group], problems: Problems) -> FloatArray:
    """Return times [h], checked to start at 0 or later and to rise within each group."""
    column = next((c for c in given if not c.is_bare), given[0])
    times = np.round(grid.numbers[column].values * column.factor, 6)
    for other in given:
        _check_same_time(grid, column, times, other, problems)
    if (rising := _rising_steps(times, groups)) is not None:
        _ask_unit(grid, column, times, rising, problems)
        return times
    last: dict[Group, int] = {}
    steps: list[float] = []
    hours = times.tolist()
    for i, (t, group) in enumerate(zip(hours, groups, strict=True)):
        if not 0 <= t <= TIME.high:
            _refuse_time(grid, column, i, t, problems)
            continue
        before = last.get(group, i)
        if t < hours[before] - SAME_TIME_H:
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
        if t > hours[before] + SAME_TIME_H:
            steps.append(t - hours[before])
        last[group] = i
    _ask_unit(grid, column, times, np.array(steps), problems)
    return times


def _rising_steps(times: FloatArray, groups: Sequence[Group]) -> FloatArray | None:
    """Return the intervals between samples of one vessel, if every time is possible and none falls; else None [h]."""
    if not (np.isfinite(times).all() and (times >= 0).all() and (times <= TIME.high).all()):
        return None
    vessel = numbered(groups)
    order = np.argsort(vessel, kind="stable")
    steps = np.diff(times[order])[np.diff(vessel[order]) == 0]
    return None if (steps < -SAME_TIME_H).any() else steps[steps > SAME_TIME_H]


def numbered(groups: Sequence[Group]) -> FloatArray:
    """Return the number of each row's vessel, in order of appearance, shape (N,)."""
    numbers = {group: i for i, group in enumerate(dict.fromkeys(groups))}
    return np.fromiter(map(numbers.__getitem__, groups), dtype=float, count=len(groups))


def _ask_unit(grid: Grid, column: Column, times: FloatArray, steps: FloatArray, problems: Problems) -> None:
    if len(times) and not problems:
        doubt = doubt_time(column, steps, float(times[0]))
        if doubt is not None:
            text = f"column {column.header!r}: {doubt.question()}"
            problems.line(grid.header_line, text, readings=doubt.answers())


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
            readings=(
                unread_reading(f"{column.header!r}", other.header), unread_reading(f"{other.header!r}", column.header)
            ),
        )


def _from_stamps(
    grid: Grid, column: Column, groups: Sequence[Group], days: FloatArray | None, declared: Mapping[Group, datetime],
    options: ReadOptions, problems: Problems, warnings: list[str],
) -> Times:  # fmt: skip
    """Return the hours since inoculation or the first time stamp of the same vessel; exports may run backwards.

    Where names of samples give the day, the first of them says how old the culture was at its time stamp.
    """
    cells = grid.texts(STAMP)
    stamps = read_stamps(cells, options.date_order)
    if stamps.doubt is not None:
        i, first, second = stamps.doubt
        problems.cell(
            grid.lines[i],
            column.header,
            cells[i],
            f"can be {first} or {second}, and no other date of the file tells. Declare it: "
            f'FilesystemStore(..., date_order="dmy") or "mdy".',
            readings=tuple(
                Reading(says=says, options=("--date-order", order), entry={"date_order": order})
                for says, order in ((first, "dmy"), (second, "mdy"))
            ),
        )
    for i, why in stamps.refused.items():
        problems.cell(grid.lines[i], column.header, cells[i], why)
    if not problems:
        for i, stamp in enumerate(stamps.values):
            if stamp is None:
                why = "is no time, and every sample has one. Fill it in, or remove the row."
                problems.cell(grid.lines[i], column.header, cells[i], why)
    starts: dict[Group, datetime] = {}
    for group, stamp in zip(groups, stamps.values, strict=True):
        if stamp is not None:
            starts[group] = min(stamp, starts.get(group, stamp))
    said: dict[Group, datetime | None] = {g: declared.get(g) for g in starts}
    if days is not None and (named := _by_names(groups, stamps.values, days)):
        said |= {g: zero for g, zero in named.items() if said[g] is None}
        warnings.append(f"column {column.header!r}: culture time follows from the days in the names of the samples.")
    silent = [g for g, zero in said.items() if zero is None]
    assumed = frozenset(silent)
    is_by_day = _is_by_day(grid, column, cells, stamps, problems, warnings)
    is_declared = any(form_of(h) == form_of(column.header) for h in options.columns) and not options.may_be_unsorted
    if silent and not is_declared:
        whose = "" if len(silent) == len(starts) else f" of {', '.join(filter(None, (r or q for q, r in silent)))}"
        warnings.append(f"column {column.header!r}: culture time{whose} {FROM_FIRST}.")
    starts |= {g: zero for g, zero in said.items() if zero is not None}
    hours = np.array([
        np.nan if stamp is None else round((stamp - starts[group]).total_seconds() / 3600.0, 6)
        for group, stamp in zip(groups, stamps.values, strict=True)
    ])  # fmt: skip
    _check_age(grid, column, cells, hours, problems)
    if problems or not (unsorted := _unsorted(groups, hours)):
        return Times(hours=hours, order=range(len(hours)), starts=starts, assumed=assumed, is_by_day=is_by_day)
    is_backwards = not _unsorted(groups[::-1], hours[::-1])
    if not (is_backwards or options.may_be_unsorted):
        i = unsorted[0]
        why = f"comes after a later one, expected times that rise{_of(groups[i])}. Sort the rows, or correct the date."
        if _is_clock_set_back(stamps.values, groups, i):
            why += (
                " If it is the end of summer time, the clock was set back an hour: write the times with their distance "
                "from UTC (2031-10-26T02:10+02:00, then 2031-10-26T02:00+01:00), or in UTC."
            )
        problems.cell(grid.lines[i], column.header, cells[i], why, rule="times rise")
    warnings.append("its rows are not in order of time and were sorted.")
    return Times(hours=hours, order=_by_time(hours), starts=starts, assumed=assumed, is_by_day=is_by_day)


def _is_by_day(
    grid: Grid, column: Column, cells: Sequence[str], stamps: Stamps, problems: Problems, warnings: list[str]
) -> bool:
    """Whether no date has a time of day; where some have one, a date alone is some hour of its day, and is refused."""
    bare = [i for i, value in enumerate(stamps.values) if value is not None and is_date_only(cells[i])]
    n_known = sum(value is not None for value in stamps.values)
    if not bare:
        return False
    if len(bare) < n_known:
        for i in bare:
            why = (
                "has no time of day, and other dates have one: midnight would be up to a day off. Write the time too; "
                "if it was at midnight, write 00:00."
            )
            problems.cell(grid.lines[i], column.header, cells[i], why, rule="date without time")
        return False
    warnings.append(f"column {column.header!r}: dates without a time of day count as the same hour of each day.")
    return True


def _by_names(
    groups: Sequence[Group], stamps: Sequence[datetime | None], days: FloatArray
) -> dict[Group, datetime]:
    """Return culture time 0 of each vessel from its earliest sample whose name gives the day."""
    first: dict[Group, tuple[datetime, float]] = {}
    for group, stamp, day in zip(groups, stamps, days.tolist(), strict=True):
        if stamp is not None and day == day and (group not in first or stamp < first[group][0]):
            first[group] = stamp, day
    return {group: stamp - timedelta(days=day) for group, (stamp, day) in first.items()}


def _unsorted(groups: Sequence[Group], hours: FloatArray) -> list[int]:
    """Return the rows that are earlier than one of the same vessel before them."""
    last: dict[Group, float] = {}
    found = []
    for i, (group, t) in enumerate(zip(groups, hours.tolist(), strict=True)):
        if t < last.get(group, t) - SAME_TIME_H:
            found.append(i)
        last[group] = t
    return found


def _is_clock_set_back(stamps: Sequence[datetime | None], groups: Sequence[Group], i: int) -> bool:
    """Whether a time is earlier than that of the row before by no more than an hour, at night, when clocks are set."""
    before = next((stamps[k] for k in range(i - 1, -1, -1) if groups[k] == groups[i] and stamps[k] is not None), None)
    now = stamps[i]
    if before is None or now is None:
        return False
    return before - now <= timedelta(hours=1) and now.hour <= 3 and now.weekday() == _SUNDAY


_SUNDAY = 6


def _check_age(grid: Grid, column: Column, cells: Sequence[str], hours: FloatArray, problems: Problems) -> None:
    for i in np.nonzero((hours < 0) | (hours > TIME.high))[0].tolist():
        why = (
            f"is more than {TIME.high / 24:g} days after the first one, expected the samples of one culture. Check the "
            "date; if these are several runs, add a column 'run'."
        )
        if hours[i] < 0:
            why = "is before the inoculation that was declared. Remove the row, or correct `inoculated`."
        problems.cell(grid.lines[i], column.header, cells[i], why)


def _starts(
    grid: Grid, stamp: Column | None, groups: Sequence[Group], hours: FloatArray, options: ReadOptions
) -> dict[Group, datetime]:
    """Return when culture time 0 was, where a file has dates beside its culture times."""
    starts: dict[Group, datetime] = {}
    if stamp is None:
        return starts
    stamps = read_stamps(grid.texts(STAMP), options.date_order)
    for group, date, h in zip(groups, stamps.values, hours.tolist(), strict=True):
        if date is not None and stamps.doubt is None and h == h:
            starts.setdefault(group, date - timedelta(hours=h))
    return starts
