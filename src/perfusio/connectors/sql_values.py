"""Numbers of perfusio as a database keeps them, and back."""

from __future__ import annotations

from math import nan


def null_if_nan(value: float) -> float | None:
    """Return a number as the database keeps it: what was not measured is NULL."""
    return None if value != value else float(value)


def nan_if_null(value: float | None) -> float:
    """Return a number as perfusio keeps it: NULL is NaN, not measured."""
    return nan if value is None else float(value)
