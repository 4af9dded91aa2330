"""The first samples of a vessel are judged by their units where nobody told them; an accepted one settles it."""

from dataclasses import replace

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory
from perfusio.twin.samples.admission import Admit, Quarantine, admission
from perfusio.twin.samples.first_units import FIRST, other_unit

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal
UNTOLD = frozenset(("vcd", "viability", "glucose", "lactate"))


def day(n):
    return make_state(day=n, glucose=25.0)


def after(*states):
    trajectory = Trajectory(reactor_id="R01")
    for state in states:
        trajectory = trajectory.observe(state, NOMINAL)
    return trajectory


def test_the_first_sample_in_another_unit_is_kept_back_with_both_readings_and_the_way_on():
    found = admission(day(0), after(), NOMINAL, untold=UNTOLD)
    assert isinstance(found, Quarantine)
    for words in ("mmol/L", "g/L", "node map", "perfusio accept"):
        assert words in found.reason


def test_a_told_unit_and_one_that_fits_are_admitted():
    assert isinstance(admission(day(0), after(), NOMINAL, untold=UNTOLD - {"glucose"}), Admit)
    assert isinstance(admission(make_state(day=0), after(), NOMINAL, untold=UNTOLD), Admit)


def test_an_accepted_sample_settles_it():
    assert other_unit(day(1), after(day(0)), NOMINAL, UNTOLD) == ""


def test_later_samples_are_held_against_the_first_ones_instead():
    assert other_unit(day(1), after(make_state(day=0)), NOMINAL, UNTOLD)
    many = [make_state(day=i) for i in range(FIRST)]
    assert other_unit(day(FIRST), after(*many), NOMINAL, UNTOLD) == ""


def test_a_late_value_is_judged_with_its_sample():
    known = replace(make_state(day=0), glucose=float("nan"))
    late = replace(known, glucose=25.0, vcd=float("nan"))
    assert "mmol/L" in other_unit(late, after(known), NOMINAL, UNTOLD)
