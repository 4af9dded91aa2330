"""TaskJournal: results of tasks in a folder, a line each, kept as they come; a kill loses the ones under way alone."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any, Self

from perfusio.errors import ConfigError, UnreadableSource
from perfusio.study.running.task import Row, TaskEnd

PATTERN = "done*.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneTask:
    """A result on disk.

    Attributes:
        task_id: Hash of the task.
        label: For people.
        rows: The result.
        seconds: By the clock [s].
        cpu_seconds: Of the processor [s].
        where: Machine and process.
        attempt: The number of the attempt that gave it.
    """

    task_id: str
    label: str
    rows: list[Row]
    seconds: float
    cpu_seconds: float
    where: str
    attempt: int


class TaskJournal:
    """The results of one driver, and those of all others in the same folder.

    Args:
        folder: Of the study; made if need be.
        shard: Which part of the tasks this driver does, (i, n).

    Raises:
        ConfigError: another driver writes to the same file.
    """

    def __init__(self, folder: Path, shard: tuple[int, int] = (1, 1)) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        i, n = shard
        self.folder = folder
        self.path = folder / ("done.jsonl" if n == 1 else f"done-{i}-of-{n}.jsonl")
        self._file: IO[bytes] | None = self.path.open("ab")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise ConfigError(
                f"Another program works on {self.path}. Wait for it, stop it, or name another folder (--out)."
            ) from error
        whole = _whole_lines(self.path.read_bytes())
        os.truncate(self.path, whole)  # a line that a kill cut off is a task that is not done

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let another driver write."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def done(self) -> dict[str, DoneTask]:
        """Return all results in the folder by task."""
        return done_in([self.folder])

    def keep(self, end: TaskEnd, attempt: int) -> DoneTask:
        """Write a result down; when this returns, it is on disk."""
        assert self._file is not None
        assert end.rows is not None
        kept = DoneTask(
            task_id=end.task.task_id, label=end.task.label, rows=end.rows, seconds=round(end.seconds, 4),
            cpu_seconds=round(end.cpu_seconds, 4), where=end.where, attempt=attempt,
        )  # fmt: skip
        self._file.write(json.dumps(asdict(kept)).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        return kept


def done_in(folders: Iterator[Path] | list[Path]) -> dict[str, DoneTask]:
    """Return all results in some folders by task; of one that was done twice the first.

    Raises:
        UnreadableSource: a line cannot be read; the message names it.
    """
    found: dict[str, DoneTask] = {}
    for folder in folders:
        for path in sorted(folder.glob(PATTERN)):
            data = path.read_bytes()
            for number, line in enumerate(data[: _whole_lines(data)].splitlines(), start=1):
                try:
                    told: Mapping[str, Any] = json.loads(line)
                    done = DoneTask(**told)
                except (ValueError, TypeError) as error:
                    words = (
                        f"{path}, line {number} is no result of a task: {error}. Put the file back as it was, or "
                        "delete it: its tasks are then done again."
                    )
                    raise UnreadableSource((words,), connector=str(path), operation="read") from error
                found.setdefault(done.task_id, done)
    return found


def without_costs(done: DoneTask) -> DoneTask:
    """Return a result without all that differs between two machines."""
    return replace(done, seconds=0.0, cpu_seconds=0.0, where="", attempt=1)


def _whole_lines(data: bytes) -> int:
    return data.rfind(b"\n") + 1
