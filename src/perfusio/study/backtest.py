"""Forecasts made again on runs that are over, with only what was known then, and scored against what came.

From every few days of each run every forecaster says the days ahead under the setpoints that were really in force.
Letters as in `forecast`; K horizons.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from perfusio.errors import NotEnoughData
from perfusio.forecast import Forecast
from perfusio.hybrid.observation import observed
from perfusio.hybrid.scoreboard import Scoreboard
from perfusio.hybrid.scoring import Cases, score, spread
from perfusio.state import FloatArray, Setpoints
from perfusio.study.forecasters import Forecaster
from perfusio.trajectory import Trajectory

HORIZONS: tuple[int, ...] = (1, 3, 7, 28)
TRAJECTORY = "trajectory"
"""The horizon that is a whole run: every day of it, forecast from its first sample."""
INTERVAL_H = 24.0
SAME_TIME = 0.1
"""A forecast time is compared with a sample at most this share of an interval away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """What came of it.

    Attributes:
        board: Scores of all forecasters.
        cases: By forecaster and horizon, what was forecast beside what came.
    """

    board: Scoreboard
    cases: Mapping[str, Mapping[str, Cases]]


def backtest(
    forecasters: Mapping[str, Forecaster],
    runs: Sequence[Trajectory],
    *,
    truth: Sequence[Trajectory] | None = None,
    horizons: Sequence[int] = HORIZONS,
    every: int = 3,
    n_paths: int = 128,
    seed: int = 0,
    on_run: Callable[[int], object] = lambda _: None,
) -> Backtest:
    """Score forecasters on runs that none of them learnt from.

    Args:
        forecasters: By name, the one that matters first.
        runs: What was measured, and what was in force.
        truth: The true states of the same runs, at the same times. Without it forecasts are scored against the
            measurements, with measurement noise added to their intervals.
        horizons: Days ahead.
        every: Days between two starts.
        n_paths: Paths per forecast.
        seed: Of every random draw.
        on_run: Called with the number of runs done, for progress.

    Raises:
        NotEnoughData: no run is as long as the shortest horizon.
    """
    collected: dict[str, dict[str, list[tuple[Forecast, FloatArray]]]] = {
        name: {h: [] for h in (*map(str, horizons), TRAJECTORY)} for name in forecasters
    }
    targets = runs if truth is None else truth
    for r, (run, target) in enumerate(zip(runs, targets, strict=True)):
        for start, n_days in _starts(run, horizons, every):
            plan = plan_in_force(run, run.states[start].time_h, n_days)
            past = run.until(start + 1)
            for name, forecaster in forecasters.items():
                draw = seed + 1000 * r + start
                (forecast,) = forecaster.rollout(past, [plan], interval_hours=INTERVAL_H, n_paths=n_paths, seed=draw)
                if truth is None and len(forecast.samples) > 1:
                    forecast = observed(forecast, seed=draw)
                actual = _at(target, forecast.times_h)
                for h in horizons:
                    if h <= n_days:
                        collected[name][str(h)].append((_only(forecast, h - 1), actual[h - 1 : h]))
                if start == 0:
                    collected[name][TRAJECTORY].append((forecast, actual))
        on_run(r + 1)
    scale = spread(np.concatenate([t.values for t in targets]))
    cases = {n: {h: _cases(pairs) for h, pairs in by.items() if pairs} for n, by in collected.items()}
    if not all(cases.values()):
        raise NotEnoughData(
            f"None of {len(runs)} runs is as long as {min(horizons)} day(s), the shortest horizon. Give longer runs."
        )
    scores = {name: score(by, scale) for name, by in cases.items()}
    against = "measurement" if truth is None else "truth"
    return Backtest(board=Scoreboard(scores=scores, against=against), cases=cases)


def plan_in_force(run: Trajectory, start_h: float, n_days: int) -> list[Setpoints]:
    """Return what was in force on each of `n_days` from `start_h` on, averaged over the day; the last holds on.

    Raises:
        NotEnoughData: the run has no interval.
    """
    if not run.setpoints:
        name = run.run_id or run.reactor_id
        raise NotEnoughData(f"{name} has {len(run.states)} sample(s), expected two or more. Give a longer run.")
    edges = np.append(run.times_h[:-1], np.inf)  # what was last in force stays
    plan = []
    for d in range(n_days):
        begin, end = start_h + INTERVAL_H * d, start_h + INTERVAL_H * (d + 1)
        held = np.maximum(np.minimum(edges[1:], end) - np.maximum(edges[:-1], begin), 0.0)
        plan.append(Setpoints.of(held @ run.inputs / held.sum()))
    return plan


def _starts(run: Trajectory, horizons: Sequence[int], every: int) -> list[tuple[int, int]]:
    """Return (place of the sample, days to forecast) of each start; from the first sample to the end of the run."""
    days = (run.times_h - run.times_h[0]) / INTERVAL_H
    starts = []
    for i in range(len(days) - 1):
        n_left = int(days[-1] - days[i] + SAME_TIME)
        fitting = [h for h in horizons if h <= n_left]
        if i == 0 and n_left:
            starts.append((0, n_left))
        elif i > 0 and fitting and _is_due(days, i, every):
            starts.append((i, max(fitting)))
    return starts


def _is_due(days: FloatArray, i: int, every: int) -> bool:
    """Whether sample `i` is the first one of a new stretch of `every` days."""
    return bool(np.floor(days[i] / every + SAME_TIME) > np.floor(days[i - 1] / every + SAME_TIME))


def _at(run: Trajectory, times_h: FloatArray) -> FloatArray:
    """Return the species (H, Q) at given times, NaN where there is no sample near."""
    nearest = np.abs(run.times_h[None] - times_h[:, None]).argmin(axis=1)
    is_near = np.abs(run.times_h[nearest] - times_h) <= SAME_TIME * INTERVAL_H
    return np.where(is_near[:, None], run.values[nearest], np.nan)


def _only(forecast: Forecast, h: int) -> Forecast:
    one = slice(h, h + 1)
    return replace(
        forecast,
        times_h=forecast.times_h[one],
        mean=forecast.mean[one],
        sd=forecast.sd[one],
        samples=forecast.samples[:, one],
    )


def _cases(pairs: Sequence[tuple[Forecast, FloatArray]]) -> Cases:
    samples = np.concatenate([f.samples.transpose(1, 0, 2) for f, _ in pairs])
    return Cases(
        mean=np.concatenate([f.mean for f, _ in pairs]),
        actual=np.concatenate([actual for _, actual in pairs]),
        samples=samples if samples.shape[1] > 1 else None,
    )
