"""A data frame is read and checked like the file that it would be written to."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfusio import Setpoints, read_runs
from perfusio.errors import ConfigError, QuestionOpen, UnreadableSource
from perfusio.tables.columns.column_map import ColumnMap

SHEET = pd.DataFrame(
    {"run": ["A", "A", "B", "B"], "day": [0, 1, 0, 1], "vcd": [3.0, 4.5, 3.2, np.nan], "viability": 98.0,
     "glucose": [5.0, 4.0, 5.0, 4.1], "perfusion_rate": 1.0, "bleed_rate": 0.1, "glucose_setpoint": 4.0,
     "temperature": 36.5, "agitation": 850.0, "pyruvate_feed": 1.0}
)  # fmt: skip


def test_what_is_not_measured_is_nan():
    a, b = read_runs(SHEET)
    assert [a.reactor_id, b.reactor_id] == ["A", "B"]
    assert b.last_measured("vcd").vcd == 3.2
    assert np.isnan(b.states[1].vcd)
    assert np.isnan(a.states[0].lactate)


def test_an_index_with_a_name_is_a_column():
    assert [r.reactor_id for r in read_runs(SHEET.set_index(["run", "day"]))] == ["A", "B"]


@settings(max_examples=20, deadline=None)
@given(st.permutations(list(SHEET.columns)), st.sampled_from(["csv", "parquet"]))
def test_it_is_read_as_the_file_would_be(tmp_path_factory, columns, ending):
    frame = SHEET[columns]
    path = tmp_path_factory.mktemp("frame") / f"a.{ending}"
    frame.to_csv(path, index=False) if ending == "csv" else frame.to_parquet(path)
    for ours, theirs in zip(read_runs(frame), read_runs(path), strict=True):
        assert ours.reactor_id == theirs.reactor_id
        assert [repr(s) for s in ours.states] == [repr(s) for s in theirs.states]
        assert ours.setpoints == theirs.setpoints


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (SHEET.drop(columns="day"), "time"),
        (SHEET.assign(vcd=["3", "4", "many", "5"]), "many"),
        (SHEET.assign(vcd=-1.0), "vcd"),
        (SHEET.rename(columns={"vcd": 7}), "texts that name a quantity"),
        (pd.concat([SHEET, SHEET[["vcd"]]], axis=1), "two columns"),
        (SHEET.drop(columns="bleed_rate"), "bleed_rate"),
    ],
)
def test_it_is_refused_in_words(frame, words):
    with pytest.raises(UnreadableSource, match=words):
        read_runs(frame)


def test_units_in_headers_count_and_assumptions_are_told():
    frame = SHEET.drop(columns=["bleed_rate", "glucose"]).assign(**{"Glucose [mmol/L]": [27.75, 22.2, 27.75, 22.8]})
    told = []
    a, _ = read_runs(frame, assumed=Setpoints(bleed_rate=0.2), on_remark=told.append)
    assert a.states[0].glucose == pytest.approx(5.0, rel=1e-3)
    assert any("assumed: bleed_rate 0.2" in one for one in told)


def test_a_column_map_is_for_files():
    with pytest.raises(ConfigError, match="Rename the columns"):
        read_runs(SHEET, column_map=ColumnMap(columns={"t": "day"}))


class Polars:
    """As a polars frame: columns by name, `to_list`, no index."""

    def __init__(self, frame):
        self._of, self.columns, self.shape = frame, list(frame.columns), frame.shape

    def __getitem__(self, name):
        return self._of[name]


def test_a_frame_without_an_index_will_do():
    assert [r.states for r in read_runs(Polars(SHEET[SHEET.run == "A"]))] == [read_runs(SHEET)[0].states]


def test_a_column_in_another_unit_is_asked_about_as_in_a_file():
    frame = pd.DataFrame({"day": [0, 1], "vcd": [0.5, 0.8], "viability": [97.0, 98.0], "glucose": [25.0, 24.0]})
    with pytest.raises(QuestionOpen, match=r"(?s)read as mmol/L.*glucose=glucose \[mmol/L\]"):
        read_runs(frame)
