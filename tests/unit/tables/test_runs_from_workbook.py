"""Workbooks of two small fed-batches, hand-calculated; what is wrong is refused with place and remedy."""

from dataclasses import replace
from datetime import datetime, timedelta
from math import isnan

import pytest

from perfusio.errors import ConfigError, UnreadableSource
from perfusio.state import Setpoints
from perfusio.tables.columns.column_map import ColumnMap, FeedSheet
from perfusio.tables.runs_from_workbook import read_workbook
from perfusio.trajectory import Feed

START = datetime(2024, 5, 1, 9, 0)
FED_BATCH = Setpoints(
    perfusion_rate=0.0, bleed_rate=0.0, glucose_setpoint=0.0, temperature=36.5, agitation=300.0, pyruvate_feed=0.0
)
MAP = ColumnMap(
    sheet="Samples",
    header_rows=2,
    timestamp="Date",
    total_cells="Total (1e5 cells/mL)",
    start_volume="Start volume (L)",
    sample_volume="Sample volume (mL)",
    columns={
        "ID": "run",
        "Line": "clone",
        "Viable (10^6 cells/mL)": "vcd",
        "Before feeding / Glucose (mM)": "glucose",
        "NH4": "ammonium [mg/L]",
    },
    feed_volumes={"Feed volume (mL) / A": "Feed A", "B": "Feed B"},
    feed_sheet=FeedSheet(
        sheet="Feeds",
        feed="Name",
        columns={"ID": "run", "Glucose (g/L)": "glucose", "Gln (mM)": "glutamine"},
        empty_means_none=True,
    ),
    setpoints=FED_BATCH,
)
HEADER = [
    ["Sample", "", "", "Cells", "", "Volumes", "", "Feed volume (mL)", "", "Before feeding", "", "After feeding"],
    ["Date", "ID", "Line", "Viable (10^6 cells/mL)", "Total (1e5 cells/mL)", "Start volume (L)", "Sample volume (mL)",
     "A", "B", "Glucose (mM)", "NH4", "Glucose (mM)"],
]  # fmt: skip
ROWS = [
    [START, 1, "X", 0.5, 5.0, 0.1, 2, 0, 0, 25, 18.04, ""],
    [START + timedelta(hours=23.5), 1, "X", 1.0, 12.5, 0.1, 8, 9, 0.9, "n.d.", "", ""],
    [""] * 12,
    [START + timedelta(hours=38), 1, "X", 2.0, "", 0.1, 0, 0, "", 20, "<1.804", 99],
    [START + timedelta(hours=5), "two", "Y", "0.3", 3.0, 0.2, 0, "", 1, 30, 0, ""],
    [START + timedelta(hours=29), "two", "Y", 0.6, 6.0, 0.2, 1, "", 0, 24, 0, ""],
]
FEEDS = [
    ["Name", "Feed A", "Feed B", "Feed B"],
    ["ID", 1, 1, "two"],
    ["Glucose (g/L)", 72, "", 10],
    ["Gln (mM)", "", 200, 100],
]


@pytest.fixture
def workbook(tmp_path, write_xlsx):
    """A function that writes the workbook, with other rows or feeds."""

    def write(rows=ROWS, feeds=FEEDS, header=HEADER):
        return write_xlsx(tmp_path / "cultures.xlsx", {"Samples": [*header, *rows], "Feeds": feeds})

    return write


def changed(row, column, value, table=ROWS):
    """The table with one other cell."""
    table = [list(cells) for cells in table]
    table[row][column] = value
    return table


def refused(path, column_map=MAP):
    with pytest.raises(UnreadableSource) as error:
        read_workbook(path, column_map)
    return str(error.value)


def test_runs_are_read_with_their_units_times_and_gaps(workbook):
    one, two = read_workbook(workbook(), MAP)
    assert (one.reactor_id, one.run_id, one.clone) == ("1", "1", "X")
    assert (two.reactor_id, two.clone, len(two.states)) == ("two", "Y", 2)
    assert one.times_h.tolist() == [0.0, 23.5, 38.0]
    assert two.times_h.tolist() == [0.0, 24.0]  # each run from its own first sample
    assert [s.vcd for s in one.states] == [0.5, 1.0, 2.0]
    assert [s.glucose for s in one.states][::2] == pytest.approx([25 * 0.18016, 20 * 0.18016])
    assert isnan(one.states[1].glucose)  # n.d.
    assert one.states[0].ammonium == pytest.approx(1.0)
    assert isnan(one.states[1].ammonium)
    assert one.states[2].quality == {"ammonium": "below the detection limit of 0.1"}
    assert all(isnan(s.titer) for s in one.states)  # no such column: not measured, never 0
    assert two.states[0].vcd == 0.3  # a number that Excel keeps as a text
    assert set(one.setpoints) == {FED_BATCH}


