"""One connection to an OPC UA server, from its socket to its session; it is used until it fails, never mended.

asyncua's own reconnecting is not used: after a loss a client is thrown away and a new one is made, and the session of
the old one is closed first, so that bytes that are still under way on a dead link find no session to act in.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from asyncua import Client, ua

from perfusio.connectors.opc_ua.access import Access
from perfusio.connectors.opc_ua.clocks import CURRENT_TIME, skew_in
from perfusio.connectors.opc_ua.node_map import Tag
from perfusio.connectors.opc_ua.samples import Reading
from perfusio.connectors.opc_ua.values import in_type, reading, reason
from perfusio.errors import NotConnected

# whatever asyncua logs about a failing link reaches the user once, in words of ours; without a handler it would go to
# the standard error as well
logging.getLogger("asyncua").addHandler(logging.NullHandler())

NODES_PER_REQUEST = 500
"""A sample of a rig fits into one request; servers may allow as few as this."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class OldSession:
    """Means to close the session of a client that was thrown away."""

    token: ua.NodeId
    nonce: bytes | None


class Link:
    """One client; made by `connect`.

    Attributes:
        lost: Why it cannot be used any more; empty while it can.
        is_secure: Whether it is signed and encrypted.
        is_fenced: Whether the session before it is known to be closed.
        session_s: How long the server keeps a session that says nothing [s].
        clock_skew_s: By how much the server's clock is ahead of ours; looked at with each question whether it lives.
    """

    def __init__(self, access: Access, client: Client, *, is_secure: bool, is_fenced: bool) -> None:
        self.lost, self.clock_skew_s = "", 0.0
        self.is_secure, self.is_fenced = is_secure, is_fenced
        self.session_s = client.session_timeout / 1000.0
        self.nodes: Mapping[Tag, ua.NodeId] = {}
        self.types: Mapping[Tag, ua.VariantType] = {}
        self._access, self._client = access, client
        self.loop = asyncio.get_running_loop()
        self._keeper = asyncio.create_task(self._keep())

    @property
    def old_session(self) -> OldSession:
        """Means of the next link to close this one's session."""
        return OldSession(token=self._client.uaclient.session.authentication_token, nonce=self._client._server_nonce)

    @property
    def is_usable(self) -> bool:
        """Whether nothing is known against it; a connection that the other side closed is known at once."""
        protocol = self._client.uaclient.protocol
        if not self.lost and (protocol is None or protocol.transport is None):
            self.lose("the server closed the connection")
        return not self.lost

    async def ask(self, what: Awaitable[T]) -> T:
        """Wait for one answer; whatever goes wrong, the link is lost.

        Raises:
            NotConnected: no answer within the time of a request, or a refusal of the whole request.
        """
        try:
            return await asyncio.wait_for(what, self._access.timing.request)
        except Exception as error:
            self.lose(reason(error, self._access.timing.request))
            raise NotConnected(
                f"{self._access.endpoint}: {self.lost}", connector=self._access.endpoint, operation="request"
            ) from error

    async def attributes(self, nodes: Sequence[ua.NodeId], attribute: ua.AttributeIds) -> list[ua.DataValue]:
        """Read one attribute of several nodes, in one request unless they are very many."""
        found: list[ua.DataValue] = []
        for i in range(0, len(nodes), NODES_PER_REQUEST):
            some = list(nodes[i : i + NODES_PER_REQUEST])
            found += await self.ask(self._client.uaclient.read_attributes(some, attribute))
        return found

    async def read(self, tags: Sequence[Tag]) -> dict[Tag, Reading]:
        """Read the values of these tags in one request."""
        found = await self.attributes([self.nodes[tag] for tag in tags], ua.AttributeIds.Value)
        return {tag: reading(value) for tag, value in zip(tags, found, strict=True)}

    async def write(self, values: Mapping[Tag, float]) -> dict[Tag, str]:
        """Write all values in one request, each in the type of its node, and return the name of each status code."""
        data = [ua.DataValue(in_type(value, self.types[tag])) for tag, value in values.items()]
        nodes = [self.nodes[tag] for tag in values]
        statuses = await self.ask(self._client.uaclient.write_attributes(nodes, data))
        return {tag: status.name for tag, status in zip(values, statuses, strict=True)}

    def as_held(self, tag: Tag, value: float) -> float:
        """Return a value as a node can hold it."""
        return float(in_type(value, self.types[tag]).Value)

    async def browse(self, node: ua.NodeId) -> list[ua.ReferenceDescription]:
        """Return the children of a node."""
        return await self.ask(self._client.get_node(node).get_children_descriptions())

    async def look_at_clock(self) -> float:
        """Return by how much the server's clock is ahead of ours [s]."""
        (value,) = await self.attributes([CURRENT_TIME], ua.AttributeIds.Value)
        self.clock_skew_s = skew_in(value)
        return self.clock_skew_s

    async def type_of(self, data_type: ua.NodeId) -> ua.VariantType:
        """Return the built-in type behind a data type that is not one itself."""
        return await self.ask(ua_type(self._client, data_type))

    def lose(self, why: str) -> None:
        """Give the link up at once; the rest of its buffers is thrown away, not sent."""
        if self.lost:
            return
        self.lost = why
        if self._keeper is not asyncio.current_task():
            self._keeper.cancel()
        abort(self._client)

    async def close(self) -> None:
        """Say goodbye to the server, as far as it answers."""
        if not self.lost:
            self._keeper.cancel()
            try:
                await self.ask(self._client.uaclient.close_session(True))
                await self.ask(self._client.close_secure_channel())
            except NotConnected:
                return  # it is gone already, and so is the link
            self.lose("closed")

    async def _keep(self) -> None:
        """Notice a link that died silently, keep the session alive, and renew the keys of the channel in time."""
        renew_at = self.loop.time() + 0.75 * self._client.secure_channel_timeout / 1000.0
        while not self.lost:
            await asyncio.sleep(self._access.timing.keepalive)
            try:
                await self.look_at_clock()
                if self.loop.time() >= renew_at:
                    await self.ask(self._client.open_secure_channel(renew=True))
                    self._client.uaclient.revolve_security_token()
                    renew_at = self.loop.time() + 0.75 * self._client.secure_channel_timeout / 1000.0
            except NotConnected:
                return  # `lost` says it to whoever asks next


def abort(client: Client) -> None:
    """Drop the connection of a client without a word, and without sending the rest of the buffer."""
    protocol = client.uaclient.protocol
    if protocol is not None and protocol.transport is not None:
        protocol.transport.abort()


async def ua_type(client: Client, data_type: ua.NodeId) -> ua.VariantType:
    """Return the built-in type from which a data type is derived; `Variant` where any would do."""
    node = client.get_node(data_type)
    for _ in range(20):  # deeper than any tree of types
        found = node.nodeid
        if found.NamespaceIndex == 0 and isinstance(found.Identifier, int) and found.Identifier <= 28:
            is_abstract = found.Identifier in (24, 26, 27, 28)
            return ua.VariantType.Variant if is_abstract else ua.VariantType(min(found.Identifier, 25))
        parents = await node.get_referenced_nodes(
            refs=ua.ObjectIds.HasSubtype, direction=ua.BrowseDirection.Inverse, includesubtypes=True
        )
        if not parents:
            break
        node = parents[0]
    return ua.VariantType.Variant
