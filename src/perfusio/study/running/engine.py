"""Engine: a place where tasks run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from perfusio.study.running.task import Task, TaskEnd, attempted
from perfusio.study.running.time_limit import TimeLimit

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""One thread in every worker: two processes with two each on two cores are an order of magnitude slower."""


class Engine(Protocol):
    """Runs tasks and says how each attempt ended; which ones are tried again is not its business."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    def run(self, tasks: Sequence[Task], limit: TimeLimit) -> Iterator[TaskEnd]:
        """Yield one end for each task, as they come; closing the iterator stops the work.

        Args:
            tasks: To do.
            limit: Of an attempt, looked at as each task is handed out; a worker that passes it is ended.
        """
        ...

    def close(self) -> None:
        """End its workers."""
        ...


class InProcess:
    """One task after another, here, without a time limit: nobody is there to end this program."""

    name = "in-process"

    def run(self, tasks: Sequence[Task], limit: TimeLimit) -> Iterator[TaskEnd]:
        """Yield the end of each task in turn."""
        del limit
        yield from map(attempted, tasks)

    def close(self) -> None:
        """There is nothing to end."""
