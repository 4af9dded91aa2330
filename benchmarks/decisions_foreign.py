"""Decisions on plants that other people wrote: what the yardstick for foreign cultures is measured on.

One vessel, target 30e6 cells/mL, 28 days, default settings; errors are RMS of true VCD / target - 1 over days 12 to 28.
Three tasks: a cold start with the default limits, a cold start with a limit on viability that this plant can keep at
the target, and a start after nine old runs of the clone (Latin hypercube, 14 days) with the default limits. Beside them
two PI controllers with hand gains, which know no limit. Clones, limits and seeds are declared here; nothing in perfusio
was chosen on them.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from model_cases import training
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import DEFAULT_CONSTRAINTS, Constraint, RunConfig
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.events import Decided, Event, SampleMissing, SampleRead
from perfusio.hybrid.model import HybridModel
from perfusio.plant.families import clone_named
from perfusio.state import SETPOINT_INDEX, State
from perfusio.study.baselines import PIController
from perfusio.study.closed_loop import steer, tracking_error
from perfusio.twin.digital_twin import DigitalTwin

TARGET, FROM_DAY, DEFAULT_LIMIT = 30.0, 12, 95.0
KEPT_LIMIT = {
    "Y-GS46": 94.0,
    "Y-GS46-k0.5": 92.0,
    "Y-GS46-k3": 95.0,
    "Y-T127": 92.0,
    "Y-T127-k0.5": 90.0,
    "Monod-lit": 92.0,
}
"""Viability that each plant can keep at the target [%]; of others the lowest of these is asked for."""
REPORTED = ("Y-GS46-k3", "Y-GS46", "Y-GS46-k0.5", "Y-T127-k0.5", "Y-3", "Monod-lit", "Own2-1")
AFTER_OLD_RUNS = ("Y-GS46", "Y-GS46-k0.5", "Monod-lit")
SEEDS = (6101, 6102)
COLD, KEPT, KNOWN = "twin, cold start", "twin, cold start, kept limit", "twin, nine old runs"
N_OLD, OLD_DAYS = 9, 14
AT_END = 0.01
"""A setpoint this close to an end of its bounds, as a share of their width, is at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One vessel under one controller."""

    clone: str
    seed: int
    days: int
    arm: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of it; everything by the truth.

    Attributes:
        clone: Name.
        seed: Of the vessel.
        arm: Who steered.
        limit: On viability [%].
        error_pct: RMS error of the density from day 12 on [%].
        last_vcd: Density at the end [1e6 cells/mL].
        least_viability: From day 12 on [%].
        below_pct: Days from day 12 on with a viability below the limit [%].
        unheld: Decisions with no choice that keeps all limits as surely as asked.
        at_end: Days from day 12 on with perfusion or bleed at an end of its bounds.
    """

    clone: str
    seed: int
    arm: str
    limit: float
    error_pct: float
    last_vcd: float
    least_viability: float
    below_pct: float
    unheld: int
    at_end: int


def jobs(clones: Sequence[str], seeds: Sequence[int], *, days: int) -> list[Job]:
    """Return what is run, the long ones first."""
    arms = [(c, arm) for c in clones for arm in (COLD, KEPT, "PI, 20 pL/cell/day", "PI, 25 pL/cell/day")]
    if days > FROM_DAY:
        arms = [(c, KNOWN) for c in clones if c in AFTER_OLD_RUNS] + arms
    return [Job(clone=c, seed=s, days=days, arm=arm) for c, arm in arms for s in seeds]


