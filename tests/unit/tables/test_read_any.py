"""Workbooks and Parquet files: whatever layout, the same checked rows; ambr signals become what was in force."""

import re
import tomllib
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from perfusio.errors import ConfigError, QuestionOpen, UnreadableSource
from perfusio.tables.columns.column_map import ColumnMap, column_map_of
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.mapping_file import draft_text, mapping_text
from perfusio.tables.merging import merged
from perfusio.tables.read_any import read_any
from perfusio.trajectory import Feed

PART = ReadOptions(is_part=True)
START = datetime(2024, 5, 13, 9)
PLAIN = [["day", "VCD", "Glc"], [0, 1.5, 5], [1, 2.5, "<0.2"], [None, None, None], [2, 3.5, "n.d."]]


def measured(table, name):
    return [getattr(row.state, name) for row in table.rows]


def signal(hours, value):
    return [[h, value(h)] for h in hours]


def paired(**signals):
    """Rows of a sheet with a pair of columns per signal."""
    longest = max(map(len, signals.values()))
    head = [cell for name in signals for cell in ("Time (h)", name.replace("_", " "))]
    body = [[c for s in signals.values() for c in (s[i] if i < len(s) else [None, None])] for i in range(longest)]
    return [head, *body]


@pytest.fixture
def ambr(tmp_path, write_xlsx):
    """Two days: 1 VVD then 2 VVD of 200 mL, 36.5 then 35 °C, stirrer and an unread signal beside them."""
    hours = range(0, 49, 2)
    sheet = paired(
        **{
            "Temperature": signal(hours, lambda h: 36.5 if h < 24 else 35.0),
            "Stir speed (rpm)": signal(hours, lambda h: 900),
            "DO (% max)": signal(hours, lambda h: 40),
            "Volume (mL)": signal((0, 24, 48), lambda h: 200),
            "Perfusion volume pumped (mL)": signal(hours, lambda h: 200 * min(h, 24) / 24 + 400 * max(h - 24, 0) / 24),
        }
    )
    return write_xlsx(tmp_path / "ambr.xlsx", {"HT1": sheet, "HT2": sheet})


def test_one_sheet_with_samples_is_found_among_others(tmp_path, write_xlsx):
    path = write_xlsx(tmp_path / "a.xlsx", {"Notes": [["read me"]], "Data": PLAIN})
    table = read_any(path)
    assert measured(table, "vcd") == [1.5, 2.5, 3.5]
    assert table.rows[1].state.quality == {"glucose": "below the detection limit of 0.2"}
    assert [row.line for row in table.rows] == [2, 3, 5]


def test_a_sheet_per_vessel_and_dates_as_excel_keeps_them(tmp_path, write_xlsx):
    rows = [["Date", "VCD"], *([START + timedelta(hours=24 * i), 1.0 + i] for i in range(3))]
    table = read_any(write_xlsx(tmp_path / "a.xlsx", {"HT1": rows, "HT2": rows[:2]}), PART)
    assert table.groups == (("", "HT1"), ("", "HT2"))
    assert [row.state.time_h for row in table.rows] == [0, 24, 48, 0]
    only = read_any(tmp_path / "a.xlsx", PART, sheet="HT2")
    assert [(row.reactor, row.state.vcd) for row in only.rows] == [("", 1.0)]


def test_two_header_rows_with_merged_groups(tmp_path, write_xlsx):
    rows = [["", "Cells", None, "Before", "After"], ["Day", "VCD", "Via (%)", "Glc", "Lac"], [0, 1, 97, 5, 2]]
    assert measured(read_any(write_xlsx(tmp_path / "a.xlsx", {"S": rows})), "lactate") == [2]


def test_ambr_signals_say_what_was_in_force(ambr):
    table = read_any(ambr, PART)
    assert table.profile == "ambr workbook"
    first, second, third = (row.setpoints for row in table.rows if row.reactor == "HT1")
    assert (first.perfusion_rate, first.temperature, first.agitation) == (pytest.approx(1), 36.5, 900)
    assert (second.perfusion_rate, second.temperature) == (pytest.approx(2), 35.0)
    assert third.perfusion_rate != third.perfusion_rate, "an interval that is not over tells no rate"
    assert any("left unread: DO (% max)" in w for w in table.warnings)


