"""Tasks on a real Ray cluster of two nodes on this machine, one of which is killed while it works on one."""

import importlib
import os
from pathlib import Path

import pytest

from perfusio.errors import ConfigError
from perfusio.study.running.driver import work_through
from perfusio.study.running.engine import InProcess
from perfusio.study.running.on_ray import OnRay
from perfusio.study.running.task import Task
from perfusio.study.running.task_journal import TaskJournal, without_costs

try:
    import ray
except ImportError:
    ray = None

BENCHMARKS = Path(__file__).parents[4] / "benchmarks"
with_ray = pytest.mark.skipif(
    ray is None or "PERFUSIO_TEST_RAY" not in os.environ,
    reason="A Ray cluster wants idle cores: pip install 'perfusio-twin[cluster]', then PERFUSIO_TEST_RAY=1",
)


def asleep(i):
    """A task of a while that costs nothing."""
    return Task(function="subprocess:call", arguments={"args": ["sleep", f"0.5{i:03}"]}, label=str(i))


@pytest.mark.skipif(ray is not None, reason="Ray is installed")
def test_without_ray_the_extra_is_named():
    with pytest.raises(ConfigError, match=r"perfusio-twin\[cluster\]"):
        OnRay()


@with_ray
@pytest.mark.filterwarnings("ignore")
def test_a_task_whose_node_is_killed_is_done_again(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    tasks = [asleep(i) for i in range(16)]
    work, killed_at = importlib.import_module("ray_nodes").on_two_nodes(tasks, tmp_path / "ray")
    with TaskJournal(tmp_path / "here") as journal:
        here = work_through(tasks, InProcess(), journal).done
    assert 6 <= killed_at < 16
    assert work.failures == {}
    assert {i: without_costs(d) for i, d in work.done.items()} == {i: without_costs(d) for i, d in here.items()}
    assert any(d.attempt > 1 for d in work.done.values())


@with_ray
@pytest.mark.filterwarnings("ignore")
def test_a_task_that_hangs_is_ended_and_the_rest_completes(tmp_path):
    hanging, engine = Task(function="signal:pause", label="hanging"), OnRay(n_workers=2)
    try:
        with TaskJournal(tmp_path) as journal:
            work = work_through([hanging, *map(asleep, range(3))], engine, journal, attempts=2, limit_s=10.0)
    finally:
        engine.close()
    assert len(work.done) == 3
    (failed,) = work.failures.values()
    assert failed.task is hanging
    assert "time limit passed" in failed.failure
