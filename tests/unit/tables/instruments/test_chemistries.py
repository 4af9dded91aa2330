"""A row for each chemistry, as a YSI 2900 writes it: joined by sample, and a unit that nothing says is asked."""

import pytest

from perfusio.errors import QuestionOpen, UnreadableSource
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.table import parse_table

HEAD = "Plate Name,Well ID,Sample ID,Date & Time,Chemistry,Concentration,Units\n"
ROWS = (
    "P1,A1,R01-D00,2031-03-02 09:00:00,Glucose,5.5,g/L\n"
    "P1,A1,R01-D00,2031-03-02 09:01:10,L-Lactate,0.25,g/L\n"
    "P1,A1,R01-D00,2031-03-02 09:02:20,Potassium,5,mmol/L\n"
    "P1,A2,R01-D01,2031-03-03 09:00:00,Glucose,27.75,mmol/L\n"
    "P1,A2,R01-D01,2031-03-03 09:01:10,L-Lactate,0.5,g/L\n"
)


def read(content, **options):
    return parse_table(content.encode(), "ysi.csv", ReadOptions(is_part=True, **options))


def test_chemistries_of_a_sample_are_one_row_at_the_time_of_the_first():
    table = read((HEAD + ROWS).replace("27.75,mmol/L", "5,g/L"))
    assert [(row.reactor, row.state.time_h) for row in table.rows] == [("R01", 0), ("R01", 24)]
    assert [row.state.lactate for row in table.rows] == pytest.approx([2.7753, 5.5506], rel=1e-4)
    assert [row.state.glucose for row in table.rows] == [5.5, 5.0]
    assert "YSI 2900" in table.profile
    told = " ".join(table.warnings)
    assert "left unread: Potassium." in told
    assert "left unread: Plate Name, Well ID." in told


def test_one_chemistry_in_two_units_is_asked_about():
    with pytest.raises(QuestionOpen, match="all give glucose"):
        read(HEAD + ROWS)


def test_a_unit_that_no_column_says_is_asked_and_its_answer_is_read():
    content = (HEAD + ROWS).replace(",Units", "").replace(",g/L", "").replace(",mmol/L", "").replace("27.75", "5")
    with pytest.raises(QuestionOpen) as asked:
        read(content)
    typed = [question.readings[0].typed for question in asked.value.questions]
    assert typed == ["--column 'Glucose=glucose [g/L]'", "--column 'L-Lactate=lactate [mmol/L]'"]
    table = read(content, columns={"Glucose": "glucose [g/L]", "L-Lactate": "lactate [g/L]"})
    assert table.rows[1].state.lactate == pytest.approx(5.5506, rel=1e-4)
    assert read(content, columns={"Glucose": "glucose [g/L]"}, ignore=("L-Lactate",)).rows[1].state.glucose == 5.0


def test_two_values_of_one_sample_and_a_unit_that_is_none_are_refused():
    with pytest.raises(UnreadableSource, match="Keep the right one"):
        read(HEAD + ROWS + "P1,A1,R01-D00,2031-03-02 09:03:00,Glucose,7.5,g/L\n")
    with pytest.raises(UnreadableSource, match="'furlong', which is no unit of glucose"):
        read(HEAD + ROWS.replace("5.5,g/L", "5.5,furlong"))


def test_wells_name_no_vessel():
    bare = HEAD.replace("Sample ID,", "") + ROWS.replace("R01-D00,", "").replace("R01-D01,", "")
    bare = bare.replace("27.75,mmol/L", "5,g/L")
    with pytest.raises(QuestionOpen, match=r"(?s)which vessel a sample is from.*--reactor R01.*'Well ID=sample'"):
        read(bare)
    table = read(bare, reactor="R01")
    assert {row.reactor for row in table.rows} == {"R01"}
