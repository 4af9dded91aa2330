"""Files are joined on dates: a culture began once, clocks may be apart, a date alone names no hour."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfusio.errors import QuestionOpen, UnreadableSource
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.exporting import write_table
from perfusio.tables.merging import merged
from perfusio.tables.read_any import read_any

START = datetime(2031, 3, 2, 9)
CELLS = "reactor,Date,VCD\n" + "".join(f"R1,2031-03-0{2 + d} 09:00,{1 + d}\n" for d in range(7))
TITER = "reactor,Date,titer [mg/L]\n" + "".join(f"R1,2031-03-0{2 + d} 09:10,{100 * d}\n" for d in (3, 5))


def read(folder, name, text, **options):
    (folder / name).write_text(text, encoding="utf-8")
    return read_any(folder / name, ReadOptions(is_part=True, **options))


def titers(table):
    return {round(r.state.day): r.state.titer for r in table.rows if r.state.titer == r.state.titer}


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
@pytest.mark.parametrize("layout", ["wide", "long"])
def test_a_written_table_keeps_when_its_culture_began(tmp_path, layout, ending):
    write_table(tmp_path / f"a{ending}", read(tmp_path, "cells.csv", CELLS), layout=layout)
    earlier = read_any(tmp_path / f"a{ending}", ReadOptions(is_part=True))
    assert earlier.starts == {("", "R1"): START}
    assert not earlier.assumed_starts
    table = merged([earlier, read(tmp_path, "titer.csv", TITER)], keep_times=True)
    assert titers(table) == {3: 300, 5: 500}
    assert [j.sentence() for j in table.joins][1] == "titer.csv: 2 of 2 samples of R1 joined."


def test_dates_beside_bare_culture_times_are_asked(tmp_path):
    earlier = read(tmp_path, "a.csv", "reactor,day,VCD\nR1,0,1\nR1,3,4\n")
    with pytest.raises(QuestionOpen, match="--inoculated"):
        merged([earlier, read(tmp_path, "titer.csv", TITER)], keep_times=True)
    told = read(tmp_path, "titer.csv", TITER, inoculated={"R1": START})
    assert titers(merged([earlier, told], keep_times=True)) == {3: 300, 5: 500}


def test_a_culture_begins_once(tmp_path):
    one = read(tmp_path, "a.csv", CELLS, inoculated={"": START})
    two = read(tmp_path, "b.csv", TITER, inoculated={"": datetime(2031, 3, 3, 9)})
    with pytest.raises(UnreadableSource, match=r"a.csv says that culture time 0 of R1 was .* b.csv says"):
        merged([one, two])


def test_a_sample_before_the_start_of_a_known_culture_is_refused(tmp_path):
    one = read(tmp_path, "a.csv", CELLS, inoculated={"": START})
    with pytest.raises(UnreadableSource, match="before culture time 0"):
        merged([one, read(tmp_path, "b.csv", "reactor,Date,Glc\nR1,2031-02-27 09:00,5\n")], keep_times=True)


def test_a_date_alone_is_the_sample_of_that_day(tmp_path):
    by_day = "reactor,Date,titer [mg/L]\nR1,2031-03-05,300\nR1,2031-03-07,500\n"
    table = merged([read(tmp_path, "a.csv", CELLS), read(tmp_path, "b.csv", by_day)])
    assert titers(table) == {3: 300, 5: 500}
    assert len(table.rows) == 7
    twice = CELLS + "R1,2031-03-08 17:00,9\nR1,2031-03-08 20:00,10\n"
    with pytest.raises(UnreadableSource, match="3 samples of R1 were taken on that date"):
        merged([read(tmp_path, "a.csv", twice), read(tmp_path, "b.csv", by_day + "R1,2031-03-08,600\n")])


def test_a_date_alone_among_others_is_refused(tmp_path):
    with pytest.raises(UnreadableSource, match="has no time of day, and other dates have one"):
        read(tmp_path, "a.csv", "Date,VCD\n2031-03-02 09:00,1\n2031-03-03,2\n")


def test_clocks_that_are_steadily_apart_are_asked(tmp_path):
    late = "reactor,Date,Glc\n" + "".join(f"R1,2031-03-0{2 + d} 10:02,5\n" for d in range(4))
    tables = [read(tmp_path, "a.csv", CELLS), read(tmp_path, "b.csv", late)]
    with pytest.raises(QuestionOpen, match=r"never meet of R1.*1.03 h after") as asked:
        merged(tables)
    assert asked.value.questions[0].readings[0].options == ("--same-sample", "77")
    assert len(merged(tables, same_sample_minutes=77, are_clocks_told=True).rows) == 7
    assert len(merged(tables, are_clocks_told=True).rows) == 11


@settings(max_examples=40, deadline=None)
@given(
    days=st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True),
    hour=st.integers(6, 18),
    first=st.integers(0, 4),
    is_declared=st.booleans(),
)
def test_late_values_never_land_on_another_day(tmp_path_factory, days, hour, first, is_declared):
    """Whichever days a late file has, its values stand at their dates, or it is asked or refused."""
    folder = tmp_path_factory.mktemp("late")
    cells = "reactor,Date,VCD\n" + "".join(f"R1,2031-03-{2 + d:02} {hour:02}:00,1\n" for d in range(first, 10))
    late = "reactor,Date,titer [mg/L]\n"
    late += "".join(f"R1,2031-03-{2 + d:02} {hour:02}:20,{1 + d}\n" for d in sorted(days))
    options = {"inoculated": {"": START.replace(hour=hour)}} if is_declared else {}
    write_table(folder / "known.csv", read(folder, "cells.csv", cells, **options))
    earlier = read_any(folder / "known.csv", ReadOptions(is_part=True))
    try:
        table = merged([earlier, read(folder, "late.csv", late)], keep_times=True)
    except UnreadableSource:
        return
    offset = 0 if is_declared else first
    assert {round(r.state.day) + offset: r.state.titer - 1 for r in table.rows if r.state.titer == r.state.titer} == {
        d: d for d in days
    }
