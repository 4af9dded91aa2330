"""One session for all vessels of a server: it is opened when needed, given up when it fails, and opened anew."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import suppress

from perfusio.connectors.opc_ua.access import Access
from perfusio.connectors.opc_ua.connecting import connect
from perfusio.connectors.opc_ua.link import Link, OldSession
from perfusio.connectors.opc_ua.node_map import NodeMap, Tag, VesselMap
from perfusio.connectors.opc_ua.resolve import Resolved, resolve
from perfusio.connectors.opc_ua.samples import Reading
from perfusio.errors import NotConnected, PerfusioError


class OpcUaSession:
    """Keeps a link to a server, for all vessels of a node map.

    Args:
        access: Settings of the connection.
        node_map: The nodes; they are found anew at each connect.

    Attributes:
        resolved: Node of each tag at the latest connect.
        n_connects: How often a link was made.
        trouble: Why there was no link at the latest attempt; empty while there is one.
    """

    def __init__(self, access: Access, node_map: NodeMap) -> None:
        self.access, self.node_map = access, node_map
        self.resolved: Mapping[Tag, Resolved] = {}
        self.n_connects, self.trouble = 0, ""
        self._link: Link | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._old: OldSession | None = None
        self._pause, self._next_attempt, self._stray_until = access.timing.backoff[0], 0.0, 0.0
        self._asking: set[str] = set()
        self._looking: asyncio.Task[dict[str, dict[Tag, Reading]]] | None = None

    @property
    def was_connected(self) -> bool:
        """Whether there ever was a link; until then a failure is told at once, not waited out."""
        return self.n_connects > 0

    @property
    def is_secure(self) -> bool | None:
        """Whether the latest link was encrypted; None before the first."""
        return self._link.is_secure if self._link is not None else None

    @property
    def clock_skew_s(self) -> float:
        """By how much the server's clock is ahead of ours [s]; 0 before it was looked at."""
        return self._link.clock_skew_s if self._link is not None else 0.0

    @property
    def is_fenced(self) -> bool:
        """Whether no session before this one can still be open in the server: closed by us, or ended by its timeout."""
        return bool(asyncio.get_running_loop().time() >= self._stray_until)

    async def link(self, *, until: float | None, at_once: bool = False) -> Link:
        """Return a link that works as far as is known; connect if there is none, as often as it takes.

        Args:
            until: Time of the event loop after which it is given up [s]; None = never.
            at_once: Do not wait out the pause between two attempts, and try once only.

        Raises:
            NotConnected: there is none, and no more time.
            PerfusioError: the server refuses us, or is not as the node map says, and no more time.
        """
        self._enter_loop()
        if self._link is not None and self._link.is_usable:
            return self._link
        async with self._connecting:
            while self._link is None or not self._link.is_usable:
                loop = asyncio.get_running_loop()
                wait = 0.0 if at_once else max(0.0, self._next_attempt - loop.time())
                if until is not None and loop.time() + wait >= until:
                    await asyncio.sleep(max(0.0, until - loop.time()))
                    raise NotConnected(
                        f"{self.access.endpoint}: no connection in time. {self.trouble}",
                        connector=self.access.endpoint,
                        operation="connect",
                    )
                await asyncio.sleep(wait)
                try:
                    await self._connect()
                except PerfusioError as error:
                    self._back_off(str(error))
                    if at_once or not self.was_connected:
                        raise
            return self._link

    async def read(self, tags: Sequence[Tag], *, until: float | None = None) -> dict[Tag, Reading]:
        """Read these tags in one request.

        Raises:
            NotConnected: as `link`, or the link failed while reading; the next call takes a new one.
        """
        return await (await self.link(until=until)).read(tags)

    async def read_now(self, tags: Sequence[Tag]) -> tuple[Link, dict[Tag, Reading]]:
        """Read these tags without waiting for a server that is away, and return the link that answered.

        A link that had died unnoticed is replaced once.

        Raises:
            PerfusioError: the server does not answer now.
        """
        link = await self.link(until=None, at_once=True)
        try:
            return link, await link.read(tags)
        except NotConnected:
            link = await self.link(until=None, at_once=True)
            return link, await link.read(tags)

    async def look(self, vessel: VesselMap, *, until: float | None) -> dict[Tag, Reading]:
        """Read the sample of a vessel, together with all vessels that are looked at at the same moment.

        Raises:
            NotConnected: as `read`.
        """
        self._enter_loop()
        self._asking.add(vessel.reactor)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look(until))
        return (await asyncio.shield(self._looking))[vessel.reactor]

    async def close(self) -> None:
        """Close the session, if there is one."""
        if self._link is not None and self._loop is asyncio.get_running_loop():
            await self._link.close()
            self._link, self._old = None, None

    # -- inside ------------------------------------------------------------------------------------------------------

    def _enter_loop(self) -> None:
        """Start afresh in another event loop than before: the parts of that one are gone."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._link, self._looking = loop, None, None
            self._connecting = asyncio.Lock()
            self._asking.clear()
            self._pause, self._next_attempt = self.access.timing.backoff[0], 0.0

    async def _connect(self) -> None:
        if self._link is not None:
            self.trouble, self._old = self._link.lost, self._link.old_session
        link = await connect(self.access, self._old)
        if not link.is_fenced and self._link is not None:
            self._stray_until = asyncio.get_running_loop().time() + self._link.session_s
        try:
            self.resolved = await resolve(link, self.node_map, self.resolved)
        except BaseException:
            self._old = None
            with suppress(NotConnected):
                await link.close()
            raise
        self._link, self._old = link, None
        self.n_connects, self.trouble = self.n_connects + 1, ""
        self._pause, self._next_attempt = self.access.timing.backoff[0], 0.0

    def _back_off(self, trouble: str) -> None:
        self.trouble = trouble
        jitter = random.uniform(0.5, 1.0)  # several clients of one server must not come back at the same moment
        self._next_attempt = asyncio.get_running_loop().time() + jitter * self._pause
        self._pause = min(2.0 * self._pause, self.access.timing.backoff[1])

    async def _look(self, until: float | None) -> dict[str, dict[Tag, Reading]]:
        await asyncio.sleep(0)  # let the other vessels of this moment join
        asked, self._asking, self._looking = sorted(self._asking), set(), None
        tags = {reactor: self.node_map.vessels[reactor].looked_at() for reactor in asked}
        found = await self.read([tag for some in tags.values() for tag in some], until=until)
        return {reactor: {tag: found[tag] for tag in some} for reactor, some in tags.items()}
