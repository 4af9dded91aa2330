"""One write onto the record and out: its intent, the write, and how it ended. The only caller of a write.

A vessel whose connector only reads and writes is written by `verified_write`, on the wire below. The ability of a
connector reports about its own write (`Reporting`) is believed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import numpy as np

from perfusio.decision import Action, Verdict
from perfusio.errors import ConnectorError, NotConnected, WriteOverridden, WriteRejected
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
from perfusio.protocols import Connector, ConnectorKind, Ending, EventSink, Reporting, WriteReport, able
from perfusio.state import FloatArray, Setpoints
from perfusio.twin.processes import numbers
from perfusio.twin.timeouts import DAILY, Patience
from perfusio.verified_write import differences, in_words, lacking, unread, verified_write

N_TRIES = 3
"""Writes of the new values before the old ones are put back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOrder:
    """One write that the guard has let pass.

    Attributes:
        reactor: Vessel.
        turn: Turn of the loop.
        key: Name of the decision; at most one change of a vessel has it.
        verdict: Of the guard.
        current: Setpoints believed to be in force now.
        expected: Setpoints required before the write, NaN where anything may be.
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
        """Setpoints to be in force."""
        return self.verdict.setpoints or Setpoints(panel=self.current.panel)


async def actuate(order: WriteOrder, *, connector: Connector, audit: EventSink, patience: Patience = DAILY) -> Ending:
    """Carry out one write; the setpoints in force afterwards are on record.

    The intent is durable before the first byte goes out. Nothing is written that the guard has not let pass, whoever
    asks.

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
    report = await _written(order, connector, audit, patience)
    audit.append(ended(order, report))
    return report.ending


def ended(order: WriteOrder, report: WriteReport) -> Event:
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


def settled(intent: WriteIntended, found: Setpoints, within: FloatArray | None = None) -> WriteReport:
    """Return how a write ended that was cut short, from the setpoints in force now; nothing is written for it.

    Args:
        intent: Of the write.
        found: Setpoints in force.
        within: By how much each setpoint may differ and still be the same (U,); default: seven digits.
    """
    if not differences(intent.new, found, within):
        return WriteReport(ending=Ending.DONE, in_force=found, words="Found in force after the write was cut short.")
    if not differences(intent.old, found, within):
        return WriteReport(ending=Ending.REFUSED, in_force=found, words="The write was cut short and did not happen.")
    foreign = differences(intent.new, found, within).keys() & differences(intent.old, found, within).keys()
    if foreign:
        words = f"The write was cut short, and somebody else changed {', '.join(sorted(foreign))} meanwhile."
        return WriteReport(ending=Ending.OVERRIDDEN, in_force=found, words=words)
    words = f"The write was cut short. Found: {in_words(intent.new, found)} (asked and in force)."
    return WriteReport(ending=Ending.PARTIAL, in_force=found, words=words)


def cut_short(intent: WriteIntended, reactor: str) -> WriteOrder:
    """Return the order of a write that was cut short, to say of its own turn how it ended."""
    return WriteOrder(
        reactor=reactor, turn=intent.turn or 0, key=intent.key, current=intent.old, expected=intent.new,
        verdict=Verdict(reactor_id=reactor, setpoints=intent.new, action=Action.WRITE),
    )  # fmt: skip


async def _written(order: WriteOrder, connector: Connector, audit: EventSink, patience: Patience) -> WriteReport:
    """Write the way that fits the kind of connector."""
    wire = _PlainWire(order, connector, audit, patience)
    if connector.kind is ConnectorKind.REPLAY or not connector.confirms_at_once:
        return await wire.asked_for()
    reporting = able(connector, Reporting)
    if reporting is not None:
        return await wire.reported(reporting)
    return await verified_write(wire, order.asked, expected=order.expected, believed=order.current)


