"""System calls that fail in the kernel: strace kills a twin, or lets one of its calls fail, at a given point.

The part of `syscalls` within the process is done here from outside, so that nothing in Python or below it can be in
the way. It needs strace, and the right to trace; without, there is nothing to try.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

from perfusio.selftest.lives.one_run import Run, be_a_twin

CALLS = ("openat", "write", "fsync", "ftruncate", "rename", "mkdir")
WAYS = ("signal=KILL", "error=EIO", "error=ENOSPC")
FILES = ("", "audit.jsonl", "audit.heads", ".audit.jsonl.lock", "HOLD", "HOLD-R01", "orders")
"""Of a run; calls that concern other files are the interpreter's own."""
PR_SET_PTRACER = 0x59616D61
ATTACHES_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Where something happens: at which call of which kind (from 1), and the event."""

    call: str
    at: int
    way: str


def can_trace() -> bool:
    """Whether strace is here and may trace."""
    strace = shutil.which("strace")
    if strace is None:
        return False
    tried = subprocess.run([strace, "-qq", "-o", os.devnull, "true"], capture_output=True, check=False)
    return tried.returncode == 0


def traced(n: int, seed: int, n_days: int, *, is_enough: bool = False) -> tuple[int, list[str]]:
    """Cut a run off in the kernel at `n` of all points, each in a run of its own; return points and problems.

    Args:
        n: How many points; all if there are fewer.
        seed: Of the choice.
        n_days: Length of each run.
        is_enough: Whether to stop once something is wrong.
    """
    if not can_trace():
        return 0, []
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder), n_days)
        counts = _live(run, None)
        run.close()
    points = [Point(call=c, at=at, way=way) for c in CALLS for at in range(1, counts[c] + 1) for way in WAYS]
    chosen = points if n >= len(points) else Random(seed).sample(points, n)
    problems: list[str] = []
    for i, point in enumerate(chosen, start=1):
        with tempfile.TemporaryDirectory() as folder:
            run = Run(Path(folder), n_days)
            _live(run, point)
            problems += [f"{point.call} {point.at}, {point.way}: {text}" for text in run.finish()]
        if is_enough and problems:
            return i, problems
    return len(chosen), problems


def _live(run: Run, point: Point | None) -> Counter[str]:
    """Let a twin live under strace; return how often it made each call."""
    pid = os.fork()
    if pid == 0:
        with suppress(OSError, AttributeError):  # some kernels let only parents trace, unless one asks for it
            ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(-1), 0, 0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)  # until it is traced
        be_a_twin(run)
    os.waitpid(pid, os.WUNTRACED)
    log = run.folder / "strace.txt"
    paths = [part for name in FILES for part in ("-P", str(run.folder / "run" / name).rstrip("/"))]
    fault = ["-e", f"inject={point.call}:{point.way}:when={point.at}"] if point else []
    command = ["strace", "-qq", "-o", str(log), "-e", f"trace={','.join(CALLS)}", *paths, *fault, "-p", str(pid)]
    tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _wait_until_traced(pid, tracer)
    os.kill(pid, signal.SIGCONT)
    os.waitpid(pid, 0)
    tracer.wait()
    return Counter(re.findall(r"^(\w+)\(", log.read_text(errors="replace"), flags=re.MULTILINE))


def _wait_until_traced(pid: int, tracer: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + ATTACHES_WITHIN_S
    while f"TracerPid:\t{tracer.pid}\n" not in Path(f"/proc/{pid}/status").read_text():
        if tracer.poll() is not None or time.monotonic() > until:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise RuntimeError("strace could not attach to a process of ours: it may not trace here.")
        time.sleep(0.001)
