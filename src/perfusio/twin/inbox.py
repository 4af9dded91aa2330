"""Samples as they arrive, sorted into the turns of the loop that they belong to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, isfinite

from perfusio.errors import ConnectorError, EndOfRun, SampleOverdue
from perfusio.protocols import Connector
from perfusio.state import Setpoints, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One sample with the setpoints in force from it on.

    Attributes:
        sample: What was measured.
        setpoints: As the connector reports them, NaN where it does not say.
        is_due: Whether it is the sample of this turn; others lie in between or complete an earlier one.
    """

    sample: State
    setpoints: Setpoints
    is_due: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A link that failed: during which operation, and why."""

    operation: str
    reason: str


class Inbox:
    """Reads all vessels side by side, and keeps what was read ahead of its day.

    Expected samples of a vessel are start + k x interval, its first sample being the start, matched within half an
    interval; one that lies half way belongs to the day before, so that twice as many samples are one due, one extra.
    """

    def __init__(self, connectors: Mapping[str, Connector], interval_hours: float) -> None:
        self._connectors, self._interval = connectors, interval_hours
        self._ahead: dict[str, State] = {}
        self._start: dict[str, tuple[int, float]] = {}  # turn and time of the first sample
        self._overdue_at_start: set[str] = set()
        self.over: set[str] = set()

    async def first_look(self) -> None:
        """Read one sample of each vessel, so that an unusable source is refused before anything is recorded.

        A vessel whose first sample is overdue is no such source: it misses the first turn, the others start.
        """
        for reactor in self._connectors:
            try:
                await self._read(reactor)
            except SampleOverdue:
                self._overdue_at_start.add(reactor)

    @property
    def is_over(self) -> bool:
        """Whether no vessel will ever have a further sample."""
        return self.over == set(self._connectors) and not self._ahead

    @property
    def is_reading_ahead(self) -> bool:
        """Whether samples of later turns are already here."""
        return bool(self._ahead)

    def expected_h(self, reactor: str, turn: int) -> float:
        """Return the time at which the sample of a turn was expected [h]."""
        first_turn, first_h = self._start.get(reactor, (0, 0.0))
        return first_h + (turn - first_turn) * self._interval

    async def gather(self, turn: int) -> dict[str, list[Arrival | Trouble]]:
        """Return what arrived for each vessel up to and including this turn; an empty list is a missing sample."""
        due = [r for r in self._connectors if r in self._ahead or r not in self.over]
        arrived = await asyncio.gather(*(self._until(reactor, turn) for reactor in due))
        return dict(zip(due, arrived, strict=True))

    async def _until(self, reactor: str, turn: int) -> list[Arrival | Trouble]:
        out: list[Arrival | Trouble] = []
        if reactor in self._overdue_at_start:
            self._overdue_at_start.remove(reactor)
            return out
        while True:
            try:
                await self._read(reactor)
            except SampleOverdue:
                return out
            except Exception as error:  # noqa: BLE001 - a connector that breaks its promise is one vessel's trouble
                return [*out, _trouble("read_sample", error)]
            if reactor not in self._ahead:
                return out
            sample = self._ahead[reactor]
            here = self._turn_of(reactor, sample, turn)
            if here is not None and here > turn:
                return out
            del self._ahead[reactor]
            is_due = here == turn  # reading ends with the due one, so what completes it comes a turn later
            try:
                setpoints = await self._connectors[reactor].read_setpoints()
            except Exception as error:  # noqa: BLE001 - as above
                setpoints = Setpoints()
                out.append(_trouble("read_setpoints", error))
            out.append(Arrival(sample=sample, setpoints=setpoints, is_due=is_due))
            if is_due:
                return out

    def _turn_of(self, reactor: str, sample: State, turn: int) -> int | None:
        """Return the turn that a sample belongs to, the first sample to this one; None if it has no usable time."""
        if not isfinite(sample.time_h):
            return None
        first_turn, first_h = self._start.setdefault(reactor, (turn, sample.time_h))
        return first_turn + ceil((sample.time_h - first_h) / self._interval - 0.5)

    async def _read(self, reactor: str) -> None:
        if reactor in self._ahead or reactor in self.over:
            return
        try:
            self._ahead[reactor] = await self._connectors[reactor].read_sample()
        except EndOfRun:
            self.over.add(reactor)


def _trouble(operation: str, error: Exception) -> Trouble:
    if isinstance(error, ConnectorError):
        return Trouble(operation=error.operation or operation, reason=str(error))
    return Trouble(operation=operation, reason=f"{type(error).__name__}: {error}")
