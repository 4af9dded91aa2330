"""Controls, calibrators and averages are left out and told, or asked; true samples never are."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfusio.errors import QuestionOpen
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.table import parse_table

HEAD = "sample,Sample Type,day,VCD,Glc,Lac\n"


def read(text, **options):
    return parse_table(text.encode(), "f.csv", ReadOptions(is_part=True, reactor="R1", **options))


def days(table):
    return [row.state.day for row in table.rows]


@pytest.mark.parametrize("kind", ["QC", "Control", "Calibration", "Blank", "Linearity", "Fresh Media", "QC Level 2"])
def test_rows_of_a_type_that_is_no_culture_are_left_out_and_told(kind):
    table = read(f"{HEAD}a,{kind},0,9,9,9\nb,Cell culture,0,1,5,2\nc,Spent Media,1,2,4,3\n")
    assert days(table) == [0, 1]
    assert f"line 2 (Sample Type {kind})" in " ".join(table.warnings)


def test_a_type_that_nobody_knows_is_read_and_told():
    table = read(f"{HEAD}a,Type B,0,1,5,2\n")
    assert days(table) == [0]
    assert "'Type B' (1)" in " ".join(table.warnings)


def test_the_user_says_otherwise():
    text = f"{HEAD}a,QC,0,1,5,2\nb,,1,2,4,3\n"
    assert days(read(text, keep={"Sample Type": ("QC",)})) == [0, 1]
    assert days(read(text, leave_out={"line": ("3",)}, keep={"line": ("2",)})) == [0]
    with pytest.raises(Exception, match="there is no column 'Kind'"):
        read(text, leave_out={"Kind": ("QC",)})


def test_names_of_control_fluids_and_averages_are_left_out():
    text = "sample,day,VCD\nQC-L2,0,5\nR1-D0,0,1\nblank,1,0\nR1-D1,1,2\n"
    table = parse_table(text.encode(), "f.csv", ReadOptions(is_part=True))
    assert [(r.reactor, r.state.vcd) for r in table.rows] == [("R1", 1), ("R1", 2)]
    for word in ("Mean", "average", "SD", "CV (%)", "Total:"):
        table = parse_table(f"day,VCD\n0,1\n1,2\n{word},1.5\n".encode(), "f.csv", ReadOptions())
        assert days(table) == [0, 1]
        assert repr(word) in " ".join(table.warnings)


def test_a_control_that_can_be_a_culture_is_asked():
    text = "sample,day,VCD\nControl-D0,0,5\nR1-D0,0,1\n"
    with pytest.raises(QuestionOpen) as asked:
        parse_table(text.encode(), "f.csv", ReadOptions(is_part=True))
    out, keep = asked.value.questions[0].readings
    assert out.options == ("--leave-out", "sample=Control-D0")
    table = parse_table(text.encode(), "f.csv", ReadOptions(is_part=True, **out.entry))
    assert table.groups == (("", "R1"),)
    assert len(parse_table(text.encode(), "f.csv", ReadOptions(is_part=True, **keep.entry)).groups) == 2


def test_the_same_values_again_and_again_are_asked():
    rows = "".join(f"{d},{1 + d},{5 - d},2\n{d}.4,5,1,1\n" for d in range(3))
    text = f"day,VCD,Glc,Lac\n{rows}"
    with pytest.raises(QuestionOpen, match="the very same values as lines 5, 7") as asked:
        parse_table(text.encode(), "f.csv", ReadOptions())
    out, keep = asked.value.questions[0].readings
    assert days(parse_table(text.encode(), "f.csv", ReadOptions(**out.entry))) == [0, 1, 2]
    assert len(days(parse_table(text.encode(), "f.csv", ReadOptions(**keep.entry)))) == 6


@settings(max_examples=40, deadline=None)
@given(n=st.integers(2, 12), flat=st.integers(0, 12), start=st.floats(0.3, 3))
def test_true_samples_are_never_asked_about(n, flat, start):
    """A culture that grows, then stands still to the last digit, is no control."""
    values = [round(start * 1.3 ** min(d, flat), 3) for d in range(n)]
    text = "day,VCD,Glc,Lac\n" + "".join(f"{d},{v},5,1\n" for d, v in enumerate(values))
    assert len(parse_table(text.encode(), "f.csv", ReadOptions()).rows) == n
