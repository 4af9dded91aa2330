"""`benchmarks/golden/paired_costs.py`: two trees take turns, and a tree that costs more is found."""

import importlib
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[3] / "benchmarks" / "golden"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(GOLDEN)
    return importlib.import_module("paired_costs")


def test_a_tree_does_its_tasks_with_its_own_sources(bench, tmp_path):
    bench.write_runs(tmp_path / "runs.csv", n_runs=2, days=7)
    with bench.at_work(bench.ROOT / "src", tmp_path / "runs.csv") as tree:
        assert bench.paired(tree, tree, "forecast", 1) == [1.0]
        assert tree.seconds("forecast") > 0.0


class Stub:
    """Costs what it is told to."""

    def __init__(self, seconds):
        self._seconds, self.asked = seconds, []

    def seconds(self, task):
        self.asked.append(task)
        return self._seconds


@pytest.mark.parametrize(("now", "code"), [(1.09, 0), (1.12, 1)])
def test_a_cost_above_the_limit_is_told(bench, monkeypatch, capsys, now, code):
    trees = {"then": Stub(1.0), "src": Stub(now)}

    @contextmanager
    def at_work(sources, runs):
        yield trees[sources.name]

    @contextmanager
    def sources_of(commit, tree):
        yield Path("then")

    monkeypatch.setattr(bench, "at_work", at_work)
    monkeypatch.setattr(bench, "sources_of", sources_of)
    monkeypatch.setattr(bench, "write_runs", lambda file, **sizes: None)
    monkeypatch.setattr(sys, "argv", ["paired_costs.py"])
    assert bench.main() == code
    assert f"decision  {now:>8.2f}" in capsys.readouterr().out
    assert trees["then"].asked == trees["src"].asked
