"""`make bench-model` in its short form prints every table, every promise and one JSON object; its cases are as said."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.plant.clones import CLONES
from perfusio.state import SETPOINTS, SPECIES

from ..programs import ran

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture
def cases(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("model_cases")


@pytest.fixture
def report(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("model_report")


@pytest.fixture(scope="module")
def printed():
    done = ran(BENCHMARKS / "bench_model.py")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def numbers(tree):
    if isinstance(tree, dict):
        return [x for branch in tree.values() for x in numbers(branch)]
    return [x for branch in tree for x in numbers(branch)] if isinstance(tree, list) else [tree]


def test_the_last_line_is_one_object_with_every_figure(printed):
    figures = json.loads(printed[-1])
    assert figures["bench"] == "model"
    assert figures["full"] is False
    assert set(figures["accuracy"]) == {f"6 runs, {kind}" for kind in ("in design", "unseen", "outside")}
    for outcome in figures["accuracy"].values():
        assert {"1, hybrid", "7, persistence", "from the truth, hybrid", "trajectory, plain GP"} <= set(
            outcome["rrmse"]
        )
        assert all(x is not None and x >= 0.0 for x in numbers(outcome["rrmse"]))
        assert all(0.0 <= x <= 1.0 for x in numbers(outcome["coverage"]))
    assert all(x > 0.0 for x in numbers(figures["cpu_s"]["beside_library"]))
    assert {c["rank"] for c in figures["checks"]} == {"Must", "Aim"}


def test_tables_name_every_species_and_promises_say_whether_they_are_met(printed):
    assert {"6 training runs, in design", "6 training runs, unseen", "6 training runs, outside"} <= set(printed)
    assert all(sum(line.startswith(f"{s} ") for line in printed) == 3 for s in SPECIES)
    promises = [line for line in printed if line.startswith(("Must ", "Aim "))]
    assert len(promises) == len(json.loads(printed[-1])["checks"])
    assert all(line.endswith(("yes", "NO")) for line in promises)


def four(cases, trajectory):
    return trajectory.inputs[:, [SETPOINTS.index(name) for name in cases.FACTORS]]


def edges(cases):
    return [np.array([getattr(SPACE.bounds[n], end) for n in cases.FACTORS]) for end in ("low", "high", "max_step")]


def test_kinds_of_test_run_are_what_they_are_called(cases, monkeypatch):
    monkeypatch.setattr(cases, "random_clone", lambda _: CLONES["CloneX"])
    monkeypatch.setattr(cases, "training", lambda *_, **__: ())
    tests = cases.experiment(11, days=6, n_tests=8).tests
    low, high, step = edges(cases)
    for t in tests["in design"].true:
        assert np.ptp(t.inputs, axis=0).max() == 0.0
        assert ((four(cases, t) >= low) & (four(cases, t) <= high)).all()
    for t in tests["unseen"].true:
        u = four(cases, t)
        assert ((u >= low) & (u <= high)).all()
        assert (np.abs(np.diff(u, axis=0)) <= step + 1e-12).all()
        assert (np.abs(np.diff(u, axis=0)).max(axis=0) > 0.0).all()
    for t in tests["outside"].true:
        beyond = np.maximum(low - four(cases, t)[0], four(cases, t)[0] - high) / (high - low)
        out = beyond[beyond > 0.0]
        assert len(out) >= 1
        assert ((out >= 0.1 - 1e-9) & (out <= 0.4 + 1e-9)).all()


def test_what_is_measured_is_the_truth_with_noise_and_gaps(cases):
    plans = [np.tile([1.0, 0.15, 4.0, 36.5], (5, 1)), np.tile([1.5, 0.10, 6.0, 35.5], (5, 1))]
    runs = cases.cultivated(CLONES["CloneX"], plans, seed=5)
    for measured, true in zip(runs.measured, runs.true, strict=True):
        assert measured.setpoints == true.setpoints
        assert np.array_equal(measured.times_h, true.times_h)
        assert np.isfinite(true.values).all()
        off = np.abs(measured.values[:, 0] / true.values[:, 0] - 1.0)
        assert 0.0 < np.nanmax(off) < 0.3
    assert np.isnan([t.values for t in runs.measured]).any()
    assert not np.allclose(runs.true[0].values[-1], runs.true[1].values[-1], rtol=0.01)


def test_a_change_of_setpoints_is_in_force_from_its_day_on(cases):
    held, moved = np.tile([1.0, 0.15, 4.0, 36.5], (4, 1)), np.tile([1.0, 0.15, 4.0, 36.5], (4, 1))
    moved[2:, 3] = 35.0
    runs = cases.cultivated(CLONES["CloneX"], [held, moved], seed=5)
    alone = cases.cultivated(CLONES["CloneX"], [held], seed=5)
    warm = alone.true[0].values
    assert np.array_equal(runs.true[0].values, warm)
    cold = cases.cultivated(CLONES["CloneX"], [moved], seed=5).true[0].values
    assert np.array_equal(cold[:3], warm[:3])
    assert not np.allclose(cold[3], warm[3], rtol=1e-3)


def test_a_promise_without_a_figure_is_not_kept(report):
    def check(value, relation):
        return report.Check(rank="Must", what="x", value=value, limit=1.0, relation=relation).is_met

    assert [check(1.0, r) for r in ("<=", "<", ">=", ">")] == [True, False, True, False]
    assert not any(check(float("nan"), r) for r in ("<=", "<", ">=", ">"))


def test_clones_are_pooled_in_units_of_their_own_spread(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    scores = importlib.import_module("model_scores")

    def outcome(error, share):
        one = np.ones(9)
        return scores.Outcome(
            rrmse={("1", "hybrid"): error * one},
            coverage={("1", "hybrid", 0.8): share * one},
            width={("1", "hybrid"): one},
            scale=one,
            support=0.5,
        )

    both = scores.Outcome.pooled([outcome(0.3, 0.7), outcome(0.4, 0.9)])
    np.testing.assert_allclose(both.rrmse["1", "hybrid"], np.sqrt((0.09 + 0.16) / 2.0))
    np.testing.assert_allclose(both.coverage["1", "hybrid", 0.8], 0.8)
