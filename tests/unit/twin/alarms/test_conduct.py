"""Target missed, a controller that does not control, readings and forecasts that have parted."""

from math import nan

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import maximize, track
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory
from perfusio.twin.alarms.conduct import not_controlled, parted, target_missed

NOMINAL = SPACE.nominal


def known(name, *values, **more):
    run = Trajectory(reactor_id="R01")
    for day, value in enumerate(values):
        run = run.observe(make_state(day=day, **{name: value}, **more), NOMINAL)
    return run


HELD = (track(vcd=30.0),)


def missed(*values, aims=HELD):
    return [a.quantity for a in target_missed(aims, known("vcd", *values), 24.0)]


@pytest.mark.parametrize(
    ("values", "is_missed"),
    [
        ((30.0, 42.0, 44.0, 45.0, 46.0), True),
        ((30.0, 31.0, 44.0, 30.0, 29.0), False),
        ((3.0, 5.0, 8.0, 12.0, 17.0), False),  # it grows towards its target
        ((5.0, 5.1, 5.0, 5.1, 5.0, 5.1), True),  # and this one does not
        ((30.0, 28.0, 18.0, 17.0, 16.0, 16.0), True),
        ((45.0, 45.0), False),  # not for two days
        ((30.0, nan, nan, nan, nan), False),
    ],
)
def test_a_target_is_missed_when_the_cells_have_been_far_from_it_for_two_days(values, is_missed):
    assert bool(missed(*values)) == is_missed


def test_only_what_is_tracked_and_measured_can_be_missed():
    assert missed(50.0, 50.0, 50.0, 50.0, aims=(maximize("titer"),)) == []


@pytest.mark.parametrize(
    ("values", "n"),
    [((4.0, 0.1, 0.1, 0.1, 0.1), 1), ((4.0, 4.1, 3.0, 2.5, 2.2), 0), ((0.1, 0.1), 0), ((4.0, 0.1, 3.9, 0.1), 0)],
)
def test_a_controller_that_does_not_hold_its_setpoint_is_told(values, n):
    found = not_controlled(known("glucose", *values), NOMINAL)
    assert [a.quantity for a in found] == ["controller glucose_setpoint"] * n


def test_readings_and_forecasts_part_where_samples_are_far_from_them_again_and_again():
    away = {"glutamine": "7 sd from the forecast of 1"}
    states = [make_state(day=d, quality=away if d % 2 else {}) for d in range(6)]
    assert [a.quantity for a in parted(states)] == ["forecast glutamine"]
    assert parted(states[:4]) == []
