"""State and Setpoints: missing is NaN and never 0, arrays come in the declared order, nothing can be changed."""

from dataclasses import FrozenInstanceError
from math import isnan

import numpy as np
import pytest

from perfusio.state import SETPOINTS, SPECIES, Setpoints, State
from perfusio.testing import make_state


def test_what_is_not_given_was_not_measured():
    state = State(time_h=24.0, vcd=2.0)
    assert all(isnan(getattr(state, name)) for name in (*SPECIES[1:], "diameter"))
    assert state.measured() == {"vcd": 2.0}
    assert state.missing() == SPECIES[1:]
    assert np.isnan(state.vector()[1:]).all()
    assert all(isnan(v) for v in Setpoints().vector())


def test_zero_is_a_measurement():
    state = State(time_h=0.0, glutamine=0.0)
    assert state.measured() == {"glutamine": 0.0}
    assert "glutamine" not in state.missing()


def test_vectors_round_trip_in_the_declared_order():
    values = np.arange(1.0, 10.0)
    state = State.of(48.0, values)
    assert (state.vector() == values).all()
    assert (state.vcd, state.titer, state.day) == (1.0, 9.0, 2.0)
    u = np.arange(6.0)
    assert (Setpoints.of(u).vector() == u).all()
    assert (Setpoints.of(u).perfusion_rate, Setpoints.of(u).pyruvate_feed) == (0.0, 5.0)


@pytest.mark.parametrize("n", [8, 10])
def test_vectors_of_another_length_are_refused(n):
    with pytest.raises(ValueError, match="zip"):
        State.of(0.0, np.zeros(n))


def test_nothing_can_be_changed():
    with pytest.raises(FrozenInstanceError):
        make_state().vcd = 1.0
    with pytest.raises((FrozenInstanceError, TypeError)):
        make_state().new = 1.0


def test_only_unknown_setpoints_are_filled():
    known = Setpoints(perfusion_rate=1.2, bleed_rate=0.0)
    other = Setpoints.of(np.full(6, 7.0))
    filled, names = known.filled_from(other)
    assert (filled.perfusion_rate, filled.bleed_rate, filled.agitation) == (1.2, 0.0, 7.0)
    assert names == SETPOINTS[2:]
    assert filled.filled_from(known) == (filled, ())
