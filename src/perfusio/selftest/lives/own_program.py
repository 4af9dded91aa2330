"""Trials in programs of their own, which can fork; each comes from one server that has loaded everything once.

To load it takes a second or two, a trial of a few points not much more.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import traceback
from collections.abc import Callable
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.forkserver import ensure_running
from pathlib import Path

Found = tuple[int, list[str]]
"""Points that were tried, and the problems."""
MEMORY = "/dev/shm"
"""Where a system has it, runs are kept in memory: a kill is no power cut, so nothing hangs on the disk."""
LOADED = ("perfusio.selftest.lives.every_record", "perfusio.selftest.lives.lives")
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
LONGEST_SAID = 300


def in_own_program(trial: Callable[..., Found], *arguments: object) -> Found:
    """Return what a function of a module finds in a program of its own; one problem if the trial itself failed."""
    here, there = multiprocessing.Pipe(duplex=False)
    program = _server().Process(target=_try, args=(there, trial, arguments))
    program.start()
    there.close()
    try:
        found: Found = here.recv()
    except EOFError:
        program.join()
        found = 1, [f"the trial itself failed: its program ended with {program.exitcode}"]
    finally:
        here.close()
    program.join()
    return found


@cache
def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(LOADED))
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)  # libraries read it when they are loaded, which is in the server
    try:
        ensure_running()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    return context


def _try(told: Connection, trial: Callable[..., Found], arguments: tuple[object, ...]) -> None:
    if os.access(MEMORY, os.W_OK):
        tempfile.tempdir = MEMORY
    with tempfile.TemporaryDirectory() as home:
        os.environ["PERFUSIO_SITE_KEY"] = str(Path(home) / "site.key")
        try:
            found = trial(*arguments)
        except Exception:  # noqa: BLE001 - told where the trial was asked for
            found = 1, [f"the trial itself failed: {traceback.format_exc()[-LONGEST_SAID:]}"]
        told.send(found)
