"""Events: a closed list that becomes plain data and comes back."""

from math import inf, nan

import numpy as np
import pytest

from perfusio.errors import AuditError
from perfusio.events import (
    EVENTS,
    SampleRead,
    SetpointsWritten,
    WriteUnknown,
    from_json,
    plain,
    state_from_json,
    to_json,
)
from perfusio.state import Setpoints
from perfusio.testing import make_state

U = Setpoints(perfusion_rate=1.0, bleed_rate=0.15)


def back(event):
    return from_json(type(event).__name__, to_json(event), reactor=event.reactor, turn=event.turn, reason=event.reason)


def test_a_sample_comes_back_with_its_gaps():
    event = SampleRead(
        reactor="R01", turn=3, reason="Because.", state=make_state(titer=nan), in_force=U, assumed=("agitation",)
    )
    data = to_json(event)
    assert data["state"]["titer"] is None
    assert data["in_force"]["temperature"] is None
    assert "reactor" not in data
    again = back(event)
    assert to_json(again) == data
    assert again.state.measured() == event.state.measured()
    assert again.assumed == ("agitation",)
    assert (again.reactor, again.turn, again.reason) == ("R01", 3, "Because.")


def test_setpoints_may_be_unknown():
    assert back(WriteUnknown(key="k", asked=U, read_back=None)).read_back is None
    assert back(SetpointsWritten(key="k", asked=U, acknowledged=U)).asked.perfusion_rate == 1.0


def test_every_event_is_in_the_list_by_its_own_name():
    assert all(cls.__name__ == name for name, cls in EVENTS.items())
    assert len(EVENTS) == 40


def test_unknown_events_and_fields_are_refused():
    with pytest.raises(AuditError, match="newer perfusio"):
        from_json("SampleDreamt", {}, reactor=None, turn=None, reason="")
    with pytest.raises(AuditError, match="does not fit"):
        from_json("SampleMissing", {"expected": 3}, reactor=None, turn=None, reason="")


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (np.float64(1.5), 1.5), (np.int64(3), 3), (np.bool_(True), True), (np.array([1.0, nan]), [1.0, None]),
        (nan, None), (True, True), ((1, "a"), [1, "a"]), ({1: nan}, {"1": None}),
    ],
)  # fmt: skip
def test_values_become_plain(value, data):
    assert plain(value) == data
    assert type(plain(value)) is type(data)


@pytest.mark.parametrize("value", [inf, -inf, np.inf, object(), {1, 2}, b"bytes", 1 + 2j, [1.0, inf]])
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises(AuditError, match="cannot be recorded"):
        plain(value)


def test_states_round_trip():
    state = make_state(ammonium=nan)
    assert state_from_json(plain(state)).measured() == state.measured()
