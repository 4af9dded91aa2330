"""WorkerProcesses: tasks in fresh processes of this machine; one that dies costs its own task and no other."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import deque
from collections.abc import Container, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from perfusio.study.running.engine import THREADS
from perfusio.study.running.task import Task, TaskEnd, TaskOrder, carried_out
from perfusio.study.running.time_limit import TimeLimit, overdue

_GRACE_S = 5.0


class WorkerProcesses:
    """Workers that are spawned, each with a pipe of its own, so that it is known whose task a dead one had.

    A worker ends by itself when its pipe does: after a kill of this program none is left for longer than its task.

    Args:
        n_workers: How many; None = one for each core that this process may use.
    """

    def __init__(self, n_workers: int | None = None) -> None:
        self.n_workers = n_workers or len(os.sched_getaffinity(0))
        self._workers: dict[Connection, BaseProcess] = {}

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.n_workers} process{'es' * (self.n_workers != 1)}"

    def run(self, tasks: Sequence[Task], limit: TimeLimit) -> Iterator[TaskEnd]:
        """Yield the end of each task, as they come."""
        waiting, under_way = deque(tasks), dict[Connection, tuple[TaskOrder, float]]()
        while waiting or under_way:
            while waiting and len(under_way) < self.n_workers:
                pipe = self._idle(under_way)
                order = TaskOrder(task=waiting.popleft(), seconds=limit.seconds)
                under_way[pipe] = order, time.monotonic()
                with suppress(OSError):  # a worker that died meanwhile is found below
                    pipe.send(order)
            for ready in wait(list(under_way)):
                assert isinstance(ready, Connection)
                yield self._end_of(ready, *under_way.pop(ready))

    def close(self) -> None:
        """End all workers."""
        for pipe, process in self._workers.items():
            pipe.close()
            process.join(_GRACE_S)
            if process.is_alive():
                process.kill()
                process.join()
        self._workers.clear()

    def _idle(self, under_way: Container[Connection]) -> Connection:
        for pipe in self._workers:
            if pipe not in under_way:
                return pipe
        spawning = multiprocessing.get_context("spawn")
        ours, theirs = spawning.Pipe()
        process = spawning.Process(target=_work, args=(theirs,), daemon=True)
        before = {name: os.environ.get(name) for name in THREADS}
        os.environ.update(dict.fromkeys(THREADS, "1"))  # read when numpy is loaded, which is before any code of ours
        try:
            process.start()
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
        theirs.close()
        self._workers[ours] = process
        return ours

    def _end_of(self, pipe: Connection, order: TaskOrder, since: float) -> TaskEnd:
        try:
            end = pipe.recv()
            assert isinstance(end, TaskEnd)
        except (EOFError, OSError):
            process = self._workers.pop(pipe)
            pipe.close()
            process.join()
            is_overdue = time.monotonic() - since >= order.seconds
            words = overdue(order.seconds) if is_overdue else f"its process ended with {_in_words(process.exitcode)}"
            return TaskEnd(task=order.task, failure=words, is_lost=True, where=f"process {process.pid}")
        return end


def _in_words(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"


def _work(pipe: Connection) -> None:
    """Do tasks until nobody hands out more; nobody is there either once the driver was killed."""
    with suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            pipe.send(carried_out(pipe.recv()))