class _PlainWire:
    """One write to a vessel whose connector only reads and writes; all that makes it sure is done here."""

    def __init__(self, order: WriteOrder, connector: Connector, audit: EventSink, patience: Patience) -> None:
        self._order, self._connector, self._audit, self._patience = order, connector, audit, patience
        self._ends = asyncio.get_running_loop().time() + order.seconds
        self._n_tries, self._may_still_happen = 0, False
        self._found: Setpoints | None = None
        self.trouble = ""

    # -- the wire of a verified write --------------------------------------------------------------------------------

    @property
    def if_unchanged(self) -> Ending:
        """REFUSED, unless the vessel did not answer: then the write may still be under way."""
        return Ending.UNKNOWN if self._may_still_happen else Ending.REFUSED

    async def look(self) -> Setpoints:
        """Return the setpoints in force.

        Raises:
            NotConnected: it cannot be read.
        """
        found = await self._read()
        if found is None:
            raise NotConnected(self.trouble)
        return found

    def problems_with(self, asked: Setpoints, old: Setpoints) -> list[str]:
        """Nothing is sent after the deadline."""
        del asked, old  # any vessel may be asked for anything that is possible
        return [] if self._has_time() else ["No time was left to write: nothing was sent."]

    def held(self, asked: Setpoints) -> Setpoints:
        """A plain vessel is taken to hold any number."""
        return asked

    async def put(self, wanted: Setpoints) -> Setpoints | None:
        """Write and read back; setpoints that the vessel does not show are as acknowledged."""
        if not self._has_time():
            self.trouble = f"{self.trouble} No time was left to try again.".strip()
            return self._found
        self._n_tries += 1
        try:
            panel = self._order.asked.panel
            said = numbers(await self._patience.answer(self._connector.write_setpoints(wanted)), panel)
            shown = numbers(await self._patience.answer(self._connector.read_setpoints()), panel)
            self._found = shown.filled_from(said)[0]
        except Exception as error:  # noqa: BLE001 - whatever a write raises, it is unknown until it is read back
            self._may_still_happen = not isinstance(error, WriteRejected)
            found = await self._read()
            self.trouble = _spoken(error)
            is_said = found is not None and not unread(self._order.current, wanted, found)
            self._found = found.filled_from(self._order.current)[0] if found is not None and is_said else None
        return self._found

    async def tries_again(self, old: Setpoints, found: Setpoints) -> bool:
        """A part can be completed; a write refused or unanswered as a whole is not sent again."""
        return bool(lacking(old, found)) and self._n_tries < N_TRIES

    # -- other vessels -----------------------------------------------------------------------------------------------

    async def asked_for(self) -> WriteReport:
        """Ask once, without a look: a file shows the result only later, and a connector's report is said."""
        try:
            answer = await self._patience.answer(self._connector.write_setpoints(self._order.asked))
            said = numbers(answer, self._order.asked.panel)
        except Exception as error:  # noqa: BLE001 - whatever a write raises, only a refusal says that nothing happened
            ending = Ending.REFUSED if isinstance(error, WriteRejected) else Ending.UNKNOWN
            ending = Ending.OVERRIDDEN if isinstance(error, WriteOverridden) else ending
            return WriteReport(ending=ending, in_force=Setpoints(panel=self._order.asked.panel), words=_spoken(error))
        if not lacking(self._order.asked, said):
            return WriteReport(ending=Ending.DONE, in_force=said)
        words = f"Asked and acknowledged: {in_words(self._order.asked, said)}."
        kept = Ending.PARTIAL if lacking(self._order.current, said) else Ending.REFUSED
        return WriteReport(ending=kept, in_force=said, words=words)

    async def reported(self, connector: Reporting) -> WriteReport:
        """Look, then leave the rest to a connector that can; its error says less than its report."""
        try:
            before = await self.look()
        except NotConnected as error:
            words = f"{error} Nothing was sent. A write does not wait for a link."
            return WriteReport(ending=Ending.REFUSED, in_force=Setpoints(panel=self._order.asked.panel), words=words)
        if differences(self._order.expected, before):
            words = f"Expected and found: {in_words(self._order.expected, before)}."
            return WriteReport(ending=Ending.OVERRIDDEN, in_force=before, words=words)
        asked_for = await self.asked_for()
        return connector.last_write or asked_for

    # -- inside ------------------------------------------------------------------------------------------------------

    async def _read(self) -> Setpoints | None:
        try:
            answer = await self._patience.answer(self._connector.read_setpoints())
            return numbers(answer, self._order.asked.panel)
        except Exception as error:  # noqa: BLE001 - as above
            self.trouble = _spoken(error)
            self._audit.append(
                ConnectorFailed(
                    reactor=self._order.reactor, turn=self._order.turn, operation="read_setpoints", reason=self.trouble
                )
            )
            return None

    def _has_time(self) -> bool:
        return asyncio.get_running_loop().time() < self._ends


def _spoken(error: Exception) -> str:
    return str(error) if isinstance(error, ConnectorError) else f"{type(error).__name__}: {error}"