def run(job: Job) -> Outcome:
    """Run one vessel to its end."""
    rig = SimulatedAmbr250(job.clone, seed=job.seed, days=job.days)
    limit = KEPT_LIMIT.get(job.clone, min(KEPT_LIMIT.values())) if job.arm == KEPT else DEFAULT_LIMIT
    if job.arm.startswith("PI"):
        cspr = float(job.arm.split()[1]) / 1000.0
        steered = asyncio.run(steer(rig, PIController(TARGET, cspr=cspr).decide))
        return outcome(job, limit, steered.truth, steered.trajectory.inputs, unheld=0)
    truth: list[State] = []
    decided: list[Decided] = []

    def observe(event: Event) -> None:
        if isinstance(event, SampleRead | SampleMissing):
            truth.append(rig.true_state())
        if isinstance(event, Decided):
            decided.append(event)

    model = None
    if job.arm == KNOWN:
        old = training(clone_named(job.clone), days=OLD_DAYS, seed=10 * job.seed, n_runs=N_OLD)
        model = HybridModel().fit(old, seed=0)
    limits = tuple(replaced(limit, c) for c in DEFAULT_CONSTRAINTS)
    with tempfile.TemporaryDirectory() as folder:
        config = RunConfig(duration_days=job.days, seed=job.seed, constraints=limits, run_dir=Path(folder))
        twin = DigitalTwin(
            connector=rig, design_space=SPACE, run_config=config, observers=(observe,),
            **({} if model is None else {"model": model}),
        )  # fmt: skip
        result = asyncio.run(twin.run())
    unheld = sum(not event.why["feasible"] for event in decided)
    return outcome(job, limit, truth, result.trajectories["R01"].inputs, unheld=unheld)


def replaced(limit: float, constraint: Constraint) -> Constraint:
    """Return the constraint, with this limit if it is that of viability."""
    return constraint.model_copy(update={"low": limit}) if constraint.quantity == "viability" else constraint


def measured(clones: Sequence[str], seeds: Sequence[int], *, days: int) -> list[Outcome]:
    """Run everything, one vessel after another, and say how far it is."""
    found = []
    for i, job in enumerate(todo := jobs(clones, seeds, days=days), start=1):
        found.append(run(job))
        print(f"{i} of {len(todo)} vessels", file=sys.stderr, flush=True)
    return found


def outcome(job: Job, limit: float, truth: Sequence[State], inputs: np.ndarray, *, unheld: int) -> Outcome:
    """Judge a run by its true states, one per sample, and the setpoints in between."""
    late = [s for s in truth if s.day >= min(FROM_DAY, job.days) - 1e-9]
    viability = np.array([s.viability for s in late])
    flows = [SETPOINT_INDEX[name] for name in ("perfusion_rate", "bleed_rate")]
    share = (inputs[FROM_DAY:, flows] - SPACE.low[flows]) / (SPACE.high - SPACE.low)[flows]
    return Outcome(
        clone=job.clone,
        seed=job.seed,
        arm=job.arm,
        limit=limit,
        error_pct=100.0 * tracking_error(truth, TARGET, from_day=min(FROM_DAY, job.days)),
        last_vcd=float(truth[-1].vcd),
        least_viability=float(viability.min()),
        below_pct=100.0 * float(np.mean(viability < limit)),
        unheld=unheld,
        at_end=int(((share < AT_END) | (share > 1.0 - AT_END)).any(axis=1).sum()),
    )


def table(found: Sequence[Outcome]) -> list[str]:
    """Return one line for each clone and controller, over seeds."""
    lines = [
        f"{'clone':14}{'who steers':30}{'limit':>6}{'RMS error [%]':>22}{'last VCD':>14}{'lowest viab.':>14}"
        f"{'below limit':>13}{'no choice':>11}{'at an end':>11}"
    ]
    for clone, arm in dict.fromkeys((o.clone, o.arm) for o in sorted(found, key=lambda o: (o.clone, o.arm))):
        mine = [o for o in found if (o.clone, o.arm) == (clone, arm)]
        errors = ", ".join(f"{o.error_pct:.1f}" for o in mine)
        ends = ", ".join(f"{o.last_vcd:.0f}" for o in mine)
        lines.append(
            f"{clone:14}{arm:30}{mine[0].limit:>6.0f}{errors:>22}{ends:>14}"
            f"{min(o.least_viability for o in mine):>14.1f}{np.mean([o.below_pct for o in mine]):>11.0f} %"
            f"{np.mean([o.unheld for o in mine]):>11.1f}{np.mean([o.at_end for o in mine]):>11.1f}"
        )
    return [
        *lines,
        "",
        "error: one figure a seed. last VCD: at the end [1e6 cells/mL]. lowest viability, days below the limit, and",
        "days with perfusion or bleed at an end of its bounds: from day 12 on. no choice: decisions for which no",
        "setpoints keep all limits as surely as asked (mean over seeds).",
    ]


def to_json(found: Sequence[Outcome]) -> list[dict[str, object]]:
    """Return all outcomes as plain data."""
    return [asdict(o) for o in found]

