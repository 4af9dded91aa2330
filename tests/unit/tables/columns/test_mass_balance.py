"""A sheet whose columns fit one by one may not fit as a whole: what cells would make or be given asks for the unit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfusio.errors import QuestionOpen
from perfusio.process import CHO_PERFUSION
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.table import parse_table

NAMES = {"vcd": "VCD", "glucose": "Glc", "lactate": "Lac", "titer": "Titer", "perfusion_rate": "perfusion"}
FACTOR = {"vcd": 10.0, "lactate": 0.09008, "perfusion_rate": 250 / 24}  # 1e5 cells/mL, g/L, mL/h of 250 mL


def culture(days=14, doubling_d=1.1, most=40.0, rate=1.2, q_lactate=1.5, q_titer=20.0):
    """A culture that grows and is perfused, by its balances, in canonical units."""
    day = np.arange(days + 1.0)
    vcd = most / (1.0 + (most / 0.6 - 1.0) * 2.0 ** (-day / doubling_d))
    values = {"vcd": vcd, "glucose": np.full_like(day, 4.0), "perfusion_rate": np.full_like(day, rate)}
    for name, q in (("lactate", q_lactate), ("titer", q_titer)):
        c = np.zeros_like(day)
        for i in range(days):
            steady = q * (vcd[i] + vcd[i + 1]) / 2 / rate
            c[i + 1] = steady + (c[i] - steady) * np.exp(-rate)
        values[name] = c
    return {"day": day, **values}


def text(values, headers=NAMES):
    header = ",".join(["day", *(headers[n] for n in headers)])
    rows = [",".join(f"{values[n][i]:.6g}" for n in ("day", *headers)) for i in range(len(values["day"]))]
    return ("\n".join([header, *rows]) + "\n").encode()


@pytest.mark.parametrize(
    ("name", "reading"),
    [("vcd", "VCD=vcd [1e5 cells/mL]"), ("lactate", "Lac=lactate [g/L]"),
     ("perfusion_rate", "perfusion=perfusion_rate [mL/h]")],
)  # fmt: skip
def test_a_column_in_another_unit_is_asked_with_both_readings(name, reading):
    values = culture(most=35.0)
    values[name] = values[name] * FACTOR[name]
    with pytest.raises(QuestionOpen) as asked:
        parse_table(text(values), "sheet.csv")
    (question,) = asked.value.questions
    assert reading in [word for r in question.readings for word in r.options]
    assert "as it stands" in question.readings[-1].says


@pytest.mark.parametrize("name", FACTOR)
def test_each_answer_is_taken_and_nothing_is_asked_twice(name):
    values = culture(most=35.0)
    right = values[name]
    values[name] = values[name] * FACTOR[name]
    with pytest.raises(QuestionOpen) as asked:
        parse_table(text(values), "sheet.csv")
    for reading in asked.value.questions[0].readings:
        is_flow = "--working-volume" in reading.options
        panel = CHO_PERFUSION.with_(working_volume="250 mL") if is_flow else CHO_PERFUSION
        table = parse_table(text(values), "sheet.csv", ReadOptions(columns=reading.entry["columns"], panel=panel))
        read = [getattr(row.setpoints if name == "perfusion_rate" else row.state, name) for row in table.rows]
        is_right = np.allclose(read, right, rtol=1e-5)
        assert is_right != reading.says.startswith("as it stands")


@given(
    doubling_d=st.floats(0.8, 2.0), most=st.floats(3.0, 120.0), cspr=st.floats(0.015, 0.1),
    q_lactate=st.floats(0.5, 10.0), q_titer=st.floats(5.0, 80.0),
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_a_possible_culture_is_not_asked(doubling_d, most, cspr, q_lactate, q_titer):
    rate = float(np.clip(cspr * most, 0.4, 4.0))
    most = min(most, rate / 0.012)
    values = culture(doubling_d=doubling_d, most=most, rate=rate, q_lactate=q_lactate, q_titer=q_titer)
    if values["lactate"].max() < 110.0:
        assert parse_table(text(values), "sheet.csv").n_rows == 15


def test_a_unit_in_the_header_settles_it():
    values = culture(most=35.0)
    values["lactate"] = values["lactate"] * FACTOR["lactate"]
    headers = {n: CHO_PERFUSION[n].header for n in NAMES}
    assert parse_table(text(values, headers), "sheet.csv").n_rows == 15


def test_a_run_that_has_begun_is_warned_and_goes_on():
    values = culture(most=35.0)
    values["perfusion_rate"] = values["perfusion_rate"] * FACTOR["perfusion_rate"]
    table = parse_table(text(values), "sheet.csv", has_started=True)
    assert any("do not fit as they stand" in warning for warning in table.warnings)
