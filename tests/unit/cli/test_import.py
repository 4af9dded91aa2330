"""`perfusio import` and `perfusio export`: from files of instruments to one clean table, and back out."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.errors import ConfigError, QuestionOpen, UnreadableSource

ROOT = Path(__file__).parents[3]
BESIDE = ROOT.parent / "shared" / "data" / "cdppy_real_cho" / "Package_input_Example.xlsx"
WORKBOOK = Path(os.environ.get("PERFUSIO_CHO_WORKBOOK", BESIDE))
FLEX = (
    "Date & Time,Gln,Glu,Gluc,Lac,NH4+,pH,Viable Density,Viability,Vessel ID\n"
    "2024-05-13 09:10,5.9,0.5,5.1,0.3,0.80,7.1,0.52,97.5%,R01\n"
    "2024-05-14 09:12,5.2,0.7,4.3,0.6,1.20,7.1,1.52,98.5%,R01\n"
)
FROM_FIRST = ("--inoculated", "R01=2024-05-13 09:10")


def call(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flex.csv").write_text(FLEX, encoding="utf-8")
    (tmp_path / "titer.csv").write_text("reactor,day,titer [g/L]\nR01,0,0\nR01,1,0.05\n", encoding="utf-8")
    return tmp_path


def test_a_dry_run_shows_each_column_and_writes_nothing(folder):
    result = call("import", "flex.csv", "--dry-run")
    assert result.exit_code == 0, result.output
    rows = {line.split()[0]: line.split() for line in result.stdout.splitlines() if line.startswith("  ")}
    assert rows["Glu"] == ["Glu", "glutamate", "mmol/L", "2", "0.5"]
    assert rows["Lac"] == ["Lac", "lactate", "g/L", "2", "0.3"]
    assert rows["pH"] == ["pH", "(unread)", "2", "7.1"]
    assert "flex.csv (Nova FLEX2)" in result.stdout
    assert "Nothing was written" in result.stdout
    assert {p.name for p in folder.iterdir()} == {"flex.csv", "titer.csv"}


def test_which_vessel_stays_open_where_the_file_shows_that_its_samples_are_no_series(folder):
    Path("counts.csv").write_text("Sample,date,VCD [1e6 cells/mL]\nS_1,2031-03-02 09:00,1.5\nS_2,2031-03-02 09:20,2\n",
                                  encoding="utf-8")  # fmt: skip
    result = call("import", "counts.csv", "--out", "o.csv")
    assert result.exit_code == 0, result.output
    assert "which vessel: open; 2 samples under their own names" in result.output
    assert "2 samples; which vessel each is from is open" in result.output
    assert Path("o.csv").read_text(encoding="utf-8").startswith("sample,timestamp,")
    assert isinstance(call("import", "counts.csv", "flex.csv", "--out", "p.csv").exception, QuestionOpen)
    said = json.loads(call("import", "counts.csv", "--json", "--dry-run").stdout)
    assert said["vessels"] == []
    assert [s["sample"] for s in said["taken_for_granted"]["samples_without_vessel"]] == ["S_1", "S_2"]


def test_files_are_joined_and_a_late_titer_goes_into_what_is_there(folder):
    assert call("import", "flex.csv").exit_code == 0
    before = Path("runs.csv").read_text(encoding="utf-8")
    assert "titer" not in before
    assert call("import", "titer.csv", "--into", "runs.csv").exit_code == 0
    both = call("import", "flex.csv", "titer.csv", "--out", "both.csv")
    assert isinstance(both.exception, QuestionOpen)
    assert call("import", "flex.csv", "titer.csv", "--out", "both.csv", *FROM_FIRST).exit_code == 0
    assert Path("runs.csv").read_bytes() == Path("both.csv").read_bytes()
    assert ",50.0" in Path("both.csv").read_text(encoding="utf-8")
    refused = call("import", "flex.csv")
    assert isinstance(refused.exception, ConfigError)
    assert "--overwrite" in str(refused.exception)


def test_a_correction_is_made_only_when_asked_for_and_is_told(folder):
    call("import", "flex.csv", "titer.csv", *FROM_FIRST)
    Path("again.csv").write_text("reactor,day,titer [mg/L]\nR01,0,12\n", encoding="utf-8")
    before = Path("runs.csv").read_bytes()
    refused = call("import", "again.csv", "--into", "runs.csv")
    assert isinstance(refused.exception, UnreadableSource)
    assert Path("runs.csv").read_bytes() == before
    done = call("import", "again.csv", "--into", "runs.csv", "--correct")
    assert "corrected: titer at 0 h was 0 (runs.csv) and is 12 mg/L (again.csv)" in done.output
    assert call("import", "again.csv", "--into", "runs.csv").exit_code == 0, "the same once more changes nothing"


def test_a_mapping_is_saved_edited_and_used(folder):
    assert call("import", "flex.csv", "--dry-run", "--save-mapping", "mapping.toml").exit_code == 0
    text = Path("mapping.toml").read_text(encoding="utf-8")
    assert call("import", "flex.csv", "--mapping", "mapping.toml", "--out", "a.csv").exit_code == 0
    assert call("import", "flex.csv", "--out", "b.csv").exit_code == 0
    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()
    Path("mapping.toml").write_text(text.replace('Lac = "lactate [g/L]"', 'Lac = "lactate [mmol/L]"'), encoding="utf-8")
    call("import", "flex.csv", "--mapping", "mapping.toml", "--out", "c.csv")
    assert ",0.3," in Path("c.csv").read_text(encoding="utf-8")
    assert isinstance(call("import", "flex.csv", "--save-mapping", "mapping.toml", "--dry-run").exception, ConfigError)


def test_problems_of_all_files_are_told_together_with_the_options(folder):
    Path("bad.csv").write_text("day,VCD,Glu\n0,1,2\n", encoding="utf-8")
    Path("worse.csv").write_text("day,VCD\n0,x\n", encoding="utf-8")
    said = str(call("import", "bad.csv", "worse.csv").exception)
    for words in ("bad.csv, line 1: column 'Glu'", "worse.csv, line 2", "--column HEADER=QUANTITY"):
        assert words in said
    done = call("import", "bad.csv", "--column", "Glu=glutamate", "--json", "--dry-run")
    assert json.loads(done.stdout)["files"][0]["columns"][2]["meaning"] == "glutamate"


@pytest.mark.parametrize("layout", ["wide", "long"])
@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_export_and_import_return_to_the_same_table(folder, layout, ending):
    call("import", "flex.csv", "titer.csv", *FROM_FIRST)
    assert call("export", "runs.csv", "--out", f"x.{ending}", "--layout", layout).exit_code == 0
    assert call("import", f"x.{ending}", "--out", "again.csv").exit_code == 0
    assert Path("again.csv").read_bytes() == Path("runs.csv").read_bytes()


def test_a_recorded_run_is_exported(folder, monkeypatch):
    monkeypatch.setenv("PERFUSIO_RUN_N_PATHS", "16")
    rows = "".join(f"{d},{1 + d},97,5,1.{d},0.1,4,36.5,900,1\n" for d in range(2))
    head = "day,VCD,Via,Glc,perfusion_rate,bleed_rate,glucose_setpoint,temperature,agitation,pyruvate_feed\n"
    Path("a.csv").write_text(head + rows, encoding="utf-8")
    assert call("run", "--csv", "a.csv", "--days", 1, "--out", "run").exit_code == 0
    assert call("export", "run", "--out", "run.csv").exit_code == 0
    lines = Path("run.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + 2
    assert "perfusion_rate [1/day]" in lines[0]
    assert lines[1].startswith("R01,0.0,1.0,97.0,5.0,1.0,")
    assert lines[2].startswith("R01,24.0,2.0,97.0,5.0,,")


@pytest.mark.skipif(not WORKBOOK.exists(), reason=f"the real workbook is not at {WORKBOOK}")
def test_the_real_workbook_imports_with_its_mapping_and_survives_an_export(tmp_path):
    mapping = ROOT / "examples" / "08_mapping.toml"
    assert call("import", WORKBOOK, "--mapping", mapping, "--out", tmp_path / "runs.csv").exit_code == 0
    assert call("export", tmp_path / "runs.csv", "--out", tmp_path / "x.xlsx").exit_code == 0
    assert call("import", tmp_path / "x.xlsx", "--out", tmp_path / "again.csv").exit_code == 0
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "runs.csv").read_bytes()
    from perfusio.tables.columns.column_map import read_column_map
    from perfusio.tables.runs_from_files import read_runs
    from perfusio.tables.runs_from_workbook import read_workbook

    from_table, from_book = read_runs(tmp_path / "runs.csv"), read_workbook(WORKBOOK, read_column_map(mapping))
    for table, book in zip(from_table, from_book, strict=True):
        assert np.allclose(table.values, book.values, rtol=5e-4, equal_nan=True)  # four digits at least
        assert table.setpoints == book.setpoints
        assert [f is None for f in table.feeds] == [f is None for f in book.feeds]
        of_table, of_book = (
            [[f.fraction, f.glucose, f.glutamine, f.glutamate] for f in run.feeds if f is not None]
            for run in (table, book)
        )
        assert np.allclose(of_table, of_book, rtol=1e-9)


def test_what_was_measured_or_asked_is_a_question_whose_answer_is_kept(folder):
    (folder / "rig.csv").write_text("day,VCD,Perfusion [1/day],Temperature\n0,1,1,36.5\n", encoding="utf-8")
    asked = call("import", "rig.csv", "--out", "out.csv")
    assert isinstance(asked.exception, UnreadableSource)
    assert "is it temperature_measured or temperature?" in str(asked.exception)
    assert "--column HEADER=QUANTITY" in str(asked.exception)
    answer = ("--column", "Temperature=temperature", "--save-mapping", "mapping.toml")
    assert call("import", "rig.csv", "--out", "out.csv", *answer).exit_code == 0
    assert "temperature [°C]" in (folder / "out.csv").read_text(encoding="utf-8")
    again = call("import", "rig.csv", "--out", "again.csv", "--mapping", "mapping.toml")
    assert again.exit_code == 0, again.output
    assert (folder / "again.csv").read_text(encoding="utf-8") == (folder / "out.csv").read_text(encoding="utf-8")
    unread = call("import", "rig.csv", "--dry-run", "--column", "Temperature=temperature_measured", "--json")
    (column,) = [c for c in json.loads(unread.stdout)["files"][0]["columns"] if c["header"] == "Temperature"]
    assert column["meaning"] == ""
    assert any("left unread" in w for w in json.loads(unread.stdout)["warnings"])


def test_a_process_brings_its_quantities_units_and_media(folder):
    (folder / "process.toml").write_text(
        'working_volume = "250 mL"\nwithout = ["pyruvate", "pyruvate_feed"]\n[media.rich]\nglucose = "9 g/L"\n'
        '[species.asparagine]\nunit = "mmol/L"\nrole = "solute"\naliases = ["Asn"]\n'
        '[setpoints.ph]\nunit = "pH"\nrole = "condition"\nlow = 6\nhigh = 8\n', encoding="utf-8",
    )  # fmt: skip
    text = "run,medium,day,VCD,Asn,pH SP,pH,Perfusion [mL/h]\na,rich,0,1,6.5,7,7.02,10\n"
    (folder / "rig.csv").write_text(text, encoding="utf-8")
    assert isinstance(call("import", "rig.csv").exception, UnreadableSource)
    done = call("import", "rig.csv", "--process", "process.toml")
    assert done.exit_code == 0, done.output
    header, row = (folder / "runs.csv").read_text(encoding="utf-8").splitlines()
    found = dict(zip(header.split(","), row.split(","), strict=True))
    assert (found["medium"], found["asparagine [mmol/L]"], found["ph_measured [pH]"]) == ("rich", "6.5", "7.02")
    assert (float(found["ph [pH]"]), float(found["perfusion_rate [1/day]"])) == (7.0, pytest.approx(0.96))
    again = call("export", "runs.csv", "--process", "process.toml", "--out", "again.csv")
    assert again.exit_code == 0, again.output
    assert (folder / "again.csv").read_text(encoding="utf-8") == (folder / "runs.csv").read_text(encoding="utf-8")
