"""`make bench-fleet` in its short form: trouble changes nothing, the tables are there; and its figures are right."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@pytest.fixture
def part(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


def test_in_short_it_prints_all_tables_and_trouble_changes_nothing(tmp_path):
    command = [sys.executable, str(BENCHMARKS / "bench_fleet.py"), "--jobs", "1", "--out", str(tmp_path / "fleet.txt")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env={**os.environ, **ONE_THREAD})
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "fleet.txt").read_text(encoding="utf-8") == done.stdout
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["same"] == {"hangs": True}
    assert set(found["costs"]) == {"1", "2"}
    assert 0.0 < found["costs"]["2"]["total"] < 5.0
    assert all(0.0 < error < 100.0 for errors in found["errors_pct"].values() for error in errors)


def ran(part, n, seed=801, cpu=2.0, error=0.05):
    runs = part("fleet_runs")
    errors = {f"R{i:02d}": error for i in range(1, n + 1)}
    return runs.Ran(runs.Job(seed, n, 10), errors, {"decide": cpu}, (cpu,), (False,), 1.0, 0.5)


def test_costs_are_per_vessel_and_day(part):
    found = part("bench_fleet").cost([ran(part, 4, cpu=2.0), ran(part, 4, cpu=6.0), ran(part, 4, cpu=4.0)])
    assert found == {"decide": 0.1, "total": 0.1, "record_mb": 0.0125}


def test_errors_are_medians_by_seed(part):
    runs = [ran(part, 2, error=0.02), ran(part, 1, error=0.08), ran(part, 1, seed=802, error=0.04)]
    assert part("bench_fleet").medians(runs, [801, 802]) == [2.0, 4.0]


def test_a_difference_is_said(part):
    lines = part("bench_fleet").of_trouble({"hangs": True, "raises": False}, 10)
    assert [line.split()[-1] for line in lines[2:]] == ["bit", "DIFFERENT"]
