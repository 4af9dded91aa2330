"""OnRay: tasks on a Ray cluster (extra ``cluster``), an existing one by address or one on this machine."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from perfusio.errors import ConfigError
from perfusio.study.running.engine import THREADS
from perfusio.study.running.task import Task, TaskEnd, TaskOrder, carried_out
from perfusio.study.running.time_limit import TimeLimit

AHEAD = 2
"""Tasks handed over for each core of the cluster: enough that none waits, few enough that none piles up."""


class OnRay:
    """Tasks as remote functions of one core each; Ray itself tries nothing again.

    Args:
        address: Of an existing cluster, e.g. ``"auto"`` or ``"10.0.0.1:6379"``; None = a new one on this machine.
        n_workers: Cores of a new one; None = all of the machine.

    Raises:
        ConfigError: Ray is not installed, or there is no cluster at that address.
    """

    name = "Ray"

    def __init__(self, address: str | None = None, n_workers: int | None = None) -> None:
        try:
            import ray
        except ImportError as error:
            raise ConfigError(
                "Ray is not installed. Install it with pip install 'perfusio-twin[cluster]', or take the engine "
                "'processes'."
            ) from error
        self._ray: Any = ray
        self._is_mine = not ray.is_initialized()
        if self._is_mine:
            # workers of another directory than ours must find what we find: Ray hands on the path, not the threads
            env = {"env_vars": dict.fromkeys(THREADS, "1")}
            try:
                ray.init(
                    address=address, num_cpus=None if address else n_workers or len(os.sched_getaffinity(0)),
                    include_dashboard=False, log_to_driver=False, configure_logging=False, runtime_env=env,
                )  # fmt: skip
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise ConfigError(f"No Ray cluster can be had at {address or 'this machine'}: {error}") from error

    def run(self, tasks: Sequence[Task], limit: TimeLimit) -> Iterator[TaskEnd]:
        """Yield the end of each task, as they come."""
        ray = self._ray
        remote = ray.remote(num_cpus=1, max_retries=0)(carried_out)
        waiting, under_way = deque(tasks), dict[Any, Task]()
        while waiting or under_way:
            room = AHEAD * max(int(ray.cluster_resources().get("CPU", 1)), 1)
            while waiting and len(under_way) < room:
                task = waiting.popleft()
                under_way[remote.remote(TaskOrder(task=task, seconds=limit.seconds))] = task
            for ref in ray.wait(list(under_way), num_returns=1)[0]:
                task = under_way.pop(ref)
                try:
                    end = ray.get(ref)
                    assert isinstance(end, TaskEnd)
                    yield end
                except ray.exceptions.RayError as error:
                    words = f"its worker or machine ended, or its time limit passed ({_first_line(error)})"
                    yield TaskEnd(task=task, failure=words, is_lost=True, where="Ray")

    def close(self) -> None:
        """Leave the cluster, or end it if it is ours."""
        if self._is_mine:
            self._ray.shutdown()


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
