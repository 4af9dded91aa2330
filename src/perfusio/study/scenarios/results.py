"""Results of a study: one row a run, in the order of its tasks, as tables on disk; the same bytes from any engine."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from perfusio.errors import ConfigError
from perfusio.study.running.task import Row, Task
from perfusio.study.running.task_journal import DoneTask

RESULTS, COSTS = "results.csv", "costs.csv"


def rows_of(tasks: Sequence[Task], done: Mapping[str, DoneTask]) -> list[Row]:
    """Return the rows of all tasks that are done, in the order of the tasks."""
    ids = (task.task_id for task in tasks)
    return [row for i in ids if i in done for row in done[i].rows]


def as_csv(rows: Sequence[Row]) -> str:
    """Return rows as CSV with every digit; a missing value is an empty cell."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        values = (row.get(name, "") for name in names)
        writer.writerow(["" if v != v else repr(v) if isinstance(v, float) else v for v in values])
    return text.getvalue()


def write_results(folder: Path, tasks: Sequence[Task], done: Mapping[str, DoneTask]) -> list[Path]:
    """Write results.csv, costs.csv and, where pyarrow is installed, results.parquet; return their paths."""
    rows = rows_of(tasks, done)
    (folder / RESULTS).write_text(as_csv(rows), encoding="utf-8")
    costs: list[Row] = [
        {
            "task": d.task_id, "label": d.label, "runs": len(d.rows), "seconds": d.seconds,
            "cpu_seconds": d.cpu_seconds, "attempt": d.attempt, "where": d.where,
        }
        for task in tasks
        if (d := done.get(task.task_id)) is not None
    ]  # fmt: skip
    (folder / COSTS).write_text(as_csv(costs), encoding="utf-8")
    written = [folder / RESULTS, folder / COSTS]
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        return written
    if rows:
        names = list(dict.fromkeys(name for row in rows for name in row))
        table = pyarrow.table({name: [row.get(name) for row in rows] for name in names})
        parquet.write_table(table, folder / "results.parquet")
        written.append(folder / "results.parquet")
    return written


def check_complete(tasks: Sequence[Task], done: Mapping[str, DoneTask], folders: Sequence[Path]) -> None:
    """Refuse to merge parts of which some are missing.

    Raises:
        ConfigError: a task has no result; the message names the first ones.
    """
    absent = [task for task in tasks if task.task_id not in done]
    if absent:
        shown = "; ".join(task.label for task in absent[:3])
        more = f" and {len(absent) - 3} more" if len(absent) > 3 else ""
        raise ConfigError(
            f"{len(absent)} of {len(tasks)} tasks have no result in {', '.join(map(str, folders))}: {shown}{more}. Run "
            "the shards that are missing, with the same study file and the same version of perfusio as the others."
        )
