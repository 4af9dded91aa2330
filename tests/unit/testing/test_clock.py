from datetime import datetime, timedelta

import pytest

from perfusio.errors import ConfigError
from perfusio.testing import ManualClock


def test_only_advance_moves_the_monotonic_clock():
    clock = ManualClock()
    start = clock.now()
    clock.advance(hours=24)
    clock.step(seconds=-3600)
    assert clock.now() - start == timedelta(hours=23)
    assert clock.monotonic_ns() == 24 * 3600 * 10**9


async def test_sleeping_takes_no_time():
    clock = ManualClock()
    await clock.sleep(86400.0)
    assert clock.monotonic_ns() == 86400 * 10**9


def test_refuses_a_backward_advance_and_a_naive_start():
    with pytest.raises(ConfigError, match="step"):
        ManualClock().advance(seconds=-1)
    with pytest.raises(ConfigError, match="aware"):
        ManualClock(datetime(2026, 1, 1))
