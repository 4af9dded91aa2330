"""Reading one vessel: its next sample, however often the source fails until then.

A read that fails says nothing about the sample: it is tried again, after one second, two, four, up to a minute, for as
long as somebody waits. That it began to fail and that it is over are told once each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Protocol, TypeVar

from perfusio.clock import Clock
from perfusio.errors import ConnectorError, EndOfRun, NotConnected, SampleOverdue
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.protocols import Connector, Looking, able, is_live
from perfusio.record.run_state import READ
from perfusio.state import Setpoints, State
from perfusio.twin.processes import check_sample
from perfusio.twin.timeouts import Patience, give_up

V = TypeVar("V", State, Setpoints)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
USABLE_AFTER_S = 60.0
"""A source that was waited for so long before it failed could be used when the run was begun [s]."""
QUIET_S, LONGEST_QUIET_S = 60.0, 600.0
"""A call that has waited for so long without failing, and twice as long as the one that failed, waits for a sample. One
that failed after hours of waiting was not slow to fail."""
LOOKS_TO_FAIL = 2
"""A file is read when two looks agree, so that much can pass before a call finds that it cannot be read."""


class ReadingTroubles(Protocol):
    """Who is told how reading goes."""

    def failed(self, reactor: str, operation: str, reason: str) -> None:
        """Know that a vessel cannot be read now; for `read_sample` once, until it can."""
        ...

    def recovered(self, reactor: str, seconds: float) -> None:
        """Know that samples of a vessel can be read again, after so long [s]."""
        ...


class NobodyTold:
    """Hears nothing."""

    def failed(self, reactor: str, operation: str, reason: str) -> None:
        """Do nothing."""

    def recovered(self, reactor: str, seconds: float) -> None:
        """Do nothing."""


class VesselReader:
    """Reads one vessel.

    Args:
        reactor: Vessel.
        connector: To it.
        clock: Of the run; it counts the pauses.
        patience: How long setpoints are waited for.
        troubles: Who is told how reading goes.
        process: Whose quantities it must measure.

    Attributes:
        ahead: The sample that was read and not taken yet.
        is_over: Whether the source has ended, or the vessel has left.
        failing_since_ns: Since when samples cannot be read, on the monotonic clock; None = they can.
    """

    def __init__(
        self,
        reactor: str,
        connector: Connector,
        clock: Clock,
        patience: Patience,
        troubles: ReadingTroubles,
        process: Panel = CHO_PERFUSION,
    ) -> None:
        self.reactor, self.connector, self.process = reactor, connector, process
        self._clock, self._patience, self._troubles = clock, patience, troubles
        self.ahead: State | None = None
        self.is_over = False
        self.failing_since_ns: int | None = None
        self._call: asyncio.Task[State] | None = None
        self._called_ns = self._took_ns = 0  # when the call was made that is open, how long the last one took to fail

    @property
    def is_live(self) -> bool:
        """Whether its samples are still to be taken, so that they come when they come."""
        return is_live(self.connector)

    async def next(self) -> State | None:
        """Wait for the next sample and return it; it stays `ahead` until it is taken.

        Returns:
            None if there is none for this turn: the source has ended, or a simulated vessel has lost the sample.
            Whatever else is raised is tried again.
        """
        waits = pauses()
        while True:
            try:
                await self.look()
            except SampleOverdue:
                self._is_well()  # it answers
                if not self.is_live:
                    return None
            except Exception as error:  # noqa: BLE001 - a connector that breaks its promise is one vessel's trouble
                self._fails(error)
            else:
                self._is_well()
                return self.ahead
            await self._clock.sleep(next(waits))

    async def look(self) -> None:
        """Wait for one answer of the connector; a call that is still open from an earlier turn is waited for again.

        Raises:
            SampleOverdue: as the connector.
            Exception: whatever else the connector raises.
        """
        if self.ahead is not None or self.is_over:
            return
        if self._call is None:
            self._call = asyncio.ensure_future(self.connector.read_sample())
            self._called_ns = self._clock.monotonic_ns()
        call = self._call
        try:
            sample = await asyncio.shield(call)
        except EndOfRun:
            self.is_over = True
        except asyncio.CancelledError:
            if call.cancelled() and not _is_cancelled():  # by the connector itself: its trouble, not the end of ours
                raise NotConnected("The connector broke the call off itself.") from None
            raise
        else:
            checked = _checked(sample, State, self.process)
            _refuse_text(checked, "time_h")
            self.ahead = checked
        finally:
            if call.done() and self._call is call:
                self._call = None

    async def setpoints(self) -> Setpoints:
        """Return the setpoints in force, NaN where not known; a link that fails is tried while a call may last."""
        waits, until = pauses(), self._clock.monotonic_ns() + self._patience.call_s * 1e9
        while True:
            try:
                answer = await self._patience.answer(self.connector.read_setpoints())
                return _checked(answer, Setpoints, self.process)
            except Exception as error:  # noqa: BLE001 - as above
                pause = next(waits)
                if not self.is_live or self._clock.monotonic_ns() + pause * 1e9 > until:
                    self._troubles.failed(self.reactor, "read_setpoints", in_words(error))
                    return Setpoints(panel=self.process)
            await self._clock.sleep(pause)

    def take(self) -> State:
        """Return the sample that is ahead, and be ready for the next one."""
        assert self.ahead is not None
        sample, self.ahead = self.ahead, None
        return sample

    def close(self) -> None:
        """Give up the call that is still open."""
        if self._call is not None:
            give_up(self._call)
            self._call = None

    def note_if_well(self) -> None:
        """Tell that a source that failed is well again, if it has been asked for long enough without failing."""
        if self.failing_since_ns is None or self._call is None:
            return
        looking = able(self.connector, Looking)
        looks_s = LOOKS_TO_FAIL * looking.looks_every_s if looking is not None else 0.0
        quiet_ns = max(1e9 * (QUIET_S + looks_s), min(2 * self._took_ns, LONGEST_QUIET_S * 1e9))
        if self._clock.monotonic_ns() - self._called_ns >= quiet_ns:
            self._is_well(self._called_ns)

    def _fails(self, error: Exception) -> None:
        now = self._clock.monotonic_ns()
        self._took_ns = now - self._called_ns
        if self.failing_since_ns is None:
            self.failing_since_ns = now
            self._troubles.failed(self.reactor, READ, in_words(error))

    def _is_well(self, since_ns: int | None = None) -> None:
        if self.failing_since_ns is not None:
            now = self._clock.monotonic_ns() if since_ns is None else since_ns
            seconds, self.failing_since_ns = (now - self.failing_since_ns) / 1e9, None
            self._troubles.recovered(self.reactor, seconds)


def _is_cancelled() -> bool:
    """Whether it is this very task that ends; at the end of a program all tasks do at once."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def in_words(error: Exception) -> str:
    """Return the failure: our own errors say it in words, foreign ones are named."""
    return str(error) if isinstance(error, ConnectorError) else f"{type(error).__name__}: {error}"


def pauses() -> Iterator[float]:
    """Yield how long to wait after each try that failed [s]."""
    pause = FIRST_PAUSE_S
    while True:
        yield pause
        pause = min(2.0 * pause, LONGEST_PAUSE_S)


def _checked(found: object, expected: type[V], process: Panel) -> V:
    """Refuse a sample that is not of the promised type, of another process, or holds no numbers."""
    if not isinstance(found, expected):
        raise ConnectorError(f"Found {type(found).__name__} where a {expected.__name__} was expected: {found!r:.80}.")
    check_sample(found, process)
    _refuse_text(found, *((s.name for s in process.species) if expected is State else process.setpoint_names))
    return found


def _refuse_text(found: State | Setpoints, *names: str) -> None:
    for name in names:
        if not isinstance(value := getattr(found, name), (float, int)):
            raise ConnectorError(f"{name} = {value!r:.80}: expected a number, NaN where it is not known.")
