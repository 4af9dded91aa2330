"""Mappings that never change in place."""

from __future__ import annotations

from typing import Any


def without(of: Any, key: Any) -> Any:
    """Return a mapping without a key, which need not be in it."""
    return {k: value for k, value in of.items() if k != key}
