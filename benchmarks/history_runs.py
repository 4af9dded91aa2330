"""What past runs of other clones are worth to a new one in a running experiment. `bench_fleet.py` prints it.

The lab knows Random820, 822 and 824 from 8 runs of 21 days each (Latin hypercubes of four setpoints). A vessel of a
clone that it never ran, Random821, 823, ... 829, is run by a twin to hold 30e6 cells/mL. It starts with no model
(cold), with that of a newcomer among the three (`CloneRegistry.newcomer`), or with one that learnt all runs as if they
were of one clone (pooled); from the first refit on the vessel's own days are learnt from too. Error: RMS of the true
density over the target - 1 from day 7 on. Nothing was chosen on these clones (700 to 706 were for that).
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from fleet_report import Check, Told
from fleet_runs import TARGET
from model_cases import training
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import RunConfig
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.events import Event, ModelConditioned
from perfusio.hybrid.clones.embedding import CloneRegistry
from perfusio.hybrid.model import HybridModel
from perfusio.plant.oracle import random_clone
from perfusio.state import State
from perfusio.study.closed_loop import tracking_error
from perfusio.study.fleet import FROM_DAY
from perfusio.twin.digital_twin import DigitalTwin

COLD, NEWCOMER, POOLED = STARTS = "cold", "newcomer", "pooled"
LOW_VIABILITY = 95.0


@dataclass(frozen=True, slots=True)
class Lab:
    """What is known: numbers of the old clones, runs of each, their days."""

    old: tuple[int, ...]
    n_runs: int
    run_days: int


@dataclass(frozen=True, slots=True)
class Start:
    """One run: number of the new clone, what it starts from, its days."""

    lab: Lab
    clone: int
    start: str
    days: int


@dataclass(frozen=True, slots=True)
class Held:
    """How a run was held: RMS error [%], and days with a viability below LOW_VIABILITY [%], of the true state."""

    error: float
    low_days: float


FULL, QUICK = Lab((820, 822, 824), 8, 21), Lab((700,), 2, 4)


def starts(*, full: bool) -> list[Start]:
    """Return the runs: five clones from three starts each, or a short one."""
    if full:
        return [Start(FULL, clone, start, 18) for clone in range(821, 830, 2) for start in STARTS]
    return [Start(QUICK, 701, NEWCOMER, 7)]


@cache
def model_of(lab: Lab, start: str) -> HybridModel:
    """Return the model with which a run starts."""
    if start == COLD:
        return HybridModel()
    past = [t for n in lab.old for t in training(random_clone(n), days=lab.run_days, seed=10 * n, n_runs=lab.n_runs)]
    return CloneRegistry.fit(past).newcomer() if start == NEWCOMER else HybridModel().fit(past)


def held(job: Start) -> Held:
    """Run one vessel and hold its true density against the target."""
    rig, truth = SimulatedAmbr250(random_clone(job.clone), days=job.days, seed=job.clone), list[State]()

    def hear(event: Event) -> None:
        if isinstance(event, ModelConditioned):
            truth.append(rig.true_state())

    with tempfile.TemporaryDirectory() as folder:
        config = RunConfig(duration_days=job.days, seed=job.clone, run_dir=Path(folder))
        twin = DigitalTwin(
            connector=rig, design_space=SPACE, run_config=config, model=model_of(job.lab, job.start), observers=(hear,)
        )
        asyncio.run(twin.run())
    low = [state.viability < LOW_VIABILITY for state in truth]
    return Held(100.0 * tracking_error(truth, TARGET, from_day=FROM_DAY), 100.0 * float(np.mean(low)))


def told(jobs: list[Start], runs: list[Held]) -> Told:
    """Say how the starts compare; an aim, for the issue asks for no figure."""
    found = {(job.clone, job.start): run for job, run in zip(jobs, runs, strict=True)}
    clones, names = (tuple(dict.fromkeys(column)) for column in ([j.clone for j in jobs], [j.start for j in jobs]))
    median = {name: round(float(np.median([found[c, name].error for c in clones])), 2) for name in names}
    low = {name: round(float(np.mean([found[c, name].low_days for c in clones])), 2) for name in names}
    lines = [
        "",
        f"A vessel of a clone that was never run, RMS of true VCD / {TARGET:g}e6 - 1 from day {FROM_DAY:g} on [%]",
        f"{'start':12}" + "".join(f"{clone:>8}" for clone in clones) + f"{'median':>10}   days < 95 % viable [%]",
        *(
            f"{name:12}" + "".join(f"{found[c, name].error:>8.1f}" for c in clones)
            + f"{median[name]:>10.1f}{low[name]:>12.1f}"
            for name in names
        ),
    ]  # fmt: skip
    checks = [better(median, other) for other in names if other != NEWCOMER] if len(clones) > 1 else []
    return Told(lines=lines, checks=checks, figures={"history": {"errors_pct": median, "low_viability_pct": low}})


def better(median: Mapping[str, float], other: str) -> Check:
    """The aim that a newcomer among known clones is held better than from another start."""
    return Check(
        kind="Aim", what=f"history: a clone never run is held better as a newcomer than from {other!r} [%]",
        found=f"{median[NEWCOMER]:.1f} < {median[other]:.1f}", holds=median[NEWCOMER] < median[other],
    )  # fmt: skip
