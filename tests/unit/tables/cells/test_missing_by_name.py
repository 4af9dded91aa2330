"""One bad value is set missing by line and name; the rest of the file is read, and every other check stays."""

import pytest

from perfusio.errors import ConfigError, UnreadableSource
from perfusio.tables.cells.missing_by_name import missing_of
from perfusio.tables.columns.column_map import column_map_of
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.columns.mapping_options import as_options
from perfusio.tables.mapping_file import mapping_text
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
