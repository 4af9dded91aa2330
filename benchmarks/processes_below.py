"""Processes below this one: their words, parents and processor time, read from /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
AT_WORK = "ray::carried_out"
"""Words of a worker of Ray that does a task."""
RAY_WORKERS = (AT_WORK, "ray::IDLE")


@dataclass(frozen=True, slots=True)
class Process:
    """A process.

    Attributes:
        pid: Its number.
        parent: That of its parent.
        cpu_s: Processor time [s].
        words: Its command line; Ray writes into it what a worker does.
    """

    pid: int
    parent: int
    cpu_s: float
    words: str


def processes_below(root: int | None = None) -> list[Process]:
    """Return a process (this one, unless another is named) and all below it that live."""
    found: dict[int, Process] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            spent = (int(fields[11]) + int(fields[12])) / TICKS
            found[int(entry.name)] = Process(int(entry.name), int(fields[1]), spent, words)
    inside, todo = [], [os.getpid() if root is None else root]
    while todo:
        pid = todo.pop()
        if pid in found:
            inside.append(found[pid])
        todo += [p.pid for p in found.values() if p.parent == pid]
    return inside


def cpu_s() -> tuple[float, float]:
    """Return the processor time of this process and all below it, and the part of Ray's own services [s]."""
    alive = processes_below()
    services = [p for p in alive if "/ray/" in p.words or p.words.startswith("ray::")]
    return sum(p.cpu_s for p in alive), sum(p.cpu_s for p in services if not p.words.startswith(RAY_WORKERS))
