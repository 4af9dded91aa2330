"""`perfusio simulate`."""

import csv
import json

import pytest
import typer
from typer.testing import CliRunner

from perfusio.cli.models.simulate import simulate
from perfusio.errors import ConfigError

app = typer.Typer()
app.command()(simulate)
SMALL = ("--design", "sobol", "--runs", "3", "--centre", "1", "--days", "3")


def run(*args):
    return CliRunner().invoke(app, list(args))


def test_writes_runs_design_and_figure(tmp_path):
    result = run(*SMALL, "--out", str(tmp_path), "--clone", "CloneY")
    assert result.exit_code == 0, result.exception
    rows = list(csv.DictReader((tmp_path / "runs.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 4 * 4
    assert {row["clone"] for row in rows} == {"CloneY"}
    assert [row["day"] for row in rows[:4]] == ["0", "1", "2", "3"]
    design = list(csv.DictReader((tmp_path / "design.csv").read_text(encoding="utf-8").splitlines()))
    first = next(row for row in rows if row["run"] == design[0]["run"])
    assert float(first["bleed_rate [1/day]"]) == float(design[0]["bleed_rate [1/day]"])
    assert (tmp_path / "trajectories.png").read_bytes().startswith(b"\x89PNG")
    assert 'FilesystemStore(source_path="' in result.stdout


def test_same_seed_same_bytes_and_another_seed_others(tmp_path):
    for folder, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        run(*SMALL, "--seed", seed, "--out", str(tmp_path / folder))
    a, b, c = ((tmp_path / folder / "runs.csv").read_bytes() for folder in "abc")
    assert a == b != c


def test_perfect_analyzers_leave_no_gap(tmp_path):
    run(*SMALL, "--perfect", "--out", str(tmp_path))
    rows = list(csv.reader((tmp_path / "runs.csv").read_text(encoding="utf-8").splitlines()))
    assert all(all(row) for row in rows)


def test_nothing_is_replaced_unasked(tmp_path):
    (tmp_path / "runs.csv").write_text("precious")
    result = run(*SMALL, "--out", str(tmp_path))
    with pytest.raises(ConfigError, match="--overwrite"):
        raise result.exception
    assert (tmp_path / "runs.csv").read_text() == "precious"
    assert run(*SMALL, "--out", str(tmp_path), "--overwrite").exit_code == 0
    assert (tmp_path / "runs.csv").read_text() != "precious"


def test_json_summary_and_nothing_else(tmp_path):
    summary = json.loads(run(*SMALL, "--out", str(tmp_path), "--json").stdout)
    assert (summary["clone"], summary["runs"], summary["days"]) == ("CloneX", 4, 3)
    low, high = summary["last_day"]["Viable cell density [1e6 cells/mL]"]
    assert 0 < low < high


def test_unknown_clone_names_the_nearest():
    with pytest.raises(ConfigError, match="Did you mean 'CloneX'"):
        raise run("--clone", "CloneZX").exception


@pytest.mark.parametrize("clone", ["Y-GS46", "Monod-2"])
def test_a_plant_that_other_people_wrote(tmp_path, clone):
    result = run(*SMALL, "--out", str(tmp_path), "--clone", clone, "--perfect")
    assert result.exit_code == 0, result.exception
    rows = list(csv.DictReader((tmp_path / "runs.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["clone"] for row in rows} == {clone}
    assert float(rows[0]["glucose [g/L]"]) == pytest.approx({"Y-GS46": 8.1072, "Monod-2": 6.0}[clone])
