"""From a table to checked rows; or a refusal that lists every problem with file, line, column, value and remedy.

A row is one sample of one vessel. Its setpoint columns say what was in force **from that sample to the next one**.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

from perfusio.connectors.ambr import Signals
from perfusio.connectors.cells import is_missing
from perfusio.connectors.checks import canonical_values, groups_of, require_columns
from perfusio.connectors.columns import Column, Role
from perfusio.connectors.grids import Grid, ReadOptions, grid_of
from perfusio.connectors.long_tables import turned
from perfusio.connectors.names import QUALITY, amount
from perfusio.connectors.problems import Problems
from perfusio.connectors.profiles import recognised
from perfusio.connectors.sheets import Sheet, read_bytes, sheet_of, text_of
from perfusio.connectors.times import SAME_TIME_H, Group, Times, times_of
from perfusio.errors import ConfigError
from perfusio.state import QUANTITIES, SETPOINTS, STATE_QUANTITIES, FloatArray, Setpoints, State
from perfusio.trajectory import Feed

_MANY = 20_000
"""Rows above which the values of a column are counted with the gaps among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One sample.

    Attributes:
        line: Line in the file, from 1.
        run: Run, empty where the file has no such column.
        reactor: Vessel, empty where the file has no such column.
        state: What was measured.
        setpoints: In force from this sample to the next; NaN where the file does not say.
        feed: Given right after this sample; None = nothing.
    """

    line: int
    run: str
    reactor: str
    state: State
    setpoints: Setpoints
    feed: Feed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRead:
    """What became of one column of a file.

    Attributes:
        header: As written.
        meaning: Quantity, time or text; empty where it was left unread.
        unit: As it was read, e.g. ``"mmol/L"``.
        n_values: Rows that have a value.
        first: The first value, as written.
    """

    header: str
    meaning: str
    unit: str = ""
    n_values: int = 0
    first: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A file that passed every check.

    Attributes:
        name: File name.
        sha256: Of the bytes that were read.
        n_bytes: How many.
        columns: What each header was read as, e.g. ``{"Glc": "glucose [g/L]"}``.
        rows: Samples in the order of the file; each vessel's in order of time.
        clones: Cell line by run and reactor, where the file says.
        warnings: What was converted, joined, assumed or left out, in sentences.
        reads: Each column and what it was read as.
        starts: Date of culture time 0 by run and reactor, where the file has dates.
        signals: What a rig recorded between samples, by run and reactor.
        profile: The kind of file that was recognised, e.g. ``"Nova FLEX2"``; empty for people's own.
    """

    name: str
    sha256: str
    n_bytes: int
    columns: Mapping[str, str]
    rows: tuple[TableRow, ...]
    clones: Mapping[Group, str]
    warnings: tuple[str, ...]
    reads: tuple[ColumnRead, ...] = ()
    starts: Mapping[Group, datetime] = field(default_factory=lambda: MappingProxyType({}))
    profile: str = ""
    signals: Mapping[Group, Signals] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def has_feeds(self) -> bool:
        """Whether anything was fed."""
        return any(row.feed for row in self.rows)

    @property
    def groups(self) -> tuple[Group, ...]:
        """The pairs of run and reactor, in order of appearance."""
        return tuple(dict.fromkeys((row.run, row.reactor) for row in self.rows))


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
        options: What the user declares.
        may_be_short: The file may still be empty, or hold only its header.
        has_started: Rows were already handed out: a doubt about a unit can no longer refuse the file, it warns.

    Raises:
        UnreadableSource: the file is refused; the message lists every problem.
    """
    options = options or ReadOptions()
    table = empty_table(name, data)
    if may_be_short and not data.strip():
        return table
    text, about_text = text_of(data, name, options.encoding)
    sheet = sheet_of(text, name)
    return of_sheet(
        table, sheet, options, list(about_text), may_be_short=may_be_short, has_started=has_started
    )


def empty_table(name: str, data: bytes) -> Table:
    """Return a file as such, without content."""
    nothing: Mapping[Any, Any] = MappingProxyType({})
    return Table(
        name=name, sha256=sha256(data).hexdigest(), n_bytes=len(data), columns=nothing, rows=(), clones=nothing,
        warnings=(),
    )  # fmt: skip


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
    known = turned(sheet, options, problems) or recognised(sheet, options)
    if known.name:
        warnings.append(f"it is read as: {known.name}.")
    warnings += known.remarks
    result = filled(
        table, known.sheet, known.options, problems, warnings, may_be_short=may_be_short, has_started=has_started
    )
    return replace(result, profile=known.name)


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
        options: What the user declares.
        problems: Collects what is wrong; it may hold something already.
        warnings: Collects what was converted, joined or left out.
        may_be_short: As in `parse_table`.
        has_started: As in `parse_table`.

    Raises:
        UnreadableSource: there are problems; the message lists all of them.
    """
    grid = grid_of(sheet, options, problems)
    require_columns(grid, problems, warnings, is_part=options.is_part)
    if not grid.lines and not problems and not may_be_short:
        problems.file("it has a header but no samples, expected one row per sample. Is it the right file?")
    groups, days = groups_of(grid, options, problems)
    times = times_of(grid, groups, days, options, problems, warnings)
    values = canonical_values(grid, problems, warnings, has_started=has_started)
    clones = _clones(grid, groups, problems)
    remarks = _remarks(grid, values, problems, warnings)
    feeds = _feeds(grid, values, problems)
    problems.refuse_if_any()
    rows = _joined(_built(grid, groups, times, values, remarks, feeds), problems, warnings)
    problems.refuse_if_any()
    return replace(
        table,
        columns=MappingProxyType({c.header: _meaning(c) for c in grid.columns}),
        rows=rows,
        clones=MappingProxyType(clones),
        warnings=tuple(f"{table.name}: {warning}" for warning in warnings),
        reads=_reads(grid),
        starts=MappingProxyType(dict(times.starts)),
    )


