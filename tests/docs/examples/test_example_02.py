"""Example 02 on runs of a user, and what it says when they are not usable. Its default call is tested with T02."""

from pathlib import Path

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.hybrid.checkpoints import read_checkpoint
from perfusio.plant.clones import CLONE_X
from perfusio.plant.experiment import simulate_runs
from perfusio.tables.runs_table import RUNS_HEADER, runs_rows, write_csv

from ..programs import ran

EXAMPLE = Path(__file__).parents[3] / "examples" / "02_fit_and_score.py"
FILES = ("model/checkpoint.json", "model/model.safetensors", "parity.png", "coverage.png", "forecast.png")


@pytest.fixture
def refusal(tmp_path):
    """A function (arguments) that runs the example in the test's folder and returns the sentence that it ends with."""

    def ends(*arguments):
        done = ran(EXAMPLE, *arguments, cwd=tmp_path)
        assert done.returncode == 1
        return done.stderr.rstrip()

    return ends


@pytest.fixture
def write_runs(tmp_path):
    """A function (names) that writes runs/runs.csv: three-day runs at nominal setpoints."""

    def write(*names):
        recipes = dict.fromkeys(names, DEFAULT_AMBR250_DESIGN_SPACE.nominal)
        runs = simulate_runs(CLONE_X, recipes, days=3, seed=0)
        write_csv(tmp_path / "runs" / "runs.csv", RUNS_HEADER, runs_rows(runs))

    return write


def test_runs_of_a_folder_are_scored_once_and_not_replaced_unasked(tmp_path, write_runs, refusal):
    write_runs("A", "B", "C")
    done = ran(EXAMPLE, "--runs", "runs", "--hold-out", "B", "--out", "mine", cwd=tmp_path)
    assert done.stderr == ""
    assert "Runs to learn from: 2. Held out: B." in done.stdout
    assert done.stdout.splitlines()[-len(FILES) :] == [str(Path("mine") / name) for name in FILES]
    assert "1 day ahead" in done.stdout
    assert "7 days ahead" not in done.stdout  # the runs are too short for it
    checkpoint = read_checkpoint(tmp_path / "mine" / "model")
    assert [run.run_id for run in checkpoint.training] == ["A", "C"]
    assert {"hybrid", "plain GP", "persistence", "batch average"} < set(checkpoint.about["scores"])
    again = refusal("--runs", "runs", "--out", "mine")
    assert again.endswith("would be replaced. Choose another folder (--out), or say --overwrite.")


def test_one_run_alone_is_too_few(tmp_path, write_runs, refusal):
    write_runs("A")
    assert refusal("--runs", "runs").startswith("runs holds 1 run, expected two or more")
    assert not (tmp_path / "fit-and-score").exists()


def test_what_is_not_there_is_said_in_a_sentence(write_runs, refusal):
    assert refusal("--runs", "none").startswith("none was not found in")
    write_runs("A", "B")
    assert refusal("--runs", "runs", "--hold-out", "D").startswith("--hold-out D: there is no such run.")


def test_a_file_in_the_way_is_said_before_the_fit(tmp_path, write_runs, refusal):
    write_runs("A", "B")
    (tmp_path / "mine").write_text("not a folder", encoding="utf-8")
    assert refusal("--runs", "runs", "--out", "mine").startswith("mine cannot be written")
