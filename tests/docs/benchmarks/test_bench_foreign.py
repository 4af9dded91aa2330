"""`benchmarks/bench_foreign.py` on a small case of its own: figures are right, and a run that was stopped goes on."""

import importlib
import json
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture
def bench(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(BENCHMARKS)
    module, sets = importlib.import_module("bench_foreign"), importlib.import_module("foreign_sets")
    make = partial(sets.fed, 7, seed=1, n=2, collapses=True, only=("vcd", "viability"), days=6, n_tests=1)
    case = sets.Case(group="small", name="F7", purpose=sets.CHOOSING, make=make, horizons=(1, 3), is_quick=True)
    monkeypatch.setattr(sets, "N_MOST", 3)
    monkeypatch.setattr(module, "CASES", (case,))
    monkeypatch.setattr(module, "KEPT", tmp_path)
    return module


def test_it_scores_and_goes_on_where_it_was(bench, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sys, "argv", ["bench_foreign.py"])
    assert bench.main() == 0
    first = capsys.readouterr().out
    kept = json.loads(next((tmp_path / "now").glob("*.json")).read_text(encoding="utf-8"))
    assert set(kept["pairs"]) == {"hybrid", "persistence", "average run", "plain GP", "step-GP", "step-GP, 20 runs"}
    assert set(kept["pairs"]["hybrid"]["1"]) == {"vcd", "viability"}  # nothing else was measured
    assert "small" in first
    assert json.loads(first.splitlines()[-1])["bench"] == "foreign"
    monkeypatch.setattr(bench, "measured", lambda *_, **__: pytest.fail("it was done before"))
    assert bench.main() == 0
    assert capsys.readouterr().out == first


def test_the_ratio_is_to_the_best_rival_with_an_interval_by_runs(bench):
    report = importlib.import_module("foreign_report")
    rng = np.random.default_rng(0)
    runs = np.repeat(np.arange(8.0), 5)

    def rows(error):
        off = error * rng.standard_normal(40)
        return np.column_stack([runs, off, np.abs(off), runs, runs, runs])

    cell = {"hybrid": rows(0.2), "persistence": rows(1.0), "plain GP": rows(0.1), "step-GP, 20 runs": rows(0.01)}
    found, low, high, best = report.ratio(cell, rng)
    assert best == "plain GP"
    assert low < found < high
    assert found == pytest.approx(2.0, rel=0.4)
