"""`perfusio recommend`, and back through `perfusio simulate --recipes`."""

import csv
import json

import pytest
from typer.testing import CliRunner

from perfusio.bed.campaigns.recommendation import Recommendation
from perfusio.cli.app import app
from perfusio.cli.models.history import FileAnswers
from perfusio.cli.models.recommend import _read, _remark
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import ConfigError, UnreadableSource
from perfusio.process import CHO_PERFUSION

SHORT = ("--days", "7", "--from-day", "4")


def run(command, *args):
    return CliRunner().invoke(app, [command, *map(str, args)])


@pytest.fixture(scope="module")
def recommended(past, tmp_path_factory):
    """(result, file) of a batch of two from the three runs of the fixture."""
    file = tmp_path_factory.mktemp("next") / "next.csv"
    return run("recommend", "--runs", past, "--batch", "2", *SHORT, "--out", file), file


def rows(file):
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


def test_a_batch_is_written_told_and_can_be_simulated(recommended, tmp_path):
    result, file = recommended
    assert result.exit_code == 0, result.exception
    found = rows(file)
    assert [row["run"] for row in found] == ["R04", "R05"]
    assert {row["agitation [rpm]"] for row in found} == {"850"}  # never varied, so held
    assert len({(row["bleed_rate [1/day]"], row["temperature [°C]"]) for row in found}) == 2
    assert "Learning from 3 runs with 24 samples" in result.stderr
    for row in found:
        assert row["why"] in result.stdout
    assert str(file) in result.stdout
    done = run("simulate", "--recipes", file, "--days", "2", "--out", tmp_path / "round")
    assert done.exit_code == 0, done.exception
    assert f"2 recipes of {file}" in done.stdout
    samples = rows(tmp_path / "round" / "runs.csv")
    assert [s["run"] for s in samples] == ["R04"] * 3 + ["R05"] * 3
    assert {s["bleed_rate [1/day]"] for s in samples} == {row["bleed_rate [1/day]"] for row in found}


def test_what_waits_is_told_and_not_recommended_again(recommended, past):
    _, file = recommended
    result = run("recommend", "--runs", past, "--pending", file, "--batch", "1", *SHORT, "--json")
    assert result.exit_code == 0, result.exception
    assert "2 recipes wait for their results" in result.stderr
    told = json.loads(result.stdout)
    (found,) = told["recipes"]
    assert [v["vessel"] for file in told["taken_for_granted"] for v in file["vessels"]] == ["R1", "R2", "R3"]
    assert found["run"] == "R06"
    assert set(found["setpoints"]) == set(DEFAULT_AMBR250_DESIGN_SPACE.bounds)
    assert 0.0 <= found["probability"] <= min(found["limits"].values()) + 1e-9


def test_runs_of_two_places_may_have_the_same_names(past, tmp_path):
    lines = (past / "runs.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "runs.csv").write_text("\n".join(lines[:9]) + "\n", encoding="utf-8")
    names = [t.reactor_id for t in _read([past, tmp_path], CHO_PERFUSION, FileAnswers())]
    assert names == [f"{past}/R1", "R2", "R3", f"{tmp_path}/R1"]


def test_without_runs_the_recipes_fill_the_space():
    result = run("recommend", "--batch", "3", "--factors", "temperature,bleed_rate", "--json")
    assert result.exit_code == 0, result.exception
    found = json.loads(result.stdout)["recipes"]
    assert [r["run"] for r in found] == ["R01", "R02", "R03"]
    assert {r["setpoints"]["perfusion_rate"] for r in found} == {1.0}
    assert len({r["setpoints"]["temperature"] for r in found}) == 3
    assert found[0]["expected"] is None
    assert "perfusio design" in result.stderr


def test_a_batch_that_may_still_wait_is_not_replaced(recommended, past):
    _, file = recommended
    before = file.read_bytes()
    with pytest.raises(ConfigError, match="give it as --pending"):
        raise run("recommend", "--runs", past, "--out", file).exception
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (("--maximize", "titre"), "Did you mean 'titer'"),
        (("--maximize", "titer", "--track", "vcd=40"), "has one aim"),
        (("--track", "vcd"), "--track vcd=40"),
        (("--factors", "bleed"), "Did you mean 'bleed_rate'"),
        (("--days", "5"), "--from-day"),
    ],
)
def test_a_slip_is_answered_before_anything_is_learnt(past, options, match):
    with pytest.raises(ConfigError, match=match):
        raise run("recommend", "--runs", past, *options).exception


def test_wrong_places_are_refused(past, tmp_path):
    with pytest.raises(UnreadableSource, match="was not found"):
        raise run("recommend", "--runs", tmp_path / "none").exception
    with pytest.raises(UnreadableSource, match="holds no CSV file"):
        raise run("recommend", "--runs", tmp_path).exception
    with pytest.raises(UnreadableSource, match=r"'day', so these are runs\. Expected a table"):
        raise run("recommend", "--runs", past, "--pending", past / "runs.csv").exception


def test_recipes_that_all_break_a_limit_are_announced_as_such():
    def with_chances(*chances):
        nominal = DEFAULT_AMBR250_DESIGN_SPACE.nominal
        limits = [{"viability >= 95": p, "glucose >= 0.3": 1.0} for p in chances]
        return [
            Recommendation(name=f"R{i}", setpoints=nominal, probability=p, limits=kept, why="")
            for i, (p, kept) in enumerate(zip(chances, limits, strict=True))
        ]

    assert "P = 0.02 for R1, the best of them; viability >= 95 is in the way" in _remark(with_chances(0.0, 0.02))
    assert _remark(with_chances(0.0, 0.2)) == ""
