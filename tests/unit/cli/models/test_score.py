"""`perfusio score`."""

import json

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.errors import CheckpointRefused, ConfigError
from perfusio.state import SPECIES


def run(past, *args):
    arguments = ["score", "--model", past / "model", "--runs", past, "--paths", 16, *args]
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_a_block_per_horizon_with_all_forecasters_and_a_word_on_known_runs(past):
    result = run(past, "--horizons", "3,1")
    assert result.exit_code == 0, result.exception
    assert [b.splitlines()[0] for b in result.stdout.split("\n\n")[1:]] == [
        "1 day ahead",
        "3 days ahead",
        "Trajectory: every day, forecast from the first sample of each run",
    ]
    for name in ("hybrid", "plain GP", "persistence", "batch average", *SPECIES):
        assert name in result.stdout
    assert "the model learnt from R1, R2." in result.stderr


def test_json_files_and_figures(past, tmp_path):
    result = run(past, "--horizons", "1", "--out", tmp_path / "s", "--json")
    told = json.loads(result.stdout)
    (granted,) = told.pop("taken_for_granted")
    assert granted["vessels"][0]["vessel"] == "R1"
    assert told == json.loads((tmp_path / "s" / "scores.json").read_text())
    assert set(told["hybrid"]) == {"1", "trajectory"}
    assert told["hybrid"]["1"]["vcd"]["n"] > 3
    for name in ("parity.png", "coverage.png"):
        assert (tmp_path / "s" / name).read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ConfigError, match="--overwrite"):
        raise run(past, "--horizons", "1", "--out", tmp_path / "s").exception


def test_the_same_seed_gives_the_same_scores(past):
    a, b, c = (run(past, "--horizons", "1", "--every", 5, "--json", "--seed", s).stdout for s in (0, 0, 1))
    assert a == b != c


@pytest.mark.parametrize("horizons", ["0", "1,x", ""])
def test_horizons_are_whole_days(past, horizons):
    with pytest.raises(ConfigError, match="expected whole days"):
        raise run(past, "--horizons", horizons).exception


def test_a_folder_without_a_model_is_refused(past, tmp_path):
    with pytest.raises(CheckpointRefused, match="cannot be read"):
        raise run(past, "--model", tmp_path).exception
