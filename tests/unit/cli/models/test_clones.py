"""`perfusio clones`."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import ConfigError
from perfusio.plant.clones import CLONE_X, CLONE_Y
from perfusio.plant.experiment import simulate_runs
from perfusio.tables.runs_table import RUNS_HEADER, runs_rows, write_csv

SPACE = DEFAULT_AMBR250_DESIGN_SPACE


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    path = tmp_path_factory.mktemp("clones") / "runs.csv"
    both = [
        run
        for clone in (CLONE_X, CLONE_Y)
        for run in simulate_runs(
            clone, {f"{clone.name}-{b}": replace(SPACE.nominal, bleed_rate=b) for b in (0.1, 0.2)}, days=5, seed=1
        )
    ]
    write_csv(path, RUNS_HEADER, runs_rows(both))
    return path


def run(*arguments):
    return CliRunner().invoke(app, ["clones", *map(str, arguments)])


def test_it_prints_the_distance_of_both_and_draws_them(runs, tmp_path):
    figure = tmp_path / "clones.png"
    result = run("--runs", runs, "--out", figure)
    assert result.exit_code == 0, result.exception
    assert "Runs by clone: CloneX 2, CloneY 2." in result.stdout
    assert result.stdout.splitlines()[-1] == str(figure)
    assert figure.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ConfigError, match="--overwrite"):
        raise run("--runs", runs, "--out", figure).exception


def test_json_holds_the_matrix_and_the_map(runs):
    told = json.loads(run("--runs", runs, "--json").stdout)
    assert told["clones"] == ["CloneX", "CloneY"]
    (a, b), (c, d) = told["distances"]
    assert a == d == 0.0
    assert b == c > 0.0
    assert [len(place) for place in told["places"]] == [1, 1]