def test_viability_is_viable_over_total_and_unknown_without_total(workbook):
    one, two = read_workbook(workbook(), MAP)
    assert [s.viability for s in one.states][:2] == pytest.approx([100.0, 80.0])
    assert isnan(one.states[2].viability)
    assert two.states[0].viability == 100.0


def test_a_feed_is_a_share_of_the_culture_as_it_then_was(workbook):
    one, two = read_workbook(workbook(), MAP)
    assert one.feeds[0] is None
    fed = one.feeds[1]  # 100 mL, less 2 and 8 mL of samples: 90 mL
    assert fed.fraction == pytest.approx(9.9 / 90.0)
    assert fed.glucose == pytest.approx(72.0 * 9.0 / 9.9)
    assert fed.glutamine == pytest.approx(200.0 * 0.9 / 9.9)
    assert two.feeds == (Feed(fraction=1.0 / 200.0, glucose=10.0, glutamine=100.0),)  # each run has its own feed B


def test_a_feed_makes_the_culture_larger_for_the_next_one(workbook):
    one, _ = read_workbook(workbook(changed(0, 7, 10.0)), MAP)
    assert [f.fraction for f in one.feeds] == pytest.approx([10.0 / 98.0, 9.9 / (98.0 + 10.0 - 8.0)])


def test_what_is_taken_for_granted_is_told(workbook):
    remarks = []
    read_workbook(workbook(changed(3, 7, 1.0)), MAP, on_remark=remarks.append)
    assert remarks == [
        "cultures.xlsx, sheet 'Feeds' does not say how much glutamate, lactate, ammonium, pyruvate the feeds hold: "
        "taken as none.",
        "1: what was fed after its last sample is left out, nothing was measured since.",
    ]


def test_without_feeds_a_sheet_is_read_like_a_csv_file(tmp_path, write_xlsx):
    rows = [["Day", "VCD", "Via", "Glc", "Bleed"], [0, 0.5, 0.97, 5, 0.1], [1, 1.0, 0.98, "", 0.2]]
    path = write_xlsx(tmp_path / "one.xlsx", {"S": rows})
    columns = {"Day": "day", "VCD": "vcd", "Via": "viability", "Glc": "glucose", "Bleed": "bleed_rate"}
    remarks = []
    mapped = ColumnMap(sheet="S", columns=columns, setpoints=replace(FED_BATCH, perfusion_rate=1.0))
    (run,) = read_workbook(path, mapped, on_remark=remarks.append)
    assert run.states[1].viability == pytest.approx(98.0)
    assert (run.setpoints[0].bleed_rate, run.setpoints[0].perfusion_rate) == (0.1, 1.0)
    assert run.feeds == ()
    assert any("taken as fractions" in remark for remark in remarks)


@pytest.mark.parametrize(
    ("row", "column", "value", "expected"),
    [
        (1, 3, -1.0, "line 4, column 'Viable (10^6 cells/mL)': '-1' is negative"),
        (1, 4, 9.0, "line 4, column 'Total (1e5 cells/mL)': '9' is less than the 1 viable cells, expected all cells"),
        (1, 0, "yesterday", "line 4, column 'Date': 'yesterday' is no date with time, expected one"),
        (1, 0, 45413.4, "is no date with time, expected one. Format the column as a date"),
        (3, 0, START, "expected times that rise within run 1. Sort the rows"),
        (1, 0, "", "is no time, and every sample has one"),
        (1, 1, "", "is empty, expected the run that the sample belongs to"),
        (1, 2, "Z", "the clone is 'Z', but earlier rows of the same run say 'X'"),
        (1, 9, "20,5", "'20,5' has a comma, expected a number like 3.5"),
        (1, 6, "", "line 4, column 'Sample volume (mL)': '' is empty, expected the volume that was taken, 0 if none"),
        (1, 7, "", "line 4, column 'Feed volume (mL) / A': '' is empty, expected the volume that was fed, 0 if none"),
        (1, 8, -1, "column 'B': '-1' is negative, expected a volume from 0 on"),
        (1, 8, "<1", "column 'B': '<1' is a limit, expected a volume"),
        (1, 8, "some", "column 'B': 'some' is not a number"),
        (1, 6, 98, "line 4: leaves 0 mL of culture, expected more than 0. Check start and sample volumes."),
        (0, 5, "", "column 'Start volume (L)': '' is empty, expected the volume before the first sample"),
        (4, 7, 3, "feed 'Feed A' was given to run 'two', but no sheet says what it holds in that run"),
    ],
)
def test_a_wrong_cell_is_named_with_the_remedy(workbook, row, column, value, expected):
    assert expected in refused(workbook(changed(row, column, value)))


