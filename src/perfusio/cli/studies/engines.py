"""Options that say where the tasks of a study run."""

from __future__ import annotations

import errno
import re
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfusio.cli.echo import echo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from perfusio.study.running.driver import StudyProgress, StudyWork
    from perfusio.study.running.engine import Engine

_NOT_WRITTEN = (
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM, errno.EEXIST,
    errno.ENOTDIR,
)  # fmt: skip
ENGINES = ("in-process", "processes", "ray")
EngineOption = Annotated[
    str, typer.Option("--engine", help="Where tasks run: in-process, processes of this machine, or ray (a cluster).")
]
WorkersOption = Annotated[
    int | None,
    typer.Option("--workers", min=1, max=1024, help="Processes, or cores of a new Ray; as many as there are cores."),
]
AddressOption = Annotated[
    str | None, typer.Option("--address", help="Of an existing Ray cluster, e.g. auto; without it one is started here.")
]
TimeoutOption = Annotated[
    float | None,
    typer.Option(
        "--task-timeout",
        min=0.01,
        max=44_640.0,
        help="Minutes after which a task is ended and counts as failed; ten times the longest so far, at least 60.",
    ),
]


def engine_of(name: str, workers: int | None, address: str | None, timeout: float | None = None) -> Engine:
    """Return the engine of that name.

    Raises:
        ConfigError: there is none, or an option does not go with it.
    """
    from perfusio.errors import ConfigError
    from perfusio.quantities import closest
    from perfusio.study.running.engine import InProcess
    from perfusio.study.running.on_ray import OnRay
    from perfusio.study.running.worker_processes import WorkerProcesses

    if name not in ENGINES:
        raise ConfigError(f"--engine {name} is none.{closest(name, ENGINES)} Known: {', '.join(ENGINES)}.")
    if address and name != "ray":
        raise ConfigError(f"--address {address} is that of a Ray cluster: say --engine ray, or leave it away.")
    if name == "ray":
        return OnRay(address, workers)
    if workers and name == "in-process":
        raise ConfigError("--workers: in-process there is one. Say --engine processes, or leave it away.")
    if timeout and name == "in-process":
        raise ConfigError("--task-timeout: nobody ends a task in-process. Say --engine processes, or leave it away.")
    return InProcess() if name == "in-process" else WorkerProcesses(workers)


def shard_said(text: str | None) -> tuple[int, int]:
    """Return (i, n) of ``"i/n"``.

    Raises:
        ConfigError: it is none.
    """
    from perfusio.errors import ConfigError

    if text is None:
        return 1, 1
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise ConfigError(f"--shard {text}: expected i/n with i from 1 to n, e.g. 3/16.")
    return int(found[1]), int(found[2])


def teller() -> Callable[[StudyProgress], None]:
    """Return a function that shows progress: a line that is written over on a terminal, a line in ten elsewhere."""
    shown = [-1]

    def tell(progress: StudyProgress) -> None:
        if sys.stderr.isatty():
            end = "\n" if progress.n_done == progress.n_tasks else ""
            sys.stderr.write(f"\r\x1b[K{progress}{end}")
            sys.stderr.flush()
            return
        tenth = 10 * progress.n_done // max(progress.n_tasks, 1)
        if tenth != shown[0]:
            shown[0] = tenth
            echo(str(progress), err=True)

    return tell


def find_local_modules() -> None:
    """Let modules of the working directory be imported, by this program and by its workers."""
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)


@contextmanager
def written_to(folder: Path) -> Iterator[None]:
    """Say in words why results cannot be written.

    Raises:
        ConfigError: the disk is full, or the folder cannot be written.
    """
    from perfusio.errors import ConfigError

    try:
        yield
    except OSError as error:
        if error.errno not in _NOT_WRITTEN:
            raise
        raise ConfigError(
            f"{folder} cannot be written: {error.strerror}. Make room, or name another folder (--out). What is done "
            "there stays: the same command goes on with it."
        ) from error


def in_seconds(timeout: float | None) -> float | None:
    """Return a time limit in minutes in seconds."""
    return None if timeout is None else 60.0 * timeout


def tell_failures(work: StudyWork) -> None:
    """Name the tasks that always failed, those that failed alike together."""
    alike: dict[str, list[str]] = {}
    for end in work.failures.values():
        alike.setdefault(end.failure, []).append(end.task.label)
    for failure, labels in alike.items():
        more = f" and {len(labels) - 1} more" if len(labels) > 1 else ""
        echo(f"Failed: {labels[0]}{more}: {failure}", err=True)
