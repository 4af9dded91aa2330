"""A scientist with a sheet and three past runs has advice after two commands, in 80 columns and without a refusal."""

import csv
import io
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.plant.clones import CLONE_X
from perfusio.plant.experiment import simulate_runs

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "the-first-hour.md").read_text(encoding="utf-8")
(SHEET,) = re.findall(r"```csv\n(.*?)```", PAGE, re.DOTALL)
OF_RUN = ("vcd", "viability", "glucose", "lactate", "glutamine", "ammonium", "titer")


def past_run(name, run):
    """A past run with the columns of the page, as people write them."""
    said = io.StringIO()
    out = csv.writer(said)
    out.writerow(SHEET.split("\n")[0].split(","))
    for i, state in enumerate(run.states):
        values = [f"{v:.3g}" if (v := getattr(state, q)) == v else "" for q in OF_RUN]
        rate = run.setpoints[min(i, len(run.setpoints) - 1)].perfusion_rate
        out.writerow([name, f"2026-09-{i + 1:02d}", i, 7.0, 40, "", *values, rate])
    return said.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("lab")
    (place / "now.csv").write_text(SHEET, encoding="utf-8")
    (place / "past").mkdir()
    plans = {f"R{i}": replace(SPACE.nominal, perfusion_rate=0.9 + 0.2 * i) for i in (1, 2, 3)}
    for name, run in zip(plans, simulate_runs(CLONE_X, plans, days=6, seed=1), strict=True):
        (place / "past" / f"{name}.csv").write_text(past_run(name, run), encoding="utf-8")
    return place


def typed(command):
    result = CliRunner().invoke(app, shlex.split(command), env={"COLUMNS": "80", "NO_COLOR": "1"})
    assert result.exit_code == 0, (command, result.output, result.exception)
    assert max(map(len, result.stdout.splitlines())) <= 80, command
    return " ".join(result.stdout.split())


def test_two_commands_lead_to_advice_and_the_run_shows_it_again(folder, monkeypatch):
    monkeypatch.chdir(folder)
    first, second, run, status = re.findall(r"^\$ perfusio (.*)$", PAGE, re.MULTILINE)
    before = {p.name for p in folder.iterdir()}
    assert "left unread: pH, DO, Comment" in typed(first)
    said = typed(second)
    for words in (
        "assumed: VCD as vcd [1e6 cells/mL]",
        "R4, culture day 3 (2026-11-05): advice", "set perfusion_rate 1.20 ->", "expected vcd in 3 days:",
        "unchanged setpoints give", "target 30", "rests on 3 past runs; 4 samples of this culture, day 0 to 3",
        "estimated glutamate: never measured", "bleed_rate 0.150 1/day", "Nothing was written",
    ):  # fmt: skip
        assert words in said, words
    assert {p.name for p in folder.iterdir()} - before == {"experiment.toml", "process.toml"}, "no run, no folder"
    text = (folder / "experiment.toml").read_text().replace("run_dir", "n_paths = 16\nforecast_days = 4\nrun_dir")
    (folder / "experiment.toml").write_text(text)  # so that this page is quick
    result = CliRunner().invoke(app, shlex.split(run))
    assert result.exit_code == 0, result.output
    again = typed(status)
    assert "expected vcd in 3 days:" in again
    assert "rests on 3 past runs; 4 samples of this culture" in again


GERMAN = {"Run": "Lauf", "Date": "Datum", "Culture day": "Kulturtag", "VCD": "Lebendzellzahl", "Viability":
          "Viabilität", "Glucose": "Glukose", "Lactate": "Laktat", "Comment": "Bemerkung",
          "Perfusion": "Perfusionsrate"}  # fmt: skip


def test_the_sheets_of_another_lab_get_advice_after_one_question(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("alt").mkdir()
    for file in (folder / "now.csv", *sorted((folder / "past").iterdir())):
        rows = [row for row in csv.reader(io.StringIO(file.read_text(encoding="utf-8"))) if row]
        for name in ("VCD", "Viability", "Glucose", "Lactate"):
            assert any(cell.startswith(name) for cell in rows[0])
        words = lambda cell: next((cell.replace(e, d) for e, d in GERMAN.items() if cell.startswith(e)), cell)  # noqa: E731
        lines = [map(words, rows[0]), *([cell.replace(".", ",") for cell in row] for row in rows[1:])]
        place = Path("jetzt.csv") if file.name == "now.csv" else Path("alt") / file.name
        place.write_bytes("".join(";".join(line) + "\r\n" for line in lines).encode("cp1252"))
    asked = CliRunner().invoke(app, ["advise", "jetzt.csv", "--history", "alt"], env={"COLUMNS": "80"})
    assert (type(asked.exception).__name__, asked.exception.exit_code) == ("QuestionOpen", 2)
    assert "it is 'Viabilität': --encoding cp1252" in str(asked.exception)
    assert ": advice" in typed("advise jetzt.csv --history alt --encoding cp1252")
