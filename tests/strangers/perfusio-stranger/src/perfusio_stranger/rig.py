"""A rig on the bench: one vessel, whose samples stand in a text file, a line each: hour, cells, viability, titer."""

import os
from pathlib import Path

from perfusio.config import DesignSpace
from perfusio.connectors.opening import Opening
from perfusio.errors import EndOfRun, WriteRejected
from perfusio.protocols import ConnectorKind, Standing
from perfusio.state import Setpoints, State


class BenchRig:
    """Connector to the rig.

    Args:
        path: The text file.
        highest_bleed: Largest bleed that the pump can do [1/day].
        opening: Handed over by perfusio.
    """

    kind = ConnectorKind.SIMULATED
    confirms_at_once = True

    def __init__(self, *, path: Path, highest_bleed: float = 1.0, opening: Opening) -> None:
        self.panel = opening.process
        self._path, self._highest = path, highest_bleed
        lines = path.read_text(encoding="utf-8").splitlines()
        self._samples = [[float(cell) for cell in line.split()] for line in lines]
        self._at, self._in_force = 0, DesignSpace.of(self.panel).nominal

    def describe(self) -> dict[str, str]:
        """Say where the samples come from."""
        return {"file": self._path.name}

    def goes_on(self, standing: Standing) -> None:
        """Go on behind the samples that an earlier program has read."""
        known = {sample.time_h for sample in (*standing.states, *standing.refused)}
        self._at = sum(hour in known for hour, *_ in self._samples)
        self._in_force = standing.in_force

    async def read_sample(self) -> State:
        """Return the next line."""
        if self._at == len(self._samples):
            raise EndOfRun
        if str(self._at) == os.environ.get("BENCH_RIG_DIES_AT"):  # as if the machine lost its power
            os._exit(9)
        hour, vcd, viability, titer = self._samples[self._at]
        self._at += 1
        rest = {"glutamine": 2.0, "glutamate": 1.0, "lactate": 8.0, "ammonium": 1.5, "pyruvate": 1.0, "glucose": 4.0}
        return State.of_values(self.panel, hour, {"vcd": vcd, "viability": viability, "titer": titer, **rest})

    async def read_setpoints(self) -> Setpoints:
        """Return the setpoints in force."""
        return self._in_force

    async def write_setpoints(self, setpoints: Setpoints) -> Setpoints:
        """Take setpoints that the pump can do."""
        if setpoints.bleed_rate > self._highest:
            raise WriteRejected(f"The pump does at most {self._highest:g} 1/day.")
        self._in_force = setpoints
        return setpoints
