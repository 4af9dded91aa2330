"""Promises: the trial, how often, and how often it failed; a promise is a function that returns such a row."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """How a promise did.

    Attributes:
        id: Of the test procedure.
        promise: In words.
        n_tried: Points at which it was tried.
        n_failed: Of these.
        note: Other measurements, or the first failure.
        seconds: Wall time.
    """

    id: str
    promise: str
    n_tried: int
    n_failed: int
    note: str = ""
    seconds: float = 0.0

    @property
    def is_kept(self) -> bool:
        """Whether it was tried and never failed."""
        return self.n_tried > 0 and self.n_failed == 0


Promise = Callable[[bool], Tried]
"""Tries a promise, in full (True) or quickly."""


def timed(promise: Promise, *, is_full: bool) -> Tried:
    """Try a promise and note how long it took."""
    start = time.monotonic()
    return replace(promise(is_full), seconds=time.monotonic() - start)


def table(rows: Sequence[Tried]) -> str:
    """Return rows as text, aligned."""
    lines = [f"{'test':6}{'promise':74}{'tried':>9}{'failed':>8}{'seconds':>9}  verdict"]
    for row in rows:
        verdict = "kept" if row.is_kept else "BROKEN"
        lines.append(f"{row.id:6}{row.promise:74}{row.n_tried:9}{row.n_failed:8}{row.seconds:9.1f}  {verdict}")
        lines += [f"{'':6}{row.note}"] if row.note else []
    return "\n".join(lines)
