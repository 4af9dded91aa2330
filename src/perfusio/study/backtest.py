"""Forecasts made again on runs that are over, with only the data known then, and scored against later ones.

From every few days of each run every forecaster says the days ahead under the setpoints that were really in force, and
with the feeds that were really given. Samples of real runs are rarely 24 h apart: a horizon of 3 days is then three
equal intervals from one sample to the one that is nearest to 72 h later. Readings of on-line signals alone are no
samples and are left out. Letters as in `forecast`; K horizons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from perfusio.errors import NotEnoughData
from perfusio.forecast import Forecast
from perfusio.hybrid.observation import observed
from perfusio.hybrid.rivals.forecasters import Forecaster
from perfusio.hybrid.scores.scoreboard import Scoreboard
from perfusio.hybrid.scores.scoring import Cases, score, spread
from perfusio.process.sound_numbers import MOST_DAYS, MOST_PATHS, refuse_outside
from perfusio.state import FloatArray, Setpoints
from perfusio.trajectory import Feed, Trajectory, refuse_impossible_runs

HORIZONS: tuple[int, ...] = (1, 3, 7, 28)
TRAJECTORY = "trajectory"
"""The horizon that is a whole run: every day of it, forecast from its first sample."""
INTERVAL_H = 24.0
SAME_TIME = 0.1
"""A forecast time is compared with a sample at most this share of an interval away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """Its result.

    Attributes:
        board: Scores of all forecasters.
        cases: By forecaster and horizon, forecasts beside actual values.
    """

    board: Scoreboard
    cases: Mapping[str, Mapping[str, Cases]]

    def __repr__(self) -> str:
        """Name the forecasters and horizons; the scores are in `board.table()`."""
        horizons = ", ".join(next(iter(self.cases.values()), {}))
        return f"<Backtest of {', '.join(self.cases)} at horizons {horizons}; see board.table()>"


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
        runs: Measurements, and setpoints in force.
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
    _refuse_unsound(runs, horizons, every, n_paths, seed)
    runs, truth = [run.of_samples() for run in runs], truth and [true.of_samples() for true in truth]
    asked: list[_Answers] = []
    for r, (run, true) in enumerate(zip(runs, truth or (None,) * len(runs), strict=True)):
        questions = _questions(run, horizons, every)
        asked.append(_ask(forecasters, run, true, questions, n_paths=n_paths, seed=seed + 1000 * r))
        on_run(r + 1)
    return _judged(asked, truth or runs, horizons, "truth" if truth else "measurement")


def leave_one_run_out(
    runs: Sequence[Trajectory],
    learn: Callable[[Sequence[Trajectory]], Mapping[str, Forecaster]],
    *,
    horizons: Sequence[int] = HORIZONS,
    every: int = 3,
    n_paths: int = 128,
    seed: int = 0,
    on_run: Callable[[int], object] = lambda _: None,
) -> Backtest:
    """Score forecasters on every run, each time learnt from all the others; against the measurements.

    Args:
        runs: Two or more.
        learn: Makes the forecasters, always of the same names, from the runs that they may see.
        horizons: As in `backtest`, like all that follow.
        every: Days between two starts.
        n_paths: Paths per forecast.
        seed: Of every random draw.
        on_run: Called with the number of runs done.

    Raises:
        NotEnoughData: fewer than two runs, or no run is as long as the shortest horizon.
    """
    if len(runs) < 2:
        raise NotEnoughData(f"{len(runs)} run(s), expected two or more: one to forecast and others to learn from.")
    _refuse_unsound(runs, horizons, every, n_paths, seed)
    runs = [run.of_samples() for run in runs]
    asked: list[_Answers] = []
    for r, run in enumerate(runs):
        forecasters = learn([t for i, t in enumerate(runs) if i != r])
        questions = _questions(run, horizons, every)
        asked.append(_ask(forecasters, run, None, questions, n_paths=n_paths, seed=seed + 1000 * r))
        on_run(r + 1)
    return _judged(asked, runs, horizons, "measurement")


def _refuse_unsound(
    runs: Sequence[Trajectory], horizons: Sequence[int], every: int, n_paths: int, seed: int
) -> None:
    refuse_impossible_runs(runs)
    for days in horizons:
        refuse_outside("horizons", days, 1, MOST_DAYS, unit="days", is_whole=True)
    refuse_outside("every", every, 1, MOST_DAYS, unit="days", is_whole=True)
    refuse_outside("n_paths", n_paths, 2, MOST_PATHS, is_whole=True)
    refuse_outside("seed", seed, 0, inf, is_whole=True)


_Answers = Mapping[str, Mapping[str, list[tuple[Forecast, FloatArray]]]]
"""By forecaster and horizon, the forecast (H, Q) and the actual values (H, Q)."""


