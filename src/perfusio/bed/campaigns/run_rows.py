"""Runs as rows of plain values, as in a data frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from perfusio.errors import ConfigError
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.quantities import closest
from perfusio.state import Setpoints, State
from perfusio.trajectory import Trajectory

_ABOUT_A_ROW = ("run", "day", "clone")


def runs_of(results: Any, recipes: Mapping[str, Setpoints], process: Panel = CHO_PERFUSION) -> tuple[Trajectory, ...]:
    """Return the runs of trajectories, of a pandas or polars data frame, or of any iterable of rows; see `_runs`."""
    if hasattr(results, "to_dicts"):
        return _runs(results.to_dicts(), recipes, process)
    if hasattr(results, "to_dict"):
        return _runs(results.to_dict("records"), recipes, process)
    given: list[Any] = [results] if isinstance(results, Trajectory) else list(results)
    return tuple(given) if all(isinstance(run, Trajectory) for run in given) else _runs(given, recipes, process)


def _runs(
    rows: Iterable[Mapping[str, Any]], recipes: Mapping[str, Setpoints], process: Panel
) -> tuple[Trajectory, ...]:
    """Return the runs of rows, one per run and sample.

    Args:
        rows: ``run``, ``day``, and any species or setpoint by its name, with or without its canonical unit, e.g.
            ``vcd`` or ``vcd [1e6 cells/mL]``. None, NaN and absent columns are not measured. The setpoints of a row
            were in force from its sample to the next.
        recipes: Setpoints in force where the rows do not say, by run.
        process: Whose species and setpoints they are.

    Raises:
        ConfigError: a column is not known, a run has no setpoints, a value is not possible, or days do not increase.
    """
    runs: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        named = {_known(column, process): value for column, value in row.items()}
        if named.get("run") is None or not _number(named.get("day")) >= 0.0:
            raise ConfigError(
                f"A row without run or day: {dict(row)}. Give both: the name, and days since inoculation."
            )
        runs.setdefault(str(named["run"]), []).append(named)
    return tuple(_run(name, samples, recipes.get(name), process) for name, samples in runs.items())


def _known(column: str, process: Panel) -> str:
    names = (*_ABOUT_A_ROW, *process.by_name)
    columns = {**{q.header: q.name for q in process.quantities}, **{name: name for name in names}}
    if column not in columns:
        raise ConfigError(
            f"Column {column!r} is not one that perfusio knows.{closest(column, names)}\n  Known: {', '.join(names)}.\n"
            "  Rename it or leave it out; files of instruments are read by perfusio.tables.runs_from_files.read_runs."
        )
    return columns[column]


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
