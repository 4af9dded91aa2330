"""Names of acquisition functions and of searches for their best point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from perfusio.registry import ACQUISITIONS as REGISTRY
from perfusio.registry import ExtensionError

SINGLE_OBJECTIVE: tuple[str, ...] = ("PI", "EI", "LogEI", "UCB", "qEI", "qLogEI", "qUCB")
"""Acquisition functions of one number; several objectives are weighed into a sum for them."""
MULTI_OBJECTIVE: tuple[str, ...] = ("qEHVI", "qNEHVI", "qNParEGO", "qLogNEHVI")
"""Acquisition functions of two objectives or more, which they do not add up."""
ACQUISITIONS: tuple[str, ...] = SINGLE_OBJECTIVE + MULTI_OBJECTIVE
REGISTRY.own = ACQUISITIONS
SEARCHES: tuple[str, ...] = ("cross-entropy", "gradient")


def acquisition_named(name: str) -> Callable[[Any], Any] | None:
    """Return an acquisition function of another package; None where the name is one of perfusio's own.

    It takes the improvement over holding the setpoints in force on each path, (G, S, M) for G candidates, S paths and M
    objectives, and returns a value for each candidate (G,), higher is better. Where it has an attribute `is_multi` that
    is true, M objectives are handed over one by one; else they are weighed into a sum, M = 1.

    Raises:
        ConfigError: nobody has one of this name.
        ExtensionError: it cannot be loaded or called.
    """
    if name in ACQUISITIONS:
        return None
    found, extension = REGISTRY.find(name)
    if not callable(found):
        raise ExtensionError(
            f"The acquisition function {name!r} of {extension.package} is {type(found).__name__}: expected a function "
            "of the improvement (G, S, M) that returns a value for each candidate (G,)."
        )
    return found  # type: ignore[no-any-return]


def is_multi(name: str) -> bool:
    """Whether an acquisition function weighs several objectives by itself, so that there must be two or more."""
    return name in MULTI_OBJECTIVE or bool(getattr(acquisition_named(name), "is_multi", False))
