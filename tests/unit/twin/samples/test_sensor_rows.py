"""A sensor that reads on in the table of samples decides nothing; a sample with gaps does."""

from math import nan

import pytest

from perfusio.process import CHO_PERFUSION
from perfusio.testing import ScriptedConnector, make_state
from perfusio.twin.samples.inbox import Inbox
from perfusio.twin.samples.sensor_rows import SensorRows

CRITICAL = CHO_PERFUSION.critical


def density(hour):
    return make_state(time_h=hour, **{name: nan for name in CHO_PERFUSION.species_names if name != "vcd"})


def followed(rows):
    sensors = SensorRows(24.0, CHO_PERFUSION)
    return [sensors.follow("R01", row) for row in rows]


def test_a_dense_series_without_critical_quantities_is_of_a_sensor():
    assert set(CRITICAL) - {"vcd"}
    rows = [make_state(time_h=0.0), *(density(4.0 * i) for i in range(1, 6)), make_state(time_h=24.0), density(28.0)]
    assert followed(rows) == [False, False, False, True, True, True, False, False]


@pytest.mark.parametrize("apart", [7.0, 24.0])
def test_rows_far_apart_and_samples_before_any_whole_one_are_samples(apart):
    assert not any(followed([make_state(time_h=0.0), *(density(apart * i) for i in range(1, 6))]))
    assert not any(followed([density(i / 6) for i in range(20)]))


async def turns(script, n):
    inbox = Inbox({"R01": ScriptedConnector(script)}, 24.0)
    await inbox.first_look()
    return [[(a.sample.time_h, a.is_due) for a in (await inbox.gather(turn))["R01"]] for turn in range(n)]


async def test_the_daily_sample_is_due_however_many_readings_lie_before_it():
    hours = [i / 6 for i in range(1, 144)]
    script = [make_state(time_h=0.0), *map(density, hours), make_state(time_h=24.0), density(24.2)]
    first, second = await turns(script, 2)
    assert first == [(0.0, True)]
    assert second == [*((h, False) for h in hours), (24.0, True)]


async def test_where_no_sample_comes_the_last_reading_of_the_turn_is_taken():
    hours = [float(h) for h in range(1, 60)]
    _, second, third = await turns([make_state(time_h=0.0), *map(density, hours)], 3)
    assert [h for h, is_due in second if is_due] == [36.0]
    assert [h for h, is_due in third if is_due] == [59.0]