def _reads(grid: Grid) -> tuple[ColumnRead, ...]:
    """Say of each column that has a name what it was read as."""
    by_index = {c.index: c for c in grid.columns}
    found = []
    for i, header in enumerate(grid.header):
        cells = [row[i].strip() for row in grid.cells]
        values = [cell for cell in cells if not is_missing(cell)] if len(cells) < _MANY else cells
        column = by_index.get(i)
        if header.strip():
            found.append(
                ColumnRead(
                    header=header, meaning=column.name if column else "", unit=column.unit if column else "",
                    n_values=len(values), first=values[0] if values else "",
                )
            )  # fmt: skip
    return tuple(found)


def _meaning(column: Column) -> str:
    return column.name if column.role is Role.TEXT else f"{column.name} [{column.unit}]"


def _clones(grid: Grid, groups: Sequence[Group], problems: Problems) -> dict[Group, str]:
    """A clone may stand in every row of a run or only in its first; two different ones are a problem."""
    clones: dict[Group, str] = {}
    for i, clone in enumerate(grid.texts("clone")):
        if clone and clones.setdefault(groups[i], clone) != clone:
            problems.line(
                grid.lines[i],
                f"the clone is {clone!r}, but earlier rows of the same run say {clones[groups[i]]!r}. Correct it; if "
                "these are several runs, add a column 'run'.",
                rule="two clones",
            )
    return clones


def _built(
    grid: Grid,
    groups: Sequence[Group],
    times: Times,
    values: Mapping[Column, FloatArray],
    remarks: Mapping[int, Mapping[str, str]],
    feeds: Mapping[int, Feed],
) -> list[TableRow]:
    states = [State(**row) for row in _records({"time_h": times.hours, **_of_role(Role.STATE, values)})]
    for i, said in remarks.items():
        states[i] = replace(states[i], quality=dict(said))
    inputs = _of_role(Role.SETPOINT, values)
    setpoints = [Setpoints(**row) for row in _records(inputs)] if inputs else [Setpoints()] * len(states)
    return [
        TableRow(line=grid.lines[i], run=groups[i][0], reactor=groups[i][1], state=states[i], setpoints=setpoints[i],
                 feed=feeds.get(i))
        for i in times.order
    ]  # fmt: skip


