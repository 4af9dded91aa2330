"""Baselines: nominal setpoints and a PI controller, the simpler hands that the twin is held against."""

from __future__ import annotations

import numpy as np

from perfusio.bed.model_free.count_filter import CountFilter
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, DesignSpace
from perfusio.process.rules import largest_bleed
from perfusio.state import Setpoints, State

KP, KI, BIAS = 0.4, 0.08, 0.15
"""Gains [1/day], [1/day^2] and the bleed at the target [1/day]: chosen by hand, never tuned on a vessel."""
INTEGRATING = 0.5
"""The integral only moves while |log(X/X*)| is below this: far from the target it would only wind up."""


class PIController:
    """Holds the viable cell density by a proportional-integral law on the bleed; perfusion follows the cells.

    bleed = bias + kp e + ki integral(e dt), e = log(X / X*), X filtered. perfusion = cspr X. Both within bounds and
    largest steps; the other setpoints stay as they are.

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
        kp: float = KP,
        ki: float = KI,
        cspr: float = 0.04,
        bias: float = BIAS,
        design_space: DesignSpace = DEFAULT_AMBR250_DESIGN_SPACE,
    ) -> None:
        self.target, self.kp, self.ki, self.cspr, self.bias = target, kp, ki, cspr, bias
        self.design_space = design_space
        self.integral = 0.0
        self._filter = CountFilter()
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
