"""Tasks on a real Ray cluster of two nodes on this machine, one of which is killed midway."""

import os

import pytest

from perfusio.errors import ConfigError
from perfusio.study.running.driver import work_through
from perfusio.study.running.engine import InProcess
from perfusio.study.running.on_ray import OnRay
from perfusio.study.running.task import Task
from perfusio.study.running.task_journal import TaskJournal, without_costs

try:
    import ray
    from ray.cluster_utils import Cluster
except ImportError:
    ray = None

TASKS = [Task(function="json:loads", arguments={"s": f'[{{"i": {i}}}]'}) for i in range(24)]


@pytest.mark.skipif(ray is not None, reason="Ray is installed")
def test_without_ray_the_extra_is_named():
    with pytest.raises(ConfigError, match=r"perfusio-twin\[cluster\]"):
        OnRay()


@pytest.mark.skipif(
    ray is None or "PERFUSIO_TEST_RAY" not in os.environ,
    reason="A Ray cluster wants idle cores: pip install 'perfusio-twin[cluster]', then PERFUSIO_TEST_RAY=1",
)
@pytest.mark.filterwarnings("ignore")
def test_a_killed_node_costs_nothing_but_time(tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_raylet_start_wait_time_s", "300")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    second = cluster.add_node(num_cpus=1)
    engine, killed = OnRay(cluster.address), []

    def kill(progress):
        if progress.n_done >= 8 and not killed:
            killed.append(progress.n_done)
            cluster.remove_node(second, allow_graceful=False)

    try:
        with TaskJournal(tmp_path / "ray") as journal:
            found = work_through(TASKS, engine, journal, on_progress=kill).done
    finally:
        engine.close()
        ray.shutdown()
        cluster.shutdown()
    with TaskJournal(tmp_path / "here") as journal:
        here = work_through(TASKS, InProcess(), journal).done
    assert killed
    assert {i: without_costs(d) for i, d in found.items()} == {i: without_costs(d) for i, d in here.items()}
