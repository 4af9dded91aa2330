"""Baselines: nominal setpoints and a PI controller, the simpler hands that the twin is held against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, DesignSpace
from perfusio.process.rules import largest_bleed
from perfusio.state import FloatArray, Setpoints, State

INTEGRATING = 0.5
"""The integral only moves while |log(X/X*)| is below this: far from the target it would only wind up."""


@dataclass(slots=True, kw_only=True)
class _CountFilter:
    """Two-state Kalman filter on log VCD and net growth, so that one bad count does not move the bleed.

    Between samples: log X += (growth - bleed) dt; growth is a random walk.
    """

    count_sd: float = 0.06  # of log VCD: 5 % counts and a little for outliers
    growth_walk: float = 0.05  # [1/day per sqrt(day)]
    drift: float = 0.01  # of log VCD per sqrt(day): what growth and bleed do not explain
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


class PIController:
    """Holds the viable cell density by a proportional-integral law on the bleed; perfusion follows the cells.

    bleed = bias + kp e + ki integral(e dt), e = log(X / X*), X filtered. perfusion = cspr X. Both within bounds and
    largest steps; the other setpoints stay as they are. The gains are hand-chosen, never tuned on a vessel.

    Args:
        target: Density to hold, X* [1e6 cells/mL].
        kp: Proportional gain [1/day].
        ki: Integral gain [1/day^2].
        cspr: Perfusion per cell [nL/cell/day]; 0.04 = 40 pL/cell/day.
        bias: Bleed at the target without error [1/day].
        design_space: Bounds and largest steps.
    """

    def __init__(
        self,
        target: float,
        *,
        kp: float = 0.4,
        ki: float = 0.08,
        cspr: float = 0.04,
        bias: float = 0.15,
        design_space: DesignSpace = DEFAULT_AMBR250_DESIGN_SPACE,
    ) -> None:
        self.target, self.kp, self.ki, self.cspr, self.bias = target, kp, ki, cspr, bias
        self.design_space = design_space
        self.integral = 0.0
        self._filter = _CountFilter()
        self._time_h: float | None = None

    def decide(self, state: State, current: Setpoints) -> Setpoints:
        """Return the setpoints from this sample on; `current` held since the sample before.

        A sample without a count is bridged by the filter; before the first count everything stays as it is.
        """
        panel = current.panel
        d, b = panel.the("perfusion"), panel.the("bleed")
        log_vcd = self._filter.update(state, getattr(current, b))
        dt = 0.0 if self._time_h is None else (state.time_h - self._time_h) / 24.0
        self._time_h = state.time_h
        if not np.isfinite(log_vcd):
            return current
        error = log_vcd - float(np.log(self.target))
        low, high = self._reach(current, b)
        proposed = self.integral + (error * dt if abs(error) < INTEGRATING else 0.0)
        bleed = self.bias + self.kp * error + self.ki * proposed
        if low <= bleed <= high or (bleed > high and error < 0) or (bleed < low and error > 0):
            self.integral = proposed  # clamp: no integration further into a limit
        bleed = float(np.clip(bleed, low, high))
        perfusion = float(np.clip(self.cspr * np.exp(log_vcd), *self._reach(current, d)))
        most = float(largest_bleed(perfusion, panel.equipment.sampling))
        return current.with_values(**{b: min(bleed, most), d: perfusion})

    def _reach(self, current: Setpoints, name: str) -> tuple[float, float]:
        low, high = self.design_space.reachable(current)
        i = current.panel.index(name)
        return float(low[i]), float(high[i])


def nominal(_state: State, current: Setpoints) -> Setpoints:
    """Leave everything as it is."""
    return current
