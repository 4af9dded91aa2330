"""Forecasts of a vessel: the latest, and earlier ones against the samples that came, counted as reports count them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfusio.dashboard.runs.followed import FollowedRun
from perfusio.dashboard.views.numbers import tidied
from perfusio.events import Decided, Json
from perfusio.report.recorded_forecast import rows_of
from perfusio.report.story.calibration import LEADS, outcomes
from perfusio.report.story.kept_forecasts import KeptForecast, earlier
from perfusio.report.story.run_story import VesselStory
from perfusio.state import FloatArray

LEVEL = 80
"""Of the interval that is shown [%]."""
__all__ = ["LEADS", "LEVEL", "Latest", "calibration", "earlier_chart", "kept", "latest"]
_BANDS = [2, 0, 3]
"""Places of 10 % quantile, mean and 90 % quantile in the rows of a forecast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """The latest forecast of a vessel.

    Attributes:
        times_h: Culture times (H,) [h].
        chosen: 10 % quantile, mean and 90 % quantile under the plan, shape (3, H, Q).
        unchanged: The same under the setpoints in force.
    """

    times_h: FloatArray
    chosen: FloatArray
    unchanged: FloatArray


def latest(run: FollowedRun, vessel: str) -> Latest | None:
    """Return the latest forecast of a vessel, None if there is none."""
    event = run.state.forecasts.get(vessel)
    if event is None:
        return None
    unchanged = rows_of(event.hold, run.panel)[_BANDS]
    chosen = rows_of(event.chosen, run.panel)[_BANDS] if isinstance(event, Decided) else unchanged
    return Latest(times_h=np.array(event.hold["times_h"], dtype=float), chosen=chosen, unchanged=unchanged)


def kept(run: FollowedRun, vessel: str) -> tuple[KeptForecast, ...]:
    """Return the forecasts of a vessel in order of time, each under the setpoints that were then in force."""
    return run.index.keeper.of(vessel, run.state)


def earlier_chart(some: tuple[KeptForecast, ...], species: str, lead_days: int) -> Json:
    """Return the forecasts of a species that were made so many days before, as a chart draws them."""
    found = earlier(some, species, lead_days)
    low, high = found.ends[LEVEL]
    return {"day": tidied(found.times_h / 24.0), "low": tidied(low), "mid": tidied(found.mean), "high": tidied(high)}


def calibration(run: FollowedRun, vessel: str, lead_days: int) -> dict[str, tuple[int, int]]:
    """Return how many samples came, and how many of them lay within the 80 % interval, by modelled species.

    The interval is that of a measured value: the band of the forecast widened by the noise of one measurement.
    """
    told = VesselStory(
        name=vessel, known=run.state.trajectories[vessel], in_force=run.state.in_force[vessel],
        kept=kept(run, vessel), asked=(),
    )  # fmt: skip
    inside = outcomes(told, lead_days, run.config.sampling_interval_hours).is_inside(LEVEL)
    n, n_within = np.isfinite(inside).sum(axis=0), np.nansum(inside, axis=0)
    return {name: (int(n[q]), int(n_within[q])) for q, name in enumerate(run.panel.species_names)}
