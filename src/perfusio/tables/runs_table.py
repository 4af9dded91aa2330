"""The wide table of runs that perfusio writes and `FilesystemStore` reads: one row per run and sample."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.state import Setpoints, State
from perfusio.tables.cells.csv_files import csv_bytes, replace_file
from perfusio.tables.columns.header_names import MEDIUM
from perfusio.trajectory import Trajectory


def runs_header(panel: Panel) -> tuple[str, ...]:
    """Return the header of the table of runs of a process; one that declares several media says which was used."""
    medium = (MEDIUM,) if panel.media else ()
    return ("run", "clone", *medium, "day", *(q.header for q in panel.quantities))


RUNS_HEADER: tuple[str, ...] = runs_header(CHO_PERFUSION)


def runs_rows(trajectories: Iterable[Trajectory]) -> list[list[str]]:
    """Rows below `runs_header`. Missing values are empty; the setpoints of a row hold from its sample to the next.

    The last row of a run repeats the setpoints that led to it: they are still in force.
    """
    rows = []
    for trajectory in trajectories:
        panel = trajectory.panel
        unknown = Setpoints(panel=panel)
        medium = [_medium(trajectory)] if panel.media else []
        in_force = (*trajectory.setpoints, trajectory.setpoints[-1] if trajectory.setpoints else unknown)
        for state, setpoints in zip(trajectory.states, in_force, strict=True):
            measured = [_reading(state, s.name) for s in panel.species]
            asked = [_number(getattr(setpoints, name)) for name in panel.setpoint_names]
            rows.append([trajectory.run_id, trajectory.clone, *medium, _number(state.day), *measured, *asked])
    return rows


def _medium(trajectory: Trajectory) -> str:
    """Return the name of the medium; empty for the medium of the process itself, and for one without a name."""
    return next((name for name, one in trajectory.panel.media if one == trajectory.medium), "")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table, whole or not at all; its folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, csv_bytes([header, *rows]))


def _reading(state: State, name: str) -> str:
    """A measured value; a leading ``<`` says that it lies below the detection limit that is written."""
    is_below = state.quality.get(name, "").startswith("below the detection limit")
    return f"{'<' * is_below}{_number(getattr(state, name))}"


def _number(value: float) -> str:
    """Six significant digits, more than any analyzer has; empty where not measured."""
    return "" if value != value else f"{value:.6g}"
