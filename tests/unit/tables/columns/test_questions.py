"""A question names every reading and the option that answers; it is told from what is wrong by its exit code."""

import pytest

from perfusio.errors import QuestionOpen, UnreadableSource
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.columns.problems import Problems
from perfusio.tables.columns.questions import Question, column_reading, together, unread_reading
from perfusio.tables.table import parse_table

LACTATE = (
    column_reading("g/L (0.25 is 2.8 mmol/L)", "Lac", "lactate [g/L]"),
    column_reading("mmol/L", "Lac", "lactate [mmol/L]"),
)


def test_minutes_without_a_unit_are_not_read_as_hours():
    content = b"time,VCD\n0,1\n1440,2\n2880,4\n"
    with pytest.raises(QuestionOpen, match="samples are 1440 apart: hours, or minutes") as asked:
        parse_table(content, "s.csv", ReadOptions())
    assert [r.typed for r in asked.value.questions[0].readings] == [
        "--column 'time=time [h]'", "--column 'time=time [min]'",
    ]  # fmt: skip
    table = parse_table(content, "s.csv", ReadOptions(columns={"time": "time [min]"}))
    assert [row.state.day for row in table.rows] == [0, 1, 2]


def test_a_question_is_one_paragraph_with_both_readings_and_their_options():
    question = Question(found="f.csv, column 'Lac': can be two things.", readings=LACTATE, remedy="Or rename it.")
    text = question.sentence()
    assert "--column 'Lac=lactate [g/L]'" in text
    assert "--column 'Lac=lactate [mmol/L]'" in text
    assert text.endswith("Or rename it.")
    assert "\n\n" not in text


def test_nothing_but_questions_is_a_question():
    problems = Problems("f.csv")
    problems.line(1, "column 'Lac' can be two things.", readings=LACTATE)
    with pytest.raises(QuestionOpen) as asked:
        problems.refuse_if_any()
    assert asked.value.exit_code == 2
    assert asked.value.questions[0].readings == LACTATE


def test_a_question_beside_something_wrong_is_a_refusal():
    problems = Problems("f.csv")
    problems.line(1, "column 'Lac' can be two things.", readings=LACTATE)
    problems.line(3, "has 2 values, expected 3.")
    with pytest.raises(UnreadableSource) as refused:
        problems.refuse_if_any()
    assert refused.value.exit_code == 3
    assert len(refused.value.questions) == 1
    assert len(refused.value.problems) == 2


def test_questions_of_several_files_are_asked_together():
    def error(*, is_wrong):
        problems = Problems("f.csv")
        problems.file("has a column too many.", readings=(unread_reading("leave it", "note"),))
        if is_wrong:
            problems.file("is wrong.")
        with pytest.raises(UnreadableSource) as found:
            problems.refuse_if_any()
        return found.value

    one, two = error(is_wrong=False), error(is_wrong=True)
    both = together([one, one], "A hint.", connector="f.csv")
    assert (both.exit_code, len(both.questions), both.problems[-1]) == (2, 2, "A hint.")
    assert together([one, two], connector="f.csv").exit_code == 3


def test_an_option_with_blanks_is_typed_with_quotes():
    assert unread_reading("leave it", "Sample ID").typed == "--ignore 'Sample ID'"
