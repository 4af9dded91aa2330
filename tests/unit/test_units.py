"""Units: every unit of the process is one, products merge what is alike, conversions need equal dimensions."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfusio.errors import UnknownQuantity
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.derived import DERIVED_QUANTITIES
from perfusio.quantities import conversion_factor
from perfusio.units import ONE, declared_unit, unit_of

DECLARED = sorted({q.unit for q in (*CHO_PERFUSION.quantities, *DERIVED_QUANTITIES.values())})
WORDS = ("mg/L", "1e6 cells/mL", "1/day", "g", "mmol/L/h", "EUR/g", "%", "um^3", "pL/cell/day")


@pytest.mark.parametrize("text", DECLARED)
def test_every_unit_of_the_process_is_one(text):
    assert unit_of(text).in_(unit_of(text)) == 1.0
    assert unit_of(str(unit_of(text))) == unit_of(text)


@pytest.mark.parametrize(
    ("text", "other", "factor"),
    [
        ("g/L", "mg/L", 1e3), ("mg/mL", "g/L", 1.0), ("1e6 cells/mL", "cells/L", 1e9), ("1/h", "1/day", 24.0),
        ("%", "-", 0.01), ("mM", "mmol/L", 1.0), ("vvd", "1/day", 1.0), ("ug/ml", "mg/L", 1.0), ("µm", "um", 1.0),
        ("degC", "°C", 1.0), ("mg/(L)", None, None), ("mg/L", "mmol/L", None), ("pH", "-", None),
        ("rpm", "1/min", None),
    ],
)  # fmt: skip
def test_conversions(text, other, factor):
    if other is None:
        with pytest.raises(UnknownQuantity, match="not a unit"):
            unit_of(text)
    else:
        assert unit_of(text).in_(unit_of(other)) == pytest.approx(factor) if factor else True
        assert (unit_of(text).in_(unit_of(other)) is None) == (factor is None)


@pytest.mark.parametrize("quantity", [CHO_PERFUSION[n] for n in ("glucose", "titer", "vcd", "lactate")], ids=str)
@pytest.mark.parametrize("text", ["g/L", "mg/L", "ug/mL", "mmol/L", "cells/mL", "1e6 cells/mL"])
def test_both_tables_of_units_say_the_same(quantity, text):
    """Where a header converts without a molar mass, an expression converts by the same factor."""
    factor = unit_of(text).in_(unit_of(quantity.unit))
    if factor is not None:
        assert factor == pytest.approx(conversion_factor(text, quantity))


def test_a_misspelt_unit_names_the_nearest():
    with pytest.raises(UnknownQuantity, match=r"'mgg'.*Did you mean 'mg'"):
        unit_of("mgg/L")


def test_a_unit_that_only_a_process_knows_is_a_dimension_of_its_own():
    assert declared_unit("NTU").in_(declared_unit("NTU")) == 1.0
    assert declared_unit("NTU").in_(ONE) is None


def test_like_symbols_merge_in_products():
    assert str(unit_of("mg/L").times(unit_of("L/day"))) == "mg/day"
    assert str(unit_of("EUR/g").times(unit_of("mg/L"))) == "0.001 EUR/L"


@given(st.sampled_from(WORDS), st.sampled_from(WORDS))
def test_a_ratio_undoes_a_product(one, other):
    product = unit_of(one).times(unit_of(other))
    assert product.times(unit_of(other), -1).in_(unit_of(one)) == pytest.approx(1.0)


@given(st.sampled_from(WORDS), st.integers(-3, 3))
def test_powers_are_repeated_products(text, power):
    product = ONE
    for _ in range(abs(power)):
        product = product.times(unit_of(text), 1 if power > 0 else -1)
    assert unit_of(text).to_the(Fraction(power)).in_(product) == pytest.approx(1.0)
