"""Planted bugs: faults that T03 must catch, or it proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from perfusio.selftest.promises import Tried
from perfusio.selftest.record.power_loss import Op, WatchedDisk, cut_power

N_IMAGES = 300


@dataclass(slots=True)
class NoFsync(WatchedDisk):
    """Says that it has flushed, and has not."""

    def fsync(self, fd: int) -> None:
        """Do nothing."""


@dataclass(slots=True)
class Delayed(WatchedDisk):
    """Hands on its input only when more than `held` calls have come: acknowledged before written."""

    held: int = 2
    waiting: list[Op] = field(default_factory=list)

    def write(self, fd: int, data: bytes) -> int:
        """Keep it back."""
        n = WatchedDisk.write(self, fd, data)
        self._keep_back()
        return n

    def fsync(self, fd: int) -> None:
        """Keep it back."""
        WatchedDisk.fsync(self, fd)
        self._keep_back()

    def _keep_back(self) -> None:
        self.waiting.append(self.ops.pop())
        while len(self.waiting) > self.held:
            self.ops.append(self.waiting.pop(0))


def buffered() -> WatchedDisk:
    """Return a disk that keeps ten events back (a write and a flush each)."""
    return Delayed(held=20)


BUGS: dict[str, Callable[[], WatchedDisk]] = {
    "no fsync": NoFsync,
    "acknowledged before written": Delayed,
    "ten events buffered": buffered,
}


def planted_bugs(is_full: bool) -> Tried:
    """Plant each bug and see it caught."""
    del is_full  # few images show them
    missed = [name for name, disk in BUGS.items() if sum(cut_power(disk, N_IMAGES)) == 0]
    return Tried(
        id="teeth",
        promise="bugs planted in the record are caught",
        n_tried=len(BUGS),
        n_failed=len(missed),
        note=f"missed: {', '.join(missed)}" if missed else f"caught by T03: {', '.join(BUGS)}",
    )
