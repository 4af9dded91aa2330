"""A culture under the digital twin: the whole loop with its record, as it ships, on a virtual vessel with trouble."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from perfusio.bed.policy import BEDPolicy
from perfusio.config import DesignSpace, RunConfig
from perfusio.connectors.simulated import Faults, SimulatedAmbr250, SimulatedVessel
from perfusio.decision import Decision
from perfusio.errors import PerfusioError
from perfusio.events import Decided, Event, Withheld
from perfusio.objective import Constraint, Objective
from perfusio.plant.of_process import obeyed
from perfusio.process.roles import CELLS
from perfusio.protocols import ConnectorKind, Model, Policy
from perfusio.state import Setpoints, State
from perfusio.study.cultures.culture import CultureCourse, VirtualCulture, feed_others
from perfusio.trajectory import Trajectory
from perfusio.twin.digital_twin import DigitalTwin

AHEAD = 3
"""Days ahead at which intervals are held against the truth."""
INTERVAL = ("q10", "q90")


@dataclass(slots=True)
class TroubledVessel:
    """A virtual vessel whose pump, medium and sheet go wrong as its culture says; the twin sees a Connector.

    Attributes:
        vessel: Behind it.
        rig: Of that vessel.
        culture: Which trouble it has.
        asked: Setpoints asked for.
        kind: SIMULATED.
        truth: True states by their time [h], one for each sample that was due, whatever became of it.
    """

    vessel: SimulatedVessel
    rig: SimulatedAmbr250
    culture: VirtualCulture
    asked: Setpoints
    kind: ConnectorKind = ConnectorKind.SIMULATED
    confirms_at_once: bool = True
    truth: dict[float, State] = field(default_factory=dict)
    _n_read: int = 0

    async def read_sample(self) -> State:
        """Return the next sample, as its sheet has it."""
        if self._n_read:  # from the last sample on, the day passes under its medium and its pump
            day = self._n_read - 1
            feed_others(self.rig.plant, [self.culture], day)
            self.rig.plant.write([obeyed(self.culture.trouble.pumped(self.asked, day))])
        day, self._n_read = self._n_read, self._n_read + 1
        try:
            return self.culture.trouble.reported(await self.vessel.read_sample(), day)
        finally:
            true = self.rig.true_state()
            self.truth[round(true.time_h, 3)] = true

    async def read_setpoints(self) -> Setpoints:
        """Return the setpoints that the controllers of the vessel show."""
        return self.asked

    async def write_setpoints(self, setpoints: Setpoints) -> Setpoints:
        """Set them; the pump may give less."""
        self.asked = setpoints
        return setpoints


@dataclass(frozen=True, slots=True)
class SteppedAim:
    """A policy whose target changes during the run: as a person would order it on that day.

    Attributes:
        policy: Which decides.
        culture: Whose target.
    """

    policy: Policy
    culture: VirtualCulture

    def decide(
        self,
        trajectories: Mapping[str, Trajectory],
        in_force: Mapping[str, Setpoints],
        model: Model,
        design_space: DesignSpace,
        config: RunConfig,
        *,
        day: int,
    ) -> dict[str, Decision | PerfusioError]:
        """Decide for the target of the day."""
        if self.culture.trouble.target != 1.0:
            config = config.model_copy(update={"objective": _aim(self.culture, day)})
        return self.policy.decide(trajectories, in_force, model, design_space, config, day=day)


@dataclass(slots=True)
class _Watched:
    """Decisions of a run, as they come on record."""

    decided: list[Decided] = field(default_factory=list)
    withheld: int = 0

    def __call__(self, event: Event) -> None:
        if isinstance(event, Decided):
            self.decided.append(event)
        elif isinstance(event, Withheld):
            self.withheld += 1


def under_twin(
    culture: VirtualCulture,
    *,
    limits: Sequence[Constraint],
    model: Model | None = None,
    policy: Policy | None = None,
    objective: Objective | tuple[Objective, ...] | None = None,
    settings: Mapping[str, Any] = MappingProxyType({}),
) -> CultureCourse:
    """Run one culture under the digital twin, record and all.

    Args:
        culture: Which.
        limits: That decisions keep.
        model: That it starts with; None = the mechanistic prior.
        policy: None = Bayesian experimental design.
        objective: Other aim than the target of the culture.
        settings: Of `RunConfig`, e.g. ``{"acquisition": "UCB"}``.
    """
    lost = frozenset(day for day in range(culture.days + 1) if culture.trouble.is_lost(day))
    rig = SimulatedAmbr250(
        culture.clone, seed=culture.seed, days=culture.days, setpoints=culture.space.nominal,
        disturbances=culture.trouble.disturbances(culture.clone), faults=Faults(lost_samples=lost),
        medium=culture.medium, equipment=culture.equipment, process=culture.space.process,
    )  # fmt: skip
    ((name, vessel),) = rig.vessels().items()
    connector = TroubledVessel(vessel, rig, culture, culture.space.nominal)
    watched = _Watched()
    with tempfile.TemporaryDirectory() as folder:
        config = RunConfig(
            duration_days=culture.days, seed=culture.seed, constraints=tuple(limits), run_dir=Path(folder),
            objective=objective or _aim(culture, 0), process=culture.space.process, **settings,
        )  # fmt: skip
        deciding = policy or BEDPolicy()
        if culture.trouble.target != 1.0:
            deciding = SteppedAim(deciding, culture)
        given: dict[str, Any] = {} if model is None else {"model": model}
        twin = DigitalTwin(
            {name: connector}, culture.space, config, policy=deciding, observers=(watched,), **given
        )
        result = asyncio.run(twin.run())
    trajectory = result.trajectories[name]
    truth = tuple(connector.truth.values())
    return CultureCourse(
        culture=culture, trajectory=trajectory, truth=truth, asked=_by_day(trajectory, culture),
        inside=_inside(watched.decided, truth), withheld=watched.withheld,
    )  # fmt: skip


def _aim(culture: VirtualCulture, day: int) -> Objective:
    process = culture.space.process
    return Objective(kind="track", quantity=process.the("cells"), target=culture.aim(day), process=process)


def _by_day(trajectory: Trajectory, culture: VirtualCulture) -> tuple[Setpoints, ...]:
    """Return the setpoints in force on each day: those of an interval hold on every day of it."""
    days = np.array([s.day for s in trajectory.states])
    last = len(trajectory.setpoints) - 1
    places = [min(int(np.searchsorted(days, day + 1e-6)) - 1, last) for day in range(culture.days)]
    return tuple(trajectory.setpoints[max(i, 0)] for i in places)


def _inside(decided: Sequence[Decided], truth: Sequence[State]) -> float:
    """Return the share of true densities AHEAD days later inside the 80 % interval of the chosen plan."""
    by_time = {round(s.time_h): float(getattr(s, CELLS)) for s in truth}
    low, high = INTERVAL
    hits = []
    for event in decided:
        time_h = event.chosen["times_h"][AHEAD - 1]
        if (true := by_time.get(round(time_h))) is not None:
            hits.append(event.chosen[low][CELLS][AHEAD - 1] <= true <= event.chosen[high][CELLS][AHEAD - 1])
    return float(np.mean(hits)) if hits else float("nan")
