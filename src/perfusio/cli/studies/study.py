"""`perfusio study`: many virtual closed-loop runs, here, in processes, on a cluster or in parts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from perfusio.cli.echo import echo
from perfusio.cli.options import JsonOption, print_json
from perfusio.cli.studies.engines import (
    AddressOption,
    EngineOption,
    TimeoutOption,
    WorkersOption,
    engine_of,
    find_local_modules,
    in_seconds,
    shard_said,
    tell_failures,
    teller,
    written_to,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perfusio.study.running.task import Task
    from perfusio.study.running.task_journal import DoneTask
    from perfusio.study.scenarios.study_file import StudyPlan


class _RunByDefault(TyperGroup):
    """``perfusio study FILE`` is ``perfusio study run FILE``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = ["run", *args]
        return list(super().parse_args(ctx, args))


study = typer.Typer(
    cls=_RunByDefault, no_args_is_help=True, help="Many virtual closed-loop runs: perfusio study FILE.toml.",
)  # fmt: skip
FileArgument = Annotated[Path, typer.Argument(help="study.toml: what to vary, see docs/how-to/run-a-study.md.")]


@study.command()
def run(
    file: FileArgument,
    out: Annotated[Path, typer.Option(help="Folder of the results; what is done there is not done again.")] = Path(
        "study"
    ),
    engine: EngineOption = "processes",
    workers: WorkersOption = None,
    address: AddressOption = None,
    task_timeout: TimeoutOption = None,
    shard: Annotated[
        str | None, typer.Option("--shard", help="i/n: only every n-th task from the i-th on, for arrays of jobs.")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say how many tasks and runs there are, and stop.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Run a study, or go on with it; with --shard a part of it.

    Tasks that are done are kept in --out as they come, so that a killed study goes on where it was. A task whose worker
    or machine dies, or that takes too long, is tried again; one that always fails is named at the end, the rest
    completes, the exit code is 1.
    """
    from perfusio.study.running.driver import shard_of, work_through
    from perfusio.study.running.task_journal import TaskJournal
    from perfusio.study.scenarios.study_file import read_study

    find_local_modules()
    asked, part = read_study(file), shard_said(shard)
    tasks = asked.tasks()
    n_runs = len(asked.scenarios()) * asked.study.replicates
    if plan:
        told = {"scenarios": len(asked.scenarios()), "tasks": len(tasks), "runs": n_runs}
        print_json(told) if json_output else echo(", ".join(f"{n} {what}" for what, n in told.items()))
        return
    mine = shard_of(tasks, part)
    where = engine_of(engine, workers, address, task_timeout)
    try:
        with written_to(out), TaskJournal(out, part) as journal:
            work = work_through(mine, where, journal, limit_s=in_seconds(task_timeout), on_progress=teller())
    finally:
        where.close()
    if part == (1, 1):
        _written(out, asked, tasks, work.done, json_output=json_output)
    else:
        echo(f"{len(work.done)} of {len(mine)} tasks of shard {shard} are done: {out}. When all are, merge them.")
    tell_failures(work)
    if work.failures:
        raise typer.Exit(1)


@study.command()
def merge(
    file: FileArgument,
    folders: Annotated[list[Path], typer.Argument(help="Folders into which shards were written.")],
    out: Annotated[Path, typer.Option(help="Folder for tables and report.")] = Path("study"),
    json_output: JsonOption = False,
) -> None:
    """Put the shards of a study together; refused as long as one is missing."""
    from perfusio.study.running.task_journal import done_in
    from perfusio.study.scenarios.results import check_complete
    from perfusio.study.scenarios.study_file import read_study

    find_local_modules()
    asked = read_study(file)
    tasks, found = asked.tasks(), done_in(folders)
    done = {task.task_id: found[task.task_id] for task in tasks if task.task_id in found}
    check_complete(tasks, done, folders)
    with written_to(out):
        out.mkdir(parents=True, exist_ok=True)
    _written(out, asked, tasks, done, json_output=json_output)


def _written(
    out: Path, asked: StudyPlan, tasks: list[Task], done: Mapping[str, DoneTask], *, json_output: bool
) -> None:
    """Write tables and report, and say the means."""
    from perfusio.study.scenarios.results import rows_of, write_results
    from perfusio.study.scenarios.study_file import FACTORS
    from perfusio.study.scenarios.study_report import varied, write_report
    from perfusio.study.scenarios.study_summary import as_text, table

    rows = rows_of(tasks, done)
    with written_to(out):
        files = write_results(out, tasks, done)
        if rows:
            files.append(write_report(out / "report.html", asked.study.name, rows, FACTORS, done, len(tasks)))
    if not rows:
        return
    lines = table(rows, varied(rows, FACTORS))
    if json_output:
        means = [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]
        print_json({"runs": len(rows), "files": [str(f) for f in files], "means": means})
        return
    echo(as_text(lines))
    echo(f"\n{len(rows)} runs: {', '.join(map(str, files))}")
