"""Rows of a data frame pass the checks of every table: a unit is asked about, never assumed against all evidence."""

import math

import pandas as pd
import pytest

from perfusio.bed.campaigns.run_rows import runs_of
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import ConfigError, QuestionOpen, UnreadableSource

RECIPES = {"A": DEFAULT_AMBR250_DESIGN_SPACE.nominal}


def rows(**values):
    """Return a culture; a value may be a function of the day."""
    known = {"vcd": lambda d: 2.0 * 1.8**d, "viability": 97.0, "glucose": 4.0, **values}
    return [{"run": "A", "day": d, **{n: v(d) if callable(v) else v for n, v in known.items()}} for d in range(6)]


def test_a_unit_in_the_name_is_converted_and_one_that_is_in_doubt_is_asked_about():
    with pytest.raises(QuestionOpen, match=r"(?s)'25.0' is, as g/L, far above.*frame.rename") as asked:
        runs_of(pd.DataFrame(rows(glucose=25.0)), RECIPES)
    assert {"glucose [mmol/L]", "glucose [g/L]"} <= {r.says for q in asked.value.questions for r in q.readings}
    frame = pd.DataFrame(rows(glucose=25.0)).rename(columns={"glucose": "glucose [mmol/L]"})
    assert runs_of(frame, RECIPES)[0].states[0].glucose == pytest.approx(4.504)
    sure = pd.DataFrame(rows(glucose=25.0))
    sure.attrs["units"] = {"glucose": "g/L"}
    assert runs_of(sure, RECIPES)[0].states[0].glucose == 25.0
    with pytest.raises(ConfigError, match=r"'glucose \[km\]'"):
        runs_of([{"run": "A", "day": 0, "glucose [km]": 1.0}], RECIPES)


def test_fractions_are_no_per_cent_and_both_in_one_column_are_refused():
    with pytest.raises(ConfigError, match=r"looks like fractions.*'viability \[fraction\]'"):
        runs_of(rows(viability=0.97), RECIPES)
    named = pd.DataFrame(rows(viability=0.97)).rename(columns={"viability": "viability [fraction]"})
    assert runs_of(named, RECIPES)[0].states[0].viability == pytest.approx(97.0)
    with pytest.raises(UnreadableSource, match=r"line 5, column 'viability': '0.97' looks like a fraction"):
        runs_of(rows(viability=lambda d: 0.97 if d > 3 else 97.0), RECIPES)


def test_what_no_cell_can_make_is_asked_about():
    flows = {"perfusion_rate": 1.0, "bleed_rate": 0.1}
    lactate = {"lactate": lambda d: 0.144 * 1.8**d}
    with pytest.raises(QuestionOpen, match="do not fit as they stand"):
        runs_of(rows(**lactate, **flows), RECIPES)
    assert len(runs_of(rows(lactate=lambda d: 1.6 * 1.8**d, **flows), RECIPES)[0].states) == 6


def test_one_quantity_in_two_columns_is_refused_and_order_does_not_count():
    with pytest.raises(ConfigError, match="Two columns give the same quantity"):
        runs_of([{"run": "A", "day": 0, "vcd": 1.0, "vcd [cells/mL]": 1e6}], RECIPES)
    run = runs_of(rows()[::-1], RECIPES)[0]
    assert [s.day for s in run.states] == list(range(6))
    assert math.isnan(run.states[0].lactate)
