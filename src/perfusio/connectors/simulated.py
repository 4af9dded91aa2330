"""SimulatedAmbr250: a rig of virtual vessels behind the protocol of real hardware.

Time passes only when a sample is read: the first sample of a vessel is its inoculation, each further one lets a
sampling interval pass. What is written is in force from that moment on.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np

from perfusio.config import DesignSpace
from perfusio.errors import (
    ConfigError,
    EndOfRun,
    NotConnected,
    OutOfRange,
    SampleOverdue,
    UnreadableSource,
    WriteRejected,
)
from perfusio.plant.clones import CLONE_X, Clone
from perfusio.plant.conditions import Disturbance, Inoculum
from perfusio.plant.families import clone_named
from perfusio.plant.medium import Equipment, Medium
from perfusio.plant.of_process import check_known, fed, measured, obeyed, shown
from perfusio.plant.sensors import Sensors, SensorSettings
from perfusio.plant.vessel import VesselBatch, vessel_seeds
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.protocols import ConnectorKind, Standing
from perfusio.state import Setpoints, State

REMEMBERED = 100
"""Latest samples that a vessel can give again to a program that did not record them."""
_NO_DAYS: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What goes wrong with one vessel's link. Numbers are of the sample (0 = inoculation) last due.

    Attributes:
        latency_s: Every call takes this long [s].
        lost_samples: These samples never come; the call that waits for one raises SampleOverdue.
        refused_writes: Writes after these samples are refused and change nothing.
        lost_acknowledgements: Writes after these samples take effect, but the answer is lost (NotConnected).
    """

    latency_s: float = 0.0
    lost_samples: frozenset[int] = _NO_DAYS
    refused_writes: frozenset[int] = _NO_DAYS
    lost_acknowledgements: frozenset[int] = _NO_DAYS


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
        faults: What goes wrong, for all vessels or by reactor.
        inoculum: How the vessels start.
        disturbances: Lasting changes of kinetic constants, for benchmarks.
        medium: What flows in, one for all vessels or one each; None is what each cell line is usually fed with.
        equipment: Sampling and the pump of the glucose concentrate, one for all vessels or one each.
        process: Whose quantities are measured and set, and what flows in, unless medium and equipment are given.
        inoculated_after: By reactor, after how many intervals of the run it is inoculated; 0 where nothing is said.
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
    ) -> None:
        check_known(process)
        self.panel = process
        if process is not CHO_PERFUSION:
            of_process = fed(process)
            medium = of_process[0] if medium is None else medium
            equipment = of_process[1] if equipment is None else equipment
        if setpoints is None:
            setpoints = DesignSpace.of(process).nominal
        if not 0 < sampling_interval_hours < np.inf:
            raise ConfigError(
                f"sampling_interval_hours = {sampling_interval_hours}: expected a number of hours above 0."
            )
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
        self._last_sample = None if days is None else int(days / self._interval_days + 1e-9)
        self._waiting: list[int] = []
        self._passed: set[int] = set()
        names = [f"R{i + 1:02d}" for i in range(n_vessels)]
        given = faults if isinstance(faults, Mapping) else dict.fromkeys(names, faults or Faults())
        later = dict(inoculated_after or {})
        for what, about in (("Faults", given), ("Days of inoculation", later)):
            if unknown := sorted(set(about) - set(names)):
                raise ConfigError(f"{what} for {', '.join(unknown)}, but the vessels are {names[0]} to {names[-1]}.")
        self._vessels = {
            name: SimulatedVessel(
                rig=self,
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
        """What is in force in the only vessel."""
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

    def _is_over(self, n_samples: int) -> bool:
        return self._last_sample is not None and n_samples > self._last_sample

    async def _pass_interval(self, index: int) -> None:
        """Advance one vessel by a sampling interval, together with all that wait for the same."""
        if index in self._passed:
            self._passed.remove(index)
            return
        self._waiting.append(index)
        try:
            await asyncio.sleep(0)  # let the other readers of this turn join
        except asyncio.CancelledError:
            if index in self._waiting:
                self._waiting.remove(index)
            else:  # another reader has let it pass: whoever asks next gets its sample
                self._passed.add(index)
            raise
        if index in self._waiting:
            together, self._waiting = sorted(self._waiting), []
            self._batch.advance(self._interval_days, together)


def _cell_line(clone: Clone | str) -> Clone:
    return clone_named(clone) if isinstance(clone, str) else clone


@dataclass(slots=True, kw_only=True, eq=False)
class SimulatedVessel:
    """One vessel of a `SimulatedAmbr250`, behind the Connector protocol.

    Attributes:
        rig: The rig it belongs to.
        index: Its place in the rig.
        reactor_id: Its name.
        sensors: Its analyzers.
        faults: What goes wrong with its link.
        kind: SIMULATED.
        inoculated_after: How many samples are overdue before its first one.
    """

    rig: SimulatedAmbr250
    index: int
    reactor_id: str
    sensors: Sensors
    faults: Faults
    kind: ConnectorKind = ConnectorKind.SIMULATED
    confirms_at_once: bool = True
    inoculated_after: int = 0
    _n_waited: int = field(default=0, init=False)
    _n_due: int = field(default=0, init=False)
    _untitrated: deque[State] = field(default_factory=deque, init=False)
    _given: deque[State] = field(default_factory=lambda: deque(maxlen=REMEMBERED), init=False)
    _again: deque[State] = field(default_factory=deque, init=False)

    async def read_sample(self) -> State:
        """Let a sampling interval pass (not before the first sample) and return what the analyzers report.

        With `SensorSettings.titer_delay_days` the titer of a sample comes later, as a state of its own with the time of
        that sample, before the next sample is taken.

        Raises:
            EndOfRun: the run is over.
            SampleOverdue: this sample is lost; the vessel went on, and the next call waits for the next one. Or the
                vessel is not inoculated yet.
        """
        await self._link()
        if self._n_waited < self.inoculated_after:
            self._n_waited += 1
            raise SampleOverdue(
                f"{self.reactor_id} is inoculated on turn {self.inoculated_after}. Wait for its first sample.",
                connector=self.reactor_id,
                operation="read_sample",
            )
        if late := self._late_titer():
            return late
        if self._again:
            return self._again.popleft()
        if self.rig._is_over(self.inoculated_after + self._n_due):
            raise EndOfRun(f"{self.reactor_id}: the simulated run is over after {self._n_due} samples.")
        if self._n_due > 0:
            await self.rig._pass_interval(self.index)
        self._given.append(self._sample())
        return self._given[-1]

    def _sample(self) -> State:
        """Take the sample that is due."""
        number, self._n_due = self._n_due, self._n_due + 1
        true = self.true_state()
        if number in self.faults.lost_samples:
            raise SampleOverdue(
                f"{self.reactor_id}: sample {number} of {true.time_h:g} h did not come (a simulated fault). "
                "The vessel goes on; wait for the next sample.",
                connector=self.reactor_id,
                operation="read_sample",
            )
        if self.sensors.settings.titer_delay_days > 0:
            self._untitrated.append(true)
        return measured(self.sensors.measure(true), self.panel)

    @property
    def panel(self) -> Panel:
        """The process of the rig."""
        return self.rig.panel

    def goes_on(self, standing: Standing) -> None:
        """Go on where an earlier program stood; see `perfusio.protocols.Resumable`.

        A rig that lived on gives again what was taken and not recorded. A new one, of the same seed, lets the time pass
        that was recorded: without any write since then it is the same vessel.

        Raises:
            UnreadableSource: its samples are not those that were recorded.
        """
        known = {state.time_h: state for state in (*standing.states, *standing.refused)}
        if not known:
            return
        self._n_waited = self.inoculated_after
        latest = max(known)
        self._again = deque(state for state in self._given if state.time_h > latest)
        while self._n_due == 0 or self.true_state().time_h < latest:
            if self._n_due > 0:
                self.rig.plant.advance(self.rig.interval_days, [self.index])
            with suppress(SampleOverdue):
                self._refuse_another(self._sample(), known)
            while self._late_titer() is not None:
                pass  # it is on record

    def _refuse_another(self, sample: State, known: Mapping[float, State]) -> None:
        before = known.get(sample.time_h)
        for name, value in sample.measured().items() if before is not None else ():
            was = getattr(before, name)
            if was == was and was != value:
                text = (
                    f"{self.reactor_id}: {name} of the sample at {sample.time_h:g} h is {value:g} and was {was:g} when "
                    "it was recorded, so this is another vessel. A simulated vessel that was written to ends with its "
                    "program: start a new run."
                )
                raise UnreadableSource((text,), connector=self.reactor_id, operation="read_sample")

    async def read_setpoints(self) -> Setpoints:
        """What is in force now."""
        await self._link()
        return self._in_force()

    async def write_setpoints(self, setpoints: Setpoints) -> Setpoints:
        """Put setpoints in force from now on and return what the vessel acknowledges.

        Raises:
            WriteRejected: refused (a simulated fault), or physically impossible; nothing has changed.
            NotConnected: the acknowledgement is lost (a simulated fault); the write took effect.
        """
        await self._link()
        where = {"connector": self.reactor_id, "operation": "write_setpoints"}
        if self._n_due - 1 in self.faults.refused_writes:
            raise WriteRejected(f"{self.reactor_id}: the vessel refused the setpoints (a simulated fault).", **where)
        try:
            self.rig.plant.write(obeyed(setpoints), [self.index])
        except OutOfRange as error:
            raise WriteRejected(f"{self.reactor_id}: {error}", **where) from error
        if self._n_due - 1 in self.faults.lost_acknowledgements:
            raise NotConnected(f"{self.reactor_id}: no answer to the write (a simulated fault). Read back.", **where)
        return self._in_force()

    def _in_force(self) -> Setpoints:
        return shown(self.rig.plant.setpoints[self.index], self.panel)

    def true_state(self) -> State:
        """The truth about this vessel now, for benchmarks; never shown to a twin."""
        state = self.rig.plant.true_states()[self.index]
        return replace(state, time_h=round(state.time_h, 6))

    async def _link(self) -> None:
        if self.faults.latency_s > 0:
            await asyncio.sleep(self.faults.latency_s)

    def _late_titer(self) -> State | None:
        delay_h = 24.0 * self.sensors.settings.titer_delay_days
        if self._untitrated and self._untitrated[0].time_h + delay_h <= self.true_state().time_h:
            return measured(self.sensors.measure_titer(self._untitrated.popleft()), self.panel)
        return None
