"""Bugs planted in the way a twin deals with orders: each must be noticed by T21, or it proves nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from perfusio.record.run_state import RunState
from perfusio.twin import resume
from perfusio.twin.operators import acts, order_processor
from perfusio.twin.writes import write_dispatcher

MOMENT_S = 0.05
"""By which two bugs are made wide enough for a kill to fall into them."""


def _forgets_approvals() -> None:
    """An approval on record whose write has not begun is forgotten; the write begins a moment later."""
    rightly = write_dispatcher.Hands.approve

    async def settle(_: object) -> None:
        return

    async def late(self: Any, *approved: Any) -> None:
        await asyncio.sleep(MOMENT_S)
        await rightly(self, *approved)

    type.__setattr__(acts.Acts, "settle", settle)
    type.__setattr__(write_dispatcher.Hands, "approve", late)


def _answers_again() -> None:
    """Orders that were answered are looked at again after a restart, as if they were new."""
    known_after = resume.known_after

    def forgetful(records: Any) -> RunState:
        return replace(known_after(records), answered=frozenset())

    def leave(desk: Any, one: Any) -> None:
        desk._stays.add(one.id)

    vars(resume)["known_after"] = forgetful
    type.__setattr__(order_processor.Desk, "_take_away", leave)


def _takes_away_first() -> None:
    """The file of an order is taken away a moment before the order is on record."""
    rightly = acts.Acts.carry_out

    async def first(self: Any, one: Any) -> None:
        with suppress(OSError):
            one.place.unlink()
        await asyncio.sleep(MOMENT_S)
        await rightly(self, one)

    type.__setattr__(acts.Acts, "carry_out", first)


BUGS: Mapping[str, Callable[[], None]] = {
    "an approval cut short is forgotten": _forgets_approvals,
    "an answered order is answered again": _answers_again,
    "an order is taken away before it is on record": _takes_away_first,
}
