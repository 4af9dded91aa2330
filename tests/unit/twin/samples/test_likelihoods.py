"""Odds of a sample being another vessel's, or of two columns being exchanged, against what the vessel was to give."""

from dataclasses import replace
from math import log, nan

import pytest

from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.state import State
from perfusio.testing import make_state
from perfusio.twin.samples.likelihoods import ANYTHING, EXCHANGED, FOREIGN, Expected, Explained, intervals_since

STEADY = {
    "vcd": 20.0, "viability": 97.0, "glucose": 4.0, "glutamine": 2.0, "glutamate": 1.0, "lactate": 10.0,
    "ammonium": 3.0, "pyruvate": 0.5, "titer": 500.0,
}  # fmt: skip
OTHER = {
    "vcd": 34.0, "viability": 93.0, "glucose": 2.4, "glutamine": 0.9, "glutamate": 1.9, "lactate": 19.0,
    "ammonium": 5.2, "pyruvate": 0.9, "titer": 260.0,
}  # fmt: skip
BEFORE = [make_state(day=d, **STEADY) for d in range(5)]
EXPECTED = Expected(time_h=120.0, mean=STEADY, sd={n: 0.1 * v for n, v in STEADY.items()} | {"viability": 1.3})


def explained(before=BEFORE, expected=EXPECTED):
    return Explained(make_state(day=5), before, expected)


def sample(**changed):
    return make_state(day=5, **STEADY | changed)


def total(state, **kwargs):
    return sum(explained(**kwargs).foreign(state).values())


def test_a_sample_as_forecast_is_this_vessels():
    assert total(sample()) < -5.0


def test_another_vessels_sample_is_not():
    assert total(sample(**OTHER)) > FOREIGN


def test_one_wild_value_makes_no_stranger_and_weighs_no_more_than_its_prior():
    odds = explained().foreign(sample(titer=5.0))
    assert odds["titer"] == pytest.approx(-log(ANYTHING), abs=0.01)
    assert sum(odds.values()) < FOREIGN


def test_without_a_forecast_the_course_of_the_vessel_explains():
    grows = [make_state(day=d, **STEADY | {"vcd": 5.0 * 1.4**d}) for d in range(5)]
    assert explained(grows, None).foreign(sample(vcd=5.0 * 1.4**5))["vcd"] < 0.0
    assert explained(grows, None).foreign(sample(vcd=5.0))["vcd"] > 1.0


def test_nothing_known_says_nothing():
    assert explained([], None).foreign(sample()) == {}
    assert explained([], None).exchanged(sample())[1] is None
    assert "lactate" not in explained().foreign(sample(lactate=nan))


def test_a_limit_of_detection_is_no_evidence():
    at_limit = replace(sample(lactate=0.2), quality={"lactate": "below the detection limit of 0.2"})
    assert "lactate" not in explained().foreign(at_limit)


@pytest.mark.parametrize(("one", "two"), [("glutamine", "ammonium"), ("vcd", "lactate"), ("glutamate", "pyruvate")])
def test_exchanged_columns_are_named(one, two):
    odds, pair = explained().exchanged(sample(**{one: STEADY[two], two: STEADY[one]}))
    assert set(pair) == {one, two}
    assert odds > (EXCHANGED if STEADY[one] / STEADY[two] not in (0.5, 2.0 / 3.0) else 3.0)


def test_true_columns_are_not_exchanged():
    assert explained().exchanged(sample())[0] < 0.0
    assert explained().exchanged(sample(glutamine=2.6, ammonium=2.5))[0] < EXCHANGED


@pytest.mark.parametrize(
    ("days", "gap"), [([0, 1, 2, 4], 1.0), ([0, 1, 2, 3], 2.0), ([1, 3], 1.0), ([3], 2.0), ([], 1.0)]
)
def test_a_gap_is_counted_in_the_vessels_usual_intervals(days, gap):
    assert intervals_since(sample(), [make_state(day=d, **STEADY) for d in days]) == gap


def test_cells_that_were_not_counted_are_a_gap():
    before = [make_state(day=d, **STEADY | ({"vcd": nan} if d > 2 else {})) for d in range(5)]
    assert intervals_since(sample(), before) == 3.0


def test_a_process_of_other_quantities_is_judged_as_well():
    lean = CHO_PERFUSION.without("viability", "glutamate", "pyruvate", "pyruvate_feed")
    names = lean.species_names

    def state(day, values):
        return State.of_values(lean, 24.0 * day, {n: values[n] for n in names})

    before = [state(d, STEADY) for d in range(5)]
    judge = Explained(state(5, STEADY), before, None)
    assert sum(judge.foreign(state(5, STEADY)).values()) < 0.0
    assert sum(judge.foreign(state(5, OTHER)).values()) > FOREIGN
