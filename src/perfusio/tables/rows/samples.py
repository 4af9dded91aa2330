"""Samples: the checked columns of a file as one row per sample, with their remarks and feeds; equal ones joined."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

import numpy as np

from perfusio.errors import ConfigError
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.state import FloatArray, Setpoints, State
from perfusio.tables.cells.cells import is_missing
from perfusio.tables.columns.column import Column, Role
from perfusio.tables.columns.culture_times import SAME_TIME_H, Group, Times, numbered
from perfusio.tables.columns.grid import Grid
from perfusio.tables.columns.header_names import FEED, FRACTION, QUALITY, amount
from perfusio.tables.columns.problems import Problems
from perfusio.trajectory import Feed


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One sample.

    Attributes:
        line: Line in the file, from 1.
        run: Run, empty where the file has no such column.
        reactor: Vessel, empty where the file has no such column.
        state: The measurements.
        setpoints: In force from this sample to the next; NaN where the file does not say.
        feed: Given right after this sample; None = nothing.
    """

    line: int
    run: str
    reactor: str
    state: State
    setpoints: Setpoints
    feed: Feed | None = None

    @property
    def place(self) -> str:
        """Where it stands in the file."""
        return f"line {self.line}"


class Rows(Sequence[TableRow]):
    """Rows of a table that are made when they are asked for: most readers of a long table want a part, or arrays."""

    def __init__(self, n: int, make: Callable[[range], list[TableRow]]) -> None:
        """Hold `n` rows; `make` makes those at places of a range."""
        self._n, self._make, self._made = n, make, dict[int, TableRow]()

    def __len__(self) -> int:
        """Return how many rows there are."""
        return self._n

    @overload
    def __getitem__(self, place: int) -> TableRow: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[TableRow, ...]: ...

    def __getitem__(self, place: int | slice) -> TableRow | tuple[TableRow, ...]:
        """Return a row, or the rows of a slice."""
        if isinstance(place, slice):
            return self._all()[place]
        at = range(self._n)[place]
        if at not in self._made:
            self._made[at] = self._make(range(at, at + 1))[0]
        return self._made[at]

    def __iter__(self) -> Iterator[TableRow]:
        """Yield every row."""
        return iter(self._all())

    def _all(self) -> tuple[TableRow, ...]:
        if len(self._made) < self._n:
            self._made = {i: self._made.get(i, row) for i, row in enumerate(self._make(range(self._n)))}
        return tuple(self._made.values())

    def __eq__(self, other: object) -> bool:
        """Whether the rows are the same, in the same order."""
        return self._all() == tuple(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Show the rows as a tuple."""
        return repr(self._all())


def built_rows(
    grid: Grid,
    groups: Sequence[Group],
    times: Times,
    values: Mapping[Column, FloatArray],
    remarks: Mapping[int, Mapping[str, str]],
    feeds: Mapping[int, Feed],
) -> Rows:
    """Return one row per sample, in order of time where the file has dates."""
    panel, measured, inputs = grid.panel, _of_role(Role.STATE, values), _of_role(Role.SETPOINT, values)
    order, unsaid = np.asarray(times.order, dtype=int), Setpoints(panel=panel)
    hours, lines = times.hours, grid.lines  # and nothing else of the file is kept

    def made(places: range) -> list[TableRow]:
        chosen = order[places.start : places.stop]
        columns = {"time_h": hours, **measured}
        states = [_state(panel, r) for r in _records({n: v[chosen] for n, v in columns.items()})]
        asked = [_setpoints(panel, r) for r in _records({n: v[chosen] for n, v in inputs.items()})] if inputs else []
        return [
            TableRow(line=lines[i], run=groups[i][0], reactor=groups[i][1],
                     setpoints=asked[k] if asked else unsaid,
                     state=replace(states[k], quality=dict(remarks[i])) if i in remarks else states[k],
                     feed=feeds.get(i))
            for k, i in enumerate(chosen.tolist())
        ]  # fmt: skip

    return Rows(len(order), made)


def _state(panel: Panel, row: dict[str, Any]) -> State:
    if panel is CHO_PERFUSION:  # a long table has a million rows
        return State(**row)
    return State.of_values(panel, row.pop("time_h"), row)


def _setpoints(panel: Panel, row: dict[str, Any]) -> Setpoints:
    return Setpoints(**row) if panel is CHO_PERFUSION else Setpoints.of_values(panel, row)


def feeds_of(grid: Grid, values: Mapping[Column, FloatArray], problems: Problems) -> dict[int, Feed]:
    """Return the feed right after the sample of each row."""
    given = _of_role(Role.FEED, values)
    if not given:
        return {}
    if FRACTION not in given:
        problems.line(grid.header_line, f"columns say what was fed, but none how much. Add a column {FRACTION!r}.")
        return {}
    found = {}
    for i, row in enumerate(_records(given)):
        known = {name.removeprefix(FEED): v for name, v in row.items() if v == v}
        if not known:
            continue
        fraction = known.pop(FRACTION.removeprefix(FEED), float("nan"))
        try:
            found[i] = Feed.of_values(grid.panel, fraction, known)
        except ConfigError as error:
            step = f"Column {FRACTION!r} must say how much. Fill it in, or leave the feed of the row empty."
            problems.line(grid.lines[i], f"{error} {step}")
    return found


def _of_role(role: Role, values: Mapping[Column, FloatArray]) -> dict[str, FloatArray]:
    return {c.name: v for c, v in values.items() if c.role is role}


def _records(columns: Mapping[str, FloatArray]) -> Iterator[dict[str, Any]]:
    """Turn columns into rows."""
    names = tuple(columns)
    return (dict(zip(names, row, strict=True)) for row in zip(*(v.tolist() for v in columns.values()), strict=True))


def remarks_of(grid: Grid, values: Mapping[Column, FloatArray], problems: Problems) -> dict[int, dict[str, str]]:
    """Return the remarks on single values, by row: at a limit of the instrument, or as written."""
    flags = _written_remarks(grid, problems)
    for column, numbers in grid.numbers.items():
        for i, limit in numbers.limits.items() if column.role is Role.STATE else ():
            at = f"{values[column][i]:g}"
            remark = f"below the detection limit of {at}" if limit.below else f"above the measuring range of {at}"
            flags.setdefault(i, {})[column.name] = remark
    return flags


def _written_remarks(grid: Grid, problems: Problems) -> dict[int, dict[str, str]]:
    """Read the column `quality` that `perfusio export` writes: an object of JSON, remarks by quantity."""
    column = grid.text_column(QUALITY)
    found: dict[int, dict[str, str]] = {}
    for i, text in enumerate(grid.texts(QUALITY) if column else ()):
        if not column or is_missing(text):
            continue
        try:
            said = json.loads(text)
        except ValueError:
            said = None
        species = {s.name for s in grid.panel.species}
        if isinstance(said, dict) and all(k in species and isinstance(v, str) for k, v in said.items()):
            found[i] = said
        else:
            why = (
                'is no remark that perfusio wrote, expected e.g. {"glucose": "..."}. Rename the column and leave it '
                "unread: FilesystemStore(..., ignore=[...])."
            )
            problems.cell(grid.lines[i], column.header, text, why)
    return found


def are_apart(groups: Sequence[Group], times: Times) -> bool:
    """Whether no two rows that follow each other in a vessel are of the same time."""
    order = np.asarray(times.order, dtype=int)
    vessel = numbered(groups)[order]
    hours = times.hours[order]
    by_vessel = np.argsort(vessel, kind="stable")
    same = (np.diff(vessel[by_vessel]) == 0) & ~(np.abs(np.diff(hours[by_vessel])) > SAME_TIME_H)
    return not bool(same.any())


def joined_rows(rows: Sequence[TableRow], problems: Problems, warnings: list[str]) -> tuple[TableRow, ...]:
    """Join rows of the same vessel and time: equal or complementary ones are one sample, else the file disagrees."""
    kept: list[TableRow] = []
    last: dict[Group, int] = {}
    for row in rows:
        at = last.get((row.run, row.reactor))
        if at is None or abs(row.state.time_h - kept[at].state.time_h) > SAME_TIME_H:
            last[row.run, row.reactor] = len(kept)
            kept.append(row)
        else:
            warnings.append(
                f"lines {kept[at].line} and {row.line} are the same sample ({row.state.time_h:g} h) and were joined."
            )
            kept[at] = _join(kept[at], row, problems)
    return tuple(kept)


def _join(first: TableRow, second: TableRow, problems: Problems) -> TableRow:
    panel = first.state.panel
    values = {s.name: (getattr(first.state, s.name), getattr(second.state, s.name)) for s in panel.species}
    inputs = {n: (getattr(first.setpoints, n), getattr(second.setpoints, n)) for n in panel.setpoint_names}
    for name, (a, b) in {**values, **inputs}.items():
        if a == a and b == b and a != b:
            problems.line(
                second.line,
                f"states {name} = {amount(b, panel[name])} at {first.state.time_h:g} h, but line {first.line} "
                f"states {a:g} for the same time. Keep the right one.",
            )
    quality = {**second.state.quality, **first.state.quality}
    known = {n: b if a != a else a for n, (a, b) in values.items()}
    known_inputs = {n: b if a != a else a for n, (a, b) in inputs.items()}
    if first.feed and second.feed and first.feed != second.feed:
        problems.line(second.line, f"states another feed than line {first.line} at the same time. Keep the right one.")
    return replace(
        first,
        state=replace(first.state.with_values(**known), quality=quality),
        setpoints=Setpoints.of_values(panel, known_inputs),
        feed=first.feed or second.feed,
    )
