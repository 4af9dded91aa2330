"""Readings as alarms judge them: by the probability that the true value is beyond a level. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import erf, inf, sqrt

import numpy as np

from perfusio.config import AlarmLimits
from perfusio.state import State

N_READINGS = 3
"""The median of so many readings is judged: one that is wrong, or scatters, raises and ends no alarm."""
INTERVALS = 2.5
"""Readings older than so many sampling intervals do not count."""
CLEARLY = 3.0
"""Standard deviations of a reading by which a single one must be beyond a level to count by itself."""
SURE, LIKELY = 0.9, 0.5
"""Probability of being beyond a level from which on an alarm is raised, and down to which it stays."""
OF_MEDIAN = (1.0, 1.0, 1.0 / sqrt(2.0), 0.670)
"""Standard deviation of the median of n normal readings, in that of one, for n from 0 to 3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A quantity as it was measured last, and over its latest readings.

    Attributes:
        measured: The latest value, canonical unit; NaN where the latest sample does not hold it.
        filtered: Median of the latest readings.
        n: How many these are.
        sd: Standard deviation of one reading, by what the panel says of the noise.
    """

    measured: float
    filtered: float
    n: int
    sd: float

    def beyond(self, level: float, *, is_lower: bool, sure: float = SURE) -> tuple[float, float] | None:
        """Return the value that is beyond a level, with the probability that the true one is; None if none is.

        Args:
            level: Canonical unit.
            is_lower: Whether values below it are beyond it.
            sure: Least probability, by all latest readings; a single one that is clearly beyond counts by itself.
        """
        sign = -1.0 if is_lower else 1.0
        alone, together = (sign * (v - level) for v in (self.measured, self.filtered))
        if alone > CLEARLY * self.sd:
            return self.measured, _normal(alone, self.sd)
        probability = _normal(together, self.sd * OF_MEDIAN[self.n])
        return (self.filtered, probability) if together > 0.0 and probability >= sure else None

    def in_words(self, name: str, unit: str) -> str:
        """Return both values, e.g. ``"viability measured 94.8 %, 95.6 % over its last 3 readings"``."""
        said = f"{name} measured {self.measured:.3g} {unit}" if self.measured == self.measured else f"{name}"
        return said if self.n < 2 else f"{said}, {self.filtered:.3g} {unit} over its last {self.n} readings"


def reading(quantity: str, states: Sequence[State], interval_hours: float) -> Reading | None:
    """Return the latest reading of a quantity, None where there is none that counts.

    Args:
        quantity: A species of the panel.
        states: Samples so far, at least one.
        interval_hours: Between two samples [h].
    """
    now = states[-1].time_h
    values = [
        value
        for state in states[-2 * N_READINGS :]
        if now - state.time_h <= INTERVALS * interval_hours and (value := getattr(state, quantity)) == value
    ][-N_READINGS:]
    if not values:
        return None
    return Reading(
        measured=float(getattr(states[-1], quantity)), filtered=float(np.median(values)), n=len(values),
        sd=noise_sd(states[-1], quantity, values[-1]),
    )  # fmt: skip


def _normal(distance: float, sd: float) -> float:
    """Return the probability that a normal error of this standard deviation is smaller than a distance."""
    return 0.5 * (1.0 + erf(distance / sd / sqrt(2.0) if sd > 0.0 else distance * inf if distance else 0.0))


def noise_sd(state: State, quantity: str, value: float) -> float:
    """Return the standard deviation of one reading, canonical unit; 0 where the panel says nothing of it."""
    noise = getattr(state.panel[quantity], "noise", None)
    return 0.0 if noise is None else float(noise.sd(value))


def over_at(limit: AlarmLimits, level: float, sd: float) -> float:
    """Return where an alarm is over: behind its level by the dead-band, by default at least one reading's noise."""
    edge = limit.over_at(level)
    if limit.dead_band is not None or abs(edge - level) >= sd:
        return edge
    return level + sd if limit.is_lower else level - sd
