"""The table that people read: every forecaster, every species, and where the model does not earn its keep."""

import json

import numpy as np

from perfusio.hybrid.scores.scoreboard import Scoreboard, aligned
from perfusio.hybrid.scores.scoring import Cases, score, spread
from perfusio.state import SPECIES

Q = len(SPECIES)


def board():
    rng = np.random.default_rng(1)
    actual = rng.normal(size=(60, Q))
    samples = actual[:, None] + 0.1 * rng.normal(size=(60, 50, Q))
    samples[:, :, 7] += 3.0  # pyruvate is forecast badly
    mean = samples.mean(axis=1)
    last = actual + 0.5
    actual[:, 8] = np.nan  # titer was never measured
    scale = spread(actual)
    model = {h: Cases(point=mean, actual=actual, samples=samples) for h in ("1", "trajectory")}
    naive = {h: Cases(point=last, actual=actual) for h in model}
    return Scoreboard(scores={"hybrid": score(model, scale), "persistence": score(naive, scale)})


def test_the_table_has_a_block_per_horizon_and_says_what_is_lost():
    text = board().table()
    first, second = text.split("\n\n")[1:]
    assert first.startswith("1 day ahead\n")
    assert second.startswith("Trajectory: every day")
    assert "Not better than persistence: pyruvate." in first
    lines = first.splitlines()
    assert lines[1].split() == ["n", "hybrid", "persistence", "80", "%", "90", "%", "width", "CRPS"]
    assert [line.split()[0] for line in lines[2:-1]] == [*SPECIES, "mean"]
    assert lines[10].split()[1:] == ["0", "-", "-", "-", "-", "-", "-"]
    assert max(map(len, text.splitlines())) <= 120


def test_losses_name_only_what_is_no_better():
    assert board().losses("1") == ("pyruvate",)


def test_json_is_plain_data():
    told = json.loads(json.dumps(board().to_json(), allow_nan=False))
    assert told["against"] == "measurement"
    assert told["hybrid"]["1"]["vcd"]["n"] == 60
    assert told["persistence"]["trajectory"]["titer"]["rrmse"] is None


def test_aligned_puts_words_left_and_numbers_right():
    assert aligned([["", "n"], ["long name", "1"], ["x", "10"]]) == "            n\nlong name   1\nx          10"
