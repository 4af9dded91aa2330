"""Common ground of files about one vessel: the same culture time 0, and clocks that agree, or a question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from perfusio.tables.columns.culture_times import Group
from perfusio.tables.columns.problems import Problems
from perfusio.tables.columns.questions import Reading
from perfusio.tables.rows.samples import TableRow
from perfusio.tables.rows.table import Join, Table

LARGEST_CLOCK_ERROR_H = 12.0
"""Clocks of a laboratory are apart by minutes, by an hour of summer time, or by a time zone [h]."""
_STEADY_H = 0.25
_LEAST_PAIRS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A row and the file that it is from, with the place of that file among all."""

    place: int
    table: Table
    row: TableRow


def aligned_tables(
    tables: Sequence[Table], problems: Problems, tolerance_h: float, *, keep_first: bool
) -> tuple[list[Table], dict[Group, datetime]]:
    """Let culture time count from the same date in all files.

    A start that is declared counts, in an option, a column or a table that was written before. Where none is, it is the
    earliest date of the vessel, and files that have only culture times cannot be laid beside dates: that is asked.

    Args:
        tables: In the order in which they count.
        problems: Collects starts that disagree, and questions.
        tolerance_h: How far apart two statements of one time may be [h].
        keep_first: Whether the start in the first file stays if another is earlier by no more than the tolerance.
    """
    starts: dict[Group, datetime] = {}
    for group in dict.fromkeys(g for table in tables for g in table.starts):
        having = [t for t in tables if group in t.starts]
        declared = [t for t in having if group not in t.assumed_starts]
        clocked = [t for t in having if not t.is_by_day] or having
        dates = [t.starts[group] for t in declared or clocked]
        others = [t for t in declared if abs(t.starts[group] - dates[0]) > timedelta(hours=tolerance_h)]
        if others:
            problems.file(
                f"{declared[0].name} says that culture time 0{_of(group)} was {dates[0]}, {others[0].name} says "
                f"{others[0].starts[group]}. Correct one, or say it: {_option(group, dates[0])}."
            )
        is_kept = declared or (keep_first and dates[0] - min(dates) <= timedelta(hours=tolerance_h))
        starts[group] = dates[0] if is_kept else min(dates)
    found = []
    for table in tables:
        _ask_when(table, tables, starts, problems)
        found.append(_shifted(table, tables, starts, problems, tolerance_h))
    return found, starts


def _of(group: Group) -> str:
    who = "/".join(filter(None, group))
    return f" of {who}" if who else ""


def _option(group: Group, date: datetime) -> str:
    return Reading(says="", options=("--inoculated", f"{group[1]}={date}" if group[1] else str(date))).typed


def _ask_when(
    table: Table, tables: Sequence[Table], starts: dict[Group, datetime], problems: Problems
) -> None:
    """Ask when the culture began, where this file has culture times only and dates of others count from their first."""
    if table.signals:
        return
    for group in table.groups:
        dated = [t for t in tables if group in t.starts]
        if group in table.starts or not dated or any(group not in t.assumed_starts for t in dated):
            continue
        first = starts[group]
        name = f"{group[1]}={first}" if group[1] else str(first)
        problems.file(
            f"{table.name} has culture times{_of(group)}, and {dated[0].name} has dates: when was culture time 0?",
            readings=(
                Reading(
                    says=f"at the first date, {first}",
                    options=("--inoculated", name),
                    entry={"inoculated": {group[1]: first}},
                ),
                Reading(says="at another time: the same option with that date"),
            ),
        )


def _shifted(
    table: Table, tables: Sequence[Table], starts: dict[Group, datetime], problems: Problems, tolerance_h: float
) -> Table:
    """Return a table whose culture times count from `starts`."""
    rows, early = list[TableRow](), list[TableRow]()
    for row in table.rows:
        group = row.run, row.reactor
        if group not in table.starts:
            rows.append(row)
            continue
        shift = (table.starts[group] - starts[group]).total_seconds() / 3600.0
        time_h = round(row.state.time_h + shift, 6) if shift else row.state.time_h
        if table.is_by_day:
            time_h = _on_that_day(table, row, tables, starts, problems, time_h)
        if time_h < -max(tolerance_h, 1e-6):
            early.append(row)
        rows.append(row if time_h == row.state.time_h else replace(row, state=replace(row.state, time_h=time_h)))
    if early:
        group = early[0].run, early[0].reactor
        problems.file(
            f"{table.name}, line {early[0].line}: the sample{_of(group)} was taken before culture time 0, "
            f"{starts[group]}. Correct its date; if the culture began earlier, say it: "
            f"{_option(group, table.starts[group] + timedelta(hours=early[0].state.time_h))}."
        )
    return replace(table, rows=tuple(rows))


