"""Files of a run for other programs: the same numbers in each form; other forms are refused."""

import csv
import io
import xml.etree.ElementTree as ET

import openpyxl
import pytest

from perfusio.errors import ConfigError, PerfusioError
from perfusio.report.out.downloads import CHARTS, MEDIA, SAMPLES, chart_file, samples_file
from perfusio.report.story.run_story import story_of_events
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.read_any import read_any


@pytest.fixture(scope="module")
def story(told):
    return story_of_events(told.a_run())


@pytest.mark.parametrize("ending", [".csv", ".xlsx", ".parquet"])
def test_samples_are_read_back_unchanged(story, ending, tmp_path):
    path = tmp_path / f"samples{ending}"
    path.write_bytes(samples_file(story, ending))
    table = read_any(path, ReadOptions(is_part=True, panel=story.panel))
    assert [row.state.measured() for row in table.rows] == [s.measured() for s in story.vessels["R01"].known.states]
    assert {row.reactor for row in table.rows} == {"R01"}


def test_a_chart_brings_its_numbers(story):
    known = story.vessels["R01"].known
    rows = list(csv.DictReader(io.StringIO(chart_file(story, "R01", "vcd", ".csv").decode("utf-8-sig"))))
    found = {float(r["culture day [day]"]): float(r["value"]) for r in rows if r["curve"] == "measured"}
    assert found == {s.day: s.vcd for s in known.states}
    assert {r["unit"] for r in rows} == {"1e6 cells/mL"}
    book = openpyxl.load_workbook(io.BytesIO(chart_file(story, "R01", "vcd", ".xlsx")))
    assert book["chart"].max_row == 1 + len(rows)
    assert ET.fromstring(chart_file(story, "R01", "bleed_rate", ".svg")).tag.endswith("svg")
    assert chart_file(story, "R01", "vcd", ".png").startswith(b"\x89PNG")


def test_other_forms_vessels_and_quantities_are_refused(story):
    for wrong in (
        lambda: samples_file(story, ".pdf"),
        lambda: chart_file(story, "R01", "vcd", ".pdf"),
        lambda: chart_file(story, "R9", "vcd", ".svg"),
        lambda: chart_file(story, "R01", "glucos", ".svg"),
    ):
        with pytest.raises(PerfusioError):
            wrong()
    with pytest.raises(ConfigError, match="expected one of"):
        samples_file(story, ".pdf")
    assert set(SAMPLES) | set(CHARTS) <= set(MEDIA)
