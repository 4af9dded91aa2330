"""`perfusio design`."""

import csv
import json

import pytest
import typer
from typer.testing import CliRunner

from perfusio.cli.models.design import design
from perfusio.errors import ConfigError

app = typer.Typer()
app.command()(design)


def run(*args):
    return CliRunner().invoke(app, list(args))


def test_prints_a_table_with_units_and_a_sentence():
    result = run("--factors", "temperature,agitation,bleed_rate", "--centre", "2")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split()[:3] == ["run", "standard_order", "point"]
    assert "temperature [°C]" in lines[0]
    assert len(lines) == 1 + 14 + 1
    assert lines[-1].startswith("box-behnken in temperature, agitation, bleed_rate: 12 runs and 2 centre points")


def test_writes_a_csv(tmp_path):
    out = tmp_path / "design.csv"
    assert str(out) in run("--design", "sobol", "--runs", "8", "--centre", "0", "--out", str(out)).stdout
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert [row["run"] for row in rows] == [f"R{i:02d}" for i in range(1, 9)]
    assert all(0.5 <= float(row["perfusion_rate [1/day]"]) <= 2.0 for row in rows)


def test_prints_json():
    rows = json.loads(run("--centre", "1", "--json").stdout)
    assert len(rows) == 49
    assert sum(row["point"] == "centre" for row in rows) == 1


def test_an_impossible_design_is_a_configuration_error():
    result = run("--factors", "temperature")
    assert isinstance(result.exception, ConfigError)
    with pytest.raises(ConfigError, match="3 to 7"):
        raise result.exception
