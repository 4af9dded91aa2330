"""How the shipped checks say that a promise is broken."""

from __future__ import annotations


class BrokenPromise(AssertionError):
    """A part does not keep a promise of its protocol; the message names the promise and the finding."""


def promised(kept: bool, part: str, promise: str, found: str = "") -> None:
    """Refuse a broken promise in words.

    Args:
        kept: Whether it was kept.
        part: Kind of part, e.g. ``"model"``.
        promise: A promise of every such part.
        found: The finding instead.

    Raises:
        BrokenPromise: it was not kept.
    """
    if not kept:
        raise BrokenPromise(f"{part} promise broken: {promise}{': ' if found else ''}{found}")
