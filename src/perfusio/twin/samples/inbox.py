"""Samples as they arrive, sorted into the turns of the loop that they belong to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import partial
from math import ceil, isfinite
from typing import Any

from perfusio.clock import Clock, SystemClock
from perfusio.errors import SampleOverdue
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.protocols import Connector, shows_at_once
from perfusio.state import Setpoints, State
from perfusio.twin.samples.future_dates import Dates
from perfusio.twin.samples.sampling_schedule import SamplingSchedule, Wait
from perfusio.twin.samples.sensor_rows import SensorRows
from perfusio.twin.samples.vessel_reader import USABLE_AFTER_S, NobodyTold, ReadingTroubles, VesselReader
from perfusio.twin.state.arrival import Arrival
from perfusio.twin.timeouts import Patience, give_up

MOST_AT_ONCE = 2000
"""Samples of one vessel in one turn; a source that has more may repeat itself for ever. The rest comes next turn."""
LAST_LOOK_S = 60.0
"""For a turn that has passed before it was waited for: rows that the source holds already are read, and no more [s]."""


class Inbox:
    """Reads all vessels side by side, and keeps samples read ahead of their turn.

    Expected samples of a vessel are start + k x interval, its first sample being the start, matched within half an
    interval; one that lies half way belongs to the turn before, so that twice as many samples are one due, one extra.

    A turn of a vessel ends with its sample, with the end of its source, or, where samples are still to be taken, when
    the next one is due: never with a read that fails, which is tried again. Once a vessel has the sample of the turn,
    the others have a time limit. A vessel that does not answer by then misses the turn; its call stays open and is
    heard in a later turn, so that a sample that is merely late is not lost.

    Args:
        connectors: By reactor id.
        interval_hours: Between two samples [h].
        patience: How long the other vessels of a turn are waited for.
        dates: Tells samples that cannot have been taken yet.
        pace: When turns end.
        clock: Of the run.
        troubles: Who is told of reads that fail.
        decides_on_signals: Whether a signal is a sample that is decided on.
        process: Of the run.
    """

    def __init__(
        self,
        connectors: Mapping[str, Connector],
        interval_hours: float,
        patience: Patience | None = None,
        dates: Dates | None = None,
        *,
        pace: SamplingSchedule | None = None,
        clock: Clock | None = None,
        troubles: ReadingTroubles | None = None,
        decides_on_signals: bool = False,
        process: Panel = CHO_PERFUSION,
    ) -> None:
        self._interval, self._dates, self._process = interval_hours, dates, process
        self._decides_on_signals, self._sensors = decides_on_signals, SensorRows(interval_hours, process)
        self._clock = clock or SystemClock()
        self._pace = pace or SamplingSchedule(self._clock, interval_hours)
        self._patience = patience or Patience.usual(interval_hours).on(self._clock)
        self._troubles = troubles or NobodyTold()
        self._readers: dict[str, VesselReader] = {}
        for reactor, connector in connectors.items():
            self.join(reactor, connector)
        self._start: dict[str, tuple[int, float]] = {}  # turn and time of the first sample
        self._lost_at_start: set[str] = set()
        self._waits: dict[str, Wait] = {}
        self.turn: int | None = None  # whose samples are waited for
        self._entered: dict[str, asyncio.Event] = {}  # that a person has typed the sample of the turn
        self._others_until_ns: int | None = None

    # -- who is there --------------------------------------------------------------------------------------------------

    def join(self, reactor: str, connector: Connector) -> None:
        """Read one more vessel from the next turn on."""
        self._readers[reactor] = VesselReader(
            reactor, connector, self._clock, self._patience, self._troubles, self._process
        )

    def leave(self, reactor: str) -> None:
        """Read a vessel no more."""
        reader = self._readers[reactor]
        reader.is_over, reader.ahead, reader.failing_since_ns = True, None, None
        reader.close()

    def forget(self, reactor: str) -> None:
        """Know nothing of a vessel any more: the run has not begun."""
        self._readers.pop(reactor).close()

    def close(self) -> None:
        """Give up the calls that are still open."""
        for reader in self._readers.values():
            reader.close()

    @property
    def over(self) -> set[str]:
        """The vessels that will never have a further sample."""
        return {reactor for reactor, reader in self._readers.items() if reader.is_over}

    @property
    def is_over(self) -> bool:
        """Whether no vessel will ever have a further sample."""
        return all(reader.is_over and reader.ahead is None for reader in self._readers.values())

    @property
    def is_reading_ahead(self) -> bool:
        """Whether samples of later turns are already here."""
        return any(reader.ahead is not None for reader in self._readers.values())

    def expected_h(self, reactor: str, turn: int) -> float:
        """Return the time at which the sample of a turn was expected [h]."""
        first_turn, first_h = self._start.get(reactor, (0, 0.0))
        return first_h + (turn - first_turn) * self._interval

    def goes_on(self, starts: Mapping[str, tuple[int, float]], failing: AbstractSet[str] = frozenset()) -> None:
        """Take over the reads of an earlier program.

        Args:
            starts: Turn and time [h] of the first samples.
            failing: Vessels that could not be read, which is on record.
        """
        self._start = dict(starts)
        for reactor in failing & set(self._readers):
            self._readers[reactor].failing_since_ns = self._clock.monotonic_ns()

    # -- what is going on ----------------------------------------------------------------------------------------------

    def waits(self) -> dict[str, Wait]:
        """Return the present waits, by reactor id."""
        until = self._others_until_ns
        return {
            reactor: wait if until is None else Wait(turn=wait.turn, since_ns=wait.since_ns, until_ns=until)
            for reactor, wait in self._waits.items()
        }

    def failing_s(self) -> dict[str, float]:
        """Return for how long vessels could not be read [s], by reactor id; those that can are not there."""
        now = self._clock.monotonic_ns()
        since = {reactor: reader.failing_since_ns for reactor, reader in self._readers.items()}
        return {reactor: (now - ns) / 1e9 for reactor, ns in since.items() if ns is not None}

    def note_if_well(self) -> None:
        """Tell of sources that failed and are waiting for a sample now."""
        for reader in self._readers.values():
            reader.note_if_well()

    # -- reading -------------------------------------------------------------------------------------------------------

    async def first_look(self) -> None:
        """Read one sample of each vessel, so that an unusable source is refused before anything is recorded.

        A vessel whose first sample is overdue is no such source, nor is one that fails after a minute: one that is live
        is waited for, unless others have started; a simulated one misses the first turn.

        Raises:
            ConnectorError: a source cannot be used.
        """
        looks = {reactor: asyncio.ensure_future(self._first_of(reader)) for reactor, reader in self._readers.items()}
        self._await(looks, 0)
        try:
            await self._in_time(looks, lambda: self.is_reading_ahead)
            for reactor, look in looks.items():
                if not look.done():
                    self._lost_at_start.add(reactor)
        finally:
            self._waits, self._others_until_ns = {}, None
            for look in looks.values():
                give_up(look)

    async def _first_of(self, reader: VesselReader) -> None:
        began = self._clock.monotonic_ns()
        try:
            await reader.look()
        except Exception as error:
            was_usable = self._clock.monotonic_ns() - began >= USABLE_AFTER_S * 1e9
            if reader.is_live and (was_usable or isinstance(error, SampleOverdue)):
                await reader.next()
            elif isinstance(error, SampleOverdue):
                self._lost_at_start.add(reader.reactor)
            else:
                raise

    async def gather(self, turn: int, *, known: AbstractSet[str] = frozenset()) -> dict[str, list[Arrival]]:
        """Return the arrivals of each vessel up to and including this turn; an empty list is a missing sample.

        Args:
            turn: Turn of the loop.
            known: Vessels of which the turn's sample is on record already, or that it did not come.
        """
        out: dict[str, list[Arrival]] = {
            reactor: []
            for reactor, reader in self._readers.items()
            if (reader.ahead is not None or not reader.is_over) and reactor not in known
        }
        self.turn, self._entered = turn, {reactor: asyncio.Event() for reactor in out}
        readers = {r: asyncio.ensure_future(self._while_it_lasts(r, turn, arrived)) for r, arrived in out.items()}
        self._await(readers, turn)

        def has_begun() -> bool:
            return bool(known) or any(a.is_due for arrived in out.values() for a in arrived)

        try:
            await self._in_time(readers, has_begun)
        finally:
            self._waits, self._others_until_ns, self.turn = {}, None, None
            for reader in readers.values():
                give_up(reader)
        # copies: a reader given up must not add to them any more
        return {r: self._settled(r, turn, list(arrived)) for r, arrived in out.items()}

    def _settled(self, reactor: str, turn: int, arrived: list[Arrival]) -> list[Arrival]:
        """Take the last row of a sensor for the sample of a turn that had none."""
        if not any(a.is_due for a in arrived):
            for i, a in reversed(list(enumerate(arrived))):
                if not a.refused and not a.sample.is_signal and self._turn_of(reactor, a.sample, turn) == turn:
                    arrived[i] = replace(a, is_due=True)
                    break
        return arrived

    def _await(self, readers: Mapping[str, asyncio.Future[None]], turn: int) -> None:
        """Note the waits from now on, until each reader is done."""
        now = self._clock.monotonic_ns()
        for reactor, reader in readers.items():
            left = self._pace.left_s(reactor, turn + 1) if self._readers[reactor].is_live else None
            until = None if left is None else now + int(left * 1e9)
            wait = self._waits[reactor] = Wait(turn=turn, since_ns=now, until_ns=until)
            reader.add_done_callback(partial(self._waited, reactor, wait))

    def _waited(self, reactor: str, wait: Wait, _: object) -> None:
        if self._waits.get(reactor) is wait:
            del self._waits[reactor]

    async def _in_time(self, readers: Mapping[str, asyncio.Future[None]], has_begun: Callable[[], bool]) -> None:
        """Wait for all readers, but from the moment that one `has_begun` only as long as patience lasts."""
        pending: set[asyncio.Future[Any]] = set(readers.values())
        timer: asyncio.Future[Any] | None = None
        try:
            while pending and not (timer is not None and timer.done()):
                if timer is None and has_begun():
                    timer = asyncio.ensure_future(self._patience.sleep(self._patience.samples_s))
                    self._others_until_ns = self._clock.monotonic_ns() + int(self._patience.samples_s * 1e9)
                waited_for = pending | ({timer} if timer is not None else set())
                done, _ = await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
                for reader in done & pending:
                    reader.result()
                pending -= done
        finally:
            if timer is not None:
                timer.cancel()

    async def _while_it_lasts(self, reactor: str, turn: int, out: list[Arrival]) -> None:
        """Add arrivals of one vessel up to this turn to `out`, for as long as its turn lasts."""
        if not self._readers[reactor].is_live:
            await self._until(reactor, turn, out)
            return
        reading = asyncio.ensure_future(self._until(reactor, turn, out))
        passing = asyncio.ensure_future(self._has_passed(reactor, turn))
        typing = asyncio.ensure_future(self._entered[reactor].wait())
        try:
            await asyncio.wait({reading, passing, typing}, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                reading.result()
        finally:
            passing.cancel()
            typing.cancel()
            give_up(reading)

    async def by_hand(self, reactor: str, sample: State) -> Arrival | None:
        """Return a sample that a person has typed as an arrival of this turn; None if none is waited for any more."""
        reader, setpoints = self._readers[reactor], Setpoints(panel=self._process)
        if shows_at_once(reader.connector):
            setpoints = await reader.setpoints()
        if (turn := self.turn) is None:
            return None
        if reactor not in self._start:
            why = "Nothing was measured in this vessel yet: its first sample comes from its source."
        elif (self._turn_of(reactor, sample, turn) or 0) > turn:
            why = f"Its turn has not begun: expected now is the sample of hour {self.expected_h(reactor, turn):g}."
        else:
            why = self._ahead_of_its_time(reactor, sample, turn)
        is_due = not why and self._turn_of(reactor, sample, turn) == turn and not sample.is_signal
        return Arrival(sample=sample, setpoints=setpoints, is_due=is_due, refused=why, is_typed=True)

    def end_wait(self, reactor: str) -> None:
        """Wait no more for the sample of this turn: a person has typed it."""
        if reactor in self._entered:
            self._entered[reactor].set()

    async def _has_passed(self, reactor: str, turn: int) -> None:
        """Return when the sample after that of this turn is due; never for a vessel that has no sample yet."""
        if self._pace.has_passed(reactor, turn):
            await self._clock.sleep(LAST_LOOK_S)
        while not self._pace.has_passed(reactor, turn):
            left = self._pace.left_s(reactor, turn + 1)
            await self._clock.sleep(LAST_LOOK_S if left is None else left)

    async def _until(self, reactor: str, turn: int, out: list[Arrival]) -> None:
        """Add arrivals of one vessel up to this turn to `out`."""
        reader = self._readers[reactor]
        if reactor in self._lost_at_start:
            self._lost_at_start.remove(reactor)
            return
        for _ in range(MOST_AT_ONCE):
            sample = await reader.next()
            if sample is None:
                return
            if why := self._ahead_of_its_time(reactor, sample, turn):
                unknown = Setpoints(panel=self._process)
                out.append(Arrival(sample=reader.take(), setpoints=unknown, is_due=False, refused=why))
                continue
            here = self._turn_of(reactor, sample, turn)
            is_sample = self._decides_on_signals or not sample.is_signal
            if here is not None and here > turn and is_sample:
                return  # a signal of the next turn ends none: the sample of this one may still come
            is_sample = is_sample and (self._decides_on_signals or not self._sensors.follow(reactor, sample))
            # reading ends with the due one, so what completes it comes a turn later
            is_due = here == turn and is_sample
            setpoints = await reader.setpoints()
            out.append(Arrival(sample=reader.take(), setpoints=setpoints, is_due=is_due))
            if is_due:
                return

    def _ahead_of_its_time(self, reactor: str, sample: State, turn: int) -> str:
        """Return why a sample cannot have been taken yet; it is handed on as refused, and the next is waited for."""
        if self._dates is None:
            return ""
        connector = self._readers[reactor].connector
        why = self._dates.dated_ahead(connector, sample)
        if not why and (here := self._turn_of(reactor, sample, turn)) is not None:
            why = self._dates.turn_ahead(connector, reactor, sample, turn, here)
        return why

    def _turn_of(self, reactor: str, sample: State, turn: int) -> int | None:
        """Return the turn that a sample belongs to, the first sample to this one; None if it has no usable time."""
        if not isfinite(sample.time_h):
            return None
        first_turn, first_h = self._start.setdefault(reactor, (turn, sample.time_h))
        return first_turn + ceil((sample.time_h - first_h) / self._interval - 0.5)
