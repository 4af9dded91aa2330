"""Expressions: read as written, refused with their place, computed as arithmetic does, never run as Python."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.expressions.grammar import MOST_SIGNS, is_expression, parsed
from perfusio.process.expressions.tree import ExpressionError
from perfusio.process.expressions.values import valued
from perfusio.units import declared_unit

VALUES = {"titer": 400.0, "perfusion_rate": 2.0, "bleed_rate": 0.5, "vcd": 30.0, "viability": 95.0, "glucose": 3.0}
ISSUE = "titer * (perfusion_rate - bleed_rate) - 300 mg/L * perfusion_rate"


def value_of(text, **options):
    def leaf(name):
        return np.asarray(VALUES[name]), declared_unit(CHO_PERFUSION[name].unit)

    with np.errstate(all="ignore"):
        found, unit = valued(parsed(text), leaf, text, **options)
    return float(found), str(unit)


@pytest.mark.parametrize(
    ("text", "expected", "unit"),
    [
        (ISSUE, 0.0, "mg/L/day"),
        ("300 mg/L / perfusion_rate", 150.0, "mg day/L"),
        ("300 mg/L/day + titer * bleed_rate", 500.0, "mg/L/day"),
        ("30 [1e6 cells/mL] - vcd", 0.0, "1e+06 cells/mL"),
        ("vcd - 20e6 cells/mL", 10.0, "1e+06 cells/mL"),
        ("viability - 5 %", 90.0, "%"),
        ("bleed_rate / perfusion_rate - 10 %", 0.15, "-"),
        ("glucose - 500 mg/L", 2.5, "g/L"),
        ("-titer + 2 * titer", 400.0, "mg/L"),
        ("-vcd^2", -900.0, "1e+12 cells^2/mL^2"),
        ("vcd ** 0.5 / vcd ^ -0.5", 30.0, "1e+06 cells/mL"),
        ("min(titer, 0.1 g/L) + max(titer, 1 mg/L)", 500.0, "mg/L"),
        ("sqrt(titer * titer)", 400.0, "mg/L"),
        ("abs(bleed_rate - perfusion_rate)", 1.5, "1/day"),
        ("log(titer / 400 mg/L) + exp(0)", 1.0, "-"),
        ("2 EUR/g * titer * bleed_rate - 0.1 EUR/L/day", 300.0, "0.001 EUR/L/day"),
    ],
)
def test_values_and_units(text, expected, unit):
    assert value_of(text) == (pytest.approx(expected, abs=1e-12), unit)


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        ("titer + perfusion_rate", 7, "titer is in mg/L and perfusion_rate is in 1/day"),
        (ISSUE.replace(" mg/L", ""), 39, "Both must be in mg/L/day"),
        ("glucose - 5 mmol/L", 9, "molar mass"),
        ("viability - 95", 11, "Write the unit behind the number"),
        ("log(titer)", 1, "without a unit"),
        ("max(titer, vcd)", 1, "comparison differ"),
        ("titer *", 8, "missing at the end"),
        ("(titer", 1, "not closed"),
        ("titer)", 6, "not expected"),
        ("titer vcd", 7, "operator missing"),
        ("30 1e6 cells/mL", 4, "brackets"),
        ("5 mgg/L", 3, "Did you mean 'mg'"),
        ("titer ^ vcd", 9, "plain number"),
        ("round(titer)", 1, "no function"),
        ("min(titer)", 1, "several values"),
        ("log(titer, vcd)", 1, "one value"),
        ("titer.real", 6, "no meaning"),
        ("__import__('os').system('true')", 12, "no meaning"),
        ("titer if vcd else 0", 7, "operator missing"),
        ("[titer]", 1, "belongs here"),
        ("titer ^ 1e999", 9, "beyond all numbers"),
        ("titer ^ 99", 9, "a power above 9"),
        ("5 [0 mg/L] + titer", 3, "no scale of a unit"),
        ("5 [mg^1000]", 3, "power 1000"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(text, at, words):
    with pytest.raises(ExpressionError, match=f"at character {at}: ") as refused:
        value_of(text)
    assert words in str(refused.value)
    assert str(refused.value).splitlines()[-1].index("^") == at + 1  # two blanks go before the text


@pytest.mark.parametrize("text", ["(" * 60 + "titer" + ")" * 60, "titer+" * MOST_SIGNS])
def test_an_expression_that_is_too_large_is_refused(text):
    with pytest.raises(ExpressionError, match=r"nested|too long"):
        parsed(text)


def test_a_name_alone_is_no_expression():
    assert [is_expression(t) for t in ("titer", " titer ", "titer*2", "2", "")] == [False, False, True, True, True]


def test_the_sizes_of_all_terms_add_up():
    """Income of 600 and cost of 600 mg/L/day make a profit of nothing, and a turnover of more than nothing."""
    assert value_of(ISSUE, gross=True)[0] == 400.0 * 2.5 + 600.0


NUMBERS = st.floats(0.125, 8.0).map(lambda x: round(x, 3))


@st.composite
def sums(draw, depth=3):
    """A text of plain numbers, and its value by Python's own arithmetic."""
    if depth == 0 or draw(st.booleans()):
        number = draw(NUMBERS)
        return repr(number), number
    (a, x), (b, y) = draw(sums(depth - 1)), draw(sums(depth - 1))
    sign = draw(st.sampled_from("+-*/"))
    if sign == "/" and y == 0.0:
        sign = "*"
    found = {"+": x + y, "-": x - y, "*": x * y, "/": x / y if y else 0.0}[sign]
    blank = " " * draw(st.integers(0, 2))
    return f"({a}{blank}{sign}{blank}{b})", found


@given(sums())
def test_arithmetic_is_that_of_python(case):
    text, expected = case
    assert value_of(text)[0] == pytest.approx(expected, rel=1e-12, abs=1e-12)


@given(st.text(alphabet="titervcd 0123456789.e+-*/^()[],%gLm'_\"", max_size=40))
def test_any_text_is_read_or_refused_in_words(text):
    with suppress(ExpressionError):
        tree = parsed(text)
        if set(tree.names) <= set(VALUES):
            value_of(text)
