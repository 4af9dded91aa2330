"""Density and growth from counts: one bad count does not move the bleed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perfusio.state import FloatArray, Setpoints, State


@dataclass(slots=True, kw_only=True)
class CountFilter:
    """Two-state Kalman filter on log VCD and net growth.

    Between samples: log X += (growth - bleed) dt; growth is a random walk.

    Attributes:
        count_sd: Sd of a count, of log VCD.
        growth_walk: How fast growth wanders [1/day per sqrt(day)].
        drift: Of log VCD per sqrt(day): changes without growth or bleed.
        mean: Log VCD and growth [1/day], (2,); None before the first count.
        covariance: Of these, (2, 2).
        time_h: Of the last sample [h].
    """

    count_sd: float = 0.06  # 5 % counts and a little for outliers
    growth_walk: float = 0.05
    drift: float = 0.01
    mean: FloatArray | None = None
    covariance: FloatArray | None = None
    time_h: float = 0.0

    def update(self, state: State, bleed: float) -> float:
        """Take in a sample (NaN: only time passes) after `bleed` was in force; return log VCD, NaN before any."""
        log_count = float(np.log(max(getattr(state, state.panel.the("cells")), 1e-3)))
        if self.mean is None or self.covariance is None:
            if np.isfinite(log_count):
                self.mean, self.time_h = np.array([log_count, 0.4]), state.time_h
                self.covariance = np.diag([self.count_sd**2, 0.3**2])
            return log_count
        dt = (state.time_h - self.time_h) / 24.0
        self.time_h = state.time_h
        step = np.array([[1.0, dt], [0.0, 1.0]])
        mean = step @ self.mean - np.array([bleed * dt, 0.0])
        walk = self.growth_walk**2
        noise = np.array(
            [[walk * dt**3 / 3.0 + self.drift**2 * dt, walk * dt**2 / 2.0], [walk * dt**2 / 2.0, walk * dt]]
        )
        covariance = step @ self.covariance @ step.T + noise
        if np.isfinite(log_count):
            gain = covariance[:, 0] / (covariance[0, 0] + self.count_sd**2)
            mean = mean + gain * (log_count - mean[0])
            covariance = covariance - np.outer(gain, covariance[0])
        self.mean, self.covariance = mean, covariance
        return float(mean[0])


def counted(states: Sequence[State], setpoints: Sequence[Setpoints]) -> CountFilter:
    """Return the filter after these samples.

    Args:
        states: Samples in order, N of them.
        setpoints: In force between them, N - 1.
    """
    counts = CountFilter()
    for i, state in enumerate(states):
        (bleed,) = [getattr(setpoints[i - 1], n) for n in state.panel.of_role("bleed")] if i else [0.0]
        counts.update(state, float(bleed))
    return counts


def filtered(states: Sequence[State], setpoints: Sequence[Setpoints]) -> tuple[float, float] | None:
    """Return log VCD and net growth [1/day] after the last of these samples; None before the first count.

    Arguments as those of `counted`.
    """
    mean = counted(states, setpoints).mean
    return None if mean is None else (float(mean[0]), float(mean[1]))
