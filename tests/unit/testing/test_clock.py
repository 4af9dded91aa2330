import asyncio
import time
from datetime import datetime, timedelta

import pytest

from perfusio.errors import ConfigError
from perfusio.testing import ManualClock, in_virtual_time


def test_only_advance_moves_the_monotonic_clock():
    clock = ManualClock()
    start = clock.now()
    clock.advance(hours=24)
    clock.step(seconds=-3600)
    assert clock.now() - start == timedelta(hours=23)
    assert clock.monotonic_ns() == 24 * 3600 * 10**9


async def test_a_sleeper_wakes_when_somebody_has_let_the_time_pass():
    clock = ManualClock()
    sleeper = asyncio.ensure_future(clock.sleep(60.0))
    await asyncio.sleep(0)
    clock.advance(seconds=59.9)
    await asyncio.sleep(0)
    assert not sleeper.done()
    clock.step(seconds=3600.0)  # the wall clock wakes nobody
    await asyncio.sleep(0)
    assert not sleeper.done()
    clock.advance(seconds=0.1)
    await sleeper


def test_nobody_sleeps_too_short_so_that_waiting_until_a_moment_ends():
    clock, until_s = ManualClock(), 94914.9999999

    async def main():
        while clock.monotonic_ns() / 1e9 < until_s:
            await clock.sleep(until_s - clock.monotonic_ns() / 1e9)

    in_virtual_time(main(), clock)
    assert until_s <= clock.monotonic_ns() / 1e9 < until_s + 1e-5


def test_in_virtual_time_the_clock_moves_to_the_next_moment_that_somebody_waits_for():
    clock, seen = ManualClock(), []

    async def every(seconds, n):
        for _ in range(n):
            await clock.sleep(seconds)
            seen.append((seconds, clock.monotonic_ns() / 1e9))

    async def main():
        await asyncio.gather(every(86400.0, 2), every(50000.0, 3))
        return "over"

    assert in_virtual_time(main(), clock) == "over"
    assert seen == [
        (50000.0, 50000.0), (86400.0, 86400.0), (50000.0, 100000.0), (50000.0, 150000.0), (86400.0, 172800.0),
    ]  # fmt: skip


def test_in_virtual_time_work_in_a_thread_is_waited_for_while_the_clock_stands():
    clock = ManualClock()

    async def main():
        alarm = asyncio.ensure_future(clock.sleep(1.0))
        await asyncio.get_running_loop().run_in_executor(None, time.sleep, 0.05)
        assert not alarm.done()
        await alarm

    in_virtual_time(main(), clock)
    assert clock.monotonic_ns() == 10**9


def test_refuses_a_backward_advance_and_a_naive_start():
    with pytest.raises(ConfigError, match="step"):
        ManualClock().advance(seconds=-1)
    with pytest.raises(ConfigError, match="aware"):
        ManualClock(datetime(2026, 1, 1))
