"""Outlook: one quantity of a recorded forecast, a species or what follows from one exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfusio.events import Json
from perfusio.state import SPECIES, FloatArray, Setpoints

LEVELS: dict[int, tuple[str, str]] = {80: ("q10", "q90"), 90: ("q05", "q95")}
"""Intervals that a record holds [%], and the names of their ends."""


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


def outlook(forecast: Json, name: str, setpoints: Setpoints) -> Outlook:
    """Read one quantity out of the forecast in a Decided or Forecasted event.

    Args:
        forecast: As recorded: times, mean and quantiles by species.
        name: A species, ``"productivity"``, ``"harvest_titer"``, ``"medium"`` or ``"cspr"``. They are the titer times
            the harvest rate, the titer, the perfusion, and the perfusion per cell, so their quantiles follow from those
            of titer and VCD. The mean of `cspr` is then the perfusion per mean cell.
        setpoints: Under which the forecast was made; they are constant.
    """
    if name == "cspr":
        seen = outlook(forecast, "vcd", setpoints)

        def convert(values: FloatArray) -> FloatArray:
            return 1000.0 * setpoints.perfusion_rate / np.maximum(values, 1e-9)

        ends = {level: (convert(high), convert(low)) for level, (low, high) in seen.ends.items()}
        return Outlook(times_h=seen.times_h, mean=convert(seen.mean), ends=ends)
    if name == "medium":
        times = np.array(forecast["times_h"], dtype=float)
        used = np.full(len(times), setpoints.perfusion_rate)
        return Outlook(times_h=times, mean=used, ends=dict.fromkeys(LEVELS, (used, used)))
    factor = setpoints.perfusion_rate - setpoints.bleed_rate if name == "productivity" else 1.0
    species = name if name in SPECIES else "titer"
    rows = {key: factor * np.array(forecast[key][species], dtype=float) for key in ("mean", "q05", "q10", "q90", "q95")}
    return Outlook(
        times_h=np.array(forecast["times_h"], dtype=float),
        mean=rows["mean"],
        ends={level: (rows[low], rows[high]) for level, (low, high) in LEVELS.items()},
    )
