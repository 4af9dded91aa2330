"""Outlook: one quantity of a recorded forecast, a species or an exact function of one, under the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perfusio.events import Json
from perfusio.process.derived import quantity_paths
from perfusio.process.panel import Panel
from perfusio.state import FloatArray, Setpoints

KEYS = ("mean", "q05", "q10", "q90", "q95")
"""A forecast as a record holds it: 80 and 90 % intervals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """The believed future of one quantity, in its canonical unit.

    Attributes:
        times_h: Since the start of the culture [h], shape (H,).
        mean: Shape (H,).
        ends: Lower and upper end by level, 80 and 90 %, two arrays (H,) each.
    """

    times_h: FloatArray
    mean: FloatArray
    ends: dict[int, tuple[FloatArray, FloatArray]]

    def at(self, time_h: float) -> tuple[float, float, float] | None:
        """Return mean and 80 % interval at the forecast time nearest to `time_h`, None if all lie after it."""
        if not len(self.times_h) or time_h < self.times_h[0] - 1e-6:
            return None
        i = int(np.argmin(np.abs(self.times_h - time_h)))
        low, high = self.ends[80]
        return float(self.mean[i]), float(low[i]), float(high[i])


def outlook(forecast: Json, name: str, plan: Sequence[Setpoints]) -> Outlook:
    """Read one quantity out of the forecast in a Decided or Forecasted event.

    Args:
        forecast: As recorded: times, mean and quantiles by species.
        name: A species, or a derived quantity that follows from one species and the plan: ``"productivity"``,
            ``"harvest_titer"``, ``"medium"``, ``"cspr"``. Their quantiles follow from those of the species; the mean of
            `cspr` is then the perfusion per mean cell.
        plan: Setpoints of the intervals, under which the forecast was made; the last one stays. Their process is that
            of the forecast.
    """
    return outlook_of(rows_of(forecast, plan[0].panel), np.array(forecast["times_h"], dtype=float), name, plan)


def rows_of(forecast: Json, panel: Panel) -> FloatArray:
    """Return mean and quantiles of all species of a recorded forecast, (5, H, Q), in the order of KEYS."""
    return np.stack([np.array([forecast[key][s] for s in panel.species_names], dtype=float).T for key in KEYS])


def outlook_of(rows: FloatArray, times_h: FloatArray, name: str, plan: Sequence[Setpoints]) -> Outlook:
    """Return one quantity of a forecast whose numbers are arrays; see `outlook`.

    Args:
        rows: As of `rows_of`, (5, H, Q).
        times_h: Times of the forecast [h], (H,).
        name: As for `outlook`.
        plan: As for `outlook`.
    """
    panel = plan[0].panel
    if name in panel.species_names:
        mean, q05, q10, q90, q95 = rows[:, :, panel.index(name)]
    else:
        under = np.array([plan[min(i, len(plan) - 1)].vector() for i in range(len(times_h))])
        mean, *quantiles = quantity_paths(name, rows[None], under[None], panel=panel)[0]  # paths are (5, H, Q)
        q05, q10, q90, q95 = np.sort(quantiles, axis=0)  # a ratio turns them round
    return Outlook(times_h=times_h, mean=mean, ends={80: (q10, q90), 90: (q05, q95)})
