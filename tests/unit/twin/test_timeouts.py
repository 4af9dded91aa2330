"""Patience: a call is answered, or given up in words; nothing else hangs on it."""

import asyncio

import pytest

from perfusio.errors import ConfigError, NotConnected
from perfusio.twin.timeouts import Patience


async def rounds(_seconds):
    for _ in range(20):
        await asyncio.sleep(0)


PATIENCE = Patience(samples_s=1.0, call_s=9.0, sleep=rounds)


async def test_an_answer_is_handed_on():
    async def call():
        await asyncio.sleep(0)
        return 7

    assert await PATIENCE.answer(call()) == 7


async def test_what_a_call_raises_is_raised():
    async def call():
        raise ZeroDivisionError("in a driver")

    with pytest.raises(ZeroDivisionError):
        await PATIENCE.answer(call())


async def test_no_answer_is_an_error_in_words_and_the_call_is_given_up():
    ended = []

    async def call():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    with pytest.raises(NotConnected, match=r"No answer within 9 s\. Whether the call took effect is not known\."):
        await PATIENCE.answer(call())
    await asyncio.sleep(0)
    assert ended == [True]


async def test_a_call_that_cannot_be_given_up_is_left_behind():
    back = asyncio.Event()

    async def call():
        while True:
            try:
                await back.wait()
            except asyncio.CancelledError:
                continue
            raise ZeroDivisionError("long after")

    with pytest.raises(NotConnected):
        await PATIENCE.answer(call())
    back.set()
    await rounds(0)


async def test_a_connector_that_breaks_off_does_not_cancel_the_twin():
    async def call():
        raise asyncio.CancelledError

    with pytest.raises(NotConnected, match="broke the call off"):
        await PATIENCE.answer(call())


async def test_whoever_waits_may_be_stopped():
    task = asyncio.ensure_future(Patience(samples_s=1.0, call_s=1e6).answer(asyncio.Event().wait()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_usual_limits_follow_the_time_between_samples():
    assert Patience.usual(24.0).samples_s == 6 * 3600.0
    assert Patience.usual(8.0).samples_s == 2 * 3600.0


@pytest.mark.parametrize("limits", [{"samples_s": 0.0}, {"samples_s": 1.0, "call_s": -1.0}])
def test_limits_that_nothing_can_keep_are_refused(limits):
    with pytest.raises(ConfigError, match="expected a number above 0 and up to"):
        Patience(**limits)
