"""The wide table of runs that perfusio writes and `FilesystemStore` reads: one row per run and sample."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from perfusio.connectors.csv_files import csv_bytes, replace_file
from perfusio.state import SETPOINT_QUANTITIES, SETPOINTS, STATE_QUANTITIES, Setpoints, State
from perfusio.trajectory import Trajectory

RUNS_HEADER: tuple[str, ...] = (
    "run",
    "clone",
    "day",
    *(q.header for q in STATE_QUANTITIES.values()),
    *(q.header for q in SETPOINT_QUANTITIES.values()),
)


def runs_rows(trajectories: Iterable[Trajectory]) -> list[list[str]]:
    """Rows below RUNS_HEADER. Missing values are empty; the setpoints of a row hold from its sample to the next.

    The last row of a run repeats the setpoints that led to it: they are still in force.
    """
    rows = []
    for trajectory in trajectories:
        unknown = Setpoints()
        in_force = (*trajectory.setpoints, trajectory.setpoints[-1] if trajectory.setpoints else unknown)
        for state, setpoints in zip(trajectory.states, in_force, strict=True):
            measured = [_reading(state, name) for name in STATE_QUANTITIES]
            asked = [_number(getattr(setpoints, name)) for name in SETPOINTS]
            rows.append([trajectory.run_id, trajectory.clone, _number(state.day), *measured, *asked])
    return rows


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
