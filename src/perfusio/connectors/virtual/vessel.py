"""One vessel of a virtual rig, behind the Connector protocol."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from perfusio.connectors.virtual.rig import SharedTime
from perfusio.errors import (
    EndOfRun,
    NotConnected,
    OutOfRange,
    SampleOverdue,
    UnreadableSource,
    WriteRejected,
)
from perfusio.plant.of_process import measured, obeyed, shown
from perfusio.plant.sensors import Sensors
from perfusio.process.panel import Panel
from perfusio.protocols import ConnectorKind, Standing
from perfusio.state import Setpoints, State

REMEMBERED = 100
"""Latest samples that a vessel can give again to a program that did not record them."""
_NO_DAYS: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Faults of one vessel's link. Numbers are of the sample (0 = inoculation) last due.

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


@dataclass(slots=True, kw_only=True, eq=False)
class SimulatedVessel:
    """One vessel of a `SimulatedAmbr250`, behind the Connector protocol.

    Attributes:
        time: Of its rig, with all vessels.
        panel: The process of the rig.
        index: Its place in the rig.
        reactor_id: Its name.
        sensors: Its analyzers.
        faults: Faults of its link.
        kind: SIMULATED.
        inoculated_after: How many samples are overdue before its first one.
    """

    time: SharedTime
    panel: Panel
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
        """Let a sampling interval pass (not before the first sample) and return the analyzers' reports.

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
        if self.time.is_over(self.inoculated_after + self._n_due):
            raise EndOfRun(f"{self.reactor_id}: the simulated run is over after {self._n_due} samples.")
        if self._n_due > 0:
            await self.time.pass_interval(self.index)
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

    def goes_on(self, standing: Standing) -> None:
        """Go on where an earlier program stood; see `perfusio.protocols.Resumable`.

        A rig that lived on gives again the sample that was taken and not recorded. A new one, of the same seed, lets
        the time pass that was recorded: without any write since then it is the same vessel.

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
                self.time.plant.advance(self.time.interval_days, [self.index])
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
        """Setpoints in force now."""
        await self._link()
        return self._in_force()

    async def write_setpoints(self, setpoints: Setpoints) -> Setpoints:
        """Put setpoints in force from now on and return the acknowledged ones.

        Raises:
            WriteRejected: refused (a simulated fault), or physically impossible; nothing has changed.
            NotConnected: the acknowledgement is lost (a simulated fault); the write took effect.
        """
        await self._link()
        where = {"connector": self.reactor_id, "operation": "write_setpoints"}
        if self._n_due - 1 in self.faults.refused_writes:
            raise WriteRejected(f"{self.reactor_id}: the vessel refused the setpoints (a simulated fault).", **where)
        try:
            self.time.plant.write(obeyed(setpoints), [self.index])
        except OutOfRange as error:
            raise WriteRejected(f"{self.reactor_id}: {error}", **where) from error
        if self._n_due - 1 in self.faults.lost_acknowledgements:
            raise NotConnected(f"{self.reactor_id}: no answer to the write (a simulated fault). Read back.", **where)
        return self._in_force()

    def _in_force(self) -> Setpoints:
        return shown(self.time.plant.setpoints[self.index], self.panel)

    def true_state(self) -> State:
        """The truth about this vessel now, for benchmarks; never shown to a twin."""
        state = self.time.plant.true_states()[self.index]
        return replace(state, time_h=round(state.time_h, 6))

    async def _link(self) -> None:
        if self.faults.latency_s > 0:
            await asyncio.sleep(self.faults.latency_s)

    def _late_titer(self) -> State | None:
        delay_h = 24.0 * self.sensors.settings.titer_delay_days
        if self._untitrated and self._untitrated[0].time_h + delay_h <= self.true_state().time_h:
            return measured(self.sensors.measure_titer(self._untitrated.popleft()), self.panel)
        return None
