"""May this sample be used, and why not: one answer, whatever the reason."""

from dataclasses import replace
from math import inf, nan

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.species import Species
from perfusio.state import State
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory
from perfusio.twin.samples.admission import Admit, Correct, Ignore, Quarantine, admission, impossible

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal


def after(*states):
    trajectory = Trajectory(reactor_id="R01")
    for state in states:
        trajectory = trajectory.observe(state, NOMINAL)
    return trajectory


def asked(sample, *states, **settings):
    return admission(sample, after(*states), NOMINAL, **settings)


def test_a_good_sample_is_admitted_as_it_is():
    sample = make_state(day=1, vcd=21.0)
    assert asked(sample, make_state(day=0)) == Admit(sample=sample)


def test_what_is_known_is_ignored_and_what_completes_it_is_admitted():
    known = make_state(day=1, titer=nan)
    assert asked(known, make_state(day=0), known) == Ignore()
    assert asked(replace(known, vcd=nan), make_state(day=0), known) == Ignore()
    late = replace(known, titer=120.0)
    assert asked(late, make_state(day=0), known) == Admit(sample=late)


def test_other_values_of_a_known_time_correct_it():
    known = make_state(day=1, glucose=4.0)
    found = asked(replace(known, glucose=2.5), make_state(day=0), known)
    assert isinstance(found, Correct)
    assert found.state.glucose == 2.5
    assert found.reason == "Hour 24: glucose 4 g/L is 2.5 g/L. What was decided on the old values stays as it is."


def test_sensor_and_analyzer_each_keep_an_order_of_their_own():
    panel = CHO_PERFUSION.with_(Species("capacitance", unit="1e6 cells/mL", role="signal", measures="vcd"))

    def read(hour, **values):
        return State.of_values(panel, float(hour), values)

    begun = (read(0, vcd=20.0), read(30, capacitance=21.0), read(40, capacitance=22.0))
    assert asked(read(24, vcd=20.5), *begun) == Admit(sample=read(24, vcd=20.5))
    assert "came after" in asked(read(35, capacitance=21.5), *begun).reason
    sampled = (*begun[:2], read(48, vcd=23.0))
    assert asked(read(40, capacitance=22.0), *sampled) == Admit(sample=read(40, capacitance=22.0))
    assert "came after" in asked(read(24, vcd=20.5), *sampled).reason
    assert "came after" in asked(read(1, vcd=20.5), read(2, capacitance=21.0)).reason, "nothing is known before it"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"vcd": -0.1}, "vcd = "), ({"viability": 0.97}, "fraction"), ({"titer": inf}, "titer = "),
        ({"time_h": nan}, "no usable time"), ({"time_h": 12.0}, "came after"), ({"vcd": 390.0}, "no culture rises"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_quarantined_and_the_same_again_is_ignored(values, words):
    before = (make_state(day=0, vcd=20.0), make_state(day=1, vcd=20.0))
    sample = replace(make_state(day=2), **values)
    found = asked(sample, *before)
    assert isinstance(found, Quarantine)
    assert words in found.reason
    assert asked(sample, *before, refused=found.sample) == Ignore()
    other = replace(sample, glucose=sample.glucose + 0.1)
    assert isinstance(asked(other, *before, refused=found.sample), Quarantine), "other values are another sample"


def test_a_sample_whose_time_has_not_come_is_taken_once_it_has():
    sample, before = make_state(day=9), make_state(day=0)
    found = asked(sample, before, untimely="Its time has not come.")
    assert found == Quarantine(sample=sample, reason="Its time has not come.")
    assert asked(sample, before, untimely="Its time has not come.", refused=sample) == Ignore()
    assert asked(sample, before, refused=sample) == Admit(sample=sample)


@pytest.mark.parametrize(("name", "value"), [("vcd", -0.1), ("viability", 100.5), ("glucose", inf), ("diameter", 0.5)])
def test_impossible_values_are_a_problem_that_names_them(name, value):
    problem = impossible(make_state(**{name: value}), Trajectory(reactor_id="R01"))
    assert problem.startswith(f"{name} = ")


@pytest.mark.parametrize("time_h", [nan, inf, -inf])
def test_a_sample_without_a_time_is_a_problem(time_h):
    assert "no usable time" in impossible(make_state(time_h=time_h), Trajectory(reactor_id="R01"))


def test_a_time_that_has_passed_is_a_problem_unless_it_completes_a_sample():
    trajectory = after(make_state(day=0), make_state(day=1))
    assert impossible(make_state(day=0), trajectory) == ""
    assert impossible(make_state(day=2), trajectory) == ""
    assert "hour 12 came after that of hour 24" in impossible(make_state(time_h=12.0), trajectory)


def test_missing_values_are_no_problem():
    assert impossible(make_state(vcd=nan, glucose=nan), Trajectory(reactor_id="R01")) == ""


