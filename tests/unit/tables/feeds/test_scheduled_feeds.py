"""Feeds and setpoints from a sheet of pump rates, as a column map says."""

import os
from pathlib import Path

import openpyxl
import pytest

from perfusio.errors import ConfigError, UnreadableSource
from perfusio.process.document import read_process
from perfusio.tables.columns.column_map import column_map_of, read_column_map
from perfusio.tables.runs_from_files import read_runs
from perfusio.tables.runs_from_workbook import read_workbook

ROOT = Path(__file__).parents[4]
BESIDE = ROOT.parent / "shared" / "data" / "cho_two_clones"
REAL = Path(os.environ.get("PERFUSIO_TWO_CLONES", BESIDE))
MAP = {
    "sheet": "samples",
    "columns": {"Time (h)": "time [h]", "VCD": "vcd", "Viab": "viability", "Glc (mM)": "glucose"},
    "setpoints": {"perfusion_rate": 0.0, "bleed_rate": 0.0, "glucose_setpoint": 0.0, "agitation": 300.0,
                  "pyruvate_feed": 0.0, "temperature": 37.0},
    "schedule": {
        "sheet": "pumps", "step": "1 h", "rate_unit": "mL/h", "taken": "out", "start_volume": "100 mL",
        "feeds": {"A": {"glucose": "1000 mmol/L"}, "B": {"glutamine": "100 mmol/L"}},
        "changes": [{"day": 2, "temperature": 33.0}],
    },
}  # fmt: skip


@pytest.fixture
def book(tmp_path):
    """Three days: 10 mL of sample at hour 24, then 9 mL of A and 1 mL of B; nothing else."""

    def make(rates=None):
        made = openpyxl.Workbook()
        samples, pumps = made.active, made.create_sheet("pumps")
        samples.title = "samples"
        samples.append(["Time (h)", "VCD", "Viab", "Glc (mM)"])
        for time_h in (0, 24, 48, 72):
            samples.append([time_h, 1.0 + time_h / 24, 98, 20])
        pumps.append(["A", "B", "out"])
        for hour in range(72):
            pumps.append((rates or {24: (9, 1, 10)}).get(hour, (0, 0, 0)))
        made.save(tmp_path / "culture.xlsx")
        return tmp_path / "culture.xlsx"

    return make


def test_pumps_between_two_samples_are_a_bolus_after_the_first(book):
    (run,) = read_workbook(book(), column_map_of(MAP))
    assert [f is not None for f in run.feeds] == [False, True, False]
    feed = run.feeds[1]
    assert feed.fraction == pytest.approx(10.0 / 100.0)
    assert feed.glucose == pytest.approx(0.9 * 180.16)
    assert feed.glutamine == pytest.approx(0.1 * 100.0)
    assert [u.temperature for u in run.setpoints] == [37.0, 37.0, 33.0]


def test_a_feed_that_goes_on_is_said(book):
    said = []
    (run,) = read_workbook(book(dict.fromkeys(range(72), (0.5, 0, 0))), column_map_of(MAP), on_remark=said.append)
    assert any("went on between two samples" in line for line in said)
    assert run.feeds[0].fraction == pytest.approx(0.12)
    assert run.feeds[1].fraction == pytest.approx(12.0 / 112.0)


@pytest.mark.parametrize(
    ("rates", "message"),
    [({5: (0, 0, 200)}, "leaves -100 mL"), ({5: (-1, 0, 0)}, "no rate of a pump"), ({5: ("x", 0, 0)}, "no rate of a")],
)
def test_impossible_rates_are_refused(book, rates, message):
    with pytest.raises(UnreadableSource, match=message):
        read_workbook(book(rates), column_map_of(MAP))


@pytest.mark.parametrize(
    ("entry", "value", "message"),
    [("step", "soon", "the time that a row lasts"), ("rate_unit", "g/h", "a volume per time"),
     ("start_volume", "0 L", "a volume above 0"), ("feeds", {"A": {"glucos": 1}}, "Did you mean 'glucose'"),
     ("changes", [{"temperature": 30}], "expected a day"), ("pump", 1, "no entry")],
)  # fmt: skip
def test_a_schedule_that_cannot_be_followed_is_refused(entry, value, message):
    with pytest.raises(ConfigError, match=message):
        column_map_of({**MAP, "schedule": {**MAP["schedule"], entry: value}})


@pytest.mark.skipif(not REAL.exists(), reason=f"the real workbooks are not at {REAL}")
def test_three_real_cultures_with_all_eight_species_and_their_feeds():
    panel = read_process(ROOT / "examples" / "10_process.toml")
    runs = read_runs(REAL, column_map=read_column_map(ROOT / "examples" / "10_mapping.toml", panel), panel=panel)
    assert len(runs) == 3
    for run in runs:
        assert len(run.panel.species_names) == 8
        assert sum(f is not None for f in run.feeds) >= 5
        assert all(0.05 < f.fraction < 0.15 for f in run.feeds if f)
        assert (run.values >= 0.0).sum() > 0.95 * run.values.size
    shifted = next(r for r in runs if "32" in r.run_id or "32" in r.reactor_id)
    assert {u.temperature for u in shifted.setpoints} == {36.5, 32.0}
