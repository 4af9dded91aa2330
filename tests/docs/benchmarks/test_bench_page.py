"""`benchmarks/bench_page.py`: the record that it opens is a record, and is read to its end."""

import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("bench_page")


def test_a_long_record_is_made_and_opened(bench, tmp_path):
    run, long = tmp_path / "run", tmp_path / "long"
    long.mkdir()
    bench.write_run(run, 2, 2)
    bench.write_long(run, long, 300)
    found = bench.opened(long)
    assert found["events"] == 300
    assert found["open_cpu_s"] > 0.0
