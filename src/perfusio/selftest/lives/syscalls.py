"""Faults of system calls: the n-th time this process opens, writes, flushes or renames a file, something happens.

The functions of `os` are exchanged, which reaches all that perfusio does to its record and no more; on every machine,
without a tracer.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

CALLS = ("open", "write", "fsync", "replace", "rename", "ftruncate")
KINDS = ("kill before", "kill after", "EIO", "ENOSPC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Events at chosen calls.

    Attributes:
        at: Number of the call, from 1; 0 = at none.
        kind: One of KINDS.
    """

    at: int
    kind: str


class Counter:
    """Counts calls, and lets the fault happen."""

    def __init__(self, fault: Fault) -> None:
        self.n, self._fault = 0, fault

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that is like `call`, but for the fault."""

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.n += 1
            kind = self._fault.kind if self.n == self._fault.at else ""
            if kind == "kill before":
                os.kill(os.getpid(), signal.SIGKILL)
            if kind in ("EIO", "ENOSPC"):
                raise OSError(getattr(errno, kind), os.strerror(getattr(errno, kind)))
            result = call(*args, **kwargs)
            if kind == "kill after":
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return counted


@contextmanager
def interposed(fault: Fault | None) -> Iterator[Counter]:
    """Let a fault happen to this process while the context is open."""
    counter = Counter(fault or Fault(at=0, kind=""))
    before = {name: getattr(os, name) for name in CALLS}
    for name, call in before.items():
        setattr(os, name, counter.around(call))
    try:
        yield counter
    finally:
        for name, call in before.items():
            setattr(os, name, call)
