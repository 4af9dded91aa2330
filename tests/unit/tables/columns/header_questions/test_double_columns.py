"""Several columns of one meaning: parts of the name of a run only where a person says so, else asked."""

import pytest

from perfusio.errors import QuestionOpen, UnreadableSource
from perfusio.tables.cells.sheets import read_bytes
from perfusio.tables.columns.column_map import column_map_of
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.mapping_file import mapping_text
from perfusio.tables.read_any import read_any
from perfusio.tables.table import parse_table

SHEET = (
    "Experiment,Block,Vessel,day,VCD [1e6/mL]\n"
    "E1,B1,R1,0,1\nE1,B1,R1,1,2\nE1,B2,R1,0,1.5\nE1,B2,R1,1,2.5\n"
)  # fmt: skip
BOTH = {"Block": "run", "Experiment": "run"}


def read(**columns):
    return parse_table(SHEET.encode(), "s.csv", ReadOptions(columns=columns))


def test_three_columns_that_name_a_run_are_asked_about_and_joined_as_answered():
    with pytest.raises(UnreadableSource, match="'Block' is not a quantity"):
        read()
    with pytest.raises(QuestionOpen) as asked:
        read(Block="run")
    reading = asked.value.questions[0].readings[0]
    assert reading.typed == "--column Experiment=run --column Block=run"
    assert reading.entry == {"columns": BOTH}
    assert read(**BOTH).groups == (("E1/B1", "R1"), ("E1/B2", "R1"))


@pytest.mark.parametrize(("others", "runs"), [("recognised", ("E1/B1", "E1/B2")), ("unread", ("B1/E1", "B2/E1"))])
def test_a_mapping_keeps_the_answer(tmp_path, others, runs):
    path = tmp_path / "s.csv"
    path.write_text(SHEET)
    told = column_map_of({"others": others, "columns": {**BOTH, "Vessel": "reactor", "day": "day",
                                                        "VCD [1e6/mL]": "vcd"}})  # fmt: skip
    assert read_any(path, column_map=told).groups == tuple((run, "R1") for run in runs)
    options = ReadOptions(columns=BOTH)
    text = mapping_text(parse_table(read_bytes(path), "s.csv", options), options)
    assert 'Block = "run"\nExperiment = "run"' in text


def test_a_quantity_is_given_by_one_column():
    content = b"day,VCD,VCD 2\n0,1,1\n"
    with pytest.raises(QuestionOpen, match="all give vcd") as asked:
        parse_table(content, "s.csv", ReadOptions(columns={"VCD": "vcd", "VCD 2": "vcd"}))
    assert [r.typed for r in asked.value.questions[0].readings] == ["--ignore 'VCD 2'", "--ignore VCD"]


def test_a_clock_that_is_set_back_is_named_for_it_and_times_with_their_zone_are_read():
    rows = ["2031-10-26 01:50", "2031-10-26 02:50", "2031-10-26 02:10", "2031-10-26 03:10"]
    content = "Date,VCD\n" + "".join(f"{when},{1 + i}\n" for i, when in enumerate(rows))
    with pytest.raises(UnreadableSource, match=r"end of summer time.*distance from UTC"):
        parse_table(content.encode(), "s.csv", ReadOptions())
    with pytest.raises(UnreadableSource) as other:
        parse_table(content.replace("10-26", "10-28").encode(), "s.csv", ReadOptions())
    assert "summer time" not in str(other.value)
    zoned = [f"{when}{zone}" for when, zone in zip(rows, ("+02:00", "+02:00", "+01:00", "+01:00"), strict=True)]
    content = "Date,VCD\n" + "".join(f"{when},{1 + i}\n" for i, when in enumerate(zoned))
    hours = [row.state.time_h for row in parse_table(content.encode(), "s.csv", ReadOptions()).rows]
    assert hours == pytest.approx([0, 1, 1 + 20 / 60, 2 + 20 / 60])
