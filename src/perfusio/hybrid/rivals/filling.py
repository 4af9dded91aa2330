"""Runs without gaps, for forecasters that need every species at every sample."""

from __future__ import annotations

import numpy as np

from perfusio.hybrid.layout import layout_of
from perfusio.state import FloatArray
from perfusio.trajectory import Trajectory


def filled(trajectory: Trajectory) -> FloatArray:
    """Return the species (N, Q) with gaps interpolated in time, ends held, and usual values where all is missing."""
    values, times = trajectory.values, trajectory.times_h
    usual = layout_of(trajectory.panel).default_state
    for q in range(len(usual)):
        known = np.isfinite(values[:, q])
        values[:, q] = np.interp(times, times[known], values[known, q]) if known.any() else usual[q]
    return values


def last_measured(trajectory: Trajectory) -> FloatArray:
    """Return the last measured value of each species (Q,), NaN where there never was one."""
    last = np.full(len(trajectory.panel.species_names), np.nan)
    for row in trajectory.values:
        last = np.where(np.isfinite(row), row, last)
    return last
