"""Runs left out and forecast by processes that have not seen them: the evidence of calibration and weighing.

Each run is forecast from every few of its samples, and held against its smoothed states and its readings. Letters: N
samples, Q species, H days ahead, S paths.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from perfusio.errors import FitFailed, NotEnoughData
from perfusio.hybrid.features import IndexedData, indexed
from perfusio.hybrid.filtering.belief import Belief, Process
from perfusio.hybrid.filtering.filter import filter_runs
from perfusio.hybrid.filtering.smoother import smoothed
from perfusio.hybrid.rollout import N_COLUMNS, Futures
from perfusio.state import FloatArray
from perfusio.trajectory import Trajectory

TAIL = 10.0
SD_PER_HALF_WIDTH = float(ndtri(0.9))
Drawn = Callable[[FloatArray], FloatArray] | None
Learn = Callable[[IndexedData, Process, int], Process]
MIN_RUNS = 2
FEW_RUNS = 12
"""Up to so many runs parameters and hyperparameters are learnt again without those left out, as each run moves them; of
more, they are few numbers from thousands of rows."""
N_FOLDS = 5
EVERY = ((3, 1), (6, 2))
"""Of up to so many runs, samples between two starts; of more EVERY_OF_MANY. Few runs have to say more each."""
EVERY_OF_MANY = 4
N_PATHS = 64
SAME_INTERVAL = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Forecasts of runs by processes that have not seen them.

    Attributes:
        starts: Where each begins.
        errors: The outcome, in the same order.
        fold: Of each start: runs of one fold were left out together.
        rest: By fold, the runs that were seen.
    """

    starts: Sequence[Start]
    errors: Sequence[Errors]
    fold: Sequence[int]
    rest: Sequence[Sequence[Trajectory]]


def left_out(process: Process, trajectories: Sequence[Trajectory], *, seed: int, learn: Learn) -> LeftOut | None:
    """Forecast each run without it; None when there are fewer than MIN_RUNS runs to leave out.

    Args:
        process: Fitted on the trajectories.
        trajectories: Runs.
        seed: Of the folds and paths.
        learn: Learns a process from rows, starting from another, with a seed.
    """
    runs = [t for t in trajectories if len(t.setpoints) > 1]
    if len(runs) < MIN_RUNS:
        return None
    _, steps = filter_runs(process, runs, [None] * len(runs))
    at = process.layout
    smooth = [smoothed(at, s) for s in steps]
    inputs = [at.from_latent(z.T).T for z, _ in smooth]
    fold = np.random.default_rng(seed).permutation(len(runs)) % N_FOLDS
    blind, rests = list[tuple[Process, Drawn]](), list[list[Trajectory]]()
    for k in range(min(N_FOLDS, len(runs))):
        rest = [i for i in range(len(runs)) if fold[i] != k]
        rests.append([runs[i] for i in rest])
        seen = indexed([runs[i] for i in rest], [inputs[i] for i in rest])
        one = _blind(process, seen, learn if len(runs) <= FEW_RUNS else None, seed)
        blind.append((one, one.residual.sample_paths(N_PATHS, seed) if one.residual.is_fitted else None))
    every = next((n for most, n in EVERY if len(runs) <= most), EVERY_OF_MANY)
    starts, of_fold = list[Start](), list[int]()
    for group in [list(range(len(blind)))] if _have_one_rate(blind) else [[k] for k in range(len(blind))]:
        held = [i for k in group for i in np.flatnonzero(fold == k)]
        without = [blind[fold[i]] for i in held]
        seen_blind = filter_runs([one for one, _ in without], [runs[i] for i in held], [None] * len(held))[1]
        of_fold += [int(fold[r]) for r in held for _ in range(0, len(runs[r].setpoints), every)]
        starts += [
            Start.of(run_steps[i].belief(runs[r].until(i + 1)), runs[r], smooth[r], one, drawn, seed=seed + i)
            for r, (one, drawn), run_steps in zip(held, without, seen_blind, strict=True)
            for i in range(0, len(runs[r].setpoints), every)
        ]
    return LeftOut(starts=starts, errors=_forecast_errors(starts), fold=of_fold, rest=rests)


def _have_one_rate(blind: Sequence[tuple[Process, Drawn]]) -> bool:
    """Whether processes share their rates, so that their vessels can be followed side by side."""
    return all(one.log_factors is blind[0][0].log_factors for one, _ in blind)


