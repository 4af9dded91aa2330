"""OpcUaConnector: the vessels of an OPC UA server, behind the protocol of every other connector.

One session serves all vessels. Reading goes on through any loss of the link; writing does not: after anything but a
verified write nothing more is written to that vessel until a person allows it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from perfusio.connectors.following import Polling, told
from perfusio.connectors.opc_ua.access import Access, Timing
from perfusio.connectors.opc_ua.certificates import fingerprint
from perfusio.connectors.opc_ua.clocks import MOST_SKEW_S, in_words
from perfusio.connectors.opc_ua.heartbeat import Heartbeats
from perfusio.connectors.opc_ua.node_map import NodeMap, VesselMap, read_node_map
from perfusio.connectors.opc_ua.samples import Seen, next_reading, seen_before, withheld
from perfusio.connectors.opc_ua.security import Certificates, Login
from perfusio.connectors.opc_ua.session import OpcUaSession
from perfusio.connectors.opc_ua.writes import OpcUaWire, resolution_of, setpoints_of
from perfusio.errors import ConfigError, NotConnected, SampleOverdue, UnreadableSource, VesselTaken, WriteRejected
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.protocols import ConnectorKind, Ending, Holder, Standing, WriteReport
from perfusio.state import FloatArray, Setpoints, State
from perfusio.verified_write import verified_write


class OpcUaConnector:
    """All vessels of one server, be it one: a source of vessels, each of which is a Connector.

    Args:
        endpoint: ``opc.tcp://host:port/path``.
        nodes: The node map: a TOML file, or one that was read already.
        login: User and password, e.g. ``login("twin", password_file="password.txt")``; None = anonymous.
        certificates: Folder of our certificate and of the trusted ones.
        allow_insecure: Accept a server that offers no encryption. Anybody on its network can then read and change what
            is read and written; the record says so. A password is not sent to such a server.
        kind: SIMULATED for a server behind which there is no real vessel: the twin then writes by default.
        timing: How long things may take.
        panel: The process whose quantities the nodes hold, for a map that is read from a file.

    Raises:
        ConfigError: the endpoint, the map or the times cannot work.
    """

    def __init__(
        self,
        endpoint: str,
        nodes: str | Path | NodeMap,
        *,
        login: Login | None = None,
        certificates: str | Path = "opcua-certificates",
        allow_insecure: bool = False,
        kind: ConnectorKind = ConnectorKind.HARDWARE,
        timing: Timing | None = None,
        panel: Panel = CHO_PERFUSION,
    ) -> None:
        if kind is ConnectorKind.REPLAY:
            raise ConfigError("kind=REPLAY: a server is not a finished file. Expected HARDWARE, or SIMULATED.")
        self.kind = kind
        access = Access(
            endpoint=endpoint,
            certificates=Certificates(certificates),
            login=login,
            allow_insecure=allow_insecure,
            timing=timing or Timing(),
        )
        node_map = nodes if isinstance(nodes, NodeMap) else read_node_map(nodes, panel)
        self.session = OpcUaSession(access, node_map)
        self.heartbeats = Heartbeats(self.session)
        self._vessels = {name: OpcUaVessel(self, vessel) for name, vessel in node_map.vessels.items()}

    def vessels(self) -> dict[str, OpcUaVessel]:
        """Return the vessels by reactor id, each a Connector; they share the session."""
        return dict(self._vessels)

    async def close(self) -> None:
        """Close the session."""
        await self.session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class OpcUaVessel:
    """One vessel of an `OpcUaConnector`.

    Attributes:
        reactor: Its name.
        kind: As of the connector.
        panel: The process whose quantities it measures.
        last_write: How the latest write ended; None before the first.
        stopped: Why nothing is written any more; empty while writing is allowed.
    """

    confirms_at_once = True

    def __init__(self, connector: OpcUaConnector, vessel: VesselMap) -> None:
        self.reactor, self.kind = vessel.reactor, connector.kind
        self.last_write: WriteReport | None = None
        self.stopped = ""
        self._session, self._vessel, self.panel = connector.session, vessel, vessel.panel
        self._heartbeats = connector.heartbeats
        self._seen = Seen()
        self._withheld_since: float | None = None  # since when readings can give no sample
        self._link_until: float | None = None  # when a link that failed must be there again
        self._read: Setpoints | None = None
        self._done: Setpoints | None = None
        self._told: list[str] = []

    async def read_sample(self) -> State:
        """Wait for the next sample; a value that comes late is a state of its own, with the time of its sample.

        Each quantity's status code, source time and server time are in `State.quality`: a Bad one is missing, an
        Uncertain one is used. A lost link is opened anew within `Timing.away`; one that does not come back by then
        fails the call, and loses nothing: the next call goes on.

        Raises:
            NotConnected: the server cannot be reached.
            SampleOverdue: there is a link, but no new sample.
            UnreadableSource: the server is not as the node map says, or the sample has no usable time.
        """
        timing = self._session.access.timing
        pace = Polling(poll_seconds=timing.poll, timeout_seconds=timing.sample, sleep=asyncio.sleep)
        with told(self.reactor, "read_sample"):
            return await pace.until_news(self._look, self._overdue)

    @property
    def looks_every_s(self) -> float:
        """Time between two looks for a new sample [s]."""
        return self._session.access.timing.poll

    async def _look(self) -> State | None:
        """Look once; a link that fails meanwhile is no failure yet, unless the time to open another is over."""
        now, most_s = asyncio.get_running_loop().time, self._session.access.timing.away
        try:
            readings = await self._session.look(self._vessel, until=self._link_until or now() + most_s)
        except NotConnected:
            self._link_until = self._link_until or now() + most_s
            if now() < self._link_until and self._session.was_connected:
                return None
            self._link_until = None
            raise
        self._link_until = None
        state, self._seen = next_reading(self._vessel, readings, self._seen)
        self._refuse_withheld("" if state is not None else withheld(self._vessel, readings, self._seen))
        return state

    def _refuse_withheld(self, why: str) -> None:
        """Say it when there will be no sample as things are, once that has lasted.

        Raises:
            UnreadableSource: with the reason; the next call looks on.
        """
        now = asyncio.get_running_loop().time()
        if not why:
            self._withheld_since = None
        elif self._withheld_since is None:
            self._withheld_since = now
        elif now - self._withheld_since >= self._session.access.timing.withheld:
            self._withheld_since = None
            raise UnreadableSource((f"{self.reactor}: {why}",), connector=self.reactor, operation="read_sample")

    def _overdue(self, waited: float) -> SampleOverdue:
        return SampleOverdue(
            f"{self.reactor}: no new sample within {waited:g} s. The server answers, so check the analyzer and what "
            "writes its results to the server.",
            connector=self.reactor,
            operation="read_sample",
        )

    def goes_on(self, standing: Standing) -> None:
        """Go on where an earlier program stood; see `perfusio.protocols.Resumable`.

        A server holds the latest sample only: it is known by its source times, or by its time where samples have
        numbers.
        """
        self._seen, self._done = seen_before(standing), None
        self._read = standing.in_force  # until the twin looks, which knows of a write that was cut short

    async def read_setpoints(self) -> Setpoints:
        """Return the setpoints in force now; NaN where the node is Bad, the declared value where there is no node.

        Raises:
            NotConnected: the server does not answer now.
        """
        with told(self.reactor, "read_setpoints"):
            _, readings = await self._session.read_now(tuple(self._vessel.setpoints.values()))
        self._read = setpoints_of(self._vessel, readings)
        return self._read

    async def write_setpoints(self, setpoints: Setpoints) -> Setpoints:
        """Write, read back, and return the setpoints in force then.

        Raises:
            WriteRejected: nothing was sent, or the old values are back, or only a part is in force; the message says
                which, and whether writing has stopped.
            NotConnected: the setpoints in force are not known.
        """
        where = {"connector": self.reactor, "operation": "write_setpoints"}
        if self.stopped:
            words = (
                f"Nothing was sent, because writing has stopped: {self.stopped} When the vessel is as it should be, a "
                "person allows it again: perfusio release RUN, or in Python vessel.allow_writing(who=..., why=...)."
            )
            unknown = Setpoints(panel=self._vessel.panel)
            self.last_write = WriteReport(ending=Ending.REFUSED, in_force=unknown, words=words)
            raise WriteRejected(f"{self.reactor}: {words}", **where)
        # what we wrote last must still hold; before our first write, what the twin was shown last
        expected = self._done or self._read or Setpoints(panel=self._vessel.panel)
        with told(self.reactor, "write_setpoints"):
            wire = OpcUaWire(self._session, self._vessel)
            report = await verified_write(wire, setpoints, expected=expected, within=self.resolution)
        self.last_write = report
        if report.ending is Ending.DONE:
            self._done = report.in_force
            return report.in_force
        words = f"{report.ending.value} {report.words}".strip()
        if report.ending.stops_writing:
            self.stopped = words
        raise (NotConnected if report.ending is Ending.UNKNOWN else WriteRejected)(f"{self.reactor}: {words}", **where)

    @property
    def untold_units(self) -> Collection[str]:
        """Measured quantities whose unit the node map does not say."""
        measured = {**self._vessel.measured, **self._vessel.signals}
        return [name for name, tag in measured.items() if not tag.is_told]

    @property
    def is_watched(self) -> bool:
        """Whether the node map names a node for the heartbeat."""
        return self._vessel.heartbeat is not None

    async def beat(self, count: int) -> None:
        """Write a number into the heartbeat's node, on a link that is there or comes at once.

        Raises:
            NotConnected: there is no link, or the server did not take it.
            VesselTaken: somebody else counts in it; nothing more is written until a person allows it.
        """
        if self._vessel.heartbeat is None:
            return
        try:
            await self._heartbeats.beat(self._vessel.heartbeat, float(count), self.reactor)
        except VesselTaken as error:
            self.stopped = self.stopped or str(error)
            raise

    async def take(self, holder: Holder) -> None:
        """Watch the heartbeat, if there is one, for as long as a twin takes from one beat to the next.

        Raises:
            VesselTaken: it counts, so another twin is there.
            NotConnected: the server does not answer.
        """
        del holder  # a heartbeat has no place for a name
        if self._vessel.heartbeat is not None:
            await self._heartbeats.watch(self._vessel.heartbeat, self.reactor)

    async def give_back(self) -> None:
        """The heartbeat ends with the run, and with it the lease."""

    def allow_writing(self, *, who: str, why: str) -> None:
        """Allow writing again after it has stopped; the setpoints read then count as wanted.

        Raises:
            ConfigError: `who` is empty, or `why` has not 3 to 200 characters.
        """
        if not who.strip() or not 3 <= len(why.strip()) <= 200:
            raise ConfigError(f"who={who!r}, why={why!r}: expected a name, and a reason of 3 to 200 characters.")
        self._told.append(f"Writing allowed again by {who}: {why} (it had stopped: {self.stopped or 'it had not'})")
        self.stopped, self._done = "", None
        if self._vessel.heartbeat is not None:
            self._heartbeats.reclaim(self._vessel.heartbeat)

    @property
    def fixed(self) -> Mapping[str, float]:
        """Setpoints that this vessel cannot change, with the value that it always has, as the node map says."""
        return dict(self._vessel.fixed)

    @property
    def resolution(self) -> FloatArray:
        """Step in which the vessel keeps each setpoint (U,), canonical units; 0 where the node map gives none."""
        return resolution_of(self._vessel)

    @property
    def began(self) -> datetime | None:
        """When the culture was inoculated, where the node map says it."""
        return self._vessel.inoculated

    @property
    def clone(self) -> str:
        """Cell line, empty where the node map does not say."""
        return self._vessel.clone

    @property
    def warnings(self) -> tuple[str, ...]:
        """Remarks for a person, in sentences."""
        told = list(self._told)
        if self._session.access.allow_insecure:
            told.append("The connection may be open: anybody on its network can read and change it (allow_insecure).")
        if abs(skew := self._session.clock_skew_s) > MOST_SKEW_S:
            told.append(in_words(skew))
        if self._seen.n_unread:
            told.append(f"{self._seen.n_unread} sample(s) were replaced in the server before they could be read.")
        return tuple(told)

    def describe(self) -> dict[str, Any]:
        """Return where the samples come from, as plain data for the record; never the password."""
        access, vessel = self._session.access, self._vessel
        return {
            "connector": "OpcUaConnector",
            "kind": str(self.kind),
            "endpoint": access.endpoint,
            "user": access.login.user if access.login is not None else "anonymous",
            "insecure": access.allow_insecure,
            "trusted": [fingerprint(c) for c in access.certificates.trusted()],
            "node_map": self._session.node_map.source,
            "sha256": self._session.node_map.sha256,
            "nodes": {tag.name: f"{tag.namespace} {tag.identifier}" for tag in vessel.tags()},
            "writable": [name for name, tag in vessel.setpoints.items() if tag.write],
            "fixed": dict(vessel.fixed),
            "heartbeat": str(vessel.heartbeat or ""),
            "reactor": self.reactor,
            "clone": self.clone,
            "warnings": list(self.warnings),
        }
