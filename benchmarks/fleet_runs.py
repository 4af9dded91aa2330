"""Runs of a fleet for `bench_fleet`: what they cost, how well they track, and what one vessel's trouble changes."""

from __future__ import annotations

import asyncio
import hashlib
import json
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import RunConfig
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.events import Decided, Event, Forecasted, ModelConditioned, ModelFitted, ModelRejected
from perfusio.protocols import Connector
from perfusio.state import Setpoints, State
from perfusio.study.fleet import FROM_DAY, fleet_errors
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.timeouts import Patience

TARGET = 30.0
BAD_DAYS = range(2, 7)
TROUBLED = "R02"


@dataclass(frozen=True)
class Job:
    """One run: so many vessels of a seed from the vessel `first` on, for so many days."""

    seed: int
    n_vessels: int
    days: int
    first: int = 1


@dataclass(frozen=True)
class Ran:
    """What a run cost and reached.

    `phases`: CPU seconds by what they were spent on; `turns`: those of each turn; `refit`: whether it refitted.
    """

    job: Job
    errors: dict[str, float]
    phases: dict[str, float]
    turns: tuple[float, ...]
    refit: tuple[bool, ...]
    wall_s: float
    record_mb: float

    @property
    def cpu_s(self) -> float:
        """Of the whole run, the loading of libraries left out."""
        return sum(self.phases.values())

    @property
    def per_vessel_day(self) -> float:
        """CPU seconds per vessel and day."""
        return self.cpu_s / (self.job.n_vessels * self.job.days)


def rigs(job: Job) -> dict[str, SimulatedAmbr250]:
    """A rig for each vessel, so that nothing but the twin connects them; alone or in a fleet they are the same."""
    numbers = range(job.first, job.first + job.n_vessels)
    return {f"R{i:02d}": SimulatedAmbr250(seed=1000 * job.seed + i, days=job.days) for i in numbers}


def run(job: Job) -> Ran:
    """Run a fleet from a cold start with everything as it is by default."""
    vessels, truth = rigs(job), list[dict[str, State]]()
    marks: list[tuple[float, Event]] = []

    def hear(event: Event) -> None:
        marks.append((time.process_time(), event))
        if isinstance(event, ModelConditioned):
            truth.append({reactor: rig.true_state() for reactor, rig in vessels.items()})

    with tempfile.TemporaryDirectory() as folder:
        config = RunConfig(duration_days=job.days, seed=job.seed, run_dir=Path(folder))
        twin = DigitalTwin(connector=vessels, design_space=SPACE, run_config=config, observers=(hear,))
        began, wall = time.process_time(), time.perf_counter()
        asyncio.run(twin.run())
        wall_s, record_mb = time.perf_counter() - wall, (Path(folder) / "audit.jsonl").stat().st_size / 1e6
    turns, refit = np.zeros(job.days + 1), np.zeros(job.days + 1, bool)
    phases: dict[str, float] = {}
    for cpu, event in marks:
        what = _phase(event)
        phases[what] = phases.get(what, 0.0) + cpu - began
        turns[event.turn or 0] += (cpu - began) * (event.turn is not None)
        refit[event.turn or 0] |= isinstance(event, ModelFitted | ModelRejected)
        began = cpu
    errors = fleet_errors(truth, TARGET, from_day=FROM_DAY)
    return Ran(job, errors, phases, tuple(turns), tuple(map(bool, refit)), wall_s, record_mb)


def _phase(event: Event) -> str:
    if isinstance(event, Decided | Forecasted):
        return "decide"
    return "refit" if isinstance(event, ModelFitted | ModelRejected) else "other"


# -- trouble ---------------------------------------------------------------------------------------------------------


class Troubled:
    """A vessel whose link fails on BAD_DAYS in one way; the vessel itself goes on."""

    kind, confirms_at_once = SimulatedAmbr250.kind, True

    def __init__(self, rig: SimulatedAmbr250, how: str) -> None:
        self._rig, self._how, self._is_back = rig, how, asyncio.Event()

    async def read_sample(self) -> State:
        """Hang, raise, or answer nonsense for five days; `absent`: these days are not in the source."""
        sample = await self._rig.read_sample()
        if sample.day not in BAD_DAYS:
            return sample
        if self._how in ("hangs", "absent"):
            while sample.day in BAD_DAYS:
                sample = await self._rig.read_sample()
            if self._how == "hangs":
                await self._is_back.wait()
            return sample
        if self._how == "raises":
            raise OSError("the cable is out")
        return replace(sample, vcd=-sample.vcd, viability=250.0)

    async def read_setpoints(self) -> Setpoints:
        """As the vessel says."""
        return await self._rig.read_setpoints()

    async def write_setpoints(self, setpoints: Setpoints) -> Setpoints:
        """As the vessel does."""
        return await self._rig.write_setpoints(setpoints)

    def hear(self, event: Event) -> None:
        """The link is back when the last bad day is over."""
        if isinstance(event, ModelConditioned) and event.turn == BAD_DAYS[-1]:
            self._is_back.set()


async def _rounds(_seconds: float) -> None:
    """Patience that is counted in rounds of the event loop: the figures must not depend on how busy the machine is."""
    for _ in range(500):
        await asyncio.sleep(0)


def decided_beside(job: Job, how: str) -> tuple[str, int]:
    """Run a fleet of which one vessel is in trouble; return a digest of what was decided for the others, and how often.

    The digest covers setpoints, both forecasts and the model that each decision came from, to the last bit.
    """
    own = rigs(job)
    vessels: dict[str, Connector] = {**own}
    bad = Troubled(own[TROUBLED], how)
    digest, counts = hashlib.sha256(), [0]

    def hear(event: Event) -> None:
        bad.hear(event)
        if isinstance(event, Decided) and event.reactor != TROUBLED:
            asked = event.setpoints.vector().tolist()
            told = [event.reactor, event.turn, asked, event.chosen, event.hold, event.model_id]
            digest.update(json.dumps(told, sort_keys=True).encode())
            counts[0] += 1

    with tempfile.TemporaryDirectory() as folder:
        config = RunConfig(duration_days=job.days, n_paths=16, forecast_days=3, run_dir=Path(folder))
        twin = DigitalTwin(
            connector=vessels | {TROUBLED: bad},
            design_space=SPACE,
            run_config=config,
            observers=(hear,),
            patience=Patience(samples_s=1.0, call_s=1.0, sleep=_rounds),
        )
        asyncio.run(twin.run())
    return digest.hexdigest(), counts[0]
