"""PerfusionBench: the cohort, a controller from anywhere scored by one command, and tables that can be compared."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.errors import ConfigError
from perfusio.plant.clones import CLONE_X
from perfusio.study.bench.bench_run import scores_in
from perfusio.study.bench.cohort import COLD, SCENARIOS, full_set, quick_set
from perfusio.study.bench.score_table import results_hash
from perfusio.study.cultures.controllers import controller_named
from perfusio.study.cultures.culture import batch_of

STRANGER = '''
def decide(history, in_force, task):
    """Bleeds more when there are too many."""
    assert task.past_runs == () and task.limits
    return {"bleed_rate": in_force.bleed_rate + 0.01 * (history.states[-1].vcd > task.target)}
'''


def test_the_cohort_is_what_is_declared():
    quick, full = quick_set(), full_set()
    assert len(quick) == 30
    assert len(full) == 2400
    assert len(set(full)) == 2400
    assert {m.scenario for m in quick} == set(SCENARIOS)
    assert {m.family: sum(x.family == m.family for x in quick) for m in quick} == {"Own": 10, "Y": 10, "Monod": 10}
    assert (quick[0].clone, quick[0].seed, quick[0].scenario) == ("Own-1", 100_001, COLD)
    assert len({m.seed for m in full}) == 300


def test_a_culture_is_inoculated_as_its_page_says():
    (member,) = quick_set(1)
    stream = int(np.random.SeedSequence(member.seed).spawn(1)[0].generate_state(1)[0])
    luck = np.random.default_rng([stream, 0]).standard_normal()
    (state,) = batch_of([replace(member.culture(), clone=CLONE_X)]).true_states()
    assert state.vcd == pytest.approx(3.0 * np.exp(0.05 * luck), rel=1e-12)
    assert state.viability == pytest.approx(98.0)


def test_a_controller_of_this_folder_is_scored_and_the_table_printed_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stranger_of_test.py").write_text(STRANGER)
    words = ["bench", "run", "--cultures", "1", "--engine", "in-process", "--out", "results"]
    done = CliRunner().invoke(app, [*words, "--controller", "stranger_of_test:decide"])
    assert done.exit_code == 0, done.output
    again = CliRunner().invoke(app, ["bench", "table", "--out", "results"])
    assert again.stdout == done.stdout
    told = json.loads(CliRunner().invoke(app, ["bench", "table", "--out", "results", "--json"]).stdout)
    assert [line["controller"] for line in told["table"]] == ["oracle", "stranger_of_test:decide"]
    scores = scores_in(tmp_path / "results")
    (row,) = scores.controllers["stranger_of_test:decide"]
    assert row["error_pct"] > scores.oracle[0]["error_pct"]
    assert scores.oracle[0]["violated_days"] == 0.0
    beside = CliRunner().invoke(app, [*words, "--controller", "nominal"])
    assert list(scores_in(tmp_path / "results").controllers) == ["stranger_of_test:decide", "nominal"]
    assert "Left out" not in beside.output


def test_results_of_another_perfusio_do_not_stand_beside_new_ones(tmp_path):
    out = tmp_path / "results"
    words = ["bench", "run", "--cultures", "1", "--engine", "in-process", "--out", str(out), "--controller"]
    CliRunner().invoke(app, [*words, "nominal"])
    told = json.loads((out / "scores.json").read_text())
    (out / "scores.json").write_text(json.dumps({**told, "source": "of yesterday"}))
    done = CliRunner().invoke(app, [*words, "pi"])
    assert "Left out: nominal. They were scored on other cultures or by another perfusio" in done.stderr
    assert list(scores_in(out).controllers) == ["pi"]


def test_results_are_equal_if_their_first_four_digits_are():
    rows = [{"family": "Y", "number": i, "scenario": COLD, "error_pct": 3.21412 + i, "limits": []} for i in (1, 2)]
    near = [{**row, "error_pct": row["error_pct"] + 1e-6} for row in rows]
    far = [{**row, "error_pct": row["error_pct"] + 1e-2} for row in rows]
    assert results_hash(rows) == results_hash(near[::-1])
    assert results_hash(rows) != results_hash(far)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pid", "'pid' is not a controller.*Did you mean 'pi'"),
        ("nmpc-mhe", "'nmpc-mhe' is not installed here"),
        ("no_such_module:decide", "cannot be loaded.*No module named"),
        ("json:no_such_name", "cannot be loaded"),
    ],
)
def test_controllers_that_are_not_there_are_named(name, words):
    with pytest.raises(ConfigError, match=f"(?s){words}"):
        controller_named(name)
