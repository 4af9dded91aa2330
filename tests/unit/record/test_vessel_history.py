"""What a sample, a correction and a write change in the history of a vessel; nothing else does."""

from dataclasses import replace
from math import nan

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.events import (
    OverrideDetected,
    SampleCorrected,
    SampleRead,
    SetpointsFound,
    SetpointsWritten,
    VesselJoined,
    WriteIntended,
    WriteRefused,
    WriteUnknown,
)
from perfusio.record.vessel_history import VesselHistory, after, begun
from perfusio.state import SETPOINTS, Setpoints
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal
FASTER = replace(NOMINAL, perfusion_rate=1.3)
SPACE = DEFAULT_AMBR250_DESIGN_SPACE.model_dump(mode="json")


def joined(kind="hardware"):
    event = VesselJoined(
        reactor="R01", source={"kind": kind, "clone": "X"}, mode="automatic", config={"design_space": SPACE}
    )
    return begun(event, "run-1")["R01"]


def test_a_new_vessel_is_nominal_and_all_of_it_is_assumed():
    vessel = joined()
    assert (vessel.in_force, vessel.assumed, vessel.shown) == (NOMINAL, SETPOINTS, Setpoints())
    assert (vessel.trajectory.run_id, vessel.trajectory.clone, vessel.is_replay) == ("run-1", "X", False)


def test_setpoints_in_force_before_a_sample_lead_to_it():
    vessel = joined().observing(make_state(day=0)).holding(FASTER).observing(make_state(day=1))
    vessel = vessel.holding(NOMINAL).observing(make_state(day=2))
    assert vessel.trajectory.setpoints == (FASTER, NOMINAL)
    assert vessel.assumed == ()


def test_observing_leaves_the_old_value_alone():
    before = joined()
    before.observing(make_state(day=0))
    assert before.trajectory.states == ()


def test_a_late_titer_fills_its_sample_and_changes_nothing_else():
    vessel = joined().observing(make_state(day=0, titer=nan, ammonium=nan)).observing(make_state(day=1))
    second = vessel.trajectory.states[1]
    late = make_state(day=0, titer=333.0, ammonium=nan, vcd=99.0)  # a known value does not change afterwards
    first, again = vessel.observing(replace(late, quality={"titer": "late"})).trajectory.states
    assert first.titer == 333.0
    assert first.vcd == make_state().vcd
    assert first.ammonium != first.ammonium
    assert first.quality == {"titer": "late"}
    assert again is second


def test_only_the_sample_that_is_corrected_is_replaced():
    vessel = joined().observing(make_state(day=0, glucose=4.0)).holding(FASTER).observing(make_state(day=1))
    right = make_state(day=0, glucose=2.5)
    corrected = after(vessel, SampleCorrected(reactor="R01", state=right, corrects=3))
    assert corrected.trajectory.states == (right, vessel.trajectory.states[1])
    assert corrected.trajectory.setpoints == (FASTER,)


def test_the_next_sample_of_a_record_brings_what_holds_now():
    event = SampleRead(
        reactor="R01", state=make_state(day=0), in_force=NOMINAL, next_in_force=FASTER, next_assumed=("agitation",)
    )
    vessel = after(joined(), event)
    assert (vessel.in_force, vessel.assumed) == (FASTER, ("agitation",))


@pytest.mark.parametrize(
    "event",
    [
        SetpointsWritten(reactor="R01", key="k", asked=FASTER, acknowledged=FASTER),
        WriteRefused(reactor="R01", key="k", asked=NOMINAL, read_back=FASTER),
        OverrideDetected(reactor="R01", key="k", expected=NOMINAL, found=FASTER),
        WriteUnknown(reactor="R01", key="k", asked=FASTER, read_back=FASTER),
    ],
)
def test_a_write_ends_with_what_the_vessel_shows_and_history_does_not_move(event):
    assert after(joined(), event).in_force == FASTER
    assert after(joined("replay"), event).in_force == NOMINAL


def test_what_nobody_read_back_is_not_confirmed():
    vessel = joined().showing(FASTER)
    assert vessel.assumed == ()
    unknown = after(vessel, WriteUnknown(reactor="R01", key="k", asked=NOMINAL, read_back=None))
    assert (unknown.in_force, unknown.assumed, unknown.shown) == (FASTER, SETPOINTS, FASTER)


def test_what_a_vessel_does_not_show_is_assumed_to_be_as_before():
    vessel = after(joined(), SetpointsFound(reactor="R01", found=Setpoints(perfusion_rate=1.3)))
    assert vessel.in_force == FASTER
    assert vessel.assumed == tuple(n for n in SETPOINTS if n != "perfusion_rate")


def test_a_request_alone_changes_nothing():
    vessel = VesselHistory(trajectory=Trajectory(reactor_id="R01"), in_force=NOMINAL)
    assert after(vessel, WriteIntended(reactor="R01", key="k", old=NOMINAL, new=FASTER)) is vessel
