"""`perfusio forecast`."""

import csv
import json

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.errors import ConfigError
from perfusio.state import SPECIES


def run(past, *args, runs=None):
    arguments = ["forecast", "--model", past / "model", "--runs", runs or past, "--paths", 32, "--days", 4, *args]
    return CliRunner().invoke(app, list(map(str, arguments)))


def rows_of(result):
    assert result.exit_code == 0, result.exception
    told = json.loads(result.stdout)
    return told, {(r["day"], r["quantity"]): r for r in told["forecast"]}


def test_table_file_and_figure(past, tmp_path):
    result = run(past, "--run", "R3", "--from-day", 3, "--out", tmp_path / "f")
    assert result.exit_code == 0, result.exception
    assert "R3 from day 3 on, plan: hold" in result.stdout
    assert "Viable cell volume [%]" in result.stdout
    assert "e+" not in result.stdout
    rows = list(csv.DictReader((tmp_path / "f" / "forecast.csv").read_text(encoding="utf-8").splitlines()))
    assert {r["quantity"] for r in rows} == {*SPECIES, "vcv", "cspr", "harvest_titer", "productivity"}
    assert [r["day"] for r in rows if r["quantity"] == "vcd"] == ["4", "5", "6", "7"]
    assert all(float(r["q05"]) <= float(r["q10"]) <= float(r["q90"]) <= float(r["q95"]) for r in rows)
    assert (tmp_path / "f" / "forecast.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ConfigError, match="--overwrite"):
        raise run(past, "--run", "R3", "--out", tmp_path / "f").exception


def test_what_came_after_from_day_is_not_known(past, tmp_path):
    lines = (past / "runs.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    cut = [line for line in lines if not (line.startswith("R3,") and float(line.split(",")[2]) > 3)]
    (tmp_path / "cut.csv").write_text("".join(cut), encoding="utf-8")
    whole = run(past, "--run", "R3", "--from-day", 3, "--json")
    assert rows_of(whole)[0]["from_day"] == 3.0
    assert whole.stdout == run(past, "--run", "R3", "--json", runs=tmp_path / "cut.csv").stdout
    assert whole.stdout != run(past, "--run", "R3", "--from-day", 4, "--json").stdout


def test_plans_differ_where_setpoints_do(past):
    _, hold = rows_of(run(past, "--run", "R2", "--from-day", 3, "--json"))
    _, recorded = rows_of(run(past, "--run", "R2", "--from-day", 3, "--json", "--plan", "recorded"))
    _, nominal = rows_of(run(past, "--run", "R2", "--from-day", 3, "--json", "--plan", "nominal"))
    assert hold == recorded  # R2 ran at constant setpoints
    assert nominal[7.0, "vcd"]["mean"] > 1.1 * hold[7.0, "vcd"]["mean"]  # which bleed more than the nominal ones


def test_a_single_sample_has_no_setpoints_to_hold(past, tmp_path):
    (tmp_path / "one.csv").write_text("day,VCD,Via,Glc\n0,3,98,5\n")
    with pytest.raises(ConfigError, match="Say --plan nominal"):
        raise run(past, runs=tmp_path / "one.csv").exception
    result = run(past, "--plan", "nominal", runs=tmp_path / "one.csv")
    assert result.exit_code == 0, result.exception
    assert "Viable cell volume" not in result.stdout  # no diameter was measured


def test_run_and_day_must_be_there(past):
    with pytest.raises(ConfigError, match=r"There are 3 runs: R1, R2, R3\. Choose one"):
        raise run(past).exception
    with pytest.raises(ConfigError, match=r"--run R4: there is no such run\. Known: R1, R2, R3\."):
        raise run(past, "--run", "R4").exception
    refused = run(past, "--run", "R1", "--from-day", -1)
    assert refused.exit_code == 2
    assert "--from-day" in refused.output


def test_the_recorded_plan_gives_the_feeds_on_record(past, tmp_path):
    table = ["run,day,VCD,Via,Glc,perfusion rate,bleed rate,glucose setpoint,feed_fraction,feed_glucose"]
    fed = {4: "0.2,100"}
    table += [f"F1,{day},{3 + day},98,{5 - day / 2},0,0,0,{fed.get(day, ',')}" for day in range(7)]
    (tmp_path / "fed.csv").write_text("\n".join(table) + "\n", encoding="utf-8")
    _, given = rows_of(run(past, "--from-day", 4, "--plan", "recorded", "--json", runs=tmp_path / "fed.csv"))
    held = run(past, "--from-day", 4, "--json", runs=tmp_path / "fed.csv")
    assert "nothing is fed ahead" in held.stderr
    assert given[5.0, "glucose"]["median"] > rows_of(held)[1][5.0, "glucose"]["median"] + 5.0
