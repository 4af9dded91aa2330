"""Driver: does the tasks that are not done yet, tries lost and failed ones again, and says how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from perfusio.study.running.engine import Engine
from perfusio.study.running.task import Task, TaskEnd
from perfusio.study.running.task_journal import DoneTask, TaskJournal
from perfusio.study.running.time_limit import TimeLimit

ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyProgress:
    """How far the work is.

    Attributes:
        n_done: Tasks with a result, earlier ones included.
        n_failed: Attempts that failed so far.
        n_tasks: All of them.
        seconds: Since the start [s].
        seconds_left: Expected [s]; NaN before the first task of this program is done.
    """

    n_done: int
    n_failed: int
    n_tasks: int
    seconds: float
    seconds_left: float

    def __str__(self) -> str:
        """Say it in a line."""
        left = "" if self.seconds_left != self.seconds_left else f", about {in_time(self.seconds_left)} left"
        failed = f", {self.n_failed} failed attempts" if self.n_failed else ""
        return f"{self.n_done} of {self.n_tasks} tasks{failed}, {in_time(self.seconds)} so far{left}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyWork:
    """Results and failures of the tasks.

    Attributes:
        done: Results by task, of all that have one.
        failures: By task, why its last attempt failed.
        n_new: Tasks that were done now.
        seconds: That took [s].
    """

    done: dict[str, DoneTask]
    failures: dict[str, TaskEnd] = field(default_factory=dict)
    n_new: int = 0
    seconds: float = 0.0


def work_through(
    tasks: Sequence[Task],
    engine: Engine,
    journal: TaskJournal,
    *,
    attempts: int = ATTEMPTS,
    limit_s: float | None = None,
    on_progress: Callable[[StudyProgress], object] = lambda _: None,
) -> StudyWork:
    """Do all tasks that have no result in the folder of the journal.

    One that failed, or whose worker or machine died, is tried again after all others, `attempts` times in all.

    Args:
        tasks: Of the study, or of the shard.
        engine: Where they run.
        journal: Where results are kept.
        attempts: At each task.
        limit_s: Time limit of an attempt [s]; None = learnt from the tasks that are done, see `TimeLimit`.
        on_progress: Called at the start and after each attempt.
    """
    by_id = {task.task_id: task for task in tasks}
    done = {i: result for i, result in journal.done().items() if i in by_id}
    failures: dict[str, TaskEnd] = {}
    limit = TimeLimit(limit_s)
    for result in done.values():
        limit.learn(result.seconds)
    begun, n_failed, n_before = time.monotonic(), 0, len(done)

    def tell() -> None:
        passed, n_new = time.monotonic() - begun, len(done) - n_before
        left = passed / n_new * (len(by_id) - len(done)) if n_new else float("nan")
        on_progress(
            StudyProgress(
                n_done=len(done), n_failed=n_failed, n_tasks=len(by_id), seconds=passed, seconds_left=left
            )
        )

    tell()
    for attempt in range(1, attempts + 1):
        pending = [task for i, task in by_id.items() if i not in done]
        if not pending:
            break
        for end in engine.run(pending, limit):
            i = end.task.task_id
            if end.rows is None:
                failures[i] = end
                n_failed += 1
            else:
                done[i] = journal.keep(end, attempt)
                limit.learn(end.seconds)
                failures.pop(i, None)
            tell()
    return StudyWork(
        done={i: done[i] for i in by_id if i in done}, failures=failures, n_new=len(done) - n_before,
        seconds=time.monotonic() - begun,
    )  # fmt: skip


def in_time(seconds: float) -> str:
    """Return a length of time in words, to the precision that people want."""
    if seconds < 90.0:
        return f"{seconds:.0f} s"
    minutes = seconds / 60.0
    return f"{minutes:.0f} min" if minutes < 90.0 else f"{minutes / 60.0:.1f} h"


def shard_of(tasks: Sequence[Task], shard: tuple[int, int]) -> list[Task]:
    """Return every n-th task from the i-th on, for (i, n) with i from 1: long and short ones are spread evenly."""
    i, n = shard
    return list(tasks)[i - 1 :: n]
