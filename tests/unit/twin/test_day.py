"""What a sample changes in what the twin knows; nothing else does."""

from dataclasses import replace
from math import nan

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.state import SETPOINTS
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory
from perfusio.twin.day import RunState, in_force, is_fit_due, observe, with_vessel

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal
FASTER = replace(NOMINAL, perfusion_rate=1.3)


@pytest.fixture
def two_vessels():
    run_state = RunState()
    for reactor in ("R01", "R02"):
        run_state = with_vessel(run_state, Trajectory(reactor_id=reactor), NOMINAL)
    return run_state


def test_a_new_vessel_is_nominal_and_all_of_it_is_assumed(two_vessels):
    assert two_vessels.in_force == {"R01": NOMINAL, "R02": NOMINAL}
    assert two_vessels.assumed["R01"] == SETPOINTS


def test_setpoints_in_force_before_a_sample_lead_to_it(two_vessels):
    run_state = observe(two_vessels, "R01", make_state(day=0))
    run_state = in_force(run_state, "R01", FASTER)
    run_state = observe(run_state, "R01", make_state(day=1))
    run_state = observe(in_force(run_state, "R01", NOMINAL), "R01", make_state(day=2))
    assert run_state.trajectories["R01"].setpoints == (FASTER, NOMINAL)
    assert run_state.assumed["R01"] == ()


def test_observing_leaves_the_old_value_and_the_other_vessel_alone(two_vessels):
    before = two_vessels.trajectories["R01"]
    after = observe(two_vessels, "R01", make_state(day=0))
    assert two_vessels.trajectories["R01"] is before
    assert before.states == ()
    assert after.trajectories["R02"] is two_vessels.trajectories["R02"]


def test_a_late_titer_fills_its_sample_and_changes_nothing_else(two_vessels):
    run_state = observe(two_vessels, "R01", make_state(day=0, titer=nan, ammonium=nan))
    run_state = observe(run_state, "R01", make_state(day=1))
    second = run_state.trajectories["R01"].states[1]
    late = make_state(day=0, titer=333.0, ammonium=nan, vcd=99.0)  # a known value does not change afterwards
    run_state = observe(run_state, "R01", replace(late, quality={"titer": "late"}))
    first, again = run_state.trajectories["R01"].states
    assert first.titer == 333.0
    assert first.vcd == make_state().vcd
    assert first.ammonium != first.ammonium
    assert first.quality == {"titer": "late"}
    assert again is second


def test_fits_are_due_every_so_many_turns_and_never_on_the_first():
    assert [t for t in range(10) if is_fit_due(t, 3)] == [3, 6, 9]
    assert [t for t in range(4) if is_fit_due(t, 1)] == [1, 2, 3]
