"""Plans: ramps from the setpoints in force to destinations."""

from __future__ import annotations

import numpy as np

from perfusio.state import FloatArray


def ramped(current: FloatArray, pieces: FloatArray, max_step: FloatArray, horizon: int) -> FloatArray:
    """Return ramps (G, H, U) from `current` (U,) or (G, U) to destinations in turn (G, P, U), at most a step each."""
    n = pieces.shape[1]
    now = np.broadcast_to(current, pieces[:, 0].shape)
    ramps = np.empty((len(pieces), horizon, pieces.shape[2]))
    for h in range(horizon):
        there = pieces[:, h * n // horizon]
        now = np.where(np.abs(there - now) <= max_step, there, now + np.clip(there - now, -max_step, max_step))
        ramps[:, h] = now
    return ramps


def intervals(days: float, hours: float) -> int:
    """Return how many sampling intervals of `hours` some days are, at least one."""
    return max(1, round(days * 24.0 / hours))
