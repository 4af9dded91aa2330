"""Virtual vessels steered by any rule: their samples, the truth behind them, and how well they were held."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.errors import EndOfRun
from perfusio.state import Setpoints, State
from perfusio.study.baselines import PIController
from perfusio.tables.runs_table import runs_header, runs_rows, write_csv
from perfusio.trajectory import Trajectory

Decide = Callable[[State, Setpoints], Setpoints]
"""From the sample of the day and the setpoints in force to the setpoints from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steered:
    """The course of a vessel.

    Attributes:
        trajectory: Reports of the analyzers, and setpoints in force in between.
        truth: The true state at each sample.
    """

    trajectory: Trajectory
    truth: tuple[State, ...]


async def steer(rig: SimulatedAmbr250, decide: Decide) -> Steered:
    """Run the only vessel of a rig to the end of its run under `decide`.

    Raises:
        SampleOverdue: the rig was asked to lose samples.
    """
    return (await steer_all(rig, {"R01": decide}))["R01"]


async def steer_all(rig: SimulatedAmbr250, rules: Mapping[str, Decide]) -> dict[str, Steered]:
    """Run the vessels of a rig side by side, each under its own rule, to the end of the run.

    Args:
        rig: With one vessel for each rule.
        rules: By reactor id.

    Raises:
        SampleOverdue: the rig was asked to lose samples.
    """
    vessels = rig.vessels()
    trajectories = {name: Trajectory(reactor_id=name) for name in rules}
    truth: dict[str, list[State]] = {name: [] for name in rules}
    while True:
        in_force = {name: await vessels[name].read_setpoints() for name in rules}
        try:
            samples = await asyncio.gather(*(vessels[name].read_sample() for name in rules))
        except EndOfRun:
            return {n: Steered(trajectory=t, truth=tuple(truth[n])) for n, t in trajectories.items()}
        for (name, decide), sample in zip(rules.items(), samples, strict=True):
            trajectories[name] = trajectories[name].observe(sample, in_force[name])
            truth[name].append(vessels[name].true_state())
            await vessels[name].write_setpoints(decide(sample, in_force[name]))


def cells_of(state: State) -> float:
    """Return the density of living cells [1e6 cells/mL]."""
    return float(getattr(state, state.panel.the("cells")))


def tracking_error(truth: Sequence[State], target: float, *, from_day: float = 12.0) -> float:
    """Return the RMS of true VCD / target - 1 from a day on, as a fraction (NaN if no state is that late)."""
    late = np.array([cells_of(state) / target - 1.0 for state in truth if state.day >= from_day - 1e-9])
    return float(np.sqrt(np.mean(late**2))) if late.size else float("nan")


async def write_synthetic_csv(path: Path, *, days: int = 14, seed: int = 0) -> None:
    """Write a sheet as a laboratory might have kept it on one vessel: a row a day, ten quantities and the setpoints.

    The culture is a simulated one, so it is physical; a PI controller that aims at 40e6 cells/mL stands for the people
    who ran it. Noise and missing values are those of a usual laboratory.

    Args:
        path: File to write; its folder is made if need be.
        days: Length of the run; `days` + 1 rows.
        seed: Of vessel and analyzers.
    """
    culture = await steer(SimulatedAmbr250(days=days, seed=seed), PIController(40.0, cspr=0.02).decide)
    header = runs_header(culture.trajectory.panel)
    first = header.index("day")  # one run of one clone: the columns before would say nothing
    write_csv(path, header[first:], [row[first:] for row in runs_rows([culture.trajectory])])