def _on_that_day(
    table: Table, row: TableRow, tables: Sequence[Table], starts: dict[Group, datetime], problems: Problems,
    time_h: float,
) -> float:  # fmt: skip
    """Return the time of the only sample that other files have of that date; a date alone names no hour."""
    group = row.run, row.reactor
    date = (starts[group] + timedelta(hours=time_h)).date()
    found = {
        round((t.starts[group] - starts[group]).total_seconds() / 3600.0 + r.state.time_h, 6)
        for t in tables if t is not table and not t.is_by_day and group in t.starts
        for r in t.rows if (r.run, r.reactor) == group
        and (t.starts[group] + timedelta(hours=r.state.time_h)).date() == date
    }  # fmt: skip
    if len(found) > 1:
        problems.file(
            f"{table.name}, line {row.line}: {date} has no time of day, and {len(found)} samples{_of(group)} were "
            "taken on that date. Write the time beside the date, so that it is clear which one is meant."
        )
    return found.pop() if len(found) == 1 else time_h


def ask_about_clocks(tables: Sequence[Table], tolerance_h: float, problems: Problems) -> None:
    """Ask where two files never meet, and are apart by the same time at every sample: their clocks may be."""
    for k, table in enumerate(tables):
        for other in tables[:k]:
            for group in (g for g in table.groups if g in other.groups):
                if table.is_by_day or other.is_by_day or table.signals or other.signals:
                    continue
                apart = _steady_shift(_times(other, group), _times(table, group), tolerance_h)
                if apart is None:
                    continue
                minutes = float(np.ceil(60 * (abs(apart) + _STEADY_H)))
                when = f"{abs(apart):.3g} h {'after' if apart > 0 else 'before'}"
                problems.file(
                    f"{table.name} and {other.name} never meet{_of(group)}: every sample of the first is {when} one of "
                    "the second.",
                    readings=(
                        Reading(says="the clocks are apart, and these are the same samples",
                                options=("--same-sample", f"{minutes:g}")),
                        Reading(says="they are samples of their own",
                                options=("--same-sample", f"{60 * tolerance_h:g}")),
                    ),
                )  # fmt: skip


def _times(table: Table, group: Group) -> np.ndarray:
    return np.array(sorted(r.state.time_h for r in table.rows if (r.run, r.reactor) == group))


def _steady_shift(first: np.ndarray, second: np.ndarray, tolerance_h: float) -> float | None:
    """Return by how much the times of `second` are later, if it is the same for all and more than the tolerance [h]."""
    if len(first) < _LEAST_PAIRS or len(second) < _LEAST_PAIRS:
        return None
    gaps = second[:, None] - first[None, :]
    nearest = gaps[np.arange(len(second)), np.argmin(np.abs(gaps), axis=1)]
    if np.abs(nearest).min() <= tolerance_h or np.ptp(nearest) > 2 * _STEADY_H:
        return None
    apart = float(np.median(nearest))
    return apart if tolerance_h < abs(apart) <= LARGEST_CLOCK_ERROR_H else None


def joins_of(vessels: Sequence[Sequence[Sequence[Placed]]]) -> Iterator[Join]:
    """Yield the use of the samples of each file, vessel by vessel, from its clusters of rows."""
    for clusters in vessels:
        counts: dict[int, tuple[str, str, int, list[float]]] = {}
        for cluster in clusters:
            for p in cluster:
                who = "/".join(filter(None, (p.row.run, p.row.reactor)))
                file, vessel, n, alone = counts.get(p.place, (p.table.name, who, 0, []))
                is_joined = len({q.place for q in cluster}) > 1
                counts[p.place] = (file, vessel, n + is_joined, alone if is_joined else [*alone, p.row.state.day])
        if len(counts) > 1:
            for file, vessel, n, alone in counts.values():
                yield Join(file=file, vessel=vessel, n_joined=n, alone=tuple(alone))
