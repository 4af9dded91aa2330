"""Routes that act: each act of a person is an order to the twin, which answers on record; a hold acts at once."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StrictStr

from perfusio.dashboard.accounts.credentials import Caller
from perfusio.dashboard.accounts.site import Site, TooManyFailures
from perfusio.dashboard.api.access import ERRORS, Operator, TheRun, TheShelf, TheSite, Viewer, address_of, vessel_named
from perfusio.dashboard.runs.followed import FollowedRun
from perfusio.dashboard.runs.shelf import Shelf
from perfusio.errors import ConfigError
from perfusio.events import Json
from perfusio.tables.typed_values import typed_values
from perfusio.twin.operators.orders import Order, give
from perfusio.twin.state.hold import Word, make_hold

router = APIRouter(prefix="/api/v1/runs", tags=["acting"], responses=ERRORS)
SIGNED = ("approve", "modify", "reject", "mode", "release", "accept", "adopt", "ladder", "enter")
"""Acts that change a vessel or the data: signed with a password and a meaning."""
ANSWER_S = 8.0
WRITE_ENDS = ("SetpointsWritten", "WriteRefused", "WritePartial", "WriteRestored", "WriteUnknown", "OverrideDetected")
Reason = Annotated[StrictStr, Field(min_length=3, max_length=200)]
Name = Annotated[StrictStr, Field(max_length=300)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class HoldRequest(_Strict):
    """Hold a vessel, or all of them (empty)."""

    vessel: Name = ""
    why: Reason = "Held from the page."


class OrderRequest(_Strict):
    """An order to the twin of a run."""

    act: Literal[
        "mode", "release", "approve", "reject", "modify", "acknowledge", "shelve", "adopt", "accept", "note", "ladder",
        "enter",
    ]
    vessel: Name = ""
    why: Reason
    value: Annotated[StrictStr, Field(max_length=500)] = ""
    hours: Annotated[FiniteFloat, Field(ge=0, le=48)] = 0.0
    setpoints: Annotated[dict[str, FiniteFloat], Field(max_length=50)] = {}
    measured: Annotated[dict[str, Annotated[StrictStr, Field(max_length=100)]], Field(max_length=100)] = {}
    password: Annotated[StrictStr, Field(max_length=400)] = ""
    meaning: Annotated[StrictStr, Field(max_length=100)] = ""


@router.post("/{run}/hold")
async def hold(caller: Operator, run: TheRun, shelf: TheShelf, asked: HoldRequest) -> Json:
    """Stop all writes to a vessel, or to all, at once; it needs no signature, as it only stops."""
    _check_open(run)
    vessel = vessel_named(run, asked.vessel) if asked.vessel else None
    try:
        make_hold(run.run_dir, vessel, Word(who=caller.user.on_record, why=asked.why))
    except ConfigError as error:
        raise HTTPException(409, str(error)) from error
    run.look()
    async with shelf.changed(run.name):
        shelf.changed(run.name).notify_all()
    return {"status": "held", "vessel": vessel or "", "answer": "Nothing is written from now on."}


@router.post("/{run}/orders")
async def order(
    request: Request, caller: Operator, run: TheRun, shelf: TheShelf, site: TheSite, asked: OrderRequest
) -> Json:
    """Give an order; the answer is that of the running twin, with the end of the write where there is one."""
    _check_open(run)
    vessel = vessel_named(run, asked.vessel) if asked.vessel else ""
    signed = asked.act in SIGNED
    if signed:
        await asyncio.to_thread(_check_signature, site, caller, asked, address_of(request))
    try:
        measured = typed_values(asked.measured, run.panel)
        wanted = Order(
            act=asked.act, reactor=vessel, who=caller.user.on_record, why=asked.why, value=asked.value,
            hours=asked.hours, setpoints=asked.setpoints, measured=measured, user=caller.user.name if signed else "",
            meaning=asked.meaning if signed else "",
        )  # fmt: skip
        _check_advice(run, wanted)
        seq = run.last_seq
        name = give(run.run_dir, wanted)
    except ConfigError as error:
        raise HTTPException(409, str(error)) from error
    if run.writer is None:
        words = "No twin runs here now: it is carried out when the run is resumed, before anything else."
        return {"status": "waiting", "order": name, "answer": words, "written": None}
    return await _answer(run, shelf, seq, name, wanted)


def _check_open(run: FollowedRun) -> None:
    if run.has_ended:
        raise HTTPException(409, "The run has ended: nothing is written any more, and nothing can be asked of it.")


def _check_signature(site: Site, caller: Caller, asked: OrderRequest, address: str) -> None:
    if not asked.meaning:
        raise HTTPException(400, "A signature has a meaning: say it, e.g. approval, review, responsibility.")
    try:
        user = site.log_in(caller.user.name, asked.password, address)
    except TooManyFailures as error:
        raise HTTPException(429, str(error), headers={"Retry-After": f"{error.wait_s:.0f}"}) from error
    if user is None:
        raise HTTPException(403, "The password is wrong: nothing was signed, nothing was ordered.")


def _check_advice(run: FollowedRun, wanted: Order) -> None:
    """Refuse what the twin would refuse, before it is on the way: superseded and expired advice."""
    if wanted.act not in ("approve", "modify", "reject"):
        return
    advice = run.state.advised.get(wanted.reactor)
    if advice is None or advice.key != wanted.value:
        raise ConfigError("This card is superseded: it was acted upon, or a new sample came. Nothing was ordered.")


async def _answer(run: FollowedRun, shelf: Shelf, seq: int, name: str, wanted: Order) -> Json:
    """Wait for the answer of the twin, and for the end of the write that it is about."""
    out: Json = {"status": "waiting", "order": name, "answer": "The twin has not answered yet.", "written": None}
    is_write, end = wanted.act in ("approve", "modify"), asyncio.get_running_loop().time() + ANSWER_S
    while (left := end - asyncio.get_running_loop().time()) > 0.0:
        for row in [r for r in run.rows[max(0, seq - 1) :] if r.seq > seq]:
            seq = row.seq
            if row.event == "OperatorActed":
                payload = run.record(row)["payload"]
                if payload["order"] == name:
                    out["status"] = "done" if payload["is_done"] else "refused"
                    out["answer"] = payload["answer"] or "Done."
                    out["seq"] = row.seq
            elif row.event in WRITE_ENDS and row.reactor == wanted.reactor and out["status"] == "done":
                payload = run.record(row)["payload"]
                if payload["key"] == wanted.value:
                    in_force = payload.get("acknowledged") or payload.get("read_back")
                    out["written"] = {"event": row.event, "words": row.reason, "acknowledged": in_force}
        if out["status"] == "refused" or (out["status"] == "done" and (not is_write or out["written"])):
            break
        condition = shelf.changed(run.name)
        with suppress(TimeoutError):
            async with condition, asyncio.timeout(min(left, 1.0)):
                await condition.wait()
    return out


@router.post("/{run}/seen")
def seen(caller: Viewer, run: TheRun, site: TheSite) -> Json:
    """Note that the caller has looked at all that is on record now."""
    site.looks_at(caller.user, run.state.run_id, run.last_seq)
    return {"status": "done", "seq": run.last_seq}
