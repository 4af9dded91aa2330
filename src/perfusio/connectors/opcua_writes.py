"""Setpoints onto the wire: what may be written, written before its deadline, read back, and put back if only a part.

    preflight -> write -> every status code -> read back -> done | retry | old values back | unknown

A failed write is unknown, not undone: it is read back on a new link, after the session of the old one was closed, so
that nothing that is still under way can be carried out later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from math import isclose, isfinite

from perfusio.connectors.opcua_link import Link
from perfusio.connectors.opcua_nodes import Tag, VesselMap
from perfusio.connectors.opcua_samples import Reading, values
from perfusio.connectors.opcua_session import OpcUaSession
from perfusio.errors import NotConnected, OutOfRange, PerfusioError
from perfusio.protocols import Ending, WriteReport
from perfusio.state import SETPOINT_QUANTITIES, SETPOINTS, Setpoints

TOLERANCE = 1e-6
"""Relative; a node of type Float keeps seven digits."""
HOPELESS = frozenset((
    "BadNotWritable", "BadUserAccessDenied", "BadTypeMismatch", "BadOutOfRange", "BadNodeIdUnknown", "BadNodeIdInvalid",
    "BadWriteNotSupported", "BadAttributeIdInvalid", "BadNotSupported",
))  # fmt: skip
"""Status codes after which the same write would fail again."""


def setpoints_of(vessel: VesselMap, readings: Mapping[Tag, Reading]) -> Setpoints:
    """Return what is in force; NaN where the server does not say."""
    return Setpoints(**{**vessel.fixed, **values(vessel.setpoints, readings)})


def not_allowed(vessel: VesselMap, asked: Setpoints, current: Setpoints) -> str:
    """Return why a write cannot be sent as it stands, or nothing: numbers, ranges, and what is read-only here."""
    problems = []
    for name in SETPOINTS:
        value, now, quantity = getattr(asked, name), getattr(current, name), SETPOINT_QUANTITIES[name]
        tag = vessel.setpoints.get(name)
        if not isfinite(value):
            problems.append(f"{name} = {value:g} cannot be written: expected a number of {quantity.unit}.")
            continue
        try:
            quantity.check(value)
        except OutOfRange as error:
            problems.append(str(error))
        if tag is not None and not isfinite(now):
            problems.append(f"{name} cannot be read, so it could not be put back. Mend the node first.")
        elif not _same(value, now) and (tag is None or not tag.write):
            problems.append(
                f"{name} is {now:g} {quantity.unit} and read-only here, {value:g} was asked for. Hold it in the design "
                f"space (design_space.holding({name}={now:g})), or say write = true in the node map."
            )
    return " ".join(problems)


class Write:
    """One write to one vessel, from its begin to its deadline.

    Args:
        session: To the server.
        vessel: Its nodes.
        asked: What is asked for.
        expected: What must be in force before; None = whatever is.
    """

    def __init__(self, session: OpcUaSession, vessel: VesselMap, asked: Setpoints, expected: Setpoints | None) -> None:
        self._session, self._vessel, self._asked, self._expected = session, vessel, asked, expected
        self._timing = session.access.timing
        self._not_after = asyncio.get_running_loop().time() + self._timing.write
        self._old = Setpoints()
        self._refusals: dict[str, str] = {}
        self._trouble = ""

    async def run(self) -> WriteReport:
        """Carry it out; it always ends with a report, at the latest soon after the deadline."""
        try:
            link, readings = await self._session.read_now(tuple(self._vessel.setpoints.values()))
            self._old = setpoints_of(self._vessel, readings)
        except PerfusioError as error:
            return WriteReport(
                ending=Ending.REFUSED, in_force=Setpoints(), words=f"{error} A write does not wait for a link."
            )
        if problem := not_allowed(self._vessel, self._asked, self._old):
            return WriteReport(ending=Ending.REFUSED, in_force=self._old, words=problem)
        expected = self._old if self._expected is None else self._expected.filled_from(self._old)[0]
        if changed := differences(expected, self._old):
            return WriteReport(ending=Ending.OVERRIDDEN, in_force=self._old, words=f"Expected and found: {changed}.")
        self._asked = _representable(self._vessel, link, self._asked)
        if not self._has_time(link):
            text = (
                f"The server keeps a silent session for {link.session_s:g} s, so a write could be carried out as late."
            )
            text += f" Expected less than the deadline of {self._timing.write:g} s: allow more time (Timing.write)."
            return WriteReport(ending=Ending.REFUSED, in_force=self._old, words=text)
        return await self._settle(link, await self._put(link, self._asked))

    # -- inside ------------------------------------------------------------------------------------------------------

    async def _settle(self, link: Link, found: Setpoints | None) -> WriteReport:
        """Try again while that can help, then put the old values back."""
        loop = asyncio.get_running_loop()
        while found is not None and differences(self._asked, found) and not self._is_hopeless():
            await asyncio.sleep(self._timing.retry)
            reserve = link.session_s + 2 * self._timing.request + self._timing.retry  # to put the old values back
            if loop.time() + reserve >= self._not_after:
                break
            found = await self._again(self._asked)
        if found is not None and not differences(self._asked, found):
            return WriteReport(ending=Ending.DONE, in_force=found, words=self._trouble)
        words = self._words(found)
        if found is not None and differences(self._old, found):
            found = await self._again(self._old)
        if found is None:
            return WriteReport(ending=Ending.UNKNOWN, in_force=Setpoints(), words=words)
        if left := differences(self._old, found):
            return WriteReport(ending=Ending.PARTIAL, in_force=found, words=f"{words} Not put back: {left}.")
        return WriteReport(ending=Ending.RESTORED, in_force=found, words=words)

    async def _again(self, wanted: Setpoints) -> Setpoints | None:
        """Write what differs from what is wanted, on a link behind which nothing is under way any more."""
        try:
            link = await self._session.link(until=self._not_after)
        except PerfusioError as error:
            self._trouble = str(error)
            return None
        return await self._put(link, wanted)

    async def _put(self, link: Link, wanted: Setpoints) -> Setpoints | None:
        """Write what differs from what is wanted, and return what is in force then; None if that is not known."""
        tags = self._vessel.setpoints
        try:
            now = setpoints_of(self._vessel, await link.read(tuple(tags.values())))
            changes = {
                tags[n]: getattr(wanted, n) / tags[n].factor for n in tags if tags[n].write and _differs(wanted, now, n)
            }
            if changes and self._has_time(link):
                statuses = await link.write(changes)
                self._refusals = {tag.name: status for tag, status in statuses.items() if status.startswith("Bad")}
                now = setpoints_of(self._vessel, await link.read(tuple(tags.values())))
            return now
        except NotConnected as error:
            self._trouble = str(error)
            return await self._found()

    async def _found(self) -> Setpoints | None:
        """Read back on a new link; None if there is none, or something may still be under way behind it."""
        try:
            link = await self._session.link(until=self._not_after)
            found = setpoints_of(self._vessel, await link.read(tuple(self._vessel.setpoints.values())))
        except PerfusioError as error:
            self._trouble = f"{self._trouble} {error}"
            return None
        return found if self._session.is_fenced or not differences(self._asked, found) else None

    def _has_time(self, link: Link) -> bool:
        """Whether what is sent now cannot be carried out after the deadline, wherever it gets stuck."""
        return bool(asyncio.get_running_loop().time() + link.session_s <= self._not_after)

    def _is_hopeless(self) -> bool:
        return bool(self._refusals) and all(status in HOPELESS for status in self._refusals.values())

    def _words(self, found: Setpoints | None) -> str:
        parts = [self._trouble] if self._trouble else []
        if self._refusals:
            parts.append("Refused: " + ", ".join(f"{n} ({status})" for n, status in self._refusals.items()) + ".")
        if found is not None and (left := differences(self._asked, found)):
            parts.append(f"Asked and found: {left}.")
        return " ".join(parts)


def _representable(vessel: VesselMap, link: Link, asked: Setpoints) -> Setpoints:
    """Return what the nodes can hold of what is asked for: one of a whole-number type rounds."""
    held = {n: tag.factor * link.as_held(tag, getattr(asked, n) / tag.factor) for n, tag in vessel.setpoints.items()}
    return replace(asked, **held)


def differences(wanted: Setpoints, found: Setpoints) -> str:
    """Return in words which setpoints differ, e.g. ``bleed_rate 0.2 and 0.15``; nothing if none does."""
    return ", ".join(
        f"{n} {getattr(wanted, n):g} and {getattr(found, n):g}" for n in SETPOINTS if _differs(wanted, found, n)
    )


def _differs(wanted: Setpoints, found: Setpoints, name: str) -> bool:
    a, b = getattr(wanted, name), getattr(found, name)
    return not (_same(a, b) or (a != a and b != b))


def _same(a: float, b: float) -> bool:
    return isclose(a, b, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
