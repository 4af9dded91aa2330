"""A column that is 0 in all samples is asked about on every way in; zeros that were measured are said once."""

import pandas as pd
import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.errors import QuestionOpen
from perfusio.hybrid.model import HybridModel
from perfusio.tables.cells.missing_by_name import MissingValue
from perfusio.tables.columns.column_map import read_column_map
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.data_frame import table_of_frame
from perfusio.tables.exporting import write_table
from perfusio.tables.merging import merged
from perfusio.tables.read_any import read_any
from perfusio.tables.table import parse_table

HEADER = "day,VCD [1e6 cells/mL],Viability [%],Glucose [mmol/L],Gln [mmol/L],Titer [mg/L],perfusion_rate,bleed_rate"
TRUE = "glutamine [mmol/L], truly zero"


def sheet(gln=(0, 0, 0, 0), titer=(0, 20, 60, 140), vcd=(1, 3, 8, 14)):
    samples = enumerate(zip(vcd, gln, titer, strict=True))
    rows = [f"{day},{x},97,{25 - day},{q},{p},1.0,0.0" for day, (x, q, p) in samples]
    return "\n".join([HEADER, *rows, ""])


def read(text, *, has_started=False, **options):
    return parse_table(text.encode(), "a.csv", ReadOptions(**options), has_started=has_started)


def test_it_is_asked_with_both_readings_and_their_options():
    with pytest.raises(QuestionOpen) as asked:
        read(sheet())
    said = str(asked.value)
    assert "a.csv, line 1: column 'Gln [mmol/L]' holds 0 in all samples: was it measured?" in said
    assert "- it was not measured: --ignore 'Gln [mmol/L]'" in said
    assert f"- it was measured, and is truly 0: --column 'Gln [mmol/L]={TRUE}'" in said


@pytest.mark.parametrize(("layout", "ending"), [("wide", "csv"), ("wide", "xlsx"), ("long", "parquet")])
def test_the_checked_table_keeps_the_answer(tmp_path, layout, ending):
    table = merged([read(sheet(), columns={"Gln [mmol/L]": TRUE}, is_part=True)])
    path = tmp_path / f"checked.{ending}"
    write_table(path, table, layout=layout)
    again = read_any(path)
    assert [row.state.glutamine for row in again.rows] == [0.0] * 4
    assert again.truly_zero == {"glutamine"}


def test_a_column_that_was_not_measured_is_left_unread():
    row = read(sheet(), ignore=("Gln [mmol/L]",)).rows[2]
    assert row.state.glutamine != row.state.glutamine


def test_zeros_that_were_measured_stay():
    assert [row.state.glutamine for row in read(sheet(), columns={"Gln [mmol/L]": TRUE}).rows] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    "given",
    [
        {"titer": (0, 0, 60, 140)},  # a product that comes later
        {"titer": (0, 0, 0, 0), "vcd": (0.5, 1, 2, 4)},  # few cells make nothing that is seen
    ],
)
def test_zeros_of_a_product_early_in_a_run_are_no_question(given):
    read(sheet(gln=(4, 3, 2, 1), **given))


def test_a_product_of_dense_cultures_is_asked_about():
    with pytest.raises(QuestionOpen, match=r"Titer \[mg/L\].*holds 0"):
        read(sheet(gln=(4, 3, 2, 1), titer=(0, 0, 0, 0), vcd=(1, 6, 12, 20)))


@pytest.mark.parametrize("gln", [(0, 0, 0, 0.1), ("<0.1",) * 4, (0, 0, "", "")])
def test_other_columns_are_no_question(gln):
    """One value that is none, a limit that somebody wrote, two samples."""
    read(sheet(gln=gln))


def test_values_that_a_person_takes_out_do_not_count():
    read(sheet(), set_missing=tuple(MissingValue(line, "Gln [mmol/L]") for line in (2, 3)))


def test_a_file_that_grows_goes_on_and_says_so():
    table = read(sheet(), has_started=True)
    assert any("holds 0 in all samples: was it measured? The run goes on with 0" in w for w in table.warnings)


def test_a_data_frame_is_asked_about_too():
    frame = pd.DataFrame({"day": [0, 1, 2], "vcd": [1.0, 3, 8], "viability": [97.0] * 3, "glutamine": [0.0] * 3})
    with pytest.raises(QuestionOpen, match="'glutamine' holds 0"):
        table_of_frame(frame, ReadOptions())
    table_of_frame(frame.rename(columns={"glutamine": "glutamine [mmol/L], truly zero"}), ReadOptions())


def test_the_answer_is_kept_in_the_mapping(tmp_path):
    (tmp_path / "a.csv").write_text(sheet())
    words = ["import", tmp_path / "a.csv", "--column", f"Gln [mmol/L]={TRUE}", "--out", tmp_path / "b.csv"]
    result = CliRunner().invoke(app, [str(w) for w in (*words, "--save-mapping", tmp_path / "m.toml")])
    assert result.exit_code == 0, result.output
    kept = read_column_map(tmp_path / "m.toml")
    assert kept.columns["Gln [mmol/L]"] == TRUE
    assert read_any(tmp_path / "a.csv", column_map=kept).rows[0].state.glutamine == 0


@pytest.mark.parametrize("command", ["import", "fit", "score", "run", "clones"])
def test_every_way_in_asks(tmp_path, command):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(sheet())
    words = {
        "import": ["import", tmp_path / "a.csv", "--out", tmp_path / "out.csv"],
        "fit": ["fit", "--runs", tmp_path, "--out", tmp_path / "model"],
        "score": ["score", "--model", tmp_path / "model", "--runs", tmp_path],
        "clones": ["clones", "--runs", tmp_path],
        "run": ["run", "--csv", tmp_path / "a.csv", "--days", 2, "--out", tmp_path / "run"],
    }[command]
    if command == "score":
        HybridModel().save(tmp_path / "model", trajectories=())
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert isinstance(result.exception, QuestionOpen), result.output
    assert result.exception.exit_code == 2
    assert "holds 0 in all samples" in str(result.exception)


def test_past_runs_are_asked_about_too(tmp_path):
    (tmp_path / "past.csv").write_text(sheet())
    (tmp_path / "now.csv").write_text(sheet(gln=(4, 3, 2, 1)))
    words = ["run", "--csv", tmp_path / "now.csv", "--days", 2, "--out", tmp_path / "run"]
    words += ["--history", tmp_path / "past.csv"]
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert "past.csv, line 1: column 'Gln [mmol/L]' holds 0 in all samples" in str(result.exception)
    assert result.exception.exit_code == 2
