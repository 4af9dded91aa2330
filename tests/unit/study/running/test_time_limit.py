"""TimeLimit: learnt from what is done, never below an hour, unless it is declared."""

from perfusio.study.running.driver import work_through
from perfusio.study.running.task import Task, TaskEnd
from perfusio.study.running.task_journal import TaskJournal
from perfusio.study.running.time_limit import LEAST_S, TimeLimit, overdue


def test_a_learnt_limit_is_generous_and_grows_with_the_longest_task():
    limit = TimeLimit()
    assert limit.seconds == LEAST_S == 3600.0
    for seconds in (3.0, 1000.0, 2.0):
        limit.learn(seconds)
    assert limit.seconds == 10_000.0


def test_a_declared_limit_stays():
    limit = TimeLimit(60.0)
    limit.learn(1000.0)
    assert limit.seconds == 60.0
    assert "longer than 1 min" in overdue(limit.seconds)


class Slow:
    """Says that each task took 500 s, and keeps the limit that it was given for it."""

    name = "slow"

    def __init__(self):
        self.limits = []

    def run(self, tasks, limit):
        for task in tasks:
            self.limits.append(limit.seconds)
            yield TaskEnd(task=task, rows=[{}], seconds=500.0)

    def close(self):
        pass


def test_the_driver_learns_from_tasks_done_now_and_before(tmp_path):
    tasks, first, second = [Task(function="json:loads", arguments={"s": str(i)}) for i in range(3)], Slow(), Slow()
    with TaskJournal(tmp_path) as journal:
        work_through(tasks[:2], first, journal)
        work_through(tasks, second, journal)
    assert (first.limits, second.limits) == ([3600.0, 5000.0], [5000.0])
