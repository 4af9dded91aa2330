"""What the twin knows of a vessel is its history; when a fit is due."""

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.record.run_state import RunState, history_of, is_fit_due, is_medium_due, with_history
from perfusio.record.vessel_history import VesselHistory
from perfusio.state import Setpoints
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal


def test_what_is_known_of_a_vessel_is_kept_beside_that_of_others():
    run_state = RunState(kinds={"R02": "replay"})
    for reactor in ("R01", "R02"):
        empty = VesselHistory(trajectory=Trajectory(reactor_id=reactor)).holding(NOMINAL)
        run_state = with_history(run_state, reactor, empty)
    longer = history_of(run_state, "R01").observing(make_state(day=0))
    after = with_history(run_state, "R01", longer)
    assert history_of(after, "R01") == longer
    assert history_of(run_state, "R01").trajectory.states == ()
    assert after.trajectories["R02"] is run_state.trajectories["R02"]
    assert [history_of(after, name).is_replay for name in ("R01", "R02")] == [False, True]


def test_fits_are_due_every_so_many_turns_and_never_on_the_first():
    assert [t for t in range(10) if is_fit_due(t, 3)] == [3, 6, 9]
    assert [t for t in range(4) if is_fit_due(t, 1)] == [1, 2, 3]


def test_a_medium_is_checked_once_a_day_in_the_first_days():
    def run(*hours):
        t = Trajectory(reactor_id="R01")
        for hour in hours:
            t = t.observe(make_state(time_h=float(hour)), Setpoints())
        return t

    assert not is_medium_due(run(0), first_days=8.0)
    assert is_medium_due(run(0, 24), first_days=8.0)
    assert not is_medium_due(run(0, 24, 30), first_days=8.0)
    assert is_medium_due(run(0, 24, 30, 48), first_days=8.0)
    assert is_medium_due(run(48, 48 + 24 * 9), first_days=8.0)
    assert not is_medium_due(run(48, 48 + 24 * 10), first_days=8.0)