def test_ambr_signals_follow_the_samples_of_other_files(ambr, tmp_path):
    (tmp_path / "cells.csv").write_text("reactor,time [h],VCD\nHT1,0,1\nHT1,12,2\nHT1,36,3\n", encoding="utf-8")
    table = merged([read_any(tmp_path / "cells.csv", PART), read_any(ambr, PART)])
    rows = [row for row in table.rows if row.reactor == "HT1"]
    assert [row.state.time_h for row in rows] == [0, 12, 36]
    assert rows[1].setpoints.perfusion_rate == pytest.approx(1.5)
    assert rows[1].setpoints.temperature == pytest.approx(35.75)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("Perfusion volume pumped", lambda h: 100 - h, "shrinks, expected a cumulative volume"),
        ("Bleed volume pumped", lambda h: "n/a?", "'n/a\\?' of 'Bleed volume pumped' is not a number"),
        ("Perfusion volume pumped", lambda h: h, "no signal 'Volume'"),
    ],
)
def test_ambr_signals_that_cannot_be_are_refused(tmp_path, write_xlsx, name, value, words):
    sheet = paired(**{"Temperature": signal((0, 24), lambda h: 37), name: signal((0, 24), value)})
    with pytest.raises(UnreadableSource, match=words):
        read_any(write_xlsx(tmp_path / "a.xlsx", {"HT1": sheet}), PART)


@pytest.mark.parametrize(
    ("sheets", "words"),
    [
        ({"A": [["nothing"], ["here"]], "B": [["or", "there"], [1, 2]]}, "no sheet has a header"),
        ({"A": [["day", "VCD"], [0, "many"]]}, "line 2, column 'VCD': 'many' is not a number"),
        ({"A": [["day", "VCD"], [0, "#DIV/0!"], [0, 2], [0, 3]]}, "states vcd = 3"),
        ({"A": [["day", "VCD", "Glucos"], [0, 1, 2]]}, "Did you mean 'glucose'"),
        ({"A": [["day", "VCD"], [2, 1], [1, 2]]}, "expected times that rise"),
        ({"A": PLAIN, "B": [["reactor", *PLAIN[0]], ["A", *PLAIN[1]]]}, "both hold A"),
    ],
)
def test_workbooks_that_are_refused(tmp_path, write_xlsx, sheets, words):
    with pytest.raises(UnreadableSource, match=words):
        read_any(write_xlsx(tmp_path / "a.xlsx", sheets))


