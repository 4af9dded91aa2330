"""Past runs for a model to learn from: a table of runs, a folder of them, or a data frame, as trajectories."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from perfusio.errors import ConfigError, QuestionOpen, UnreadableSource
from perfusio.frames import DataFrame
from perfusio.process.panel import Panel
from perfusio.state import Setpoints
from perfusio.tables.cells.missing_by_name import missing_in, missing_of
from perfusio.tables.cells.sheets import TABLES, existing_file
from perfusio.tables.columns.column_map import ColumnMap
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.columns.questions import together
from perfusio.tables.data_frame import NAME, is_frame, table_of_frame
from perfusio.tables.merging import merged
from perfusio.tables.read_any import read_any
from perfusio.tables.rows.samples import TableRow
from perfusio.tables.rows.table import Table
from perfusio.tables.vessel_rows import rows_of
from perfusio.trajectory import Trajectory

RUNS_FILE = "runs.csv"
"""Name of the table of `perfusio simulate`; in a folder that has one, nothing else is read."""


def read_runs(
    path: str | Path | DataFrame,
    *,
    options: ReadOptions | None = None,
    column_map: ColumnMap | None = None,
    assumed: Setpoints | None = None,
    on_remark: Callable[[str], object] = lambda _: None,
    on_table: Callable[[Table], object] = lambda _: None,
    panel: Panel | None = None,
    encoding: str | None = None,
) -> tuple[Trajectory, ...]:
    """Read all runs of a file, CSV, Excel or Parquet, of every such file in a folder, or of a data frame.

    Missing values are NaN. The setpoints of a row were in force from its sample to the next; one that a row does
    not state is that of the row before.

    Args:
        path: A file with one row per run and sample, a folder with `runs.csv` or with one file per run, or a pandas or
            polars data frame, which is read like a file with those columns.
        options: The user's declarations about the files.
        column_map: Meaning of the columns of the files, where they do not say it themselves.
        assumed: Setpoints in force where a file never says; None: such a file is refused.
        on_remark: Called with a sentence for each thing that was converted, joined or assumed.
        on_table: Called with each file as it was read, for those who show what was taken for granted.
        panel: The process whose quantities the files hold; None: that of the options, the map, or the default one.
        encoding: Of those files that are not UTF-8, e.g. ``"cp1252"``; None: which one is a question.

    Returns:
        Runs in the order of the files. `reactor_id` is unique among them: the run (and reactor), with several files
        the file too.

    Raises:
        UnreadableSource: no such file or folder, or a file is refused; all problems of all files are listed.
    """
    options, column_map = _of_process(panel, options, column_map)
    if is_frame(path):
        sources = [("", partial(table_of_frame, path, _without_map(options, column_map)))]
    else:
        files = files_of(Path(path))
        of_map = () if column_map is None else missing_of(column_map.set_missing)
        missing_in((*(options.set_missing if options else ()), *of_map), [file.name for file in files])
        sources = [
            (file.stem if len(files) > 1 else "", partial(_read, file, options, column_map, encoding))
            for file in files
        ]
    where = NAME if is_frame(path) else str(path)
    problems: list[str] = []
    refused: list[UnreadableSource] = []
    runs: list[Trajectory] = []
    for prefix, read in sources:
        try:
            table = merged([read()])
        except UnreadableSource as error:
            refused.append(error)
            continue
        for warning in table.warnings:
            on_remark(warning)
        on_table(table)
        silent: dict[tuple[str, ...], list[str]] = {}
        for group in table.groups:
            start = _start(column_map, assumed, table.panel)
            run, unsaid = run_of(table, group, start, prefix=prefix)
            unsaid = tuple(n for n in unsaid if column_map is None or not _is_said(column_map, n))
            runs.append(run)
            if unsaid:
                silent.setdefault(unsaid, []).append(run.run_id)
        for names, which in silent.items():
            _assume(f"{table.name} ({', '.join(which)})", names, assumed, on_remark, problems)
    if problems:
        refused.append(UnreadableSource(tuple(problems), connector=where))
    if refused:
        raise together(refused, *_about_a_folder(where, len(sources), refused), connector=where)
    return tuple(runs)


def _read(file: Path, options: ReadOptions | None, column_map: ColumnMap | None, encoding: str | None) -> Table:
    """Read one file; one that is not UTF-8 by this encoding, if there is one.

    Raises:
        UnreadableSource: it is refused or open.
    """
    try:
        return read_any(file, options, column_map=column_map)
    except QuestionOpen as error:
        asked = {name for question in error.questions for reading in question.readings for name in reading.entry}
        if encoding is None or "encoding" not in asked:
            raise
        return read_any(file, replace(options or ReadOptions(), encoding=encoding), column_map=column_map)


def _about_a_folder(where: str, n_files: int, refused: Sequence[UnreadableSource]) -> list[str]:
    """Say how to go on without a file of a folder of past runs: none is passed over."""
    n_good = n_files - len(refused)
    if n_good < 1 or all(isinstance(error, QuestionOpen) for error in refused):
        return []
    which, them = ("The file named here holds", "it") if len(refused) == 1 else ("The files named here hold", "them")
    return [f"{which} no past run? Move {them} out of {where}: all tables there are read, and {n_good} can be."]


def _without_map(options: ReadOptions | None, column_map: ColumnMap | None) -> ReadOptions:
    """Return the options for a data frame.

    Raises:
        ConfigError: a column map is given, which is for files.
    """
    if column_map is not None:
        raise ConfigError(
            "A column map was given with a data frame, expected one with a file. Rename the columns instead: "
            "frame.rename(columns={...}); say of which process they are with panel=."
        )
    return options or ReadOptions()


def _of_process(
    panel: Panel | None, options: ReadOptions | None, column_map: ColumnMap | None
) -> tuple[ReadOptions | None, ColumnMap | None]:
    """Let options and column map be of one process.

    Raises:
        ConfigError: the column map names a quantity that the process does not have.
    """
    if panel is None:
        return options, column_map
    options = replace(options or ReadOptions(), panel=panel)
    return options, column_map if column_map is None or column_map.panel == panel else column_map.within(panel)


def _start(column_map: ColumnMap | None, assumed: Setpoints | None, panel: Panel) -> Setpoints:
    """Return the setpoints in force where no row says: as the column map says, else as assumed."""
    said = column_map.setpoints if column_map else Setpoints(panel=panel)
    return said if assumed is None else said.filled_from(_of_panel(assumed, panel))[0]


def _of_panel(assumed: Setpoints, panel: Panel) -> Setpoints:
    """Return assumed setpoints as those of a process.

    Raises:
        ConfigError: one of its setpoints is none of those that are given.
    """
    if assumed.panel == panel:
        return assumed
    known = assumed.by_name()
    if absent := [name for name in panel.setpoint_names if name not in known]:
        raise ConfigError(
            f"assumed are setpoints of {assumed.panel.name}, without {', '.join(absent)} of {panel.name}. Give those "
            "of the process: DesignSpace.of(panel).nominal."
        )
    return Setpoints.of_values(panel, {name: known[name] for name in panel.setpoint_names})


def _is_said(column_map: ColumnMap, name: str) -> bool:
    value: float = getattr(column_map.setpoints, name)
    return value == value


def files_of(path: Path) -> list[Path]:
    """Return the files of past runs that a path stands for.

    Raises:
        UnreadableSource: there is none.
    """
    if not path.is_dir():
        return [existing_file(path, TABLES)]
    if (path / RUNS_FILE).exists():
        return [path / RUNS_FILE]
    found = sorted(p for p in path.iterdir() if p.suffix.lower() in TABLES.endings and ".setpoints" not in p.stem)
    if not found:
        text = f"{path} holds no CSV file, expected {RUNS_FILE} or one file per run (CSV, Excel or Parquet). Check it."
        raise UnreadableSource((text,), connector=str(path))
    return found


def run_of(
    table: Table,
    group: tuple[str, str],
    start: Setpoints,
    *,
    prefix: str = "",
) -> tuple[Trajectory, tuple[str, ...]]:
    """Return one run of a table, and the setpoints in force of which its first row does not tell.

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
    said = table.media.get(group)
    medium = None if said is None else table.panel.medium_named(said)
    trajectory = Trajectory(reactor_id=name, run_id=run or name, clone=table.clones.get(group, ""), medium=medium)
    before, feed = Setpoints(panel=table.panel), None
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
