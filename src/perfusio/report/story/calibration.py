"""Forecasts on record held against the samples that came: error, the same of the last value, coverage of intervals.

A forecast is of the true state and a sample scatters about it: intervals are widened by the measurement noise of the
process before a sample is held against them, as in `study.backtest`. All else is as recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from perfusio.process.panel import Panel
from perfusio.report.story.run_story import VesselStory
from perfusio.state import FloatArray

LEADS = (1, 3, 7)
"""Days ahead that reports show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Forecasts of one vessel a number of days ahead beside what was measured, a row per sample; Q species.

    Attributes:
        lead_days: Days ahead.
        times_h: Of the samples [h], (N,).
        actual: Measured, (N, Q), NaN where not measured.
        last: Last value measured when the forecast was made, (N, Q), NaN where none was.
        mean: Forecast mean, (N, Q).
        ends: By level, 80 and 90 %: lower and upper end with measurement noise, two arrays (N, Q).
    """

    lead_days: int
    times_h: FloatArray
    actual: FloatArray
    last: FloatArray
    mean: FloatArray
    ends: dict[int, tuple[FloatArray, FloatArray]]

    def is_inside(self, level: int) -> FloatArray:
        """Return 1 where a sample lies within the interval, 0 where not, NaN where it was not measured, (N, Q)."""
        low, high = self.ends[level]
        inside: FloatArray = np.where((low <= self.actual) & (self.actual <= high), 1.0, 0.0)
        return np.where(np.isfinite(self.actual), inside, np.nan)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastScore:
    """How good forecasts of one species were, a number of days ahead.

    Attributes:
        name: Of the species.
        lead_days: Days ahead.
        n: Number of samples that were forecast.
        error: Mean absolute error, canonical unit.
        last_value: The same of the last value that was known, on the same samples; NaN where none was.
        inside: Number of samples within the interval, by level.
    """

    name: str
    lead_days: int
    n: int
    error: float
    last_value: float
    inside: dict[int, int]


def outcomes(vessel: VesselStory, lead_days: int, interval_h: float) -> Outcomes:
    """Return the forecasts of a vessel that were made `lead_days` before a sample came.

    The sample is the one nearest to that time, at most half a sampling interval away; the forecast is read at its time.

    Args:
        vessel: With its samples and forecasts.
        lead_days: Days ahead.
        interval_h: Expected time between samples [h].
    """
    panel, measured, times = vessel.panel, vessel.known.values, vessel.known.times_h
    last, n_species = _last_known(measured), len(panel.species_names)
    found: dict[int, tuple[float, FloatArray, FloatArray]] = {}
    for one in vessel.kept:
        wanted = one.made_h + 24.0 * lead_days
        if not len(times) or not len(one.times_h) or one.times_h[-1] < wanted - interval_h / 2.0:
            continue
        i = int(np.argmin(np.abs(times - wanted)))
        if abs(times[i] - wanted) > interval_h / 2.0 or times[i] <= one.made_h:
            continue
        if i in found or times[i] < one.times_h[0] - interval_h / 2.0:
            continue
        known = vessel.known.n_before(one.made_h + 1e-6)
        found[i] = (float(times[i]), one.species_at(float(times[i])), last[known])
    order = sorted(found)
    table = np.array([found[i][1] for i in order]).reshape(len(order), 5, n_species)
    widened = _with_noise(np.moveaxis(table, 1, 0), panel)
    return Outcomes(
        lead_days=lead_days,
        times_h=np.array([found[i][0] for i in order]),
        actual=measured[order].reshape(len(order), n_species),
        last=np.array([found[i][2] for i in order]).reshape(len(order), n_species),
        mean=table[:, 0],
        ends={80: (widened[1], widened[2]), 90: (widened[3], widened[4])},
    )


def _last_known(measured: FloatArray) -> FloatArray:
    """Return the last value of each species after each number of samples, (N + 1, Q), NaN where there is none."""
    rows = np.full((len(measured) + 1, measured.shape[1]), np.nan)
    for i, row in enumerate(measured):
        rows[i + 1] = np.where(np.isfinite(row), row, rows[i])
    return rows


def _with_noise(rows: FloatArray, panel: Panel) -> FloatArray:
    """Widen the ends of intervals by measurement noise: (5, N, Q) of mean, 80 and 90 % ends."""
    mean = rows[0]
    noise = np.stack([np.vectorize(n.sd, otypes=[float])(mean[:, q]) for q, n in enumerate(panel.noise)], axis=-1)
    wide = [mean]
    for end, sds in zip(rows[1:], (-1.2816, 1.2816, -1.6449, 1.6449), strict=True):
        away = np.minimum(end - mean, 0.0) if sds < 0 else np.maximum(end - mean, 0.0)
        wide.append(mean + np.sign(sds) * np.hypot(away, sds * noise))
    return np.stack(wide)


def scores(some: Iterable[Outcomes], panel: Panel) -> list[ForecastScore]:
    """Return the score of each species and lead over all vessels; species without a measured outcome are left out."""
    by_lead: dict[int, list[Outcomes]] = {}
    for one in some:
        by_lead.setdefault(one.lead_days, []).append(one)
    return [
        score
        for q, name in enumerate(panel.species_names)
        for lead, of_lead in sorted(by_lead.items())
        if (score := _score(name, q, lead, of_lead)).n
    ]


def _score(name: str, q: int, lead: int, of_lead: Sequence[Outcomes]) -> ForecastScore:
    actual, mean, last = (np.concatenate([getattr(o, f)[:, q] for o in of_lead]) for f in ("actual", "mean", "last"))
    is_known = np.isfinite(actual)
    has_last = is_known & np.isfinite(last)
    inside = {
        level: int(np.nansum(np.concatenate([o.is_inside(level)[:, q] for o in of_lead]))) for level in (80, 90)
    }
    return ForecastScore(
        name=name, lead_days=lead, n=int(is_known.sum()),
        error=float(np.abs(mean - actual)[is_known].mean()) if is_known.any() else float("nan"),
        last_value=float(np.abs(last - actual)[has_last].mean()) if has_last.any() else float("nan"),
        inside=inside,
    )  # fmt: skip
