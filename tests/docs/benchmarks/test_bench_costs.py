"""`benchmarks/bench_costs.py` in its short form: that it measures what it says, not how much that is."""

import importlib
import json
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("bench_costs")


def test_every_row_is_measured_in_seconds_and_in_units(bench, monkeypatch, tmp_path, capsys):
    out = tmp_path / "costs.txt"
    monkeypatch.setattr(sys, "argv", ["bench_costs.py", "--out", str(out)])
    assert bench.main() == 0
    assert out.read_text(encoding="utf-8") == capsys.readouterr().out
    figures = json.loads(out.read_text(encoding="utf-8").splitlines()[-1])
    assert set(figures["seconds"]) == set(figures["G"])
    assert {"fit", "calibration of its spread", "refit with them", "decision, 1 vessel"} < set(figures["seconds"])
    assert min(figures["seconds"].values()) > 0.0
    assert not figures["torch"]
    fit = figures["seconds"]["fit"]
    assert fit / 20.0 < figures["G"]["fit"] * figures["unit_s"] < 20.0 * fit  # each row has the unit of its moment


def test_the_exponent_is_that_of_a_power_law(bench):
    assert bench.exponent(2.0, 2.0 * 3.0**1.5, 3.0) == pytest.approx(1.5)