def _ask(
    forecasters: Mapping[str, Forecaster],
    run: Trajectory,
    truth: Trajectory | None,
    questions: Iterable[_Question],
    *,
    n_paths: int,
    seed: int,
) -> _Answers:
    """Return the forecasts of one run beside the actual values: the truth, or the measurements if that is not known."""
    answers: dict[str, dict[str, list[tuple[Forecast, FloatArray]]]] = {name: {} for name in forecasters}
    for question in questions:
        start, n, hours = question.start, question.n_intervals, question.hours
        begin, draw = run.states[start].time_h, seed + start
        plan, feeds = plan_in_force(run, begin, n, hours=hours), feeds_given(run, begin, n, hours=hours)
        past = run.until(start + 1)
        for name, forecaster in forecasters.items():
            (forecast,) = forecaster.rollout(
                past, [plan], interval_hours=hours, n_paths=n_paths, seed=draw, feeds=feeds
            )
            if truth is None and len(forecast.samples) > 1:
                forecast = observed(forecast, seed=draw)
            actual = _at(truth or run, forecast.times_h)
            for h in question.horizons:
                answers[name].setdefault(str(h), []).append((_only(forecast, h - 1), actual[h - 1 : h]))
            if question.is_whole_run:
                answers[name].setdefault(TRAJECTORY, []).append((forecast, actual))
    return answers


def _judged(
    asked: Sequence[_Answers], targets: Sequence[Trajectory], horizons: Sequence[int], against: str
) -> Backtest:
    cases: dict[str, dict[str, Cases]] = {name: {} for name in (asked[0] if asked else ())}
    for name, by_horizon in cases.items():
        for h in (*map(str, horizons), TRAJECTORY):
            if pairs := [pair for answers in asked for pair in answers[name].get(h, ())]:
                by_horizon[h] = _cases(pairs)
    if not all(cases.values()) or not cases:
        raise NotEnoughData(
            f"None of {len(targets)} runs is as long as {min(horizons)} day(s), the shortest horizon. Give longer runs."
        )
    scale, panel = spread(np.concatenate([t.values for t in targets])), targets[0].panel
    scores = {name: score(by_horizon, scale, panel) for name, by_horizon in cases.items()}
    return Backtest(board=Scoreboard(scores=scores, against=against), cases=cases)


def plan_in_force(run: Trajectory, start_h: float, n_intervals: int, *, hours: float = INTERVAL_H) -> list[Setpoints]:
    """Return the setpoints in force in each of `n_intervals` from `start_h` on, averaged over each; the last holds on.

    Raises:
        NotEnoughData: the run has no interval.
    """
    if not run.setpoints:
        name = run.run_id or run.reactor_id
        raise NotEnoughData(f"{name} has {len(run.states)} sample(s), expected two or more. Give a longer run.")
    edges = np.append(run.times_h[:-1], np.inf)  # what was last in force stays
    plan = []
    for d in range(n_intervals):
        begin, end = start_h + hours * d, start_h + hours * (d + 1)
        held = np.maximum(np.minimum(edges[1:], end) - np.maximum(edges[:-1], begin), 0.0)
        plan.append(Setpoints.of(held @ run.inputs / held.sum(), run.panel))
    return plan


def feeds_given(
    run: Trajectory, start_h: float, n_intervals: int, *, hours: float = INTERVAL_H
) -> tuple[Feed | None, ...]:
    """Return the feeds given in each of `n_intervals` from `start_h` on, empty if there never were any.

    A feed counts at the nearest start of an interval: in a forecast feeds are given there only. One that came with the
    sample at the very end is not among them: that sample was taken before it.
    """
    given: list[list[Feed]] = [[] for _ in range(n_intervals)]
    for time_h, feed in zip(run.times_h, run.feeds, strict=False):  # nothing was fed after the last sample
        at = (float(time_h) - start_h) / hours
        if feed is not None and 0.0 <= at < n_intervals - SAME_TIME:
            given[min(round(at), n_intervals - 1)].append(feed)
    if not any(given):
        return ()
    return tuple(Feed.together(feeds) if feeds else None for feeds in given)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """One forecast to ask for: from sample `start` on, in `n_intervals` of `hours`; and which horizons it answers."""

    start: int
    n_intervals: int
    hours: float
    horizons: tuple[int, ...]
    is_whole_run: bool


def _questions(run: Trajectory, horizons: Sequence[int], every: int) -> Iterator[_Question]:
    """Yield the questions on a run; horizons that end on samples a whole number of days later share a forecast."""
    for start, n_days in _starts(run, horizons, every):
        asked: dict[float, list[int]] = {INTERVAL_H: []} if start == 0 else {}
        for h in horizons:
            if h <= n_days:
                asked.setdefault(_hours_each(run, start, h), []).append(h)
        for hours, together in asked.items():
            is_whole_run = start == 0 and hours == INTERVAL_H
            n = n_days if is_whole_run else max(together)
            yield _Question(
                start=start, n_intervals=n, hours=hours, horizons=tuple(together), is_whole_run=is_whole_run
            )


def _hours_each(run: Trajectory, start: int, n_days: int) -> float:
    """Return the length of `n_days` equal intervals to the sample that ends them; 24 h where there is none near."""
    after = run.times_h - run.times_h[start]
    nearest = float(after[np.abs(after - INTERVAL_H * n_days).argmin()])
    is_near = abs(nearest - INTERVAL_H * n_days) <= SAME_TIME * INTERVAL_H
    return round(nearest / n_days, 6) if is_near else INTERVAL_H


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
        point=np.concatenate([f.median() for f, _ in pairs]),
        actual=np.concatenate([actual for _, actual in pairs]),
        samples=samples if samples.shape[1] > 1 else None,
    )
