"""Past runs for a model to learn from: a table of runs, or a folder of them, as trajectories."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from perfusio.connectors.grids import ReadOptions
from perfusio.connectors.sheets import existing_file
from perfusio.connectors.sources import rows_of
from perfusio.connectors.tables import Table, TableRow, read_table
from perfusio.errors import UnreadableSource
from perfusio.state import Setpoints
from perfusio.trajectory import Trajectory

RUNS_FILE = "runs.csv"
"""What `perfusio simulate` calls its table; in a folder that has one, nothing else is read."""


def read_runs(
    path: str | Path,
    *,
    options: ReadOptions | None = None,
    assumed: Setpoints | None = None,
    on_remark: Callable[[str], object] = lambda _: None,
) -> tuple[Trajectory, ...]:
    """Read all runs of a CSV file, or of every CSV file in a folder.

    What was not measured is NaN. The setpoints of a row were in force from its sample to the next; one that a row does
    not state is that of the row before.

    Args:
        path: A file with one row per run and sample, or a folder with `runs.csv` or with one file per run.
        options: What the user declares about the files.
        assumed: Setpoints in force where a file never says; None: such a file is refused.
        on_remark: Called with a sentence for each thing that was converted, joined or assumed.

    Returns:
        Runs in the order of the files. `reactor_id` is unique among them: the run (and reactor), with several files
        the file too.

    Raises:
        UnreadableSource: no such file or folder, or a file is refused; all problems of all files are listed.
    """
    files = _files(Path(path))
    problems: list[str] = []
    runs: list[Trajectory] = []
    for file in files:
        try:
            table = read_table(file, options)
        except UnreadableSource as error:
            problems += error.problems
            continue
        for warning in table.warnings:
            on_remark(warning)
        silent: dict[tuple[str, ...], list[str]] = {}
        for group in table.groups:
            run, unsaid = run_of(table, group, assumed or Setpoints(), prefix=file.stem if len(files) > 1 else "")
            runs.append(run)
            if unsaid:
                silent.setdefault(unsaid, []).append(run.run_id)
        for names, which in silent.items():
            _assume(f"{table.name} ({', '.join(which)})", names, assumed, on_remark, problems)
    if problems:
        raise UnreadableSource(tuple(problems), connector=str(path))
    return tuple(runs)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [existing_file(path)]
    if (path / RUNS_FILE).exists():
        return [path / RUNS_FILE]
    found = sorted(p for p in path.iterdir() if p.suffix.lower() == ".csv" and ".setpoints" not in p.stem)
    if not found:
        text = f"{path} holds no CSV file, expected {RUNS_FILE} or one file per run. Check the folder."
        raise UnreadableSource((text,), connector=str(path))
    return found


def run_of(
    table: Table,
    group: tuple[str, str],
    start: Setpoints,
    *,
    prefix: str = "",
) -> tuple[Trajectory, tuple[str, ...]]:
    """Return one run of a table, and the setpoints of which its first row does not say what was in force.

    Args:
        table: Checked rows.
        group: Run and reactor.
        start: In force where the rows do not say.
        prefix: Goes before the name of the run.
    """
    rows = rows_of(table, *group)
    in_force, unsaid = _in_force(rows, start)
    run, reactor = group
    name = "/".join(part for part in (prefix, run, reactor) if part) or Path(table.name).stem
    trajectory = Trajectory(reactor_id=name, run_id=run or name, clone=table.clones.get(group, ""))
    before, feed = Setpoints(), None
    for row, now in zip(rows, in_force, strict=True):
        trajectory = trajectory.observe(row.state, before, feed)
        before, feed = now, row.feed
    return trajectory, unsaid


def _assume(
    where: str,
    names: tuple[str, ...],
    assumed: Setpoints | None,
    on_remark: Callable[[str], object],
    problems: list[str],
) -> None:
    if assumed is not None:
        values = ", ".join(f"{name} {getattr(assumed, name):g}" for name in names)
        on_remark(f"{where} does not say what was in force; assumed: {values}.")
        return
    problems.append(
        f"{where} does not say what was in force: {', '.join(names)}. Expected a column for each setpoint. Add the "
        "columns, or say what to assume: read_runs(..., assumed=Setpoints(...))."
    )


def _in_force(rows: Sequence[TableRow], start: Setpoints) -> tuple[list[Setpoints], tuple[str, ...]]:
    in_force, now = [], start
    for row in rows:
        now, _ = row.setpoints.filled_from(now)
        in_force.append(now)
    _, unsaid = rows[0].setpoints.filled_from(start)
    return in_force, unsaid if len(rows) > 1 else ()
