"""SimulatedAmbr250: a rig of virtual vessels behind the protocol of real hardware.

Time passes only when a sample is read: the first sample of a vessel is its inoculation, each further one lets a
sampling interval pass. Setpoints are in force from their writing on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from perfusio.config import DesignSpace
from perfusio.connectors.virtual.rig import SharedTime
from perfusio.connectors.virtual.vessel import Faults, SimulatedVessel
from perfusio.errors import (
    ConfigError,
)
from perfusio.plant.clones import CLONE_X, Clone
from perfusio.plant.conditions import Disturbance, Inoculum
from perfusio.plant.families import clone_named
from perfusio.plant.medium import Equipment, Medium
from perfusio.plant.of_process import check_known, fed, obeyed
from perfusio.plant.sensors import Sensors, SensorSettings
from perfusio.plant.vessel import VesselBatch, vessel_seeds
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.process.sound_numbers import LONGEST_POLL_S, MOST_DAYS, MOST_VESSELS, refuse_outside
from perfusio.protocols import ConnectorKind
from perfusio.state import Setpoints, State

__all__ = ["Faults", "SimulatedAmbr250", "SimulatedVessel"]


class SimulatedAmbr250:
    """A rig of n virtual vessels; with one vessel it is itself a Connector.

    Readers that wait at the same time are advanced together, which is much faster than one by one and gives the same
    numbers to rounding.

    Args:
        clones: One cell line for all vessels, or one each; a `Clone` or its name, e.g. ``"Y-GS46"``.
        n_vessels: Number of vessels, named R01, R02, ...
        setpoints: In force at the start: one set for all, or one each; default nominal.
        sampling_interval_hours: Time that passes per sample [h].
        days: Length of the run; later samples raise EndOfRun. None means no end.
        seed: Seed of the rig, from which every vessel gets its own stream.
        sensors: How good the analyzers are.
        faults: Faults of the link, for all vessels or by reactor.
        inoculum: How the vessels start.
        disturbances: Lasting changes of kinetic constants, for benchmarks.
        medium: Inflow, one for all vessels or one each; None is the usual medium of each cell line.
        equipment: Sampling and the pump of the glucose concentrate, one for all vessels or one each.
        process: Whose quantities are measured and set, and its medium, unless medium and equipment are given.
        inoculated_after: By reactor, after how many intervals of the run it is inoculated; 0 where nothing is said.
        pace_s: Real time that a sampling interval takes [s], so that people can watch; 0 = none.
    """

    kind = ConnectorKind.SIMULATED
    confirms_at_once = True

    def __init__(
        self,
        clones: Clone | str | Sequence[Clone | str] = CLONE_X,
        *,
        n_vessels: int = 1,
        setpoints: Setpoints | Sequence[Setpoints] | None = None,
        sampling_interval_hours: float = 24.0,
        days: float | None = None,
        seed: int = 0,
        sensors: SensorSettings | None = None,
        faults: Faults | Mapping[str, Faults] | None = None,
        inoculum: Inoculum | None = None,
        disturbances: Iterable[Disturbance] = (),
        medium: Medium | Sequence[Medium] | None = None,
        equipment: Equipment | Sequence[Equipment] | None = None,
        process: Panel = CHO_PERFUSION,
        inoculated_after: Mapping[str, int] | None = None,
        pace_s: float = 0.0,
    ) -> None:
        check_known(process)
        self.panel = process
        if process is not CHO_PERFUSION:
            of_process = fed(process)
            medium = of_process[0] if medium is None else medium
            equipment = of_process[1] if equipment is None else equipment
        if setpoints is None:
            setpoints = DesignSpace.of(process).nominal
        refuse_outside("n_vessels", n_vessels, 1, MOST_VESSELS, is_whole=True)
        refuse_outside("sampling_interval_hours", sampling_interval_hours, 0.0, 24.0 * MOST_DAYS, unit="h", above=True)
        refuse_outside("days", 0 if days is None else days, 0.0, MOST_DAYS)
        refuse_outside("seed", seed, 0, np.inf, is_whole=True)
        refuse_outside("pace_s", pace_s, 0.0, LONGEST_POLL_S, unit="s")
        streams = vessel_seeds(seed, n_vessels)
        self._batch = VesselBatch(
            _cell_line(clones) if isinstance(clones, Clone | str) else [_cell_line(clone) for clone in clones],
            obeyed(setpoints) if isinstance(setpoints, Setpoints) else [obeyed(u) for u in setpoints],
            n_vessels=n_vessels,
            seeds=streams,
            inoculum=inoculum,
            disturbances=disturbances,
            medium=medium,
            equipment=equipment,
        )
        self._interval_days = sampling_interval_hours / 24.0
        last_sample = None if days is None else int(days / self._interval_days + 1e-9)
        time = SharedTime(self._batch, self._interval_days, last_sample, pace_s)
        names = [f"R{i + 1:02d}" for i in range(n_vessels)]
        given = faults if isinstance(faults, Mapping) else dict.fromkeys(names, faults or Faults())
        later = dict(inoculated_after or {})
        for what, about in (("Faults", given), ("Days of inoculation", later)):
            if unknown := sorted(set(about) - set(names)):
                raise ConfigError(f"{what} for {', '.join(unknown)}, but the vessels are {names[0]} to {names[-1]}.")
        self._vessels = {
            name: SimulatedVessel(
                time=time,
                panel=process,
                index=i,
                reactor_id=name,
                sensors=Sensors(sensors, seed=streams[i]),
                faults=given.get(name, Faults()),
                inoculated_after=later.get(name, 0),
            )
            for i, name in enumerate(names)
        }

    def vessels(self) -> dict[str, SimulatedVessel]:
        """The vessels by reactor id, each a Connector."""
        return dict(self._vessels)

    def true_states(self) -> dict[str, State]:
        """The truth by reactor id, for benchmarks; never shown to a twin."""
        return {name: vessel.true_state() for name, vessel in self._vessels.items()}

    @property
    def interval_days(self) -> float:
        """Time between two samples [day]."""
        return self._interval_days

    @property
    def plant(self) -> VesselBatch:
        """The vessels themselves, for oracles and benchmarks; never shown to a twin."""
        return self._batch

    async def read_sample(self) -> State:
        """The next sample of the only vessel; see `SimulatedVessel.read_sample`."""
        return await self._only().read_sample()

    async def read_setpoints(self) -> Setpoints:
        """Setpoints in force in the only vessel."""
        return await self._only().read_setpoints()

    async def write_setpoints(self, setpoints: Setpoints) -> Setpoints:
        """Write to the only vessel; see `SimulatedVessel.write_setpoints`."""
        return await self._only().write_setpoints(setpoints)

    def true_state(self) -> State:
        """The truth about the only vessel, for benchmarks."""
        return self._only().true_state()

    def _only(self) -> SimulatedVessel:
        if len(self._vessels) != 1:
            raise ConfigError(
                f"This rig has {len(self._vessels)} vessels and cannot be read as one. Hand its .vessels() to the twin."
            )
        return next(iter(self._vessels.values()))


def _cell_line(clone: Clone | str) -> Clone:
    return clone_named(clone) if isinstance(clone, str) else clone