def _blind(process: Process, seen: IndexedData, learn: Learn | None, seed: int) -> Process:
    """Return the process as it would be had it only seen these rows."""
    if learn is None:
        return replace(process, residual=process.residual.conditioned(seen, process.log_factors))
    try:
        learnt = learn(seen, process, seed)
    except (NotEnoughData, FitFailed):  # one short run is left, say
        return replace(process, residual=process.residual.conditioned(seen, process.log_factors))
    return replace(process, log_factors=learnt.log_factors, residual=learnt.residual)


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """Forecasts held against smoothed states, latent, and how far from data they were made.

    Days ahead and 1 - support (H,); error, sd of forecast and of state (H, Q), the error NaN where nothing was read;
    median of the forecast (H, Q).
    """

    days: FloatArray
    off: FloatArray
    centre: FloatArray
    sd: FloatArray
    uncertainty: FloatArray
    far: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where a forecast of the rest of a run begins, and how far: as long as samples come in equal steps.

    Attributes:
        belief: At its start.
        run: To its end.
        smooth: Its states smoothed and their sd, latent, (N, Q) each.
        process: That has not seen the run.
        drawn: Residual functions of that process, common to all starts.
        seed: Of its paths.
        n: Intervals ahead.
        hours: Length of one.
    """

    belief: Belief
    run: Trajectory
    smooth: tuple[FloatArray, FloatArray]
    process: Process
    drawn: Drawn
    seed: int
    n: int
    hours: float

    @classmethod
    def of(
        cls,
        belief: Belief,
        run: Trajectory,
        smooth: tuple[FloatArray, FloatArray],
        process: Process,
        drawn: Drawn,
        *,
        seed: int,
    ) -> Start:
        """Look how far a run can be forecast from a belief."""
        hours = np.diff(run.times_h[len(belief.trajectory.states) - 1 :])
        irregular = np.flatnonzero(np.abs(hours / hours[0] - 1.0) > SAME_INTERVAL)
        n = int(irregular[0]) if len(irregular) else len(hours)
        return cls(
            belief=belief, run=run, smooth=smooth, process=process, drawn=drawn, seed=seed, n=n, hours=float(hours[0])
        )

    @property
    def place(self) -> int:
        """Of the sample it starts from."""
        return len(self.belief.trajectory.states) - 1

    def futures(self) -> Futures:
        """Draw paths."""
        return Futures.draw(
            self.process,
            self.belief,
            hours=self.hours,
            n_paths=N_PATHS,
            n_intervals=self.n,
            seed=self.seed,
            feeds=self.run.fed[self.place : self.place + self.n],
            residual=self.drawn,
        )


def _forecast_errors(starts: Sequence[Start]) -> list[Errors]:
    """Forecast from each start; as many as fit are played together, and each is as it would be alone."""
    alike: dict[float, list[int]] = {}
    for k, start in enumerate(starts):
        alike.setdefault(start.hours, []).append(k)
    found: dict[int, Errors] = {}
    for rows in alike.values():
        rows.sort(key=lambda k: -starts[k].n)  # those equally far side by side
        for first in range(0, len(rows), N_COLUMNS // N_PATHS):
            some = rows[first : first + N_COLUMNS // N_PATHS]
            asked = [
                (one.futures(), one.run.inputs[None, one.place : one.place + one.n])
                for one in (starts[k] for k in some)
            ]
            for k, (played, support) in zip(some, Futures.play_and_support(asked), strict=True):
                found[k] = _errors(starts[k], played[0], support)
    return [found[k] for k in range(len(starts))]


def _errors(start: Start, played: FloatArray, support: FloatArray | None) -> Errors:
    """Hold played paths (S, H, Q) against the smoothed states of their run."""
    run, smooth, i, n = start.run, start.smooth, start.place, start.n
    future = slice(i + 1, i + 1 + n)
    paths = start.process.layout.to_latent(np.moveaxis(played, -1, 0))  # (Q, S, H)
    # error = smoothed state - median path; sd = half the central interval in units of a normal one
    low, centre, high = np.percentile(paths, (TAIL, 50.0, 100.0 - TAIL), axis=1)
    return Errors(
        days=(run.times_h[future] - run.times_h[i]) / 24.0,
        off=np.where(np.isfinite(run.values[future]), smooth[0][future] - centre.T, np.nan),
        centre=centre.T,
        sd=0.5 * (high - low).T / SD_PER_HALF_WIDTH,
        uncertainty=smooth[1][future],
        far=np.ones(n) if support is None else 1.0 - support[0],
    )
