"""One bad value is set missing by line and name; the rest of the file is read, and every other check stays."""

import math
import shlex

import openpyxl
import pytest

from perfusio.connectors.filesystem import FilesystemStore
from perfusio.errors import ConfigError, UnreadableSource
from perfusio.state import Setpoints
from perfusio.tables.cells.missing_by_name import missing_of
from perfusio.tables.columns.column_map import column_map_of
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.columns.mapping_options import as_options
from perfusio.tables.grown_table import parsed, read_on
from perfusio.tables.mapping_file import mapping_text
from perfusio.tables.read_any import read_any
from perfusio.tables.runs_from_files import read_runs
from perfusio.tables.table import parse_table

SHEET = b"day,VCD,Glc [g/L]\n0,0.5,5.5\n1,1.1,#REF!\n2,2.3,4.1\n3,4.5,900\n"


def read(*texts):
    return parse_table(SHEET, "s.csv", ReadOptions(set_missing=missing_of(texts)))


def test_a_refusal_names_the_option_and_with_it_the_rest_is_read():
    with pytest.raises(UnreadableSource, match="--set-missing 'line 3: Glc \\[g/L\\]'"):
        read()
    with pytest.raises(UnreadableSource, match="--set-missing 'line 5: Glc"):
        read("line 3: glucose")
    table = read("line 3: glucose", "5: Glc [g/L]")
    assert [row.state.glucose == row.state.glucose for row in table.rows] == [True, False, True, False]
    assert [row.state.vcd for row in table.rows] == [0.5, 1.1, 2.3, 4.5]
    assert any("'#REF!' counts as not measured, as you said" in w for w in table.warnings)


@pytest.mark.parametrize("said", ["line 30: glucose", "line 3: lactate", "line 3: day"])
def test_a_value_that_is_not_there_and_a_time_are_refused(said):
    with pytest.raises(UnreadableSource, match="was said to be missing, but"):
        read("line 3: glucose", "line 5: glucose", said)


def test_a_text_without_a_line_is_refused():
    with pytest.raises(ConfigError, match="line 12: glucose"):
        missing_of(["glucose"])


def test_a_mapping_keeps_the_answer():
    options = ReadOptions(set_missing=missing_of(["line 3: glucose", "line 5: glucose"]))
    table = parse_table(SHEET, "s.csv", options)
    text = mapping_text(table, options)
    assert 'set_missing = ["line 3: glucose", "line 5: glucose"]' in text
    again = as_options(column_map_of({"others": "recognised", "set_missing": ["line 3: glucose"]}), ReadOptions())
    assert again.set_missing == missing_of(["line 3: glucose"])


def test_of_several_files_the_one_is_named_and_no_other_loses_its_value(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_bytes(SHEET.replace(b"#REF!", b"4.4").replace(b"900", b"3.3"))
    with pytest.raises(ConfigError, match="does not say of which file"):
        read_runs(tmp_path, options=ReadOptions(set_missing=missing_of(["line 3: glucose"])), assumed=Setpoints())
    with pytest.raises(ConfigError, match=r"'c.csv' is not read here, but a.csv, b.csv"):
        read_runs(tmp_path, options=ReadOptions(set_missing=missing_of(["c.csv, line 3: glucose"])))
    said = ReadOptions(set_missing=missing_of(["b.csv, line 3: glucose"]))
    first, second = read_runs(tmp_path, options=said, assumed=Setpoints())
    assert [math.isnan(s.glucose) for s in first.states] == [False] * 4
    assert [math.isnan(s.glucose) for s in second.states] == [False, True, False, False]


def test_of_several_sheets_the_message_names_the_one_and_its_answer_is_read(tmp_path):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, bad in (("R1", 4.4), ("R2", 900)):
        sheet = book.create_sheet(name)
        for row in (("day", "VCD", "Glc [g/L]"), (0, 0.5, 5.5), (1, 1.1, bad), (2, 2.2, 4.0)):
            sheet.append(row)
    book.save(tmp_path / "b.xlsx")
    with pytest.raises(UnreadableSource) as refused:
        read_any(tmp_path / "b.xlsx")
    typed = shlex.split(str(refused.value).partition("--set-missing ")[2])[0].rstrip(".")
    table = read_any(tmp_path / "b.xlsx", ReadOptions(set_missing=missing_of([typed])))
    assert [math.isnan(row.state.glucose) for row in table.rows] == [False, False, False, False, True, False]
    with pytest.raises(ConfigError, match="does not say of which file or sheet"):
        read_any(tmp_path / "b.xlsx", ReadOptions(set_missing=missing_of(["line 3: glucose"])))


def test_what_is_declared_of_a_line_is_not_taken_for_a_row_that_is_added_to_a_growing_file():
    options = ReadOptions(set_missing=missing_of(["line 3: glucose"]), leave_out={})
    content = SHEET.replace(b"900", b"3.3")
    before = parsed(content, parse_table(content, "s.csv", options))
    assert read_on(before, content + b"4,6.0,3.1\n", options) is None


async def test_a_run_takes_it_and_waits_for_a_line_that_is_not_there_yet(tmp_path):
    path = tmp_path / "s.csv"
    path.write_bytes(SHEET[: SHEET.index(b"1,1.1")])
    store = FilesystemStore(path, follow=True, poll_seconds=0.01, set_missing=["line 3: glucose", "5: glucose"])
    assert (await store.read_sample()).glucose == 5.5
    path.write_bytes(SHEET)
    rest = [await store.read_sample() for _ in range(3)]
    assert [math.isnan(state.glucose) for state in rest] == [True, False, True]
