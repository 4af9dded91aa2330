"""The part of the check of connectors that is about reading: calls that fail or are given up, and a new program."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from inspect import isawaitable

from perfusio.errors import EndOfRun, NotConnected, SampleOverdue, UnreadableSource
from perfusio.protocols import Connector, Described, Resumable, Standing
from perfusio.state import Setpoints, State

Make = Callable[[], Connector | Awaitable[Connector]]
N_READ = 3
"""Samples that are read: the last one of them must come next after whatever happened before it."""


async def made(make: Make) -> Connector:
    """Return a new connector."""
    found = make()
    return await found if isawaitable(found) else found


def expect(kept: bool, broken: str) -> None:
    """Refuse a broken promise in words.

    Raises:
        AssertionError: it was not kept.
    """
    if not kept:
        raise AssertionError(f"connector promise broken: {broken}")


async def check_reading(make: Make, *, breaks: Callable[[], AbstractContextManager[object]] | None) -> None:
    """Check that no call that failed, or was given up, and no new program costs a sample or doubles one.

    A source that moves on by itself, as a server does that shows the latest sample only, is tried on the last of these.

    Arguments as those of `check_connector`.

    Raises:
        AssertionError: a promise is broken.
    """
    expected = await _first_samples(await made(make))
    if len(expected) < N_READ:
        return
    moves_on = not _same(await (await made(make)).read_sample(), expected[0])
    *states, latest, following = await _first_samples(await made(make)) if moves_on else expected
    first = await made(make)
    if isinstance(first, Resumable):
        source = first.describe() if isinstance(first, Described) else {}
        unknown = Setpoints(panel=latest.panel)
        standing = Standing(states=(*states, latest), refused=(), in_force=unknown, done=None, source=source)
        refused = replace(standing, states=tuple(states), refused=(latest,))
        for stood, what in ((standing, "a sample that was read"), (refused, "a sample that was refused")):
            await _check_resumed(await made(make), stood, following, what, moves_on=moves_on)
    if moves_on:
        return
    for n_steps in (0, 1, 2, 5):
        await _check_given_up(await made(make), list(expected), n_steps)
    if breaks is not None:
        await _check_broken(await made(make), expected, breaks)


async def _first_samples(connector: Connector) -> list[State]:
    """Return the first samples, each with late values for it before the next."""
    found: list[State] = []
    while len(found) < N_READ:
        try:
            sample = await connector.read_sample()
        except EndOfRun:
            break
        except SampleOverdue:
            continue
        if any(known.time_h >= sample.time_h for known in found):
            return found  # late values: which call they come with is the connector's own affair
        found.append(sample)
    return found


async def _check_given_up(connector: Connector, expected: list[State], n_steps: int) -> None:
    """Give every second call up after so many steps of the event loop; the next call returns its sample."""
    for k in range(2 * len(expected)):
        call = asyncio.ensure_future(connector.read_sample())
        if k % 2 == 0:
            for _ in range(n_steps):
                await asyncio.sleep(0)
            call.cancel()
        try:
            sample = await call
        except (asyncio.CancelledError, SampleOverdue):
            continue
        right = expected.pop(0)
        words = f"the sample at {right.time_h:g} h was lost with a call that was given up: {sample.time_h:g} h came"
        expect(_same(sample, right), words)
        if not expected:
            return


async def _check_broken(
    connector: Connector, expected: list[State], breaks: Callable[[], AbstractContextManager[object]]
) -> None:
    first, *others = expected
    sample = await connector.read_sample()
    expect(_same(sample, first), f"the first sample is at {first.time_h:g} h, found {sample.time_h:g} h")
    with breaks():
        for _ in range(2):
            try:
                sample = await connector.read_sample()
            except (NotConnected, UnreadableSource):
                continue
            except EndOfRun as end:
                raise AssertionError("connector promise broken: a source that cannot be read is no end of it") from end
            expect(bool(others) and _same(sample, others.pop(0)), f"at {sample.time_h:g} h is not the next sample")
    for right in others:
        sample = await connector.read_sample()
        words = f"the sample at {right.time_h:g} h was lost with a call that failed: {sample.time_h:g} h came"
        expect(_same(sample, right), words)


async def _check_resumed(
    connector: Connector, standing: Standing, following: State, what: str, *, moves_on: bool
) -> None:
    assert isinstance(connector, Resumable)
    connector.goes_on(standing)
    expected = f"expected the sample at {following.time_h:g} h"
    try:
        sample = await connector.read_sample()
    except EndOfRun as end:
        raise AssertionError(f"connector promise broken: after a resume {expected}, found the end") from end
    known = {state.time_h for state in (*standing.states, *standing.refused)}
    expect(sample.time_h not in known, f"{what} came again after a resume: {expected}, found {sample.time_h:g} h")
    is_later = moves_on and sample.time_h > following.time_h
    expect(is_later or _same(sample, following), f"after a resume {expected}, found {sample.time_h:g} h")


def _same(a: State, b: State) -> bool:
    return a.time_h == b.time_h and a.measured() == b.measured()