def test_parquet_is_read_and_every_truncation_of_it_refused(tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "a.parquet"
    columns = {"day": [0, 1], "VCD": [1.5, None], "Date": [START, START], "Glc": ["5", "<0.1"]}
    parquet.write_table(pa.table(columns), path)
    table = read_any(path)
    assert measured(table, "glucose") == [5, 0.1]
    assert str(table.rows[1].state.vcd) == "nan"
    data = path.read_bytes()
    for n in range(4, len(data), 37):
        path.write_bytes(data[:n])
        with pytest.raises(UnreadableSource, match="cut short or damaged"):
            read_any(path)


def test_truncations_of_a_workbook_are_refused(tmp_path, write_xlsx):
    data = write_xlsx(tmp_path / "a.xlsx", {"S": PLAIN}).read_bytes()
    for n in range(4, len(data), 41):
        (tmp_path / "b.xlsx").write_bytes(data[:n])
        with pytest.raises(UnreadableSource):
            read_any(tmp_path / "b.xlsx")


def test_a_saved_mapping_reads_the_file_the_same(tmp_path):
    import tomllib

    path = tmp_path / "a.csv"
    path.write_text("Date,Xv,Glc [mM],pH,Vessel\n05/06/2024,1,27,7,R1\n06/06/2024,2,20,7,R1\n", encoding="utf-8")
    options = ReadOptions(date_order="dmy", ignore=("pH",))
    table = read_any(path, options)
    text = mapping_text(table, options)
    assert "# unread: 'pH'" in text
    again = read_any(path, column_map=column_map_of(tomllib.loads(text)))
    assert [(r.reactor, r.state) for r in again.rows] == [(r.reactor, r.state) for r in table.rows]


def test_the_mapping_of_what_is_no_table_holds_what_was_declared(ambr, tmp_path):
    options = replace(PART, vessels={"HT1": "R01"})
    text = mapping_text(read_any(ambr, options), options)
    again = read_any(ambr, PART, column_map=column_map_of(tomllib.loads(text)))
    assert again.groups == read_any(ambr, options).groups
    assert again.groups[0] == ("", "R01")


def test_an_answer_is_saved_and_nobody_is_asked_twice(tmp_path):
    path = tmp_path / "blu.csv"
    rows = "".join(f"XK{i},{1 + i},2024-05-{13 + i} 09:00\n" for i in range(3))
    path.write_text("Sample ID,Viable (x10^6) cells/mL,Analysis date/time\n" + rows, encoding="utf-8")
    with pytest.raises(QuestionOpen) as asked:
        read_any(path, PART)
    assert {r.header for r in asked.value.understood if r.meaning} >= {"Viable (x10^6) cells/mL", "Sample ID"}
    draft = draft_text("blu.csv", asked.value, PART)
    with pytest.raises(QuestionOpen):
        read_any(path, PART, column_map=column_map_of(tomllib.loads(draft)))
    answered = re.sub(r'#\s+(reactor = "R01").*', r"\1", draft)
    table = read_any(path, PART, column_map=column_map_of(tomllib.loads(answered)))
    assert table.groups == (("", "R01"),)
    assert measured(table, "vcd") == [1, 2, 3]


def test_what_is_typed_goes_before_a_map_of_every_column(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("day,X,Y\n0,1,9\n", encoding="utf-8")
    about = ColumnMap(columns={"day": "day", "X": "vcd"})
    assert measured(read_any(path, ReadOptions(columns={"Y": "glucose"}), column_map=about), "glucose") == [9]
    assert measured(read_any(path, ReadOptions(columns={"X": "vcd [1e7 cells/mL]"}), column_map=about), "vcd") == [10]


def test_a_column_map_reads_text_files_too(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("Exp;wann;Zellen;Probe\nA;01.05.2024;1,5;x\n;02.05.2024;2,5;x\n", encoding="utf-8")
    about = ColumnMap(
        columns={"Exp": "run", "Zellen": "vcd"}, timestamp="wann", fill_down=True,
        inoculated={"": datetime(2024, 4, 30)},
    )  # fmt: skip
    table = read_any(path, column_map=about)
    assert [(r.run, r.state.time_h, r.state.vcd) for r in table.rows] == [("A", 24, 1.5), ("A", 48, 2.5)]
    with pytest.raises(UnreadableSource, match="is no workbook and has no sheets"):
        read_any(path, column_map=about, sheet="Data")


def test_names_of_samples_are_taken_apart_as_declared(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("Probe,VCD\n7-HT1-03,1\n7-HT1-04,2\n", encoding="utf-8")
    about = ColumnMap(
        columns={"Probe": "sample", "VCD": "vcd"}, sample_pattern=r"(?P<run>\d+)-(?P<reactor>\w+)-(?P<day>\d+)",
        vessels={"HT1": "R01"},
    )  # fmt: skip
    rows = read_any(path, column_map=about).rows
    assert [(r.run, r.reactor, r.state.time_h) for r in rows] == [("7", "R01", 72), ("7", "R01", 96)]


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"date_order": "ymmd"}, "expected dmy or mdy or ymd"),
        ({"sample_pattern": "(?P<reactor"}, "no regular expression"),
        ({"inoculated": {"R1": "yesterday"}}, "expected a date with time"),
        ({"vesels": {}}, "Did you mean 'vessels'"),
    ],
)
def test_entries_that_cannot_be_are_refused(entries, words):
    with pytest.raises(ConfigError, match=words):
        column_map_of({"columns": {"d": "day", "x": "vcd"}, **entries})


def test_feeds_are_columns_of_a_table(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("day,VCD,feed_fraction,feed_glucose [g/L]\n0,1,0.02,400\n1,2,,\n", encoding="utf-8")
    assert [row.feed for row in read_any(path).rows] == [Feed(fraction=0.02, glucose=400), None]
