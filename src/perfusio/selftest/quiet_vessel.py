"""A vessel that costs nothing: good samples one after the other, and a memory of the writes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import EndOfRun, NotConnected, WriteRejected
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.examples import QUIET, QUIET_CHANGE, WRONG
from perfusio.protocols import ConnectorKind
from perfusio.state import Setpoints, State


def sample_of(day: int) -> State:
    """Return a good sample; no two days give the same values."""
    values = {name: value + QUIET_CHANGE[name] * day for name, value in QUIET.items()}
    return State.of_values(CHO_PERFUSION, 24.0 * day, values)


class QuietVessel:
    """A Connector to a simulated vessel.

    Attributes:
        written: All that was written, in order.
    """

    kind = ConnectorKind.SIMULATED
    confirms_at_once = True

    def __init__(self, n_days: int) -> None:
        self._n_days, self._day = n_days, -1
        self._in_force = DEFAULT_AMBR250_DESIGN_SPACE.nominal
        self.written: list[Setpoints] = []

    async def read_sample(self) -> State:
        """Return the next sample.

        Raises:
            EndOfRun: it was the last.
        """
        self._day += 1
        if self._day > self._n_days:
            raise EndOfRun
        return sample_of(self._day)

    async def read_setpoints(self) -> Setpoints:
        """Return the setpoints in force."""
        return self._in_force

    async def write_setpoints(self, setpoints: Setpoints) -> Setpoints:
        """Put setpoints in force."""
        self.written.append(setpoints)
        self._in_force = setpoints
        return setpoints


class UnreliableVessel(QuietVessel):
    """A vessel whose link fails, hangs for a moment, and talks nonsense, as a seed says.

    Attributes:
        n_faults: How often it did.
    """

    def __init__(self, n_days: int, *, seed: int, share: float) -> None:
        super().__init__(n_days)
        self._rng, self._share = np.random.default_rng(seed), share
        self.n_faults = 0

    async def read_sample(self) -> State:
        """Return the next sample, or nonsense; a link that fails has not lost the sample.

        Raises:
            NotConnected: the link is down for once.
            EndOfRun: it was the last.
        """
        kind = await self._fault()
        if kind == "raises":
            raise NotConnected("The link is down.")
        if kind == "breaks":
            raise RuntimeError("A driver with a bug.")
        sample = await super().read_sample()
        if kind != "nonsense":
            return sample
        wrong: Mapping[str, Any] = WRONG[int(self._rng.integers(len(WRONG)))]
        return replace(sample, **wrong)

    async def read_setpoints(self) -> Setpoints:
        """Return the setpoints in force.

        Raises:
            NotConnected: the link is down for once.
        """
        if await self._fault() == "raises":
            raise NotConnected("The link is down.")
        return await super().read_setpoints()

    async def write_setpoints(self, setpoints: Setpoints) -> Setpoints:
        """Put setpoints in force, or not.

        Raises:
            WriteRejected: nothing was changed.
        """
        if await self._fault() == "raises":
            raise WriteRejected("Not now.")
        return await super().write_setpoints(setpoints)

    async def _fault(self) -> str:
        if self._rng.random() >= self._share:
            return ""
        self.n_faults += 1
        kind = str(self._rng.choice(["raises", "hangs", "nonsense", "breaks"]))
        if kind == "hangs":
            await asyncio.sleep(0.01)
        return kind