def test_all_wrong_cells_of_the_samples_are_said_at_once(workbook):
    message = refused(workbook(changed(1, 3, -1.0, changed(1, 8, -1, changed(4, 9, "x")))))
    columns = ("Viable (10^6 cells/mL)", "B", "Before feeding / Glucose (mM)")
    assert all(f"column {name!r}" in message for name in columns)


@pytest.mark.parametrize(
    ("row", "column", "value", "expected"),
    [
        (2, 1, "lots", "'Glucose (g/L)' of feed 'Feed A' of run '1' is 'lots', expected a concentration from 0 on"),
        (2, 1, -1, "is '-1', expected a concentration from 0 on"),
        (1, 3, 1, "feed 'Feed B' of run '1' is described twice, and differently. Keep the right one."),
        (3, 0, "Gln (rpm)", "there is no column 'Gln (mM)', which the column map names. Did you mean 'Gln (rpm)'?"),
    ],
)
def test_a_wrong_feed_is_named(workbook, row, column, value, expected):
    assert expected in refused(workbook(feeds=changed(row, column, value, FEEDS)))


def test_an_empty_concentration_is_none_only_if_the_map_says_so(workbook):
    strict = replace(MAP, feed_sheet=replace(MAP.feed_sheet, empty_means_none=False))
    message = refused(workbook(), strict)
    assert "'Gln (mM)' of feed 'Feed A' of run '1' is ''" in message
    assert "empty_means_none = true" in message


def test_feeds_may_stand_in_rows_and_serve_every_run(workbook):
    about = FeedSheet(sheet="Feeds", feed="Name", columns={"Glucose (g/L)": "glucose"}, turned=False)
    feeds = [["Name", "Glucose (g/L)"], ["Feed A", 72], ["", ""], ["Feed B", 0]]
    rows = [[0 if c in (7, 8) and cell == "" and row[0] else cell for c, cell in enumerate(row)] for row in ROWS]
    one, two = read_workbook(workbook(rows, feeds), replace(MAP, feed_sheet=about))
    assert one.feeds[1].glucose == pytest.approx(72.0 * 9.0 / 9.9)
    assert two.feeds[0] == Feed(fraction=1.0 / 200.0)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [({"Glucose (mM)": "glucose"}, "names 2 columns, expected one"), ({"pH": "glucose"}, "there is no column 'pH'")],
)
def test_labels_have_to_name_one_column(workbook, columns, expected):
    column_map = replace(MAP, columns={"ID": "run", "Viable (10^6 cells/mL)": "vcd", **columns})
    assert expected in refused(workbook(), column_map)


def test_a_meaning_that_perfusio_does_not_know_is_refused(workbook):
    with pytest.raises(ConfigError, match=r"'glucos' is not a quantity perfusio knows\. Did you mean 'glucose'"):
        read_workbook(workbook(), replace(MAP, columns={**MAP.columns, "NH4": "glucos"}))


def test_a_unit_that_does_not_fit_is_refused(workbook):
    header = changed(1, 3, "Viable (rpm)", HEADER)
    columns = {("Viable (rpm)" if m == "vcd" else label): m for label, m in MAP.columns.items()}
    assert "'rpm', which is no unit of vcd" in refused(workbook(header=header), replace(MAP, columns=columns))
    header = changed(1, 6, "Sample volume (g/L)", HEADER)
    assert "'g/L' is not a unit of volume: expected mL" in refused(
        workbook(header=header), replace(MAP, sample_volume="Sample volume (g/L)")
    )


def test_what_was_in_force_has_to_be_said(workbook):
    message = refused(workbook(), replace(MAP, setpoints=replace(FED_BATCH, agitation=float("nan"))))
    assert "neither a column nor the column map says what was in force: agitation." in message
    assert "(1)" in message
    assert "(two)" in message


def test_a_feed_does_not_vanish_when_rows_of_one_sample_are_joined(workbook):
    again = [*ROWS[:2], [*ROWS[1][:6], 0, 1, 0, "", "", ""], *ROWS[2:]]
    assert "another row for a sample that is there already, and has a feed of its own" in refused(workbook(again))
