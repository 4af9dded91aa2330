"""Waiting for the first row of a source whose rows name its vessels: a run bears the name in its sheet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from perfusio.clock import Clock
from perfusio.errors import SampleOverdue
from perfusio.events import ConnectorFailed, Event, WaitBegan
from perfusio.protocols import NamedByRows
from perfusio.record.run_state import READ
from perfusio.twin.samples.source_watch import SAID_AFTER_S
from perfusio.twin.samples.vessel_reader import USABLE_AFTER_S, in_words, pauses

Tell = Callable[[Event], None]


async def first_rows(source: NamedByRows, clock: Clock, tell: Tell) -> None:
    """Wait until a source has a row.

    A source that cannot be read is refused at first; one that could be for a minute is waited for however often it
    fails, as in a run.

    Args:
        source: It may have rows already.
        clock: Counts the time.
        tell: Hears of waits and failures; there is no record yet.

    Raises:
        ConnectorError: the source cannot be used.
    """
    began, pause, is_failing = clock.monotonic_ns(), pauses(), False
    saying = asyncio.ensure_future(_say(source, clock, tell))
    try:
        while True:
            try:
                return await source.first_rows()
            except SampleOverdue:
                is_failing = False  # it answers
            except Exception as error:
                if clock.monotonic_ns() - began < USABLE_AFTER_S * 1e9:
                    raise
                if not is_failing:
                    tell(ConnectorFailed(operation=READ, reason=f"{in_words(error)} It is tried again."))
                is_failing = True
            await clock.sleep(next(pause))
    finally:
        saying.cancel()


async def _say(source: NamedByRows, clock: Clock, tell: Tell) -> None:
    """Say the wait once it has lasted."""
    since = clock.now()
    await clock.sleep(SAID_AFTER_S)
    words = f"Waiting for the first row of {source.name}, which says what its vessels are called, since "
    tell(
        WaitBegan(
            reactors=(), since=f"{since:%Y-%m-%dT%H:%M:%SZ}", due="", until="",
            reason=f"{words}{since:%Y-%m-%d %H:%M} UTC.",
        )
    )  # fmt: skip
