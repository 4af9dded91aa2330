"""How the shipped checks say that a promise is broken."""

from __future__ import annotations


class BrokenPromise(AssertionError):
    """A part does not keep a promise of its protocol; the message names the promise and what was found."""


def promised(kept: bool, part: str, promise: str, found: str = "") -> None:
    """Refuse a broken promise in words.

    Args:
        kept: Whether it was kept.
        part: Kind of part, e.g. ``"model"``.
        promise: What every such part promises.
        found: What was found instead.

    Raises:
        BrokenPromise: it was not kept.
    """
    if not kept:
        raise BrokenPromise(f"{part} promise broken: {promise}{': ' if found else ''}{found}")
