"""Server-sent events: small deltas with the numbers of their records, a heartbeat, and what was missed meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse

from perfusio.dashboard.api.access import COOKIE, ERRORS, TheRun, TheShelf, TheSite, Viewer
from perfusio.dashboard.runs.followed import FollowedRun
from perfusio.dashboard.runs.shelf import Shelf
from perfusio.events import Json

router = APIRouter(prefix="/api/v1/runs", tags=["looking"], responses=ERRORS)
BEATS_EVERY_S = 5.0
MOST_AT_ONCE = 500


@router.get(
    "/{run}/stream", response_class=StreamingResponse,
    responses={200: {"description": "Server-sent events.", "content": {"text/event-stream": {}}}},
)  # fmt: skip
async def stream(
    request: Request, _: Viewer, run: TheRun, shelf: TheShelf, site: TheSite,
    last_event_id: Annotated[str, Header(max_length=40)] = "",
) -> StreamingResponse:  # fmt: skip
    """New records of a run as they come (`record`), and every few seconds where it stands (`beat`)."""
    seq = int(last_event_id) if last_event_id.isascii() and last_event_id.isdigit() else run.last_seq

    def may_go_on() -> bool:
        cookie = request.cookies.get(COOKIE)
        return cookie is None or site.credentials.of_session(cookie) is not None

    events = _events(run, shelf, seq, request, may_go_on)
    return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})


async def _events(
    run: FollowedRun, shelf: Shelf, seq: int, request: Request, may_go_on: object
) -> AsyncIterator[str]:
    assert callable(may_go_on)
    if seq > run.last_seq:  # of another record that was here before
        seq = 0
    condition = shelf.changed(run.name)
    yield _event("beat", _beat(run))
    last = _beat(run)
    while not shelf.is_closing and may_go_on():
        new = [row for row in run.rows[max(0, seq - 1) :] if row.seq > seq]
        if len(new) > MOST_AT_ONCE:
            seq = new[-1].seq
            yield _event("reset", {"seq": seq}, seq)
        elif new:
            seq = new[-1].seq
            deltas = [{"seq": r.seq, "event": r.event, "vessel": r.reactor, "ts": r.ts} for r in new]
            yield _event("record", {"rows": deltas}, seq)
        if new or _beat(run) != last:
            last = _beat(run)
            yield _event("beat", last)
        try:
            async with condition, asyncio.timeout(BEATS_EVERY_S):  # in this task: the lock is its own
                await condition.wait()
        except TimeoutError:
            if await request.is_disconnected():
                return
            yield _event("beat", _beat(run))


def _beat(run: FollowedRun) -> Json:
    return {
        "seq": run.last_seq, "state": "ended" if run.has_ended else "stale" if run.is_stale else "running",
        "fault": run.fault, "holds": [hold.name for hold in run.holds],
    }  # fmt: skip


def _event(kind: str, data: Json, seq: int | None = None) -> str:
    ident = f"id: {seq}\n" if seq is not None else ""
    return f"{ident}event: {kind}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"
