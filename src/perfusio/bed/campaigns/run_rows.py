"""Runs as rows of plain values, as in a data frame: read by name, and judged by the checks of every table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from perfusio.errors import ConfigError, QuestionOpen, UnknownQuantity
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.process.roles import share_alive
from perfusio.quantities import closest
from perfusio.state import Setpoints, State
from perfusio.tables.cells.sheets import Sheet
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.columns.header_names import names_of
from perfusio.tables.columns.plausibility import are_fractions
from perfusio.tables.columns.problems import Problems
from perfusio.tables.columns.questions import together
from perfusio.tables.rows.table import empty_table
from perfusio.tables.table import filled
from perfusio.trajectory import Trajectory, refuse_impossible_runs

_ABOUT_A_ROW = ("run", "day", "clone")
NAME = "the rows"
RENAME = "In Python a column says its unit in its name: frame.rename(columns={'glucose': 'glucose [mmol/L]'})."


def runs_of(results: Any, recipes: Mapping[str, Setpoints], process: Panel = CHO_PERFUSION) -> tuple[Trajectory, ...]:
    """Return the runs of trajectories, of a pandas or polars data frame, or of any iterable of rows; see `_runs`."""
    units = getattr(results, "attrs", {}).get("units", {})  # of a frame that perfusio made
    if hasattr(results, "to_dicts"):
        return _runs(results.to_dicts(), recipes, process, units)
    if hasattr(results, "to_dict"):
        return _runs(results.to_dict("records"), recipes, process, units)
    given: list[Any] = [results] if isinstance(results, Trajectory) else list(results)
    if not all(isinstance(run, Trajectory) for run in given):
        return _runs(given, recipes, process, {})
    refuse_impossible_runs(given)
    return tuple(given)


def _runs(
    rows: Iterable[Mapping[str, Any]], recipes: Mapping[str, Setpoints], process: Panel, units: Mapping[str, str]
) -> tuple[Trajectory, ...]:
    """Return the runs of rows, one per run and sample.

    Args:
        rows: ``run``, ``day``, and any species or setpoint by its name, with or without a unit, e.g. ``vcd`` or
            ``glucose [mmol/L]``; without one it is the canonical one. None, NaN and absent columns are not measured.
            The setpoints of a row were in force from its sample to the next.
        recipes: Setpoints in force where the rows do not say, by run.
        process: Whose species and setpoints they are.
        units: Of columns, by name, where they are known without doubt.

    Raises:
        ConfigError: a column is not known, a run has no setpoints, a value is not possible, or days do not increase.
        QuestionOpen: values without a unit do not fit the canonical one, or one another.
        UnreadableSource: two rows state one sample, or fractions and per cent stand in one column.
    """
    given = [dict(row) for row in rows]
    columns = {column: _known(column, process) for row in given for column in row}
    if len({name for name, _ in columns.values()}) < len(columns):
        raise ConfigError(f"Two columns give the same quantity: {', '.join(columns)}. Leave one out.")
    runs: dict[str, list[dict[str, Any]]] = {}
    for row in given:
        named = {columns[column][0]: _times(value, columns[column][1]) for column, value in row.items()}
        if named.get("run") is None or not _number(named.get("day")) >= 0.0:
            raise ConfigError(
                f"A row without run or day: {dict(row)}. Give both: the name, and days since inoculation."
            )
        runs.setdefault(str(named["run"]), []).append(named)
    found = tuple(_run(name, samples, recipes.get(name), process) for name, samples in runs.items())
    _judge(given, columns, process, units)
    return found


def _times(value: Any, factor: float) -> Any:
    return value if factor == 1.0 or value is None else factor * _number(value)


def _judge(
    rows: Sequence[Mapping[str, Any]], columns: Mapping[str, tuple[str, float]], process: Panel,
    units: Mapping[str, str],
) -> None:  # fmt: skip
    """Hold the rows against the checks of every table; what has a unit is not asked about.

    Raises:
        QuestionOpen: a unit is in doubt.
        UnreadableSource: rows or values contradict one another.
    """
    header = [f"{c} [{units[c]}]" if units.get(c) and c == name else c for c, (name, _) in columns.items()]
    meant = {h: name for h, (name, _) in zip(header, columns.values(), strict=True) if name in process.by_name}
    by_name = {name: column for column, (name, _) in columns.items()}
    if not rows:
        return
    order = sorted(range(len(rows)), key=lambda i: (str(rows[i].get(by_name["run"])), _day(rows[i], by_name)))
    cells = [[_cell(rows[i].get(column)) for column in columns] for i in order]
    sheet = Sheet(rows=(header, *cells), lines=(0, *(i + 1 for i in order)), separator=",", is_cut=False)
    options = ReadOptions(panel=process, is_part=True, columns=meant, fractions=False)
    remarks: list[str] = []
    try:
        filled(empty_table(NAME, b"", process), sheet, options, Problems(NAME), remarks)
    except QuestionOpen as error:
        raise together([error], RENAME, connector=NAME) from error
    alive = by_name.get(share_alive(process) or "")
    if alive is not None and columns[alive][1] == 1.0 and not units.get(alive):
        values = np.array([_number(row.get(alive)) for row in rows])
        if are_fractions(values):
            raise ConfigError(
                f"Column {alive!r} holds nothing above 1.5, which looks like fractions: expected per cent. Multiply it "
                f"by 100, or call it '{alive} [fraction]'."
            )


def _day(row: Mapping[str, Any], by_name: Mapping[str, str]) -> float:
    day = _number(row.get(by_name["day"]))
    return day if day == day else -1.0


def _cell(value: Any) -> str:
    if value is None or value != value:
        return ""
    return repr(float(value)) if isinstance(value, int | float) else str(value)


def _known(column: str, process: Panel) -> tuple[str, float]:
    """Return the name of a column, and the factor from its unit to the canonical one."""
    names = (*_ABOUT_A_ROW, *process.by_name)
    columns = {name: name for name in names}
    name, unit = names_of(process).split(column)
    if name in process.by_name and unit:
        try:
            return name, names_of(process).factor(name, unit, name)
        except UnknownQuantity as error:
            raise ConfigError(f"Column {column!r}: {error}") from error
    if column not in columns:
        raise ConfigError(
            f"Column {column!r} is not one that perfusio knows.{closest(column, names)}\n  Known: {', '.join(names)}.\n"
            "  Rename it or leave it out; files of instruments are read by perfusio.tables.runs_from_files.read_runs."
        )
    return columns[column], 1.0


def _run(name: str, samples: Sequence[Mapping[str, Any]], recipe: Setpoints | None, process: Panel) -> Trajectory:
    trajectory, in_force = Trajectory(reactor_id=name, run_id=name, clone=str(samples[0].get("clone") or "")), recipe
    unsaid, setpoints = Setpoints(panel=process), process.setpoint_names
    for row in sorted(samples, key=lambda r: _number(r["day"])):
        values: dict[str, Any] = {s.name: _number(row.get(s.name)) for s in process.species}
        for species in process.species:
            species.check(values[species.name])
        given = Setpoints.of_values(process, {q: _number(row.get(q)) for q in setpoints})
        state = State.of_values(process, 24.0 * _number(row["day"]), values)
        trajectory = trajectory.observe(state, in_force or unsaid)
        in_force = given.filled_from(in_force or unsaid)[0]
        if len(samples) > 1 and (unknown := [q for q in setpoints if getattr(in_force, q) != getattr(in_force, q)]):
            raise ConfigError(
                f"{name}, day {row['day']:g}: what was in force is not known for {', '.join(unknown)}. Expected a "
                "column for each setpoint, or the name of a recipe that this campaign recommended."
            )
    return trajectory


def _number(value: Any) -> float:
    try:
        return float("nan") if value is None else float(value)
    except (TypeError, ValueError):
        raise ConfigError(f"{value!r} is not a number. Leave the cell empty where nothing was measured.") from None
