"""Earlier forecasts against the samples that came: at each lead, the forecast in force, and how often it held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfusio.dashboard.runs.followed import FollowedRun
from perfusio.dashboard.runs.indexed import Issued
from perfusio.dashboard.views.numbers import tidied
from perfusio.events import Json
from perfusio.state import FloatArray

LEADS = (1, 3, 7)
"""Sampling intervals between a forecast and its sample."""
TO_SD = 1.0 / 1.2815515655446004
"""From half the width of an 80 % interval to a standard deviation of a normal law."""
LEVEL = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """Forecasts of a vessel at one lead.

    Attributes:
        times_h: Culture times that they are for (N,) [h].
        bands: 10 % quantile, mean, 90 % quantile (3, N, Q).
    """

    times_h: FloatArray
    bands: FloatArray


def earlier(run: FollowedRun, vessel: str, lead: int) -> Earlier:
    """Return the forecasts that were issued so many intervals before the time that they are for.

    That under the plan where its setpoints were written, that under unchanged setpoints where they were not.
    """
    issued = [f for f in run.index.forecasts.get(vessel, []) if len(f.times_h) >= lead]
    if not issued:
        empty = np.empty((3, 0, len(run.panel.species_names)))
        return Earlier(times_h=np.empty(0), bands=empty)
    return Earlier(
        times_h=np.array([f.times_h[lead - 1] for f in issued]),
        bands=np.stack([_in_force(run, f)[:, lead - 1] for f in issued], axis=1),
    )


def _in_force(run: FollowedRun, issued: Issued) -> FloatArray:
    return issued.chosen if issued.key in run.index.written else issued.unchanged


def for_chart(found: Earlier, place: int) -> Json:
    """Return the forecasts of one species at a lead, as a chart draws them."""
    low, mid, high = (tidied(row) for row in found.bands[:, :, place])
    return {"day": tidied(found.times_h / 24.0), "low": low, "mid": mid, "high": high}


def calibration(run: FollowedRun, vessel: str, lead: int) -> dict[str, tuple[int, int]]:
    """Return how many samples came, and how many of them lay within the 80 % interval, by modelled species.

    The interval is that of a measured value: the band of the forecast widened by the noise of one measurement.
    """
    found, out = earlier(run, vessel, lead), {}
    states = run.state.trajectories[vessel].states
    half_h = run.config.sampling_interval_hours / 2.0
    times = np.array([s.time_h for s in states])
    for place, species in enumerate(run.panel.species_names):
        n = n_within = 0
        for i, time_h in enumerate(found.times_h):
            if not len(times) or abs(times[j := int(np.argmin(np.abs(times - time_h)))] - time_h) > half_h:
                continue
            value = getattr(states[j], species)
            if value != value or species in states[j].quality:
                continue
            low, mid, high = found.bands[:, i, place]
            noise = run.panel.noise[place].sd(float(mid))
            widths = [np.hypot(abs(end - mid) * TO_SD, noise) / TO_SD for end in (low, high)]
            n += 1
            n_within += bool(mid - widths[0] <= value <= mid + widths[1])
        out[species] = (n, n_within)
    return out
