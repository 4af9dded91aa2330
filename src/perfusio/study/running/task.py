"""Task: one piece of a study, named by the hash of all that decides its result."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
import traceback
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

from perfusio.errors import PerfusioError
from perfusio.study.running.time_limit import ended_after

Row = Mapping[str, Any]
"""A result: plain numbers and words by name."""
_ID_LENGTH = 20


@cache
def source_sha256() -> str:
    """Return the SHA-256 of perfusio's source: another code is another task, whatever its version says."""
    root, digest = Path(__file__).parents[2], sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A function by name and its arguments.

    Attributes:
        function: ``"module:name"``; it takes the arguments by name and returns a list of rows.
        arguments: Plain data, all that decides the result beside the source.
        label: For people.
    """

    function: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""

    @property
    def task_id(self) -> str:
        """Hash of function, arguments and perfusio's source."""
        said = {"function": self.function, "arguments": self.arguments, "source": source_sha256()}
        return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:_ID_LENGTH]

    def rows(self) -> list[Row]:
        """Do it and return its rows, as they come back from JSON: no engine may know more digits than another."""
        module, _, name = self.function.partition(":")
        rows = getattr(import_module(module), name)(**self.arguments)
        plain: list[Row] = json.loads(json.dumps(rows))
        return plain


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEnd:
    """How an attempt at a task ended.

    Attributes:
        task: Which.
        rows: Its result; None if it failed.
        failure: Why it failed; empty if it did not.
        is_lost: Whether its process or its machine ended before it did.
        seconds: By the clock [s].
        cpu_seconds: Of the processor [s].
        where: Machine and process.
    """

    task: Task
    rows: list[Row] | None = None
    failure: str = ""
    is_lost: bool = False
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOrder:
    """A task for a worker, perhaps of another machine.

    Attributes:
        task: To do.
        seconds: Time limit; the process of the worker ends when it is passed [s].
        source: `source_sha256` of whoever orders it.
    """

    task: Task
    seconds: float
    source: str = field(default_factory=source_sha256)


def carried_out(order: TaskOrder) -> TaskEnd:
    """Do an order in a worker.

    It is refused where perfusio's source is another: the result would be kept under the name of the other one's.
    """
    if order.source != source_sha256():
        return TaskEnd(
            task=order.task, where=_where(),
            failure=f"perfusio on {platform.node()} is not the one that runs this study: its source differs. Install "
            "the same one on all machines, leave it alone while a study runs, and start the study again",
        )  # fmt: skip
    with ended_after(order.seconds):
        return attempted(order.task)


def attempted(task: Task) -> TaskEnd:
    """Do a task where we are; whatever fails in it is its result, and what it prints goes to the standard error."""
    begun, cpu = time.perf_counter(), time.process_time()
    rows, failure = None, ""
    try:
        with redirect_stdout(sys.stderr):  # standard output is that of the command, perhaps JSON
            rows = task.rows()
    except PerfusioError as error:
        failure = str(error)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a fault in one task must not cost the others
        last = traceback.extract_tb(error.__traceback__)[-1]
        failure = f"{type(error).__name__}: {error} ({Path(last.filename).name}, line {last.lineno})"
    return TaskEnd(
        task=task, rows=rows, failure=failure, where=_where(),
        seconds=time.perf_counter() - begun, cpu_seconds=time.process_time() - cpu,
    )  # fmt: skip


def _where() -> str:
    return f"{platform.node()}:{os.getpid()}"
