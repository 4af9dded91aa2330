"""Content of the sheet and the past runs, read with the answers so far; open points are asked."""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from perfusio.cli.first_hour.answers import READING, Answers
from perfusio.cli.first_hour.person import Asked, joined
from perfusio.errors import ConfigError, UnreadableSource

if TYPE_CHECKING:
    from perfusio.process.panel import Panel
    from perfusio.tables.columns.grid import ReadOptions
    from perfusio.tables.rows.table import Table
    from perfusio.trajectory import Trajectory

_NO_COLUMN = re.compile(r"there is no column ('[^']*'|\"[^\"]*\"), which ignore= or columns= \(")
USUAL_INTERVALS = [hours for hours in range(1, 73) if 24 % hours == 0 or hours % 24 == 0]
"""Intervals between samples that laboratories keep [h]."""
OPTIONS = (
    "The same words are options of perfusio init and names in a file of answers (--answers). On a terminal, init asks."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """The findings.

    Attributes:
        table: All samples of the sheet that are meant.
        granted: Assumptions of the reading, as `tables.taken_for_granted.granted`.
        past: Past runs.
        notes: Remarks on how the past runs were read.
        past_said: Answers to open points of their files, as entries of a mapping.
    """

    table: Table
    granted: dict[str, Any]
    past: Sequence[Trajectory] = ()
    notes: Sequence[str] = ()
    past_said: Mapping[str, Any] = field(default_factory=dict)

    @property
    def measured(self) -> set[str]:
        """Species with a value in the sheet or the past runs."""
        states = [row.state for row in self.table.rows] + [s for run in self.past for s in run.states]
        return {name for state in states for name in state.measured()}

    def stated(self, panel: Panel) -> set[str]:
        """Return the setpoints that the sheet states, or that differ from the nominal ones in a past run."""
        known = {name for row in self.table.rows for name, v in row.setpoints.by_name().items() if v == v}
        usual = {s.name: s.allowed.nominal for s in panel.setpoints if s.allowed is not None}
        for run in self.past:
            for setpoints in run.setpoints:
                known |= {n for n, v in setpoints.by_name().items() if v == v and v != usual.get(n)}
        return known

    @property
    def has_feeds(self) -> bool:
        """Whether somebody was fed by bolus."""
        return self.table.has_feeds or any(run.feeds for run in self.past)

    @property
    def interval_h(self) -> float:
        """Usual time between two samples of a vessel [h]."""
        times: dict[tuple[str, str], list[float]] = {}
        for row in self.table.rows:
            times.setdefault((row.run, row.reactor), []).append(row.state.time_h)
        gaps = [b - a for of_vessel in times.values() for a, b in pairwise(sorted(of_vessel)) if b > a]
        return float(min(USUAL_INTERVALS, key=lambda h: abs(h - median(gaps)))) if gaps else 24.0


def read(answers: Answers, panel: Panel, asked: Asked) -> tuple[Answers, Understood]:
    """Read the sheet and the past runs; return the answers with those to open points.

    Raises:
        UnreadableSource: something must be mended, or is open and there is nobody to ask.
    """
    assert answers.sheet is not None
    of_past: set[str] = set()  # headers that are answered and stand in the past runs alone
    while True:
        try:
            table = _sheet(answers.without(of_past), panel)
            break
        except UnreadableSource as error:
            absent = _absent(error)
            if absent and answers.history is not None and not absent <= of_past:
                of_past |= absent
                continue
            answers = _settled(answers, error, asked)
    granted = _granted(table)
    past, notes, said = _past(answers, panel, asked)
    known = {*said.get("columns", {}), *said.get("ignore", ())}
    if strange := sorted(of_past - known):
        raise ConfigError(
            f"{table.name} and the past runs have no column {strange[0]!r} that needs an answer. Mend or drop that "
            "--column or --ignore."
        )
    answers = answers.without(of_past)
    return answers, Understood(table=table, granted=granted, past=past, notes=notes, past_said=said)


def _absent(error: UnreadableSource) -> set[str]:
    """Return the answered headers that a file does not have, where nothing else is wrong with it."""
    found = [_NO_COLUMN.search(problem) for problem in error.problems]
    return {str(literal_eval(m[1])) for m in found if m} if all(found) else set()


def _settled(answers: Answers, error: UnreadableSource, asked: Asked) -> Answers:
    from perfusio.tables.columns.questions import together

    try:
        entries = asked.settle(error)
    except UnreadableSource as left:
        raise together([left], OPTIONS, connector=left.connector) from left
    if strange := [name for name in entries if name not in READING]:
        raise ConfigError(f"{', '.join(strange)} cannot be answered here. {error}")
    known = {name: getattr(answers, name) for name in entries}
    return answers.with_(**{name: value for name, value in joined(known, entries).items() if name in entries})


def options_of(answers: Answers, panel: Panel) -> ReadOptions:
    """Return the answers on how the sheet is read as options of a table."""
    from perfusio.tables.cells.missing_by_name import missing_of
    from perfusio.tables.columns.declared_options import pattern_of
    from perfusio.tables.columns.grid import ReadOptions

    return ReadOptions(
        columns=answers.columns, ignore=answers.ignore, encoding=answers.encoding, decimal=answers.decimal,
        date_order=answers.date_order, sample_pattern=pattern_of(answers.sample_pattern),
        inoculated=answers.inoculated, keep=answers.keep, leave_out=answers.leave_out,
        set_missing=missing_of(answers.set_missing),
        only_vessel=answers.reactor or "", panel=panel,
    )  # fmt: skip


def _sheet(answers: Answers, panel: Panel) -> Table:
    """Read the samples that are meant; which of several runs is a question.

    Raises:
        UnreadableSource: the sheet is refused or open.
    """
    from dataclasses import replace

    from perfusio.tables.cells.missing_by_name import missing_in
    from perfusio.tables.columns.column_map import read_column_map
    from perfusio.tables.merging import merged
    from perfusio.tables.read_any import read_any
    from perfusio.tables.vessel_rows import rows_of

    sheet = Path(answers.sheet or "").expanduser()
    options = options_of(answers, panel)
    mapped = None if answers.mapping is None else read_column_map(answers.mapping, panel)
    files = _files(sheet)
    missing_in(options.set_missing, [file.name for file in files])
    table = merged([read_any(file, options, column_map=mapped) for file in files])
    runs = {run for run, _ in table.groups}
    if len(runs) > 1 or answers.run or answers.reactor:
        reactors = {r for _, r in table.groups}
        only = answers.reactor if answers.reactor or len(reactors) == 1 else None
        if len(runs) > 1 and answers.run is None:
            rows_of(table, None, only)  # asks which, or returns where one is meant
        kept = [g for g in table.groups if answers.run in (None, g[0]) and answers.reactor in (None, g[1])]
        if not kept:
            rows_of(table, answers.run, answers.reactor)  # says what there is
        table = replace(table, rows=tuple(row for row in table.rows if (row.run, row.reactor) in kept))
    if not table.rows:
        raise UnreadableSource((f"{table.name} has no samples yet, expected at least one. Add the first row.",),
                               connector=table.name)  # fmt: skip
    return table


def _files(path: Path) -> list[Path]:
    from perfusio.tables.cells.sheets import TABLES, existing_file

    if not path.is_dir():
        return [existing_file(path, TABLES)]
    found = sorted(p for p in path.iterdir() if p.suffix.lower() in TABLES.endings and ".setpoints" not in p.stem)
    if not found:
        raise UnreadableSource((f"{path} holds no table, expected CSV, Excel or Parquet files. Check the folder.",),
                               connector=str(path))  # fmt: skip
    return found


def _granted(table: Table) -> dict[str, Any]:
    from perfusio.tables.taken_for_granted import granted

    return granted([table], table)


def _past(answers: Answers, panel: Panel, asked: Asked) -> tuple[Sequence[Trajectory], list[str], dict[str, Any]]:
    """Read the past runs; return them, remarks, and the answers to open points of their files.

    An answer to the sheet also answers the same question about past runs: they are usually written alike.
    """
    from dataclasses import replace

    from perfusio.cli.models.history import nominal
    from perfusio.tables.columns.column_map import read_column_map
    from perfusio.tables.columns.grid import ReadOptions
    from perfusio.tables.runs_from_files import read_runs

    if answers.history is None:
        return (), [], {}
    notes: list[str] = []
    mapped = None if answers.history_mapping is None else read_column_map(answers.history_mapping, panel)
    said: dict[str, Any] = {}
    while True:
        notes.clear()
        try:
            runs = read_runs(
                answers.history.expanduser(), options=replace(ReadOptions(panel=panel), **said), column_map=mapped,
                assumed=nominal(panel), panel=panel, on_remark=notes.append,
            )  # fmt: skip
        except UnreadableSource as error:
            alike = _alike(error, answers)
            is_new = any(said.get(name) != value for name, value in joined(said, alike).items())
            said = joined(said, alike if is_new else asked.settle(error))
            continue
        return runs, notes, said


def _alike(error: UnreadableSource, answers: Answers) -> dict[str, Any]:
    """Return the answers of the sheet that also answer these questions."""
    found: dict[str, Any] = {}
    for entry in (reading.entry for question in error.questions for reading in question.readings):
        for name, value in entry.items():
            said = getattr(answers, name, None)
            if not said:
                continue
            if isinstance(said, Mapping) and isinstance(value, Mapping):
                said = {header: said[header] for header in value if header in said}
            elif name == "ignore":
                said = [header for header in value if header in said and header not in found.get(name, ())]
            found = joined(found, {name: said}) if said else found
    return found
