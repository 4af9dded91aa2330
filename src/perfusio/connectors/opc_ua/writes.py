"""Setpoints onto the wire of an OPC UA server: allowed writes, each status code, nothing after its deadline.

`verified_write` gives the order of steps. After a failed write it reads back on a new link, after the session of the
old one was closed, so that nothing that is still under way can be carried out later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from math import isfinite

import numpy as np

from perfusio.connectors.opc_ua.link import Link
from perfusio.connectors.opc_ua.node_map import Tag, VesselMap
from perfusio.connectors.opc_ua.samples import Reading, values
from perfusio.connectors.opc_ua.session import OpcUaSession
from perfusio.errors import NotConnected, PerfusioError
from perfusio.protocols import Ending
from perfusio.state import FloatArray, Setpoints
from perfusio.verified_write import agree, lacking

HOPELESS = frozenset((
    "BadNotWritable", "BadUserAccessDenied", "BadTypeMismatch", "BadOutOfRange", "BadNodeIdUnknown", "BadNodeIdInvalid",
    "BadWriteNotSupported", "BadAttributeIdInvalid", "BadNotSupported",
))  # fmt: skip
"""Status codes after which the same write would fail again."""


def setpoints_of(vessel: VesselMap, readings: Mapping[Tag, Reading]) -> Setpoints:
    """Return the setpoints in force; NaN where the server does not say."""
    return Setpoints.of_values(vessel.panel, {**vessel.fixed, **values(vessel.setpoints, readings)})


def resolution_of(vessel: VesselMap) -> FloatArray:
    """Return the step in which a vessel keeps each setpoint (U,), canonical units; 0 where the map gives none."""
    tags = vessel.setpoints
    return np.array([tags[n].within if n in tags else 0.0 for n in vessel.panel.setpoint_names])


class OpcUaWire:
    """One write to one vessel, from its begin to its deadline; `verified_write` carries it out.

    Args:
        session: To the server.
        vessel: Its nodes.
    """

    def __init__(self, session: OpcUaSession, vessel: VesselMap) -> None:
        self._session, self._vessel = session, vessel
        self._timing = session.access.timing
        self._not_after = asyncio.get_running_loop().time() + self._timing.write
        self._link: Link | None = None
        self._asked = self._old = Setpoints(panel=vessel.panel)
        self._within = resolution_of(vessel)
        self._refusals: dict[str, str] = {}
        self._lost = ""

    @property
    def trouble(self) -> str:
        """Errors of the link, and which nodes refused."""
        refused = ", ".join(f"{name} ({status})" for name, status in self._refusals.items())
        return " ".join([*([self._lost] if self._lost else []), *([f"Refused: {refused}."] if refused else [])])

    @property
    def if_unchanged(self) -> Ending:
        """The vessel had time to take it and did not: a person finds out why."""
        return Ending.RESTORED

    async def look(self) -> Setpoints:
        """Return the setpoints in force, on a link that is there or comes at once.

        Raises:
            PerfusioError: the server does not answer now.
        """
        self._link, readings = await self._session.read_now(tuple(self._vessel.setpoints.values()))
        return setpoints_of(self._vessel, readings)

    def problems_with(self, asked: Setpoints, old: Setpoints) -> list[str]:
        """Nodes that cannot be read or are read-only, and a server that could carry the write out too late."""
        problems, self._old = [], old
        for quantity in self._vessel.panel.setpoints:
            name = quantity.name
            value, now = getattr(asked, name), getattr(old, name)
            tag = self._vessel.setpoints.get(name)
            if tag is not None and not isfinite(now):
                problems.append(f"{name} cannot be read, so it could not be put back. Mend the node first.")
            elif not agree(value, now, 0.0 if tag is None else tag.within) and (tag is None or not tag.write):
                problems.append(
                    f"{name} is {now:g} {quantity.unit} and read-only here, {value:g} was asked for. Hold it in the "
                    f"design space (design_space.holding({name}={now:g})), or say write = true in the node map."
                )
        assert self._link is not None  # it was looked at
        if not problems and not self._has_time(self._link):
            problems.append(
                f"The server keeps a silent session for {self._link.session_s:g} s, so a write could be carried out as "
                f"late. Expected less than the deadline of {self._timing.write:g} s: allow more time (Timing.write)."
            )
        return problems

    def held(self, asked: Setpoints) -> Setpoints:
        """Return the requested setpoints as the nodes can hold them: one of a whole-number type rounds."""
        assert self._link is not None  # it was looked at
        tags = self._vessel.setpoints
        raw = {n: t.step_between(getattr(self._old, n), getattr(asked, n)) for n, t in tags.items()}
        held = {n: t.canonical(self._link.as_held(t, raw[n])) for n, t in tags.items()}
        self._asked = asked.with_values(**held)
        return self._asked

    async def put(self, wanted: Setpoints) -> Setpoints | None:
        """Write the setpoints that differ from the wanted ones, on a link with no request under way, and read back.

        Nothing is sent that could be carried out after the deadline, wherever it gets stuck.
        """
        tags = self._vessel.setpoints
        try:
            link = await self._session.link(until=self._not_after)
        except PerfusioError as error:
            self._lost = str(error)
            return None
        try:
            now = setpoints_of(self._vessel, await link.read(tuple(tags.values())))
            other = lacking(wanted, now, self._within)
            changes = {tags[n]: tags[n].raw(getattr(wanted, n)) for n in other if _is_ours(tags, n)}
            if changes and self._has_time(link):
                statuses = await link.write(changes)
                self._refusals = {tag.name: status for tag, status in statuses.items() if status.startswith("Bad")}
                now = setpoints_of(self._vessel, await link.read(tuple(tags.values())))
            return now
        except NotConnected as error:
            self._lost = str(error)
            return await self._found()

    async def tries_again(self, old: Setpoints, found: Setpoints) -> bool:
        """Whether another try can help, and leaves the time to put the old values back."""
        del old, found
        if self._refusals and all(status in HOPELESS for status in self._refusals.values()):
            return False
        await asyncio.sleep(self._timing.retry)
        session_s = self._link.session_s if self._link is not None else 0.0
        reserve = session_s + 2 * self._timing.request + self._timing.retry
        return asyncio.get_running_loop().time() + reserve < self._not_after

    # -- inside ------------------------------------------------------------------------------------------------------

    async def _found(self) -> Setpoints | None:
        """Read back on a new link; None if there is none, or something may still be under way behind it."""
        try:
            link = await self._session.link(until=self._not_after)
            found = setpoints_of(self._vessel, await link.read(tuple(self._vessel.setpoints.values())))
        except PerfusioError as error:
            self._lost = f"{self._lost} {error}"
            return None
        return found if self._session.is_fenced or not lacking(self._asked, found, self._within) else None

    def _has_time(self, link: Link) -> bool:
        """Whether a request sent now cannot be carried out after the deadline, wherever it gets stuck."""
        return bool(asyncio.get_running_loop().time() + link.session_s <= self._not_after)


def _is_ours(tags: Mapping[str, Tag], name: str) -> bool:
    return name in tags and tags[name].write
