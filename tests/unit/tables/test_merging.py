"""Several files about the same vessels: one sample where they meet, corrections only when asked for."""

from datetime import datetime

import pytest

from perfusio.errors import QuestionOpen, UnreadableSource
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.merging import merged
from perfusio.tables.read_any import read_any

CELLS = "reactor,Date,VCD,Via\nR1,2024-05-13 09:00,1,98\nR1,2024-05-14 09:00,2,97\n"
CHEMISTRY = "reactor,Date,Glc,Lac\nR1,2024-05-13 09:12,5,1\nR1,2024-05-14 09:20,4,2\n"


@pytest.fixture
def read(tmp_path):
    def reader(*, inoculated=None, **contents):
        options = ReadOptions(is_part=True, inoculated={"": inoculated} if inoculated else {})
        tables = []
        for name, content in contents.items():
            (tmp_path / f"{name}.csv").write_text(content, encoding="utf-8")
            tables.append(read_any(tmp_path / f"{name}.csv", options))
        return tables

    return reader


def times(table):
    return [row.state.time_h for row in table.rows]


def test_two_analyzers_make_one_sample_at_the_time_of_the_first(read):
    for tables in (read(cells=CELLS, chemistry=CHEMISTRY), read(chemistry=CHEMISTRY, cells=CELLS)):
        table = merged(tables)
        assert times(table) == [0, 24]
        assert [(r.state.vcd, r.state.lactate) for r in table.rows] == [(1, 1), (2, 2)]
        assert "R1: 2 samples joined, up to 20 min apart." in table.warnings
        assert table.starts == {("", "R1"): datetime(2024, 5, 13, 9)}


def test_known_times_may_be_kept(read):
    table = merged(read(chemistry=CHEMISTRY, cells=CELLS), keep_times=True)
    assert times(table) == [0, pytest.approx(24 + 8 / 60)]
    assert table.starts == {("", "R1"): datetime(2024, 5, 13, 9, 12)}
    assert [(r.state.vcd, r.state.lactate) for r in table.rows] == [(1, 1), (2, 2)]
    earlier = read(chemistry=CHEMISTRY, cells="reactor,Date,VCD\nR1,2024-05-12 09:12,1\n")
    assert times(merged(earlier, keep_times=True)) == [0, 24, pytest.approx(48 + 8 / 60)]


def test_what_lies_further_apart_stays_apart(read):
    table = merged(read(cells=CELLS, chemistry=CHEMISTRY), same_sample_minutes=15)
    assert times(table) == [0, 24, pytest.approx(24 + 1 / 3)]
    assert table.rows[1].state.lactate != table.rows[1].state.lactate


def test_rows_of_one_file_are_never_one_sample(read):
    close = "reactor,Date,VCD\nR1,2024-05-13 09:00,1\nR1,2024-05-13 09:10,1.1\n"
    assert len(merged(read(cells=close, chemistry=CHEMISTRY)).rows) == 3


def test_a_late_titer_fills_the_gap_and_changes_nothing_else(read):
    titer = "reactor,day,titer [g/L]\nR1,0,0\nR1,1,0.05\n"
    with pytest.raises(QuestionOpen, match=r"when was culture time 0\?") as asked:
        merged(read(cells=CELLS, titer=titer))
    assert asked.value.questions[0].readings[0].typed == "--inoculated 'R1=2024-05-13 09:00:00'"
    table = merged(read(cells=CELLS, titer=titer, inoculated=datetime(2024, 5, 13, 9)))
    assert [r.state.titer for r in table.rows] == [0, 50]
    assert [r.state.vcd for r in table.rows] == [1, 2]


def test_files_that_disagree_are_refused_unless_the_later_one_corrects(read):
    tables = read(cells=CELLS, again="reactor,Date,VCD\nR1,2024-05-13 09:00,1.5\n")
    with pytest.raises(UnreadableSource) as refused:
        merged(tables)
    assert "again.csv, line 2: states vcd = 1.5" in str(refused.value)
    assert "cells.csv, line 2 states 1" in str(refused.value)
    assert "--correct" in str(refused.value)
    table = merged(tables, later_wins=True)
    assert [r.state.vcd for r in table.rows] == [1.5, 2]
    assert [w for w in table.warnings if w.startswith("corrected: vcd at 0 h was 1 (cells.csv) and is 1.5")]


def test_files_of_vessels_that_no_column_tells_apart_are_told_how(read):
    with pytest.raises(UnreadableSource, match="different vessels, give each a column `reactor`"):
        merged(read(a="day,VCD\n0,1\n", b="day,VCD\n0,3\n"))
    with pytest.raises(UnreadableSource) as refused:
        merged(read(cells=CELLS, again="reactor,Date,VCD\nR1,2024-05-13 09:00,1.5\n"))
    assert "different vessels" not in str(refused.value)


def test_the_only_vessel_that_can_be_meant_is_meant(read):
    titer = "day,titer [mg/L]\n0,1\n1,50\n"
    tables = read(cells=CELLS, titer=titer, inoculated=datetime(2024, 5, 13, 9))
    assert [r.reactor for r in merged(tables).rows] == ["R1", "R1"]
    two = CELLS + "R2,2024-05-13 09:00,1,98\n"
    with pytest.raises(UnreadableSource, match=r"titer.csv: which vessel are its samples from.*R1, R2"):
        merged(read(cells=two, titer=titer))


def test_run_and_reactor_find_each_other(read):
    full = "run,reactor,Date,VCD\nB7,R1,2024-05-13 09:00,1\n"
    table = merged(read(cells=full, chemistry=CHEMISTRY.splitlines()[0] + "\nR1,2024-05-13 09:12,5,1\n"))
    assert table.groups == (("B7", "R1"),)
    assert table.rows[0].state.glucose == 5


def test_clones_must_agree(read):
    with pytest.raises(UnreadableSource, match="the clone is 'Y', but another file says 'X'"):
        merged(read(a="reactor,clone,day,VCD\nR1,X,0,1\n", b="reactor,clone,day,Glc\nR1,Y,0,5\n"))


def test_limits_travel_with_their_values(read):
    table = merged(read(cells=CELLS, chemistry="reactor,Date,Glc\nR1,2024-05-13 09:12,<0.2\n"))
    assert table.rows[0].state.quality == {"glucose": "below the detection limit of 0.2"}
