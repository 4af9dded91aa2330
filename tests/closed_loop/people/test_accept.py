"""A person takes a quarantined sample into use: on record, in order of time, and from the next model update on."""

from dataclasses import replace
from math import nan

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.protocols import ConnectorKind
from perfusio.record.apply_event import folded
from perfusio.record.run_state import not_acceptable
from perfusio.testing import ScriptedConnector, make_state
from perfusio.trajectory import Trajectory
from perfusio.twin.operators.orders import Order, give
from perfusio.twin.state.standing_alarms import REFUSED

pytestmark = pytest.mark.usefixtures("orders_at_turns")
WHO = {"who": "A. Smith", "why": "Counted twice, it is right."}


def accept(tmp_path, hour):
    give(tmp_path, Order(act="accept", reactor="R01", value=hour, **WHO))


def upon_quarantine(tmp_path, hour="48.0"):
    def observer(event):
        if type(event).__name__ == "SampleQuarantined":
            accept(tmp_path, hour)

    return observer


def days(n, **changed):
    return [replace(make_state(day=d), **changed.get(f"d{d}", {})) for d in range(n)]


async def test_an_accepted_sample_counts_from_the_next_update_on(run_twin, tmp_path, alternating):
    samples = days(5, d2={"vcd": 390.0})  # no culture grows like that: quarantined
    run = await run_twin(
        ScriptedConnector(samples), days=4, policy=alternating, retrain_every=99, observers=(upon_quarantine(tmp_path),)
    )
    (accepted,) = run.of("SampleAccepted")
    assert (accepted.turn, accepted.state, accepted.who) == (3, samples[2], "A. Smith")
    assert accepted.reason == WHO["why"]
    assert [e.is_done for e in run.of("OperatorActed")] == [True]
    assert [e.turn for e in run.of("ModelFitted")] == [3]  # what was learnt before is another now
    seen = {day: [s.day for s in trajectories["R01"].states] for day, trajectories, *_ in alternating.asked}
    assert (seen[1], seen[3]) == ([0, 1], [0, 1, 2, 3])
    assert 2 not in seen  # nothing is decided anew for its day
    assert folded(run.events, run.records[0].run).trajectories == run.twin.run_state.trajectories


async def test_a_late_sample_is_put_where_it_belongs(run_twin, tmp_path):
    late = make_state(day=0.5, vcd=20.5)
    samples = [make_state(day=0), make_state(day=1), late, make_state(day=2), make_state(day=3)]
    run = await run_twin(ScriptedConnector(samples), days=3, observers=(upon_quarantine(tmp_path, "12.0"),))
    trajectory = run.result.trajectories["R01"]
    assert [s.day for s in trajectory.states] == [0, 0.5, 1, 2, 3]
    assert trajectory.setpoints[0] == trajectory.setpoints[1]


@pytest.mark.parametrize(
    ("changed", "hour", "answer"),
    [
        ({"d2": {"viability": 120.0}}, "48.0", "It cannot be so: "),
        ({"d2": {"vcd": 390.0}}, "72.0", "No such sample of this vessel is quarantined."),
    ],
)
async def test_what_cannot_be_accepted_is_answered(run_twin, tmp_path, changed, hour, answer):
    run = await run_twin(
        ScriptedConnector(days(4, **changed)), days=3, observers=(upon_quarantine(tmp_path, hour),)
    )
    (acted,) = run.of("OperatorActed")
    assert not acted.is_done
    assert acted.answer.startswith(answer)
    assert run.of("SampleAccepted") == []


def test_one_from_before_the_first_sample_is_not_acceptable():
    trajectory = Trajectory(reactor_id="R01").observe(make_state(day=1), DEFAULT_AMBR250_DESIGN_SPACE.nominal)
    assert not_acceptable(make_state(day=0), trajectory).startswith("There is no sample of this vessel before it")


async def test_a_unit_that_nobody_told_is_asked_once_and_the_run_goes_on(run_twin, tmp_path):
    samples = [make_state(day=d, glucose=25.0) for d in range(4)]
    run = await run_twin(
        ScriptedConnector(samples, kind=ConnectorKind.REPLAY), days=3, observers=(upon_quarantine(tmp_path, "0.0"),)
    )
    (kept_back,) = run.of("SampleQuarantined")  # the person's answer counts for those after it
    assert "read as mmol/L" in kept_back.reason
    assert [e.quantity for e in run.of("AlarmRaised")].count(REFUSED) == 1
    assert [s.day for s in run.result.trajectories["R01"].states] == [0, 1, 2, 3]
    assert folded(run.events, run.records[0].run).trajectories == run.twin.run_state.trajectories


async def test_without_an_answer_every_sample_waits_with_one_alarm(run_twin):
    samples = [make_state(day=d, glucose=25.0) for d in range(3)]
    run = await run_twin(ScriptedConnector(samples, kind=ConnectorKind.REPLAY), days=2)
    assert len(run.of("SampleQuarantined")) == 3
    assert [e.quantity for e in run.of("AlarmRaised")].count(REFUSED) == 1
    assert run.of("Decided") == []


async def test_one_that_has_no_time_cannot_be_named(run_twin, tmp_path):
    run = await run_twin(ScriptedConnector([*days(2), replace(make_state(day=2), time_h=nan)]), days=2)
    assert run.twin.run_state.quarantined == {}
