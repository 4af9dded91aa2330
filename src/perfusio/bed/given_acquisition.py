"""Acquisition functions of other packages: called with a copy of the outcomes, and their answer checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from perfusio.errors import ModelError
from perfusio.state import FloatArray


def given_acquisition(
    name: str, function: Callable[[Any], Any], outcomes: Callable[[FloatArray], FloatArray]
) -> Callable[[FloatArray], FloatArray]:
    """Return the acquisition function that a decision searches.

    Args:
        name: Of the function, for messages.
        function: Improvements over holding (G, S, M) -> values (G,), higher is better.
        outcomes: Candidates (G, D) -> improvements over holding on each path (G, S, M).

    Returns:
        Candidates (G, D) -> values (G,); it raises ModelError where the function fails or gives another shape.
    """

    def evaluate(candidates: FloatArray) -> FloatArray:
        improvement = np.array(outcomes(candidates))
        try:
            values = np.array(function(improvement), dtype=float)
        except Exception as error:
            words = f"The acquisition function {name!r} failed with {type(error).__name__}: {error}"
            raise ModelError(words) from error
        if values.shape != (len(candidates),):
            raise ModelError(
                f"The acquisition function {name!r} gave an array of shape {values.shape}, expected a value for each "
                f"of {len(candidates)} candidates."
            )
        return values

    return evaluate
