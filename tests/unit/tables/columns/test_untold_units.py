"""Rows without a header are judged by the checks of a file's columns: both readings, or nothing."""

import pytest

from perfusio.process import CHO_PERFUSION
from perfusio.state import Setpoints, State
from perfusio.tables.columns.untold_units import NOT_MEASURED, unit_doubts

ALL = frozenset(CHO_PERFUSION.by_name)
IN_FORCE = Setpoints(perfusion_rate=1.0, bleed_rate=0.1)
GOOD = {"vcd": 8.0, "viability": 97.0, "glucose": 4.5, "lactate": 8.0, "titer": 150.0}


def samples(n=6, in_force=IN_FORCE, **changed):
    return [(State(time_h=24.0 * i, **{**GOOD, **changed}), in_force) for i in range(n)]


def test_samples_that_fit_raise_no_doubt():
    assert unit_doubts(samples(), ALL, is_whole=True) == []
    assert unit_doubts([], ALL) == []


@pytest.mark.parametrize(
    ("n", "changed", "units"),
    [
        (1, {"glucose": 25.0}, [{"glucose": "mmol/L"}, {"glucose": "g/L"}]),
        (1, {"viability": 0.97}, [{"viability": "fraction"}, {"viability": "%"}]),
        (3, {"titer": 0.15}, [{"titer": "g/L"}, {"titer": "mg/L"}]),
        (6, {"lactate": 0.7}, [
            {"lactate": "g/L"}, {"vcd": "1e6 cells/mL", "lactate": "mmol/L", "perfusion_rate": "1/day"},
        ]),
        (6, {"lactate": 0.0}, [{"lactate": NOT_MEASURED}, {"lactate": "mmol/L, truly zero"}]),
    ],
)  # fmt: skip
def test_a_unit_that_is_wrong_from_the_first_sample_on_is_asked_with_both_readings(n, changed, units):
    (doubt,) = unit_doubts(samples(n, **changed), ALL, is_whole=True)
    assert [dict(said) for _, said in doubt.answers] == units
    assert all(says in doubt.sentence() for says, _ in doubt.answers)


def test_a_flow_in_another_unit_does_not_fit_the_density():
    found = unit_doubts(samples(in_force=Setpoints(perfusion_rate=10.4, bleed_rate=0.1)), ALL)
    assert {"perfusion_rate": "mL/h", "bleed_rate": "mL/h"} in [dict(said) for one in found for _, said in one.answers]


def test_a_unit_that_somebody_told_is_not_asked_about():
    assert unit_doubts(samples(1, glucose=25.0), ALL - {"glucose"}) == []


def test_a_limit_of_the_instrument_says_nothing_of_the_culture():
    state = State(time_h=0.0, **{**GOOD, "glucose": 25.0}, quality={"glucose": "above the measuring limit of 25"})
    assert unit_doubts([(state, IN_FORCE)], ALL) == []