def _feeds(grid: Grid, values: Mapping[Column, FloatArray], problems: Problems) -> dict[int, Feed]:
    """Return what was fed right after the sample of each row."""
    given = _of_role(Role.FEED, values)
    if not given:
        return {}
    if "feed_fraction" not in given:
        problems.line(grid.header_line, "columns say what was fed, but none how much. Add a column 'feed_fraction'.")
        return {}
    found = {}
    for i, row in enumerate(_records(given)):
        known = {name.removeprefix("feed_"): v for name, v in row.items() if v == v}
        if not known:
            continue
        try:
            found[i] = Feed(**{"fraction": float("nan"), **known})
        except ConfigError as error:
            problems.line(grid.lines[i], f"{error} Column 'feed_fraction' must say how much, or leave all empty.")
    return found


def _of_role(role: Role, values: Mapping[Column, FloatArray]) -> dict[str, FloatArray]:
    return {c.name: v for c, v in values.items() if c.role is role}


def _records(columns: Mapping[str, FloatArray]) -> Iterator[dict[str, Any]]:
    """Turn columns into rows."""
    names = tuple(columns)
    return (dict(zip(names, row, strict=True)) for row in zip(*(v.tolist() for v in columns.values()), strict=True))


def _remarks(
    grid: Grid, values: Mapping[Column, FloatArray], problems: Problems, warnings: list[str]
) -> dict[int, dict[str, str]]:
    """Return the remarks on single values, by row: at a limit of the instrument, perhaps cut short, or as written."""
    flags = _written_remarks(grid, problems)
    for column, numbers in grid.numbers.items():
        for i, limit in numbers.limits.items() if column.role is Role.STATE else ():
            at = f"{values[column][i]:g}"
            remark = f"below the detection limit of {at}" if limit.below else f"above the measuring range of {at}"
            flags.setdefault(i, {})[column.name] = remark
    if grid.is_cut:
        if grid.cut and grid.cut.role is Role.STATE and not is_missing(grid.cells[-1][grid.cut.index]):
            flags.setdefault(len(grid.lines) - 1, {})[grid.cut.name] = "last value of the file, may be cut short"
        warnings.append(
            f"line {grid.lines[-1]} is the last one and has no line break: its last value is used as it stands, but "
            "may have been cut short."
        )
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
        if isinstance(said, dict) and all(k in STATE_QUANTITIES and isinstance(v, str) for k, v in said.items()):
            found[i] = said
        else:
            why = 'is no remark that perfusio wrote, expected e.g. {"glucose": "..."}. Rename the column and leave it '\
                "unread: FilesystemStore(..., ignore=[...])."
            problems.cell(grid.lines[i], column.header, text, why)
    return found


def _joined(rows: Sequence[TableRow], problems: Problems, warnings: list[str]) -> tuple[TableRow, ...]:
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
    values = {n: (getattr(first.state, n), getattr(second.state, n)) for n in STATE_QUANTITIES}
    inputs = {n: (getattr(first.setpoints, n), getattr(second.setpoints, n)) for n in SETPOINTS}
    for name, (a, b) in {**values, **inputs}.items():
        if a == a and b == b and a != b:
            problems.line(
                second.line,
                f"states {name} = {amount(b, QUANTITIES[name])} at {first.state.time_h:g} h, but line {first.line} "
                f"states {a:g} for the same time. Keep the right one.",
            )
    quality = {**second.state.quality, **first.state.quality}
    known = {n: b if a != a else a for n, (a, b) in values.items()}
    known_inputs = {n: b if a != a else a for n, (a, b) in inputs.items()}
    if first.feed and second.feed and first.feed != second.feed:
        problems.line(second.line, f"states another feed than line {first.line} at the same time. Keep the right one.")
    return replace(
        first,
        state=replace(first.state, quality=quality, **known),
        setpoints=Setpoints(**known_inputs),
        feed=first.feed or second.feed,
    )
