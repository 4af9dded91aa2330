"""Units round trip, names are found or guessed, ranges are said in words."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfusio.errors import OutOfRange, UnknownQuantity
from perfusio.quantities import closest, conversion_factor, normalised, without_dust
from perfusio.state import QUANTITIES, SETPOINTS, SPECIES, STATE_QUANTITIES, find_quantity

GLUCOSE, LACTATE, VCD, VIABILITY = (QUANTITIES[n] for n in ("glucose", "lactate", "vcd", "viability"))


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("temperature", 36.80000000000001, 36.8), ("temperature", 36.726419834602, 36.7264),
        ("perfusion_rate", 1.23456789, 1.2346), ("agitation", 851.23456, 851.2), ("vcd", 20.123456789, 20.123),
        ("viability", 97.123456, 97.123), ("glucose", 4.5612345, 4.5612), ("diameter", 16.512345678, 16.512345678),
        ("vcd", 0.0, 0.0), ("vcd", 1e-9, 1e-9),
        ("lactate", 0.000222024866785, 0.000222), ("lactate", 1e-310, 1e-310),
    ],
)  # fmt: skip
def test_a_value_is_written_far_finer_than_anybody_can_tell_and_no_finer(name, value, written):
    assert QUANTITIES[name].as_written(value) == written


@pytest.mark.parametrize("q", QUANTITIES.values(), ids=lambda q: q.name)
def test_digits_that_an_analyzer_gives_are_written_as_they_are(q):
    for value in (1.0, 3.45, 36.8, 98.7):
        assert q.as_written(value) == value or q.name == "agitation"
    assert q.as_written(nan) != q.as_written(nan)


@given(st.floats(-1e9, 1e9))
def test_only_dust_is_taken_off_a_number(value):
    assert without_dust(value) == pytest.approx(value, rel=2e-15)
    assert without_dust(without_dust(value)) == without_dust(value)
    assert without_dust(round(value, 4)) == round(value, 4)


@pytest.mark.parametrize("q", QUANTITIES.values(), ids=lambda q: q.name)
def test_the_canonical_unit_is_known_and_changes_nothing(q):
    assert conversion_factor(q.unit, q) == 1.0


@pytest.mark.parametrize(
    ("name", "unit", "value", "canonical"),
    [
        ("glucose", "mmol/L", 25.0, 25.0 * 180.16 / 1000),
        ("glucose", "mM", 25.0, 25.0 * 180.16 / 1000),
        ("glucose", "mg/dL", 400.0, 4.0),
        ("lactate", "g/L", 0.9008, 10.0),
        ("lactate", "mg/L", 900.8, 10.0),
        ("ammonium", "umol/L", 3000.0, 3.0),
        ("vcd", "cells/mL", 20e6, 20.0),
        ("vcd", "x10^6 cells/mL", 20.0, 20.0),
        ("vcd", "10^5 cells/mL", 200.0, 20.0),
        ("viability", "fraction", 0.97, 97.0),
        ("titer", "g/L", 0.35, 350.0),
        ("titer", "µg/mL", 350.0, 350.0),
        ("diameter", "μm", 16.5, 16.5),
        ("perfusion_rate", "1/h", 1 / 24, 1.0),
        ("bleed_rate", "VVD", 0.15, 0.15),
        ("temperature", "degC", 36.5, 36.5),
        ("agitation", "rps", 15.0, 900.0),
    ],
)
def test_conversions(name, unit, value, canonical):
    assert value * conversion_factor(unit, QUANTITIES[name]) == pytest.approx(canonical)


@pytest.mark.parametrize(("name", "mass", "molar"), [("glucose", "g/L", "mmol/L"), ("lactate", "mg/L", "umol/L")])
def test_mass_and_molar_units_round_trip_through_the_molar_mass(name, mass, molar):
    q = QUANTITIES[name]
    scale = {"g/L": 1.0, "mg/L": 1e-3}[mass] / {"mmol/L": 1e-3, "umol/L": 1e-6}[molar]  # mol per molar unit
    assert conversion_factor(mass, q) / conversion_factor(molar, q) == pytest.approx(scale / q.molar_mass)


@pytest.mark.parametrize(("name", "unit"), [("titer", "mmol/L"), ("vcd", "g/L"), ("glucose", "rpm"), ("agitation", "")])
def test_a_unit_that_cannot_be_is_refused_with_those_that_can(name, unit):
    with pytest.raises(UnknownQuantity, match="expected") as caught:
        conversion_factor(unit, QUANTITIES[name])
    assert QUANTITIES[name].unit in str(caught.value)


@pytest.mark.parametrize(
    ("a", "b"),
    [("Viable Cell_Density", "viablecelldensity"), ("µm", "μm"), ("10⁶", "106"), ("× 10", "x10"), ("d−1", "d-1")],
)
def test_names_are_compared_without_their_looks(a, b):
    assert normalised(a) == normalised(b)


@pytest.mark.parametrize(("wrong", "right"), [("glucos", "glucose"), ("Lactat", "lactate"), ("titre", "titer")])
def test_a_slip_is_answered_with_the_nearest_name(wrong, right):
    with pytest.raises(UnknownQuantity, match=f"Did you mean '{right}'"):
        find_quantity(wrong)


def test_what_is_far_from_everything_is_not_guessed_at():
    assert closest("batch 17", SPECIES) == ""
    with pytest.raises(UnknownQuantity) as caught:
        find_quantity("batch 17")
    assert "Did you mean" not in str(caught.value)
    assert "Known: vcd, " in str(caught.value)


@pytest.mark.parametrize("value", [-1e-9, 100.1, inf, -inf])
def test_values_that_cannot_be_are_refused_with_the_range(value):
    with pytest.raises(OutOfRange, match=r"viability = .* %.*0 to 100 %"):
        VIABILITY.check(value)


@pytest.mark.parametrize("value", [0.0, 100.0, nan])
def test_edges_and_missing_values_pass(value):
    VIABILITY.check(value)


def test_a_declared_quantity_says_its_header_and_axis():
    assert GLUCOSE.header == "glucose [g/L]"
    assert VCD.axis_label == "Viable cell density [1e6 cells/mL]"


def test_every_quantity_has_words_unit_and_range():
    assert (len(SPECIES), len(SETPOINTS), len(STATE_QUANTITIES)) == (9, 6, 10)
    for q in QUANTITIES.values():
        assert q.label
        assert q.low < q.high


def test_no_alias_means_two_things():
    seen = {}
    for q in QUANTITIES.values():
        for alias in (q.name, *q.aliases):
            assert seen.setdefault(normalised(alias), q.name) == q.name, alias
