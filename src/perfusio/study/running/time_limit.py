"""TimeLimit: how long an attempt at a task may take, and a watchdog in its worker that holds it to that."""

from __future__ import annotations

import faulthandler
from collections.abc import Iterator
from contextlib import contextmanager

LEAST_S, TIMES = 3600.0, 10.0
_STDERR = 2


class TimeLimit:
    """The limit: declared, or learnt from the tasks that are done.

    A learnt one is ten times the longest task so far and never below an hour: it is there for tasks that would
    never end, not for slow ones.

    Args:
        declared_s: By the user [s]; None = learnt.
    """

    def __init__(self, declared_s: float | None = None) -> None:
        self._declared_s, self._longest_s = declared_s, 0.0

    @property
    def seconds(self) -> float:
        """As it is now [s]."""
        return max(LEAST_S, TIMES * self._longest_s) if self._declared_s is None else self._declared_s

    def learn(self, seconds: float) -> None:
        """Take in the time of a task that is done [s]."""
        self._longest_s = max(self._longest_s, seconds)


def overdue(seconds: float) -> str:
    """Return the words for a task that was ended by its limit [s]."""
    limit = f"{seconds / 60.0:.3g} min" if seconds >= 60.0 else f"{seconds:.3g} s"
    return (
        f"it took longer than {limit} and was ended. If it hangs, see the lines of its program that its worker wrote; "
        "if it needs more time, say --task-timeout MINUTES"
    )


@contextmanager
def ended_after(seconds: float) -> Iterator[None]:
    """End this process should the body take longer [s], and write where it was to the standard error.

    The watchdog is faulthandler's: a thread in C that needs no lock of Python, so that a call into a library that never
    comes back is ended as well.
    """
    faulthandler.dump_traceback_later(seconds, exit=True, file=_STDERR)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
