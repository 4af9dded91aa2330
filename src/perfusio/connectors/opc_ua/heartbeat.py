"""The heartbeat node: a controller sees in it that a twin is there, and so does a second twin, which stays away."""

from __future__ import annotations

import asyncio

from perfusio.connectors.opc_ua.node_map import Tag
from perfusio.connectors.opc_ua.session import OpcUaSession
from perfusio.errors import NotConnected, VesselTaken
from perfusio.protocols import BEATS_EVERY_S

WATCHED_S = 1.5 * BEATS_EVERY_S
"""Another twin beats within this time [s], unless it is dead; a beat may be late by a slow server."""
LOOKS = 5
RESET = 0.0
"""A controller may put the node back to this when it has seen a beat."""


class Heartbeats:
    """The heartbeat nodes of one server; several vessels may share one.

    Args:
        session: To the server.
        watched_s: How long a node is watched before another twin is taken to be gone [s].
    """

    def __init__(self, session: OpcUaSession, watched_s: float = WATCHED_S) -> None:
        self._session, self.watched_s = session, watched_s
        self._ours: dict[tuple[str, str], float] = {}
        self._foreign: set[tuple[str, str]] = set()
        self._watching: dict[tuple[str, str], asyncio.Task[bool]] = {}

    async def watch(self, tag: Tag, reactor: str) -> None:
        """See whether somebody else counts in a node; one in which nobody ever did is not watched.

        Raises:
            VesselTaken: somebody does.
            NotConnected: the server does not answer.
        """
        node = tag.namespace, tag.identifier
        if node in self._ours:
            return
        if node not in self._watching:
            self._watching[node] = asyncio.ensure_future(self._counts(tag))
        try:
            if await asyncio.shield(self._watching[node]):
                raise self._taken(tag, reactor)
        finally:
            self._watching.pop(node, None)

    async def beat(self, tag: Tag, count: float, reactor: str) -> None:
        """Write a number, unless somebody else has written one since our last; then never again until `reclaim`.

        Raises:
            NotConnected: there is no link, or the server did not take it.
            VesselTaken: somebody else counts there too.
        """
        link = await self._session.link(until=None, at_once=True)
        node, found = (tag.namespace, tag.identifier), (await link.read([tag]))[tag]
        last = self._ours.get(node)
        if last is not None and found.is_usable and found.value not in (last, count, RESET):
            self._foreign.add(node)
        if node in self._foreign:
            raise self._taken(tag, reactor)
        (status,) = (await link.write({tag: count})).values()
        if status.startswith("Bad"):
            raise NotConnected(
                f"The heartbeat was not taken: {status}. Let this user write {tag}.",
                connector=reactor,
                operation="heartbeat",
            )
        self._ours[node] = count

    def reclaim(self, tag: Tag) -> None:
        """Count in a node again: a person says that there is no other twin."""
        node = tag.namespace, tag.identifier
        self._foreign.discard(node)
        self._ours.pop(node, None)

    async def _counts(self, tag: Tag) -> bool:
        """Whether the value changes while nobody of us writes it."""
        first = await self._value(tag)
        if first is None or first == RESET:
            return False
        for _ in range(LOOKS):
            await asyncio.sleep(self.watched_s / LOOKS)
            if await self._value(tag) not in (first, None):
                return True
        return False

    async def _value(self, tag: Tag) -> float | None:
        _, found = await self._session.read_now((tag,))
        return found[tag].value if found[tag].is_usable else None

    def _taken(self, tag: Tag, reactor: str) -> VesselTaken:
        return VesselTaken(
            f"{reactor}: somebody else counts in {tag}, so another twin writes to this vessel, and a vessel has one "
            "twin. Stop that one first, or take another vessel."
        )
