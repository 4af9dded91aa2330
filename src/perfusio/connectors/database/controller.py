"""Controller: setpoints asked of whatever acts on the table of setpoints, and its answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy import Connection

from perfusio.clock import Clock
from perfusio.connectors.database import setpoints as requests
from perfusio.connectors.database.database import Database
from perfusio.connectors.database.lease import SqlLease
from perfusio.connectors.database.source import VesselSource
from perfusio.connectors.database.sql_sample import SqlSample
from perfusio.connectors.database.values import declare
from perfusio.errors import NotConnected, VesselTaken, WriteRejected
from perfusio.process.panel import Panel
from perfusio.quantities import without_dust
from perfusio.state import Setpoints

T = TypeVar("T")
ANSWER_POLL_SECONDS = 1.0


class Controller:
    """Whoever acts on the table of setpoints of one vessel, seen through that table.

    Args:
        database: Where the table is.
        source: Run and reactor of the vessel.
        panel: The process whose setpoints the rows hold.
        clock: Where the times in the table come from.
        sleep: Wait between two looks.
        acknowledge_seconds: How long it has to acknowledge [s]; None where rows are advice that nobody acts on.

    Attributes:
        notes: Requests that were found open and withdrawn, in sentences.
    """

    def __init__(
        self,
        database: Database,
        source: VesselSource,
        panel: Panel,
        *,
        clock: Clock,
        sleep: Callable[[float], Awaitable[object]],
        acknowledge_seconds: float | None,
    ) -> None:
        self._database, self._source, self._panel, self._clock, self._sleep = database, source, panel, clock, sleep
        self._acknowledge_seconds = acknowledge_seconds
        self._is_settled = False
        self.notes: list[str] = []

    def of(self, source: VesselSource) -> Controller:
        """Return that of another vessel in the same table."""
        return Controller(
            self._database, source, self._panel, clock=self._clock, sleep=self._sleep,
            acknowledge_seconds=self._acknowledge_seconds,
        )  # fmt: skip

    async def ask(self, setpoints: Setpoints, time_h: float, lease: SqlLease | None) -> Setpoints:
        """Ask for setpoints from this culture time on [h], and return the acknowledged setpoints, or those advised.

        Raises:
            WriteRejected: not written; the message says why.
            NotConnected: the database went away, or nobody answered: it must be read back.
        """
        if lease is not None:
            await asyncio.to_thread(self._renew, lease)
        request = await asyncio.to_thread(self._ask, setpoints, time_h)
        waited = 0.0
        while request.status == "asked":
            patience = self._acknowledge_seconds
            if patience is None or waited >= patience:
                return await self._given_up(request)
            pause = min(ANSWER_POLL_SECONDS, patience - waited)
            await self._sleep(pause)
            waited += pause
            request = await asyncio.to_thread(self._in_one_read, requests.answer_to, request)
        if request.status == "withdrawn":
            raise WriteRejected("The request was withdrawn by somebody else.", **self._where())
        return request.acknowledged if request.status == "acknowledged" else request.asked

    def _ask(self, wanted: Setpoints, time_h: float) -> requests.Request:
        with self._database.writing("write_setpoints") as connection:
            self._source.find_in(connection)
            declare(connection, self._panel, self._database.name)
            return requests.ask(
                connection,
                wanted.with_values(**{name: without_dust(value) for name, value in wanted.by_name().items()}),
                run=self._source.group[0],
                reactor=self._source.group[1],
                time_h=time_h,
                now=self._clock.now(),
                valid_seconds=self._acknowledge_seconds,
            )

    def _renew(self, lease: SqlLease) -> None:
        try:
            lease.renew()
        except VesselTaken as error:
            raise WriteRejected(f"{error} Nothing was asked for.", **self._where()) from error

    async def in_force(self, last: SqlSample | None) -> Setpoints:
        """Return the setpoints in force: those of the last sample, or those acknowledged since.

        At the first call a request that an earlier program left open is withdrawn, so that nobody acts on it after it
        was read how it ended.

        Raises:
            NotConnected: the database cannot be reached.
        """
        said = last.setpoints if last else Setpoints(panel=self._panel)
        if self._acknowledge_seconds is None:
            return said
        if not self._is_settled:
            await asyncio.to_thread(self._source.find)
            await asyncio.to_thread(self._withdraw_open)
            self._is_settled = True
        done = await asyncio.to_thread(self._in_one_read, self._acknowledged_in)
        if done is None:
            return said
        is_newer = last is None or done.time_h >= last.state.time_h
        first, then = (done.acknowledged, said) if is_newer else (said, done.acknowledged)
        return first.filled_from(then)[0]

    def _acknowledged_in(self, connection: Connection) -> requests.Request | None:
        return requests.last_acknowledged(connection, *self._source.group, self._panel)

    def _withdraw_open(self) -> None:
        with self._database.writing("read_setpoints") as connection:
            n = requests.withdraw_open(connection, *self._source.group)
        if n:
            now = requests.utc_text(self._clock.now())
            words = f"{now}: {n} request(s) of an earlier program were not acknowledged and are withdrawn."
            self.notes.append(words)

    async def _given_up(self, request: requests.Request) -> Setpoints:
        """Withdraw a request that no controller answered; if it answered just now, return the answer."""

        def withdrawn() -> bool:
            with self._database.writing("write_setpoints") as connection:
                return requests.withdraw(connection, request)

        if not await asyncio.to_thread(withdrawn):
            answered = await asyncio.to_thread(self._in_one_read, requests.answer_to, request)
            if answered.status == "acknowledged":
                return answered.acknowledged
        raise NotConnected(
            f"No controller acknowledged the setpoints in {self._database.name} within {self._acknowledge_seconds:g} "
            "s; the request was withdrawn. Check that the controller runs and watches the table.",
            **self._where(),
        )

    def _in_one_read(self, question: Callable[..., T], *arguments: Any) -> T:
        with self._database.reading() as connection:
            return question(connection, *arguments)

    def _where(self) -> dict[str, Any]:
        return {"connector": self._database.name, "operation": "write_setpoints"}
