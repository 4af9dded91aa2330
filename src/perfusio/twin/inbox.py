"""Samples as they arrive, sorted into the turns of the loop that they belong to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from math import ceil, isfinite
from typing import Any, TypeVar

from perfusio.errors import ConnectorError, EndOfRun, NotConnected, SampleOverdue, UnreadableSource
from perfusio.protocols import Connector
from perfusio.state import SETPOINTS, STATE_QUANTITIES, Setpoints, State
from perfusio.twin.dates import Dates
from perfusio.twin.patience import Patience, give_up

T = TypeVar("T")
MOST_AT_ONCE = 2000
"""Samples of one vessel in one turn; a source that has more may repeat itself for ever. The rest comes next turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One sample with the setpoints in force from it on.

    Attributes:
        sample: What was measured.
        setpoints: As the connector reports them, NaN where it does not say.
        is_due: Whether it is the sample of this turn; others lie in between or complete an earlier one.
        refused: Why it cannot have been taken yet; empty if it can.
    """

    sample: State
    setpoints: Setpoints
    is_due: bool
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A link that failed: during which operation, and why."""

    operation: str
    reason: str


class Inbox:
    """Reads all vessels side by side, and keeps what was read ahead of its day.

    Expected samples of a vessel are start + k x interval, its first sample being the start, matched within half an
    interval; one that lies half way belongs to the day before, so that twice as many samples are one due, one extra.

    Once a vessel has the sample of the turn the others have a time limit. A vessel that does not answer by then misses
    the turn; its call stays open and is heard in a later turn, so that a sample that is merely late is not lost.
    """

    def __init__(
        self,
        connectors: Mapping[str, Connector],
        interval_hours: float,
        patience: Patience | None = None,
        dates: Dates | None = None,
    ) -> None:
        self._connectors, self._interval = dict(connectors), interval_hours
        self._dates = dates
        self._patience = patience or Patience.usual(interval_hours)
        self._ahead: dict[str, State] = {}
        self._reading: dict[str, asyncio.Task[State]] = {}
        self._start: dict[str, tuple[int, float]] = {}  # turn and time of the first sample
        self._overdue_at_start: set[str] = set()
        self.over: set[str] = set()

    async def first_look(self) -> None:
        """Read one sample of each vessel, so that an unusable source is refused before anything is recorded.

        A vessel whose first sample is overdue is no such source: it misses the first turn, the others start.
        """
        looks = {reactor: asyncio.ensure_future(self._read(reactor)) for reactor in self._connectors}
        try:
            await self._in_time(looks, lambda: bool(self._ahead))
            for reactor, look in looks.items():
                try:
                    if not look.done():
                        raise SampleOverdue(f"{reactor}: no first sample yet.")
                    look.result()
                except SampleOverdue:
                    self._overdue_at_start.add(reactor)
        finally:
            for look in looks.values():
                give_up(look)

    def join(self, reactor: str, connector: Connector) -> None:
        """Read one more vessel from the next turn on."""
        self._connectors[reactor] = connector

    def leave(self, reactor: str) -> None:
        """Read a vessel no more."""
        self.over.add(reactor)
        self._ahead.pop(reactor, None)
        if reactor in self._reading:
            give_up(self._reading.pop(reactor))

    def close(self) -> None:
        """Give up the calls that are still open."""
        for reactor in list(self._reading):
            give_up(self._reading.pop(reactor))

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

    def goes_on(self, starts: Mapping[str, tuple[int, float]]) -> None:
        """Know the turn and the time [h] of the first samples, which an earlier program has read."""
        self._start = dict(starts)

    async def gather(
        self, turn: int, *, known: AbstractSet[str] = frozenset()
    ) -> dict[str, list[Arrival | Trouble]]:
        """Return what arrived for each vessel up to and including this turn; an empty list is a missing sample.

        Args:
            turn: Turn of the loop.
            known: Vessels of which the turn's sample is on record already, or that it did not come.
        """
        out: dict[str, list[Arrival | Trouble]] = {
            r: [] for r in self._connectors if (r in self._ahead or r not in self.over) and r not in known
        }
        readers = {r: asyncio.ensure_future(self._until(r, turn, arrived)) for r, arrived in out.items()}

        def has_begun() -> bool:
            return bool(known) or any(isinstance(a, Arrival) and a.is_due for arrived in out.values() for a in arrived)

        try:
            await self._in_time(readers, has_begun)
        finally:
            for reader in readers.values():
                give_up(reader)
        for reader in readers.values():
            if reader.done():
                reader.result()
        return {r: list(arrived) for r, arrived in out.items()}  # a reader given up must not add to it any more

    async def _in_time(self, readers: Mapping[str, asyncio.Future[None]], has_begun: Callable[[], bool]) -> None:
        """Wait for all readers, but from the moment that one `has_begun` only as long as patience lasts."""
        pending: set[asyncio.Future[Any]] = set(readers.values())
        timer: asyncio.Future[Any] | None = None
        try:
            while pending and not (timer is not None and timer.done()):
                if timer is None and has_begun():
                    timer = asyncio.ensure_future(self._patience.sleep(self._patience.samples_s))
                waited_for = pending | ({timer} if timer is not None else set())
                await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
                pending = {reader for reader in pending if not reader.done()}
        finally:
            if timer is not None:
                timer.cancel()

    async def _until(self, reactor: str, turn: int, out: list[Arrival | Trouble]) -> None:
        """Add what arrives for one vessel up to this turn to `out`."""
        if reactor in self._overdue_at_start:
            self._overdue_at_start.remove(reactor)
            return
        for _ in range(MOST_AT_ONCE):
            try:
                await self._read(reactor)
                if reactor not in self._ahead:
                    return
                if self._is_ahead_of_its_time(reactor, turn, out):
                    continue
                here = self._turn_of(reactor, self._ahead[reactor], turn)
            except SampleOverdue:
                return
            except Exception as error:  # noqa: BLE001 - a connector that breaks its promise is one vessel's trouble
                told = _trouble("read_sample", error)
                if told in out:
                    return
                out.append(told)
                if isinstance(error, UnreadableSource):
                    continue  # one bad file in a folder says nothing about the sample that is due: it may be there too
                return
            if here is not None and here > turn:
                return
            is_due = here == turn  # reading ends with the due one, so what completes it comes a turn later
            try:
                call = self._connectors[reactor].read_setpoints()
                setpoints = _checked(await self._patience.answer(call), Setpoints, SETPOINTS)
            except Exception as error:  # noqa: BLE001 - as above
                setpoints = Setpoints()
                out.append(_trouble("read_setpoints", error))
            out.append(Arrival(sample=self._ahead.pop(reactor), setpoints=setpoints, is_due=is_due))
            if is_due:
                return

    def _is_ahead_of_its_time(self, reactor: str, turn: int, out: list[Arrival | Trouble]) -> bool:
        """Whether a sample cannot have been taken yet; it is handed on as refused, and the next one is waited for."""
        if self._dates is None:
            return False
        sample, connector = self._ahead[reactor], self._connectors[reactor]
        why = self._dates.dated_ahead(connector, sample)
        if not why and (here := self._turn_of(reactor, sample, turn)) is not None:
            why = self._dates.turn_ahead(connector, reactor, sample, turn, here)
        if why:
            out.append(Arrival(sample=self._ahead.pop(reactor), setpoints=Setpoints(), is_due=False, refused=why))
        return bool(why)

    def _turn_of(self, reactor: str, sample: State, turn: int) -> int | None:
        """Return the turn that a sample belongs to, the first sample to this one; None if it has no usable time."""
        if not isfinite(sample.time_h):
            return None
        first_turn, first_h = self._start.setdefault(reactor, (turn, sample.time_h))
        return first_turn + ceil((sample.time_h - first_h) / self._interval - 0.5)

    async def _read(self, reactor: str) -> None:
        if reactor in self._ahead or reactor in self.over:
            return
        if reactor not in self._reading:
            self._reading[reactor] = asyncio.ensure_future(self._connectors[reactor].read_sample())
        task = self._reading[reactor]
        try:
            sample = await asyncio.shield(task)
        except EndOfRun:
            self.over.add(reactor)
        except asyncio.CancelledError:
            if task.cancelled():  # by the connector itself: that is its trouble, not the end of ours
                raise NotConnected("The connector broke the call off itself.") from None
            raise
        else:
            self._ahead[reactor] = _checked(sample, State, ("time_h", *STATE_QUANTITIES))
        finally:
            if task.done():
                self._reading.pop(reactor, None)


def _checked(found: object, expected: type[T], numbers: tuple[str, ...]) -> T:
    """Refuse what is not of the type that the protocol promises, or holds something else than numbers."""
    if not isinstance(found, expected):
        raise ConnectorError(f"Found {type(found).__name__} where a {expected.__name__} was expected: {found!r:.80}.")
    for name in numbers:
        if not isinstance(getattr(found, name), (float, int)):
            value = getattr(found, name)
            raise ConnectorError(f"{name} = {value!r:.80}: expected a number, NaN where it is not known.")
    return found


def _trouble(operation: str, error: Exception) -> Trouble:
    if isinstance(error, ConnectorError):
        return Trouble(operation=error.operation or operation, reason=str(error))
    return Trouble(operation=operation, reason=f"{type(error).__name__}: {error}")
