"""Trajectory: N states and N - 1 setpoints; the off-by-one is settled here."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import ConfigError
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory

A = DEFAULT_AMBR250_DESIGN_SPACE.nominal
B, C = replace(A, bleed_rate=0.2), replace(A, bleed_rate=0.25)


def three():
    t = Trajectory(reactor_id="R01")
    for day, u in enumerate((A, B, C)):
        t = t.observe(make_state(day=day, vcd=10.0 + day), u)
    return t


def test_setpoints_given_with_a_sample_led_to_it():
    t = three()
    assert t.setpoints == (B, C)  # what was in force before the first sample does not matter
    first, second = t.transitions()
    assert (first.before.vcd, first.setpoints, first.after.vcd, first.hours) == (10.0, B, 11.0, 24.0)
    assert (second.before.vcd, second.setpoints, second.after.vcd) == (11.0, C, 12.0)


def test_observing_leaves_the_old_one_as_it_was():
    t = three()
    longer = t.observe(make_state(day=5), A)
    assert (len(t.states), len(longer.states), len(longer.setpoints)) == (3, 4, 3)
    assert longer.transitions()[-1].hours == 72.0
    assert all(a is b for a, b in zip(t.states, longer.states, strict=False))


@pytest.mark.parametrize("n", [0, 1])
def test_short_ones_have_shapes_too(n):
    t = Trajectory(reactor_id="R01", states=tuple(make_state() for _ in range(n)))
    assert t.transitions() == ()
    assert t.values.shape == (n, 9)
    assert t.inputs.shape == (0, 6)
    assert t.times_h.shape == (n,)


def test_arrays_follow_the_order():
    t = three()
    assert t.values[:, 0].tolist() == [10.0, 11.0, 12.0]
    assert t.inputs[:, 1].tolist() == [0.2, 0.25]
    assert np.diff(t.times_h).tolist() == [24.0, 24.0]


def test_wrong_counts_and_times_are_refused():
    with pytest.raises(ConfigError, match="2 states need 1 setpoints between them, found 2"):
        Trajectory(reactor_id="R01", states=(make_state(day=0), make_state(day=1)), setpoints=(A, A))
    for day in (2, 1):
        with pytest.raises(ConfigError, match="times must increase"):
            three().observe(make_state(day=day), A)
