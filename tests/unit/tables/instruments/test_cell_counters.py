"""Cell counters as they write, on made-up numbers: two header rows, reports of one sample, plates, digits in groups."""

import os
from datetime import datetime
from pathlib import Path

import pytest

from perfusio.errors import QuestionOpen
from perfusio.tables.columns.typed_columns import ReadOptions
from perfusio.tables.read_any import read_any

ROOT = Path(__file__).resolve().parents[4]
XR = (
    "Vi-CELL XR 2.06.3\t\t\t\t\t\n \t\t\t\t\t\n"
    "Sample ID\tSample date/time\tViable\tViability\tViable cells\tAvg. diam.\n"
    "\t\tcells\t(%)\t/ml (x10^6)\t(microns)\n"
    "{numbering}"
    "R01-D00\t3 Mar 2031  9:00:00 AM\t980\t98.4\t0.517\t15.1\n"
    "R01-D01\t4 Mar 2031  9:01:00 AM\t975\t98.1\t0.947\t15.2\n"
)
XR_TEXT = (
    "Vi-CELL XR 2.06.3\n\nSample ID : S7\nFile name : S7.txt\nRunDate : 29 Sep 2031  5:21:32 AM\n\nResults:\n"
    "Viable cells : 4133\nViability (%) : 97.0\nTotal cells / ml (x 10^6) : 9.2\n"
    "Total viable cells / ml (x 10^6) : 8.9\nAverage diameter (microns) : 17.3\n"
)
NUCLEOVIEW = (
    "Viability and Cell Count Assay; ;\nImage;20311120-0012-c-R01;\nViability (%);68.2;\nLive (cells/ml);2.45E6;\n"
    "Total (cells/ml);3.58E6 (Out of optimal range);\nEstimated cell diameter (um);13.2 (Uncertain\ndetermination);\n"
    "Date time;20311120 163016\n"
)
NC_VIEW = (
    "NAME,SAMPLE ID,TOTAL (cells/ml),LIVE (cells/ml),VIABILITY (%),DIAMETER (µm),DILUTION FACTOR\n"
    "20310219-00019,1,274 000,124 000,45.1,12.2,1\n20310219-00020,2,1 448 000,1 220 000,84.2,11.7,1\n"
)
PLATE = (
    "Plate Name,Plate1,,,\nResults Timestamp,2031-05-20 12:25,,,\n,,,,\n"
    ",,Well Name,Live Count,Live Concentration (E6),Viability (%)\n,,W1,24,0.50,90.00\n,,W2,100,0.51,91.00\n"
).replace("Plate1,,,\n", "Plate1,,,,\n").replace("12:25,,,\n", "12:25,,,,\n").replace("\n,,,,\n", "\n,,,,,\n")


def read(tmp_path, content, **options):
    path = tmp_path / "file.csv"
    path.write_text(content, encoding="utf-8")
    return read_any(path, ReadOptions(is_part=True, **options))


@pytest.mark.parametrize("numbering", ["", "0\t1\t2\t3\t4\t5\n"])
def test_two_header_rows_are_one_and_a_row_that_counts_columns_is_none(tmp_path, numbering):
    table = read(tmp_path, XR.format(numbering=numbering))
    assert table.profile == "Vi-CELL XR"
    assert [(r.reactor, r.state.vcd, r.state.viability, r.state.diameter) for r in table.rows] == [
        ("R01", 0.517, 98.4, 15.1), ("R01", 0.947, 98.1, 15.2)]  # fmt: skip
    assert table.rows[1].state.time_h == pytest.approx(24 + 1 / 60, abs=1e-4)


def test_a_report_of_one_sample_as_text(tmp_path):
    (row,) = read(tmp_path, XR_TEXT).rows
    assert (row.reactor, row.state.vcd, row.state.viability, row.state.diameter) == ("S7", 8.9, 97.0, 17.3)


def test_remarks_in_parentheses_are_no_part_of_a_value(tmp_path):
    (row,) = read(tmp_path, NUCLEOVIEW).rows
    assert (row.reactor, row.state.viability, row.state.diameter) == ("R01", 68.2, 13.2)
    assert row.state.vcd == pytest.approx(2.45)


def test_an_image_without_a_date_line_is_of_the_date_in_its_name(tmp_path):
    table = read(tmp_path, NUCLEOVIEW.replace("Date time;20311120 163016\n", ""))
    assert [start.isoformat() for start in table.starts.values()] == ["2031-11-20T00:00:00"]
    assert table.is_by_day


def test_digits_in_groups_of_a_counter_are_one_number(tmp_path):
    rows = read(tmp_path, NC_VIEW).rows
    assert [r.state.vcd for r in rows] == pytest.approx([0.124, 1.22])


def test_the_time_of_a_plate_is_that_of_its_wells(tmp_path):
    table = read(tmp_path, PLATE)
    assert [(r.reactor, r.state.vcd) for r in table.rows] == [("W1", 0.5), ("W2", 0.51)]
    assert {start.isoformat() for start in table.starts.values()} == {"2031-05-20T12:25:00"}


def test_without_any_date_the_time_is_asked_and_one_may_be_said(tmp_path):
    undated = NUCLEOVIEW.replace("Date time;20311120 163016\n", "").replace("20311120-0012-c-R01", "R01")
    with pytest.raises(QuestionOpen, match="--sampled-at"):
        read(tmp_path, undated)
    table = read(tmp_path, undated, sampled_at=datetime(2031, 11, 20, 16, 30))
    assert table.rows[0].state.viability == 68.2


@pytest.mark.parametrize("name", ["beckman_vi_cell_xr", "chemometec_nucleoview", "revvity_matrix"])
def test_real_files_of_these_counters_are_recognised(name):
    said = os.environ.get("PERFUSIO_SHARED")
    places = [Path(said)] if said else [ROOT.parent / "shared", ROOT.parent.parent / "shared"]
    folder = next((p / "data" / "instruments" / name for p in places if (p / "data" / "instruments").is_dir()), None)
    if folder is None:
        pytest.skip("the folder of real instrument files is not there")
    said_once = datetime(2031, 3, 2, 9)
    files = [p for p in sorted(folder.glob("*")) if p.suffix != ".json" and p.with_suffix(".json").exists()]
    for path in files:
        options = ReadOptions(is_part=True, sample_pattern="(?P<reactor>.+)", sampled_at=said_once)
        assert read_any(path, options).n_rows, path.name
    assert files
