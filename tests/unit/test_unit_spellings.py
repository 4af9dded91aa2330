"""Units as people write them: every spelling has one value, 10E6 has two, and what is none is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfusio.errors import UnknownQuantity
from perfusio.quantities import conversion_factor, named
from perfusio.state import QUANTITIES
from perfusio.unit_spellings import AMOUNT, MASS, cell_density, concentration, two_densities

MILLION = (
    "1e6 cells/mL", "10^6 cells/mL", "106 cells/mL", "x10^6 /ml", "E6 cells/ml", "Mio/mL", "Mio. Zellen/mL", "10⁶/mL",
    "/ml (x10^6)", "x10^6 vc/mL", "10⁶ cells·mL⁻¹", "million cells/mL", "1E+06 cells/mL", "MVC/mL", "1e9 cells/L",
    "10**6 cells/ml", "× 10⁶ viable cells / mL", "10^3 cells/µL",
)  # fmt: skip


@pytest.mark.parametrize("unit", MILLION)
def test_a_million_cells_per_ml_in_every_spelling(unit):
    assert cell_density(unit) == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize(("unit", "factor"), [("10⁵/mL", 0.1), ("vc/mL", 1e-6), ("cells/L", 1e-9), ("kcells/mL", 1e-3)])
def test_other_powers_of_ten(unit, factor):
    assert cell_density(unit) == pytest.approx(factor, rel=1e-12)


@pytest.mark.parametrize("unit", ["10E6 cells/mL", "x10E6 vc/mL", "10e6/ml", "10E+06 cells/mL"])
def test_ten_e_six_is_no_unit_but_a_question(unit):
    assert cell_density(unit) is None
    assert two_densities(unit) == ("1e6 cells/mL", "1e7 cells/mL")
    with pytest.raises(UnknownQuantity, match="1e6 cells/mL or 1e7 cells/mL"):
        conversion_factor(unit, QUANTITIES["vcd"])


@pytest.mark.parametrize("unit", ["g/L", "mL", "cells", "1e6", "%", "mmol/L", "cells/day", "10^6 cells/g", "O2/mL"])
def test_what_is_no_density_is_none(unit):
    assert cell_density(unit) is None
    assert two_densities(unit) is None


@pytest.mark.parametrize(
    ("unit", "kind", "factor"),
    [("mg/dL", MASS, 1e-2), ("g·L⁻¹", MASS, 1.0), ("g L-1", MASS, 1.0), ("ppm", MASS, 1e-3),
     ("milligrams/liter", MASS, 1e-3),
     ("mM", AMOUNT, 1e-3), ("µM", AMOUNT, 1e-6), ("umol/mL", AMOUNT, 1e-3), ("mmol·L^-1", AMOUNT, 1e-3)],
)  # fmt: skip
def test_concentrations(unit, kind, factor):
    found = concentration(unit)
    assert found is not None
    assert found[0] == kind
    assert found[1] == pytest.approx(factor, rel=1e-12)


@given(st.sampled_from(["m", "u", "n", ""]), st.sampled_from(["g", "mol"]), st.sampled_from(["L", "mL", "dL", "uL"]))
def test_a_prefix_is_what_it_says(prefix, substance, volume):
    size = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "d": 0.1}
    found = concentration(f"{prefix}{substance}/{volume}")
    assert found is not None
    assert found[1] == pytest.approx(size[prefix] / size[volume.removesuffix("L")], rel=1e-9)


@pytest.mark.parametrize(("word", "grams_per_mole"), [("NH3", 17.03), ("Ammonia", 17.03), ("NH4+", 18.04)])
def test_a_name_says_which_chemical_form_weighs(word, grams_per_mole):
    factor = conversion_factor("mg/L", named(QUANTITIES["ammonium"], word))
    assert 4.734 * factor == pytest.approx(4.734 / grams_per_mole)


def test_the_lower_limits_of_two_assays_are_those_of_their_leaflets():
    assert 8.706 * conversion_factor("mg/L", QUANTITIES["pyruvate"]) == pytest.approx(0.1)
    assert 4.734 * conversion_factor("mg/L", named(QUANTITIES["ammonium"], "NH3")) == pytest.approx(0.278, abs=1e-4)
