"""Falls are judged as rises are: washout, uptake and lysis bound how fast anything vanishes."""

from dataclasses import replace
from math import exp, inf, nan

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.process import CHO_PERFUSION
from perfusio.testing import make_state
from perfusio.twin.samples.changes import all_cells, contradictions

NOMINAL = SPACE.nominal
BEFORE = make_state(day=4, titer=165.4, lactate=18.9, ammonium=1.5, vcd=5.2, viability=97.7)


def found(days=1.0, in_force=NOMINAL, before=BEFORE, **values):
    sample = replace(make_state(day=4 + days, titer=236.0, lactate=21.0, vcd=8.5, viability=97.5), **values)
    return {one.quantity for one in contradictions(sample, (before,), in_force)}


def test_a_culture_that_grows_contradicts_nothing():
    assert found() == set()


@pytest.mark.parametrize(
    ("values", "quantity"),
    [
        ({"titer": 10.0}, "titer"),  # nothing takes product up
        ({"vcd": 0.0}, "vcd"),  # with viability 97 % the dead would have to be somewhere
        ({"lactate": 200.0}, "lactate"),
        ({"viability": 97.7, "vcd": 190.0}, "vcd"),
        ({"vcd": 30.0, "viability": 30.0}, "viability"),  # 100e6 cells, dead ones included, after 5e6
    ],
)
def test_what_no_culture_does_is_named(values, quantity):
    assert quantity in found(**values)


@pytest.mark.parametrize(
    "values",
    [
        {"vcd": 1.0, "viability": 20.0},  # a crash leaves its dead
        {"vcd": 0.2, "viability": 3.0},
        {"vcd": 1.9},  # the retention failed: cells leave with what flows
        {"lactate": 0.2},  # taken up
        {"titer": 165.4 * exp(-1.1)},  # productivity lost
        {"viability": nan, "vcd": 0.3},  # without a viability nobody knows of the dead
    ],
)
def test_what_a_culture_in_trouble_does_contradicts_nothing(values):
    assert found(**values) == set()


def test_what_flows_through_bounds_the_fall():
    slow, quick = NOMINAL.with_values(perfusion_rate=0.5), NOMINAL.with_values(perfusion_rate=2.0)
    assert found(in_force=slow, titer=40.0) == {"titer"}
    assert found(in_force=quick, titer=40.0) == set()
    assert found(in_force=NOMINAL.with_values(perfusion_rate=nan), titer=0.0) == set()
    assert found(days=10.0, titer=0.0) == set()


def test_a_reading_near_nothing_may_fall_to_nothing():
    assert found(before=replace(BEFORE, titer=11.0, ammonium=0.3), titer=0.0, ammonium=0.0) == set()


def test_a_panel_without_viability_is_judged_by_the_rest():
    panel = CHO_PERFUSION.without("viability")
    values = {n: v for n, v in BEFORE.measured().items() if n != "viability"}
    before = type(BEFORE).of_values(panel, 96.0, values)
    sample = type(BEFORE).of_values(panel, 120.0, values | {"titer": 1.0, "vcd": 0.6})
    space = type(SPACE).of(panel)
    assert {one.quantity for one in contradictions(sample, (before,), space.nominal)} == {"titer"}


def test_all_cells_are_known_where_both_numbers_are():
    assert all_cells(make_state(day=1, vcd=9.0, viability=90.0)) == pytest.approx(10.0)
    assert all_cells(make_state(day=1, vcd=nan)) is None
    assert all_cells(make_state(day=1, viability=0.0)) is None
    assert all_cells(make_state(day=1, vcd=inf)) is None
