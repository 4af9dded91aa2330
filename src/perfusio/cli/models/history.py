"""Common parts of the commands on past runs: their options, reading runs aloud, and a progress bar."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfusio.cli.echo import echo
from perfusio.cli.options import pair

if TYPE_CHECKING:
    from perfusio.process.panel import Panel
    from perfusio.state import Setpoints
    from perfusio.tables.columns.grid import ReadOptions
    from perfusio.tables.rows.table import Table
    from perfusio.trajectory import Trajectory

RunsOption = Annotated[
    Path,
    typer.Option("--runs", help="Past runs: a CSV, Excel or Parquet file, or a folder of them or with runs.csv."),
]
MappingOption = Annotated[
    Path | None, typer.Option("--mapping", help="What the columns mean: a mapping.toml, as `perfusio import` saves it.")
]
ModelOption = Annotated[Path, typer.Option("--model", help="Folder that `perfusio fit` wrote.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Seed of every random draw.", min=0)]
PathsOption = Annotated[int, typer.Option("--paths", help="Sample paths per forecast.", min=16, max=4096)]
ANSWERED_BY_MAPPING = (
    "Past runs take --column, --ignore and --set-missing, and all answers from a mapping: perfusio import FILE "
    "--dry-run --save-mapping mapping.toml writes the readings to choose from; then give --mapping mapping.toml here."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAnswers:
    """What a person says about the files of past runs.

    Attributes:
        mapping: A mapping.toml.
        column: Meanings of headers, ``HEADER=NAME``.
        ignore: Headers to leave unread.
        set_missing: Single values that do not count, ``FILE, line 12: glucose``.
        granted: Collects what was taken for granted of each file, for programs; None = it is only shown.
        encoding: Of those files that are not UTF-8.
    """

    mapping: Path | None = None
    column: Sequence[str] | None = None
    ignore: Sequence[str] | None = None
    set_missing: Sequence[str] | None = None
    granted: list[dict[str, Any]] | None = None
    encoding: str | None = None

    def options(self) -> ReadOptions:
        """Return the typed ones as options of reading."""
        from perfusio.tables.cells.missing_by_name import missing_of
        from perfusio.tables.columns.grid import ReadOptions

        columns = dict(pair(text, "--column Glu=glutamate") for text in self.column or ())
        return ReadOptions(
            columns=columns, ignore=tuple(self.ignore or ()), set_missing=missing_of(self.set_missing)
        )

    def about(self, source: Path, sources: Sequence[Path]) -> FileAnswers:
        """Return the answers about one of several sources.

        Raises:
            ConfigError: a value is said to be missing, and not of which file.
        """
        from perfusio.tables.cells.missing_by_name import missing_in, missing_of
        from perfusio.tables.runs_from_files import files_of

        said = missing_of(self.set_missing)
        if len(sources) < 2 or not said:
            return self
        missing_in(said, [file.name for one in sources for file in files_of(one)])
        here = [file.name for file in files_of(source)]
        return replace(self, set_missing=[str(value) for value in said if any(value.is_of(name) for name in here)])


def aloud(remark: str) -> None:
    """Tell a remark on the standard error."""
    echo(f"Note: {remark}", err=True)


def read_runs_aloud(
    path: Path,
    process: Panel,
    told: FileAnswers | None = None,
    *,
    note: Callable[[str], object] = aloud,
    hint: str = ANSWERED_BY_MAPPING,
) -> tuple[Trajectory, ...]:
    """Read runs of a process; conversions, assumed units and columns left unread are told, on the standard error.

    Setpoints that a file never states are taken at the nominal that the process says. A question is answered by a
    mapping: histories are read again and again, and nobody is to be asked twice.

    Args:
        path: A file, or a folder of files.
        process: Of the runs.
        told: Answers about the files.
        note: Takes the remarks instead.
        hint: Says how a question is answered.
    """
    from perfusio.errors import QuestionOpen
    from perfusio.tables.columns.column_map import read_column_map
    from perfusio.tables.columns.questions import together
    from perfusio.tables.runs_from_files import read_runs
    from perfusio.tables.taken_for_granted import granted, page

    told = told or FileAnswers()
    mapping = told.mapping

    def show(table: Table) -> None:
        found = granted([table], table)
        if told.granted is not None:
            told.granted.append(found)
        lines = page(found) if page({**found, "vessels": []}) else []
        for line in lines if note is aloud else lines[1:]:
            echo(line, err=True) if note is aloud else note(line.strip())

    try:
        return read_runs(
            path,
            options=told.options(),
            column_map=None if mapping is None else read_column_map(mapping),
            assumed=nominal(process),
            panel=process,
            encoding=told.encoding,
            on_remark=note,
            on_table=show,
        )
    except QuestionOpen as error:
        raise together([error], hint, connector=error.connector) from error


def nominal(process: Panel) -> Setpoints:
    """Return the assumed setpoints where a file does not say; NaN where the process does not say it either."""
    from perfusio.state import Setpoints

    return Setpoints.of_values(process, {s.name: s.allowed.nominal for s in process.setpoints if s.allowed is not None})


def chosen(runs: Sequence[Trajectory], names: Sequence[str], option: str) -> list[Trajectory]:
    """Return the runs of these names.

    Raises:
        ConfigError: there is no such run; the nearest one is named.
    """
    from perfusio.errors import ConfigError
    from perfusio.quantities import closest

    by_name = {t.reactor_id: t for t in runs}
    for name in names:
        if name not in by_name:
            known = ", ".join(by_name)
            raise ConfigError(f"{option} {name}: there is no such run.{closest(name, tuple(by_name))} Known: {known}.")
    return [by_name[name] for name in names]


def refuse_to_replace(files: Sequence[Path], *, overwrite: bool) -> None:
    """Refuse to replace files unasked.

    Raises:
        ConfigError: a file is there and `overwrite` was not said.
    """
    from perfusio.errors import ConfigError

    if (present := [str(f) for f in files if f.exists()]) and not overwrite:
        raise ConfigError(f"{', '.join(present)} would be replaced. Choose another folder (--out), or say --overwrite.")


class Steps:
    """A bar on a terminal, nothing elsewhere. Use as a context manager; hand `done` the number of steps done."""

    def __init__(self, label: str, n_steps: int | None) -> None:
        """Show `label`; without a number of steps the bar only moves."""
        from rich.console import Console
        from rich.progress import Progress

        self._bar = Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)
        self._task = self._bar.add_task(label, total=n_steps)

    def __enter__(self) -> Steps:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def done(self, n: int) -> None:
        """Show that `n` steps are done."""
        self._bar.update(self._task, completed=n)
