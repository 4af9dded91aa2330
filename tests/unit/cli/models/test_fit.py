"""`perfusio fit`."""

import json

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.errors import ConfigError, NotEnoughData, UnreadableSource
from perfusio.hybrid.checkpoints import load, read_checkpoint
from perfusio.hybrid.layout import layout_of


def run(*args):
    return CliRunner().invoke(app, ["fit", *map(str, args)])


def test_the_same_runs_and_seed_make_the_same_model(past, tmp_path):
    result = run("--runs", past, "--out", tmp_path / "m", "--hold-out", "R3", "--json")
    assert result.exit_code == 0, result.exception
    told = json.loads(result.stdout)
    assert told["model_id"] == load(tmp_path / "m").model_id == load(past / "model").model_id
    assert (told["runs"], told["samples"]) == (2, 16)
    assert list(told["rates"]) == list(layout_of().parameters)
    assert set(told["scores"]) == {"against", "hybrid", "step-GP", "plain GP", "persistence", "batch average"}
    assert read_checkpoint(tmp_path / "m").about["scores"] == told["scores"]


def test_rates_files_and_the_next_step_are_told(past, tmp_path):
    result = run("--runs", past / "runs.csv", "--out", tmp_path / "m")
    assert result.exit_code == 0, result.exception
    assert "learnt from 3 runs with 24 samples" in result.stdout
    assert "growth" in result.stdout
    assert "death_heat" in result.stdout
    assert any("death_heat" in line and "not told by these runs" in line for line in result.stdout.splitlines())
    assert "Weights of forecasters 1, 3 and 7 days ahead" in result.stdout
    assert f"perfusio score --model {tmp_path / 'm'}" in result.stdout
    assert "rRMSE" not in result.stdout
    assert read_checkpoint(tmp_path / "m").about["scores"] is None


def test_nothing_is_replaced_unasked(past, tmp_path):
    (tmp_path / "checkpoint.json").write_text("precious")
    with pytest.raises(ConfigError, match="--overwrite"):
        raise run("--runs", past, "--out", tmp_path).exception
    assert (tmp_path / "checkpoint.json").read_text() == "precious"
    assert run("--runs", past, "--out", tmp_path, "--overwrite").exit_code == 0
    load(tmp_path)


def test_what_cannot_be_learnt_is_refused(past, tmp_path):
    with pytest.raises(ConfigError, match=r"there is no such run\. Did you mean 'R3'"):
        raise run("--runs", past, "--out", tmp_path / "m", "--hold-out", "R33").exception
    with pytest.raises(NotEnoughData, match="Hold fewer runs out"):
        raise run("--runs", past, "--out", tmp_path / "m", "--hold-out", "R1,R2,R3").exception
    with pytest.raises(UnreadableSource, match="was not found"):
        raise run("--runs", past / "none.csv", "--out", tmp_path / "m").exception
    assert not (tmp_path / "m").exists()
