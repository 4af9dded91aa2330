"""Tags of a historian: what is no quantity is told and left unread, what is left open is asked about."""

import shlex

import pytest

from perfusio.errors import QuestionOpen
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.table import parse_table

TAGS = "timestamp,tag,value\n2031-03-02 09:00,A.B.{},{}\n2031-03-03 09:00,A.B.{},{}\n"


@pytest.mark.parametrize(
    ("tag", "typed", "value"),
    [("VCD [10E6 cells/mL]", "A.B.VCD [10E6 cells/mL]=vcd [1e6 cells/mL]", 5.0), ("Glu", "A.B.Glu=glutamate", 5.0)],
)
def test_a_tag_of_a_quantity_that_is_left_open_is_asked_about_and_its_answer_is_read(tag, typed, value):
    content = TAGS.format(tag, 5, tag, 6).encode()
    with pytest.raises(QuestionOpen) as asked:
        parse_table(content, "t.csv", ReadOptions(is_part=True))
    assert shlex.join(("--column", typed)) in str(asked.value)
    header, _, meaning = typed.partition("=")
    table = parse_table(content, "t.csv", ReadOptions(is_part=True, columns={header: meaning}))
    assert getattr(table.rows[0].state, meaning.partition(" ")[0]) == value
    unread = parse_table(
        content + b"2031-03-02 09:00,VCD,2\n2031-03-03 09:00,VCD,3\n", "t.csv",
        ReadOptions(is_part=True, ignore=(header,)),
    )  # fmt: skip
    assert [row.state.vcd for row in unread.rows] == [2, 3]
