"""One write: intent on record, look, write, read back, done, or the old values back. The only caller of a write.

    intent -> look: is in force what should be? -> write -> read back -> done | try again | old values back | unknown

A write that failed is unknown, not undone: it is read back before anything else is done. What a connector reports about
its own write (`Reporting`) is believed; for others it is found out here.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import numpy as np

from perfusio.decision import Action, Verdict
from perfusio.errors import ConnectorError, WriteRejected
from perfusio.events import (
    ConnectorFailed,
    Event,
    OverrideDetected,
    SetpointsWritten,
    WriteIntended,
    WritePartial,
    WriteRefused,
    WriteRestored,
    WriteUnknown,
)
from perfusio.protocols import Connector, ConnectorKind, Ending, EventSink, Reporting, WriteReport
from perfusio.state import SETPOINT_QUANTITIES, SETPOINTS, Setpoints
from perfusio.twin.patience import DAILY, Patience

TOLERANCE = 1e-6
"""Relative; a register of type Float keeps seven digits."""
N_TRIES = 3
"""Writes of the new values before the old ones are put back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One write that the guard has let pass.

    Attributes:
        reactor: Vessel.
        turn: Turn of the loop.
        key: Name of the decision; at most one change of a vessel has it.
        verdict: Of the guard.
        current: What is believed to be in force now.
        expected: What must be found in force before the write, NaN where anything may be.
        not_after: Wall time after which nothing is sent, for the record.
        seconds: Time until then [s].
    """

    reactor: str
    turn: int
    key: str
    verdict: Verdict
    current: Setpoints
    expected: Setpoints
    not_after: str = ""
    seconds: float = float("inf")

    @property
    def asked(self) -> Setpoints:
        """What is to be in force."""
        return self.verdict.setpoints or Setpoints()


async def actuate(order: Order, *, connector: Connector, audit: EventSink, patience: Patience = DAILY) -> Ending:
    """Carry out one write; what is in force afterwards is on record.

    The intent is durable before the first byte goes out. What the guard has not let pass is not written, whoever asks.

    Raises:
        AuditError: the intent could not be recorded, and nothing was written; or its end could not.
    """
    if order.verdict.action is not Action.WRITE or order.verdict.setpoints is None:
        return Ending.REFUSED
    audit.append(
        WriteIntended(
            reactor=order.reactor, turn=order.turn, key=order.key, old=order.current, new=order.asked,
            not_after=order.not_after,
        )
    )  # fmt: skip
    report = await _Write(order, connector, audit, patience).run()
    audit.append(ended(order, report))
    return report.ending


def ended(order: Order, report: WriteReport) -> Event:
    """Return the record of how a write ended."""
    found, words = report.in_force, report.words
    is_known = bool(np.isfinite(found.vector()).any())
    match report.ending:
        case Ending.DONE:
            event: Event = SetpointsWritten(key=order.key, asked=order.asked, acknowledged=found)
        case Ending.REFUSED:
            event = WriteRefused(key=order.key, asked=order.asked, read_back=found if is_known else None)
        case Ending.OVERRIDDEN:
            event = OverrideDetected(key=order.key, expected=order.expected, found=found)
        case Ending.RESTORED:
            event = WriteRestored(key=order.key, restored=found)
        case Ending.PARTIAL:
            failed = differences(order.asked, found)
            event = WritePartial(key=order.key, asked=order.asked, read_back=found, failed=failed)
        case Ending.UNKNOWN:
            event = WriteUnknown(key=order.key, asked=order.asked, read_back=found if is_known else None)
    return replace(event, reactor=order.reactor, turn=order.turn, reason=words)


def settled(intent: WriteIntended, found: Setpoints) -> WriteReport:
    """Return how a write ended that was cut short, from what is in force now; nothing is written for it."""
    if not differences(intent.new, found):
        return WriteReport(ending=Ending.DONE, in_force=found, words="Found in force after the write was cut short.")
    if not differences(intent.old, found):
        return WriteReport(ending=Ending.REFUSED, in_force=found, words="The write was cut short and did not happen.")
    words = f"The write was cut short. Found: {in_words(intent.new, found)} (asked and in force)."
    return WriteReport(ending=Ending.PARTIAL, in_force=found, words=words)


def differences(wanted: Setpoints, found: Setpoints) -> dict[str, str]:
    """Return the setpoints that are known to differ, each with both values in words."""
    out = {}
    for name in SETPOINTS:
        a, b = getattr(wanted, name), getattr(found, name)
        if a == a and b == b and not np.isclose(a, b, rtol=TOLERANCE, atol=TOLERANCE):
            out[name] = f"{a:g} and {b:g} {SETPOINT_QUANTITIES[name].unit}"
    return out


def unread(old: Setpoints, new: Setpoints, found: Setpoints) -> list[str]:
    """Return the setpoints that a write moves and of which the vessel does not say what they are."""
    return [n for n in SETPOINTS if getattr(old, n) != getattr(new, n) and getattr(found, n) != getattr(found, n)]


def in_words(wanted: Setpoints, found: Setpoints) -> str:
    """Return differences as one text."""
    return ", ".join(f"{name} {text}" for name, text in differences(wanted, found).items())


class _Write:
    """One write to one vessel, from its intent to its report."""

    def __init__(self, order: Order, connector: Connector, audit: EventSink, patience: Patience) -> None:
        self._order, self._connector, self._audit, self._patience = order, connector, audit, patience
        self._ends = asyncio.get_running_loop().time() + order.seconds
        self._trouble, self._may_still_happen = "", False

    async def run(self) -> WriteReport:
        asked, connector = self._order.asked, self._connector
        if isinstance(connector, Reporting):
            return await self._reported(connector)
        if connector.kind is ConnectorKind.REPLAY or not connector.confirms_at_once:
            found = await self._put(asked)
            if found is None:
                return WriteReport(ending=Ending.UNKNOWN, in_force=Setpoints(), words=self._trouble)
            return self._as_found(found)
        before = await self._read()
        if before is None:
            words = f"{self._trouble} Nothing was sent: a write does not wait for a link."
            return WriteReport(ending=Ending.REFUSED, in_force=Setpoints(), words=words)
        if differences(self._order.expected, before):
            words = f"Expected and found: {in_words(self._order.expected, before)}."
            return WriteReport(ending=Ending.OVERRIDDEN, in_force=before, words=words)
        return await self._settle(before.filled_from(self._order.current)[0])

    async def _settle(self, old: Setpoints) -> WriteReport:
        """Write until the new values hold; if only a part of them ever does, put the old ones back."""
        found: Setpoints | None = None
        for _ in range(N_TRIES):
            if not self._has_time():
                self._trouble = f"{self._trouble} No time was left to try again.".strip()
                break
            found = await self._put(self._order.asked)
            if found is None or not differences(self._order.asked, found) or not differences(old, found):
                break  # all of it, or nothing: a write that went unanswered is not sent again
        if found is None:
            return WriteReport(ending=Ending.UNKNOWN, in_force=Setpoints(), words=self._trouble)
        if not differences(self._order.asked, found) or not differences(old, found):
            return self._as_found(found)
        words = f"Asked and found: {in_words(self._order.asked, found)}. {self._trouble}".strip()
        back = await self._put(old) if self._has_time() else found
        if back is None:
            return WriteReport(ending=Ending.UNKNOWN, in_force=Setpoints(), words=words)
        if left := in_words(old, back):
            return WriteReport(ending=Ending.PARTIAL, in_force=back, words=f"{words} Not put back: {left}.")
        return WriteReport(ending=Ending.RESTORED, in_force=back, words=words)

    async def _reported(self, connector: Reporting) -> WriteReport:
        """Leave all of it to a connector that can; what it raises says less than its report."""
        found = await self._put(self._order.asked)
        report = connector.last_write
        if report is not None:
            return report
        return self._as_found(found) if found is not None else WriteReport(
            ending=Ending.UNKNOWN, in_force=Setpoints(), words=self._trouble
        )  # fmt: skip

    def _as_found(self, found: Setpoints) -> WriteReport:
        if not differences(self._order.asked, found):
            return WriteReport(ending=Ending.DONE, in_force=found, words=self._trouble)
        if differences(self._order.current, found):
            words = f"Asked and found: {in_words(self._order.asked, found)}. {self._trouble}".strip()
            return WriteReport(ending=Ending.PARTIAL, in_force=found, words=words)
        if self._may_still_happen:
            words = f"{self._trouble} The old values are in force, but the write may still be carried out."
            return WriteReport(ending=Ending.UNKNOWN, in_force=Setpoints(), words=words)
        words = self._trouble or f"The vessel kept its setpoints: {in_words(self._order.asked, found)} (asked, found)."
        return WriteReport(ending=Ending.REFUSED, in_force=found, words=words)

    async def _put(self, wanted: Setpoints) -> Setpoints | None:
        """Write, and return what is in force then; None if that is not known."""
        try:
            found = _numbers(await self._patience.answer(self._connector.write_setpoints(wanted)))
            if self._connector.confirms_at_once and not isinstance(self._connector, Reporting):
                found = _numbers(await self._patience.answer(self._connector.read_setpoints())).filled_from(found)[0]
            return found
        except Exception as error:  # noqa: BLE001 - whatever a write raises, it is unknown until it is read back
            self._may_still_happen = not isinstance(error, WriteRejected)
            found_now = None if isinstance(self._connector, Reporting) else await self._read()
            self._trouble = _spoken(error)
            is_said = found_now is not None and not unread(self._order.current, wanted, found_now)
            return found_now if is_said else None

    async def _read(self) -> Setpoints | None:
        try:
            return _numbers(await self._patience.answer(self._connector.read_setpoints()))
        except Exception as error:  # noqa: BLE001 - as above
            self._trouble = _spoken(error)
            self._audit.append(
                ConnectorFailed(
                    reactor=self._order.reactor, turn=self._order.turn, operation="read_setpoints", reason=self._trouble
                )
            )
            return None

    def _has_time(self) -> bool:
        return asyncio.get_running_loop().time() < self._ends


def _numbers(found: Setpoints) -> Setpoints:
    """Whatever a broken connector answers: from here on it is six numbers, or an error."""
    return Setpoints.of(found.vector())


def _spoken(error: Exception) -> str:
    return str(error) if isinstance(error, ConnectorError) else f"{type(error).__name__}: {error}"
