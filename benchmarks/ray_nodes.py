"""A Ray cluster of two nodes on this machine, of which one loses its power while it works on a task."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from perfusio.study.running.driver import StudyProgress, StudyWork, work_through
from perfusio.study.running.on_ray import OnRay
from perfusio.study.running.task import Task
from perfusio.study.running.task_journal import TaskJournal
from processes_below import AT_WORK, processes_below

PATIENCE_S = 60.0


def on_two_nodes(tasks: Sequence[Task], folder: Path) -> tuple[StudyWork, int]:
    """Do tasks on two nodes of one core each; return the work and how many tasks were done when one was killed.

    When a third of the tasks is done, and a worker of the second node is in the midst of one, that worker and all of
    its node get SIGKILL at once.
    """
    os.environ.setdefault("RAY_raylet_start_wait_time_s", "300")  # a busy machine takes its time
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    second = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    engine = OnRay(cluster.address)
    raylet = next(iter(second.all_processes["raylet"])).process.pid
    killed: list[int] = []

    def kill(progress: StudyProgress) -> None:
        if not killed and 3 * progress.n_done >= progress.n_tasks:
            kill_at_work(raylet)
            killed.append(progress.n_done)

    try:
        with TaskJournal(folder) as journal:
            work = work_through(tasks, engine, journal, on_progress=kill)
    finally:
        engine.close()
        ray.shutdown()
        cluster.shutdown()
    return work, killed[0]


def kill_at_work(raylet: int) -> None:
    """Kill a node, workers and all, as soon as one of its workers does a task.

    Raises:
        TimeoutError: none got a task.
    """
    begun = time.monotonic()
    while time.monotonic() < begun + PATIENCE_S:
        node = processes_below(raylet)
        if any(p.words.startswith(AT_WORK) for p in node):
            for process in node:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
            return
        time.sleep(0.002)
    raise TimeoutError(f"no task on the second node within {PATIENCE_S:g} s: nothing was killed")
