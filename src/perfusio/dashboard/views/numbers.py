"""Numbers as a page needs them: six digits, and nothing where there is no value."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

DIGITS = 6


def tidy(value: float | None) -> float | None:
    """Return a number with six digits, None for one that is none.

    >>> tidy(1234.56789), tidy(float("nan"))
    (1234.57, None)
    """
    return None if value is None or not isfinite(value) else float(f"{value:.{DIGITS}g}")


def tidied(values: Iterable[float | None]) -> list[float | None]:
    """Return numbers with six digits each."""
    return [tidy(None if v is None else float(v)) for v in values]
