"""The mechanistic-content test of bench_foreign: balances with the wrong flows and the wrong medium, fitted again.

If forecasts are as good with balances that are wrong, the hybrid model is a black box and its balances are decoration.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from perfusio.hybrid import mechanistic
from perfusio.hybrid.model import HybridModel
from perfusio.trajectory import Trajectory

_TRUE = mechanistic.balances
MOST_PERFUSED = 2.2
"""1/day; a vessel that is perfused by D is balanced as one that is perfused by so much less D."""


def scrambled_prior(runs: Sequence[Trajectory]) -> HybridModel:
    """Return the prior of runs whose balances, from now on in this process, see flows and media that are wrong."""

    def wrong(layout: Any, setpoints: np.ndarray, parameters: np.ndarray, medium: np.ndarray) -> Any:
        seen, order = setpoints.copy(), np.arange(len(medium))
        if layout.perfusion is not None:
            seen[layout.perfusion] = np.maximum(MOST_PERFUSED - setpoints[layout.perfusion], 0.05)
        if layout.bound.bleed is not None:
            seen[layout.bound.bleed] = 0.5 * float(setpoints[layout.bound.bleed].mean())
        solutes = [s.place for s in layout.bound.solutes]
        order[solutes] = solutes[1:] + solutes[:1]  # each flows in as the next one does
        return _TRUE(layout, seen, parameters, medium[order])

    mechanistic.balances = wrong
    return HybridModel.of_runs(runs)
