"""Mappings that never change in place."""

from __future__ import annotations

from typing import Any


def without(of: Any, key: Any) -> Any:
    """Return a mapping without a key; the same one if the key is not in it."""
    return {k: value for k, value in of.items() if k != key} if key in of else of
