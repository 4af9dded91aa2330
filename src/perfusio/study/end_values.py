"""The last sample of a run from its first days: each quantity at the end, with an interval, and how good that was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perfusio.errors import NotEnoughData
from perfusio.forecast import Forecast
from perfusio.hybrid.observation import observed
from perfusio.hybrid.rivals.forecasters import Forecaster
from perfusio.state import FloatArray
from perfusio.study.backtest import INTERVAL_H, feeds_given, plan_in_force
from perfusio.trajectory import Trajectory

FROM_DAY = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EndValue:
    """The end of a run, foreseen and measured.

    Attributes:
        run: Its name.
        from_day: Of the last sample that was known.
        end_day: Of the end.
        forecast: At the end alone (H = 1), with the noise of an analyzer where it is held against one.
        actual: The measurement (Q,), NaN where it was not measured or lies ahead.
    """

    run: str
    from_day: float
    end_day: float
    forecast: Forecast
    actual: FloatArray


def end_value(
    forecaster: Forecaster, run: Trajectory, *, from_day: float = FROM_DAY, end_day: float | None = None,
    n_paths: int = 256, seed: int = 0,
) -> EndValue:  # fmt: skip
    """Forecast the end of a run from its first days, under the setpoints and with the feeds on record.

    Args:
        forecaster: E.g. a model that has not seen the run.
        run: To its end, or as far as it is; beyond its last sample the last setpoints stay.
        from_day: Later samples are not looked at.
        end_day: Culture day of the end; default: that of the last sample.
        n_paths: Paths.
        seed: Of every draw.

    Raises:
        NotEnoughData: no sample lies before `from_day`, or the end does not lie half a day or more after it.
    """
    known = [s for s in run.states if s.day <= from_day + 1e-6]
    end = run.states[-1].day if end_day is None else end_day
    name = run.run_id or run.reactor_id
    if not known or len(run.states) < 2 or end - known[-1].day < 0.5:
        raise NotEnoughData(
            f"{name}: its end on day {end:g} cannot be foreseen from day {from_day:g}: expected a sample by then, two "
            "in all, and an end half a day after it or more. Choose another day."
        )
    past = run.until(len(known))
    n = max(1, round((end - past.states[-1].day) * 24.0 / INTERVAL_H))
    hours, begin = (end - past.states[-1].day) * 24.0 / n, past.states[-1].time_h
    plan, feeds = plan_in_force(run, begin, n, hours=hours), feeds_given(run, begin, n, hours=hours)
    (said,) = forecaster.rollout(past, [plan], interval_hours=hours, n_paths=n_paths, seed=seed, feeds=feeds)
    near = [s for s in run.states if abs(s.day - end) < 0.25 and s.day > past.states[-1].day]
    return EndValue(
        run=name, from_day=past.states[-1].day, end_day=end, forecast=_last(observed(said, seed=seed)),
        actual=near[-1].vector() if near else np.full(len(run.panel.species_names), np.nan),
    )  # fmt: skip


def rmse(found: Sequence[EndValue]) -> FloatArray:
    """Return the root mean squared error of the medians over runs, (Q,); NaN where no end was measured."""
    off = np.array([e.forecast.median()[0] - e.actual for e in found])
    known = np.isfinite(off)
    n = known.sum(axis=0)
    total = np.where(known, off, 0.0) ** 2
    return np.where(n > 0, np.sqrt(total.sum(axis=0) / np.maximum(n, 1)), np.nan)


def mean_predictor_rmse(found: Sequence[EndValue]) -> FloatArray:
    """Return the error of saying the mean end of all other runs of `found`, (Q,); NaN for fewer than two."""
    ends = np.array([e.actual for e in found])
    known = np.isfinite(ends)
    n, total = known.sum(axis=0), np.where(known, ends, 0.0).sum(axis=0)
    others = (total - ends) / np.maximum(n - 1, 1)
    squares = np.where(known, ends - others, 0.0) ** 2
    return np.where(n > 1, np.sqrt(squares.sum(axis=0) / np.maximum(n, 1)), np.nan)


def _last(forecast: Forecast) -> Forecast:
    last = slice(len(forecast.times_h) - 1, None)
    return Forecast.from_samples(forecast.times_h[last], forecast.samples[:, last], panel=forecast.panel)
