"""Engines and driver: equal results wherever tasks run, and what becomes of those that fail or whose worker dies."""

import json

import pytest

from perfusio.errors import ConfigError, UnreadableSource
from perfusio.study.running.driver import shard_of, work_through
from perfusio.study.running.engine import InProcess
from perfusio.study.running.task import Task, TaskOrder, attempted, carried_out
from perfusio.study.running.task_journal import TaskJournal, done_in, without_costs
from perfusio.study.running.worker_processes import WorkerProcesses


def row(i):
    """A task that costs nothing: JSON is read, and read back."""
    return Task(function="json:loads", arguments={"s": json.dumps([{"i": i, "third": i / 3}])}, label=f"row {i}")


ROWS = [row(i) for i in range(7)]
BROKEN = Task(function="json:loads", arguments={"s": "{"}, label="broken")
DEADLY = Task(function="os:_exit", arguments={"status": 3}, label="deadly")
HANGING = Task(function="signal:pause", label="hanging")
# a call into C that holds the lock of Python and would take years
STUCK = Task(function="re:fullmatch", arguments={"pattern": "(a+)+b", "string": "a" * 60}, label="stuck")


def test_a_task_is_named_by_all_that_decides_it():
    assert len({t.task_id for t in [*ROWS, BROKEN, DEADLY]}) == 9
    assert row(1).task_id == Task(function="json:loads", arguments=dict(row(1).arguments), label="other").task_id


@pytest.fixture(scope="module")
def two_processes():
    engine = WorkerProcesses(2)
    yield engine
    engine.close()


def test_processes_give_the_rows_of_this_one_and_outlive_a_dead_worker(tmp_path, two_processes):
    tasks = [DEADLY, *ROWS[:4], BROKEN, *ROWS[4:]]
    with TaskJournal(tmp_path / "a") as journal:
        alone = work_through([*ROWS, BROKEN], InProcess(), journal)
    with TaskJournal(tmp_path / "b") as journal:
        together = work_through(tasks, two_processes, journal, attempts=2)
    assert {i: d.rows for i, d in together.done.items()} == {i: d.rows for i, d in alone.done.items()}
    assert len(together.done) == 7
    failed = {end.task.label: end for end in together.failures.values()}
    assert set(failed) == {"deadly", "broken"}
    assert failed["deadly"].is_lost
    assert "exit code 3" in failed["deadly"].failure
    assert "JSONDecodeError" in failed["broken"].failure


def test_a_task_that_hangs_is_ended_and_reported_and_the_rest_completes(tmp_path, two_processes):
    with TaskJournal(tmp_path) as journal:
        work = work_through([HANGING, STUCK, *ROWS], two_processes, journal, attempts=1, limit_s=3.0)
    assert len(work.done) == len(ROWS)
    failed = {end.task.label: end for end in work.failures.values()}
    assert set(failed) == {"hanging", "stuck"}
    assert all("longer than 3 s" in end.failure and "--task-timeout" in end.failure for end in failed.values())


def test_a_worker_with_another_perfusio_is_refused():
    assert carried_out(TaskOrder(task=row(1), seconds=60.0)).rows == row(1).rows()
    end = carried_out(TaskOrder(task=row(1), seconds=60.0, source="of yesterday"))
    assert end.rows is None
    assert "its source differs" in end.failure


class Flaky:
    """Loses every task the first time it sees it."""

    name = "flaky"

    def __init__(self):
        self.seen = []

    def run(self, tasks, limit):
        for task in tasks:
            end = attempted(task)
            lost = task.task_id not in self.seen
            self.seen.append(task.task_id)
            yield type(end)(task=task, failure="node died", is_lost=True) if lost else end

    def close(self):
        pass


def test_what_was_lost_is_tried_again_and_what_is_done_is_not(tmp_path):
    told, engine = [], Flaky()
    with TaskJournal(tmp_path) as journal:
        work = work_through(ROWS, engine, journal, on_progress=told.append)
    assert (len(work.done), work.failures) == (7, {})
    assert {d.attempt for d in work.done.values()} == {2}
    assert str(told[-1]).startswith("7 of 7 tasks, 7 failed attempts")
    with TaskJournal(tmp_path) as journal:
        again = work_through(ROWS, Flaky(), journal)
    assert (again.n_new, len(again.done)) == (0, 7)


def test_a_line_that_a_kill_cut_off_is_done_again_and_no_other(tmp_path):
    with TaskJournal(tmp_path) as journal:
        work_through(ROWS, InProcess(), journal)
    path = tmp_path / "done.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    assert len(done_in([tmp_path])) == 6
    with TaskJournal(tmp_path) as journal:
        assert work_through(ROWS, InProcess(), journal).n_new == 1
    ids = [json.loads(line)["task_id"] for line in path.read_bytes().splitlines()]
    assert sorted(ids) == sorted(t.task_id for t in ROWS)


def test_shards_do_everything_once_and_may_share_a_folder(tmp_path):
    for i in (1, 2, 3):
        with TaskJournal(tmp_path, (i, 3)) as journal:
            work_through(shard_of(ROWS, (i, 3)), InProcess(), journal)
    assert len(list(tmp_path.glob("done-*-of-3.jsonl"))) == 3
    with TaskJournal(tmp_path / "whole") as journal:
        whole = work_through(ROWS, InProcess(), journal).done
    merged = done_in([tmp_path])
    assert {i: without_costs(d) for i, d in merged.items()} == {i: without_costs(d) for i, d in whole.items()}


def test_two_drivers_do_not_write_one_file_and_a_damaged_one_is_named(tmp_path):
    with TaskJournal(tmp_path) as journal:
        work_through(ROWS[:2], InProcess(), journal)
        with pytest.raises(ConfigError, match="Another program works on"):
            TaskJournal(tmp_path)
    path = tmp_path / "done.jsonl"
    path.write_bytes(b'{"task_id": 1}\n' + path.read_bytes())
    with pytest.raises(UnreadableSource, match="line 1 is no result"):
        done_in([tmp_path])
