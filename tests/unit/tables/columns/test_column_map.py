"""Column maps: the TOML file says what the fields say; whatever cannot be followed is refused with the remedy."""

from math import isnan

import pytest

from perfusio.errors import ConfigError, OutOfRange
from perfusio.tables.columns.column_map import ColumnMap, FeedSheet, column_map_of, read_column_map

TOML = """
sheet = "Data"
header_rows = 2
timestamp = "Date"
total_cells = "Total"
start_volume = "V0"
sample_volume = "Vs"
[columns]
"VCD" = "vcd"
"Before / Glc" = "glucose [mmol/L]"
[feed_volumes]
"Fed A" = "A"
[feed_sheet]
sheet = "Feeds"
feed = "Name"
turned = false
empty_means_none = true
[feed_sheet.columns]
"Glc" = "glucose"
[setpoints]
perfusion_rate = 0
temperature = 36.5
"""
LEAST = {"sheet": "Data", "columns": {"VCD": "vcd", "Day": "day"}}


def test_the_file_says_what_the_fields_say(tmp_path):
    (tmp_path / "mapping.toml").write_text(TOML, encoding="utf-8")
    found = read_column_map(tmp_path / "mapping.toml")
    assert found == ColumnMap(
        sheet="Data",
        header_rows=2,
        timestamp="Date",
        total_cells="Total",
        start_volume="V0",
        sample_volume="Vs",
        columns={"VCD": "vcd", "Before / Glc": "glucose [mmol/L]"},
        feed_volumes={"Fed A": "A"},
        feed_sheet=FeedSheet(
            sheet="Feeds", feed="Name", columns={"Glc": "glucose"}, turned=False, empty_means_none=True
        ),
        setpoints=found.setpoints,  # holds NaN, which equals nothing
    )
    assert (found.setpoints.perfusion_rate, found.setpoints.temperature) == (0.0, 36.5)
    assert isnan(found.setpoints.bleed_rate)  # not said: not known


def test_a_map_needs_little():
    assert column_map_of(LEAST) == column_map_of({**LEAST, "header_rows": 1})
    assert column_map_of(LEAST).feed_volumes == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sheets": "x"}, "sheets is no entry of a column map. Did you mean 'sheet'?"),
        ({"setpoints": {"perfusion": 0.0}}, "setpoints.perfusion is no entry of a column map. Did you mean 'perfu"),
        ({"setpoints": {"perfusion_rate": "0"}}, "setpoints.perfusion_rate = '0', expected a number."),
        ({"setpoints": {"perfusion_rate": True}}, "setpoints.perfusion_rate = True, expected a number."),
        ({"header_rows": 1.5}, "header_rows = 1.5, expected a whole number."),
        ({"header_rows": True}, "header_rows = True, expected a whole number."),
        ({"header_rows": 0}, "header_rows = 0, expected 1 or more"),
        ({"columns": {"VCD": 1}}, "expected a table of texts"),
        ({"timestamp": ["Date"]}, "timestamp = ['Date'], expected a text"),
        ({"timestamp": "Date"}, "gives both a timestamp and a time, expected one"),
        ({"columns": {"VCD": "vcd"}}, "gives no time, expected one"),
        ({"columns": {**LEAST["columns"], "Xv": "viable cells"}}, "'VCD' and 'Xv' both mean vcd, expected one"),
        ({"total_cells": "T", "columns": {"D": "day"}}, "needs a column that means 'vcd'"),
        ({"total_cells": "T", "columns": {**LEAST["columns"], "Via": "viability"}}, "no other column that means 'viab"),
        ({"feed_volumes": {"A": "A"}}, "need start_volume"),
        ({"feed_sheet": {"sheet": "F"}}, "feed_sheet.feed, feed_sheet.columns: not there, expected in every"),
        ({"feed_sheet": {"sheet": "F", "feed": "N", "columns": {}, "turned": 1}}, "turned = 1, expected true or false"),
    ],
)
def test_what_cannot_be_followed_is_refused(changes, message):
    with pytest.raises(ConfigError) as refused:
        column_map_of({**LEAST, **changes})
    assert message in str(refused.value)


def test_setpoints_have_to_be_possible():
    with pytest.raises(OutOfRange, match="temperature = 370"):
        column_map_of({**LEAST, "setpoints": {"temperature": 370.0}})


@pytest.mark.parametrize("content", [None, b"sheet = ", b"sheet = '\xff'", b"sheet = 'Data'"])
def test_a_file_that_is_none_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / "mapping.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"mapping\.toml"):
        read_column_map(tmp_path / "mapping.toml")
