"""SqlStore: samples from a table of a database, setpoints into another, on SQLite or PostgreSQL.

A row of `samples` is one sample; its setpoint columns are in force **from that sample to the next one**. A
controller acts on rows of `setpoints` whose status is ``asked``, before their `not_after`, and acknowledges them there.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Self

from perfusio.clock import Clock, SystemClock
from perfusio.connectors.database.controller import Controller
from perfusio.connectors.database.database import Database
from perfusio.connectors.database.lease import SqlLease
from perfusio.connectors.database.samples import SqlSample
from perfusio.connectors.database.source import NO_UNITS, Seen, VesselSource
from perfusio.connectors.following import Polling, told
from perfusio.connectors.handed_out import HandedOut
from perfusio.errors import (
    ConfigError,
    EndOfRun,
    NotConnected,
    SampleOverdue,
    UnreadableSource,
    WriteRejected,
)
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.protocols import ConnectorKind, Holder, Standing
from perfusio.state import Setpoints, State
from perfusio.verified_write import refuse_impossible

AWAY_SECONDS = 30.0
"""A server that was restarted is there again by then; a read that still fails is told, and tried on by the twin."""


class SqlStore:
    """One vessel, seen through a database with one row per sample.

    Args:
        where: Path of an SQLite file, or a URL: ``postgresql://user@host/database``.
        run: Which run, if the database holds several.
        reactor: Which vessel, if it holds several; or take all of them with `vessels()`.
        follow: Wait for new rows instead of ending after the last one. Default: as `actuates`.
        actuates: A controller acts on the table of setpoints. The store then counts as HARDWARE.
        poll_seconds: How often new rows are looked for [s].
        timeout_seconds: How long a sample is waited for; None = for ever [s].
        acknowledge_seconds: How long a controller has to acknowledge; afterwards the request is withdrawn [s].
        create: Make the SQLite file if there is none.
        panel: The process whose quantities the rows hold.
        units: Unit of the numbers of a quantity, by its name, where the rows are in another one, or where perfusio
            asked; ``"not measured"`` for numbers that are none. It counts for the table `samples`.
        clock: Where the times in the table of setpoints come from.
        sleep: Wait between two looks; a test can bring its own.

    Attributes:
        kind: REPLAY, or HARDWARE with `actuates`.

    Raises:
        UnreadableSource: there is no such SQLite file. (Its content is checked at the first use.)
        ConfigError: the options contradict each other, or that kind of database cannot be used.
    """

    def __init__(
        self,
        where: str | Path,
        *,
        run: str | None = None,
        reactor: str | None = None,
        follow: bool | None = None,
        actuates: bool = False,
        poll_seconds: float = 5.0,
        timeout_seconds: float | None = None,
        acknowledge_seconds: float = 60.0,
        create: bool = False,
        panel: Panel = CHO_PERFUSION,
        units: Mapping[str, str] = NO_UNITS,
        clock: Clock | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        if follow is False and actuates:
            raise ConfigError(
                "actuates=True with follow=False: finished rows are history and must not move a vessel. Leave follow "
                "away, so that new rows are waited for."
            )
        for name, seconds in (("poll_seconds", poll_seconds), ("acknowledge_seconds", acknowledge_seconds)):
            if not seconds > 0:
                raise ConfigError(f"{name}={seconds!r}: expected a time above 0 s.")
        self.kind = ConnectorKind.HARDWARE if actuates else ConnectorKind.REPLAY
        self.confirms_at_once = actuates  # a replay is history, which a write does not change
        self.shows_at_once = False  # a controller acknowledges our requests; a person's change comes with a sample
        self._lease: SqlLease | None = None
        self._database = Database(where, create=create)
        self._follows = actuates if follow is None else follow
        self.panel = panel
        self._source = VesselSource(self._database, run, reactor, grows=self._follows, panel=panel, units=units)
        self._pace = Polling(
            poll_seconds=poll_seconds, timeout_seconds=timeout_seconds, sleep=sleep, away_seconds=AWAY_SECONDS
        )
        self._controller = Controller(
            self._database, self._source, panel, clock=clock or SystemClock(), sleep=sleep,
            acknowledge_seconds=acknowledge_seconds if actuates else None,
        )  # fmt: skip
        self._handed_out: HandedOut[SqlSample] = HandedOut()
        self._seen: Seen | None = None

    # -- the Connector protocol --------------------------------------------------------------------------------------

    async def read_sample(self) -> State:
        """Return the next sample; where new rows are followed, wait for it.

        A replay holds its first read, so a database that goes away does not end it. A value that is filled in later
        for a sample already read comes as a state of its own, with the time of that sample and only the new values; a
        value that is another one now is a correction, and comes with its whole row.

        A read that fails loses nothing: the next call goes on as soon as the database is well again.

        Raises:
            EndOfRun: a replay is over.
            SampleOverdue: no new row came in time.
            NotConnected: the database cannot be reached now.
            UnreadableSource: the database is refused for now, or rows that were read are not there any more.
        """
        with told(self._database.name, "read_sample"):
            if self._follows:
                return await self._pace.until_news(self._look, self._overdue)
            if self._seen is None:
                self._take(await asyncio.to_thread(self._source.news, None))
            state = self._handed_out.next()
            if state is None:
                raise EndOfRun(f"{self._database.name} has no sample after its {self._handed_out.n}.")
            return state

    async def read_setpoints(self) -> Setpoints:
        """Return the setpoints in force: those of the last sample, or those acknowledged since.

        At the first call a request that an earlier program left open is withdrawn.

        Raises:
            NotConnected: the database cannot be asked for acknowledged setpoints.
        """
        return await self._controller.in_force(self._handed_out.last)

    async def write_setpoints(self, setpoints: Setpoints) -> Setpoints:
        """Ask for setpoints in a row of their own, for the time of the sample last read; the same twice is one row.

        In a replay this is advice, and returned as written. Otherwise a controller has `acknowledge_seconds` to
        acknowledge; a request that it does not answer is withdrawn, and a controller never acts on one after its
        `not_after`.

        Returns:
            The written setpoints, or those that the controller acknowledged.

        Raises:
            WriteRejected: not written; the message says why, and the remedy.
            NotConnected: the database went away, or no controller answered: it must be read back.
        """
        self._check(setpoints)
        time_h = self._handed_out.latest_h
        assert time_h is not None  # `_check` came before
        return await self._controller.ask(setpoints, time_h, self._lease)

    async def take(self, holder: Holder) -> None:
        """Take the vessel for one twin.

        Raises:
            VesselTaken: another twin asks the controller for setpoints.
            NotConnected: the database does not answer.
        """
        if self._lease is None:
            self._lease = SqlLease(self._database, *self._source.named)
        await asyncio.to_thread(self._lease.take, holder)

    async def give_back(self) -> None:
        """Let another twin take the vessel."""
        if self._lease is not None:
            await asyncio.to_thread(self._lease.give_back)

    def goes_on(self, standing: Standing) -> None:
        """Go on where an earlier program stood; see `perfusio.protocols.Resumable`.

        A database that cannot be read at this moment is held against the rows that were read as soon as it can be.

        Raises:
            UnreadableSource: rows that were read are not there any more, or the database is another one.
        """
        self._handed_out, self._seen = HandedOut(), None
        self._handed_out.goes_on(standing)
        try:
            with told(self._database.name, "read_sample"):
                seen = self._source.news(None)
        except (NotConnected, UnreadableSource):
            return
        self._take(seen)

    # -- what the database holds -------------------------------------------------------------------------------------

    def vessels(self) -> dict[str, Self]:
        """Return one store per vessel; they share the database.

        Raises:
            UnreadableSource: no row names a reactor, or the database is refused.
            NotConnected: it cannot be reached.
        """
        return {name: self._narrowed(source) for name, source in self._source.vessels().items()}

    @property
    def name(self) -> str:
        """Name of the database."""
        return self._database.name

    async def first_rows(self) -> None:
        """Return once there is a sample: it may name the vessels. None is handed out.

        Raises:
            SampleOverdue: none came in time.
            UnreadableSource: the database is refused.
            NotConnected: it cannot be reached.
        """
        if self._follows:
            with told(self.name, "read_sample"):
                await self._pace.until_news(self._has_rows, self._overdue)

    async def reactors(self) -> set[str]:
        """Return the names of all vessels of the run in the database.

        Raises:
            UnreadableSource: the database is refused.
            NotConnected: it cannot be reached.
        """
        with told(self.name, "read_sample"):
            return await asyncio.to_thread(self._source.reactors)

    async def _has_rows(self) -> bool | None:
        return await asyncio.to_thread(self._source.has_rows) or None

    def called(self, reactor: str) -> Self:
        """Return the store of one vessel, whether a sample of it has come or not."""
        return self._narrowed(self._source.called(reactor))

    @property
    def is_fresh(self) -> bool:
        """Whether the sample last read had come since the database was first looked at."""
        return self._handed_out.is_fresh

    @property
    def untold_units(self) -> Collection[str]:
        """Quantities whose unit neither a person nor the first rows have told."""
        return self._source.units.untold

    @property
    def looks_every_s(self) -> float:
        """Time between two looks for new rows [s]."""
        return self._pace.poll_seconds

    @property
    def follows(self) -> bool:
        """Whether new rows are waited for."""
        return self._follows

    @property
    def warnings(self) -> tuple[str, ...]:
        """Requests that were found open and withdrawn, in sentences."""
        no_lease = self._lease.warning if self._lease is not None else ""
        return (*self._controller.notes, *([no_lease] if no_lease else []))

    def describe(self) -> dict[str, Any]:
        """Return where the samples come from, as plain data for the record; never a password.

        Raises:
            UnreadableSource: the database is refused; a run that describes its sources before it starts is told.
            NotConnected: it cannot be reached.
        """
        return {
            "connector": type(self).__name__, "kind": str(self.kind), "url": self._database.shown,
            **self._source.describe(), "follow": self._follows, "warnings": list(self.warnings),
        }  # fmt: skip

    # -- reading -----------------------------------------------------------------------------------------------------

    def _narrowed(self, source: VesselSource) -> Self:
        store = copy.copy(self)
        store._source, store._handed_out, store._seen = source, HandedOut(), None
        store._lease, store._controller = None, self._controller.of(source)
        return store

    async def _look(self) -> State | None:
        """Return the next news, after a look if there is none."""
        if (state := self._handed_out.next()) is not None:
            return state
        self._take(await asyncio.to_thread(self._source.news, self._seen))
        return self._handed_out.next()

    def _take(self, seen: Seen | None) -> None:
        """Hold the rows of a look against those handed out; before the first one is, all are judged by their units.

        Raises:
            UnreadableSource: it does not agree.
            QuestionOpen: a quantity fits another unit better.
        """
        if seen is not None:
            if self._seen is None and self._handed_out.latest_h is None:
                self._source.units.judge(seen.rows, self._database.name, grows=self._follows)
            self._handed_out.hold_against(self._database.name, seen.rows, n_same=seen.n_same)
            self._seen = seen

    def _overdue(self, waited: float) -> SampleOverdue:
        n, latest_h = self._handed_out.n, self._handed_out.latest_h
        text = f"{self._database.name}: no new sample within {waited:g} s, after {n} so far"
        text += f" (the last at {latest_h:g} h)." if latest_h is not None else "."
        return SampleOverdue(f"{text} Check what writes the table.", **self._where("read_sample"))

    # -- writing -----------------------------------------------------------------------------------------------------

    def _check(self, setpoints: Setpoints) -> None:
        """Refuse setpoints that can never be written.

        Raises:
            WriteRejected: no sample was read yet, or a value is missing or not possible.
        """
        where = self._where("write_setpoints")
        if self._handed_out.latest_h is None:
            raise WriteRejected("No sample was read yet, so the setpoints have no time. Read a sample first.", **where)
        refuse_impossible(setpoints, **where)

    def _where(self, operation: str) -> dict[str, Any]:
        return {"connector": self._database.name, "operation": operation}
