"""What the hybrid model costs, in CPU seconds of this process on one thread, beside a library's Gaussian process."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from model_cases import IN_DESIGN, UNSEEN, Array, Experiment, training
from model_scores import HYBRID, fitted
from perfusio.hybrid.gaussian_processes import gp
from perfusio.hybrid.model import HybridModel
from perfusio.plant.clones import Clone
from perfusio.state import SPECIES
from perfusio.study.backtest import TRAJECTORY, backtest
from perfusio.trajectory import Trajectory

LIBRARY = "library GP"
N_LIVE, N_PATHS, N_AHEAD = 24, 256, 28

@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The pipeline and the library GP on the same rows of one clone.

    Attributes:
        model: What the pipeline led to.
        n_rows: Transitions.
        hybrid_s: CPU seconds of the pipeline's fit.
        library_s: CPU seconds of the library's fit.
        rrmse: Of both forecasts of whole runs, by forecaster and kind of test run, (Q,).
    """

    model: HybridModel
    n_rows: int
    hybrid_s: float
    library_s: float
    rrmse: Mapping[tuple[str, str], Array]


def beside_library(experiment: Experiment, n_runs: int, *, is_full: bool) -> Beside:
    """Fit both on the first `n_runs` training runs, and forecast whole test runs with both.

    Unless `is_full` the library's search ends after five iterations: that it runs is all that is seen then.
    """
    from library_gp import MAX_ITER, LibraryGP  # it loads torch, which nothing else here needs

    runs = experiment.training[:n_runs]
    model, hybrid_s = fitted(runs)
    library, library_s = LibraryGP.fit(runs, max_iter=MAX_ITER if is_full else 5)
    scores = {}
    for kind in (IN_DESIGN, UNSEEN):
        tests = experiment.tests[kind]
        n_days = len(tests.true[0].setpoints)
        both = {LIBRARY: library, HYBRID: model}
        board = backtest(both, tests.measured, truth=tests.true, horizons=(n_days,), every=n_days).board
        for name, done in board.scores.items():
            if name in both:
                scores[name, kind] = done.rrmse[done.horizons.index(TRAJECTORY)]
    return Beside(
        model=model,
        n_rows=sum(len(t.setpoints) for t in runs),
        hybrid_s=hybrid_s,
        library_s=library_s,
        rrmse=scores,
    )


def forecast_s(model: HybridModel, vessels: Sequence[Trajectory]) -> float:
    """Return the CPU seconds of a forecast of 28 days in 256 paths for every vessel; their samples are taken in."""
    start = time.process_time()
    plans = [[t.setpoints[-1]] * N_AHEAD for t in vessels]
    model.rollout_vessels(vessels, plans, interval_hours=24.0, n_paths=N_PATHS, seed=0)
    return time.process_time() - start


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinDay:
    """CPU seconds of a day with many rows behind it: 24 live vessels bring one sample each.

    Attributes:
        n_rows: Transitions known before the day.
        n_live: Vessels that brought a sample.
        condition_s: Taking the samples in.
        forecast_s: One forecast of each vessel, 28 days in 256 paths.
        refit_s: Learning again from everything.
    """

    n_rows: int
    n_live: int
    condition_s: float
    forecast_s: float
    refit_s: float

    @property
    def total_s(self) -> float:
        """The whole day."""
        return self.condition_s + self.forecast_s + self.refit_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How the cost of a fit grows: (rows, CPU seconds) of each size, and the twin day at the largest."""

    sizes: tuple[tuple[int, float], ...]
    twin_day: TwinDay

    @property
    def exponent(self) -> float:
        """Of the power law through all sizes."""
        rows, seconds = np.log(np.array(self.sizes)).T
        return float(np.polyfit(rows, seconds, 1)[0])


def growth(clone: Clone, sizes: Sequence[int], *, days: int, on_size: Callable[[str], object]) -> Growth:
    """Fit on ever more runs, and live through one day after the largest.

    Args:
        clone: Of all runs.
        sizes: Numbers of runs, rising.
        days: Length of the runs.
        on_size: Called with a line on each fit, for progress.
    """
    runs = training(clone, days=days, seed=900_000, n_runs=sizes[-1])
    measured: list[tuple[int, float]] = []
    for n in sizes:
        n_live = min(N_LIVE, n) if n == sizes[-1] else 0
        known = [*runs[: n - n_live], *(t.until(days) for t in runs[n - n_live : n])]
        n_rows = sum(len(t.setpoints) for t in known)
        model, seconds = fitted(known)
        measured.append((n_rows, seconds))
        on_size(f"{n_rows} rows: fitted in {seconds:.1f} CPU s")
    return Growth(sizes=tuple(measured), twin_day=_twin_day(model, runs[: sizes[-1]], n_live, n_rows))


def _twin_day(model: HybridModel, runs: Sequence[Trajectory], n_live: int, n_rows: int) -> TwinDay:
    live = runs[len(runs) - n_live :]
    marks = [time.process_time()]
    model = model.condition(live)
    marks.append(time.process_time())
    forecast = forecast_s(model, live)
    marks.append(time.process_time())
    model.refit(live, seed=0)  # it knows the others
    marks.append(time.process_time())
    return TwinDay(
        n_rows=n_rows,
        n_live=n_live,
        condition_s=marks[1] - marks[0],
        forecast_s=forecast,
        refit_s=marks[3] - marks[2],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """Nine processes of `n_rows` take 24 more: by extending their factors and by factorising again, CPU seconds."""

    n_rows: int
    extend_s: float
    refactorise_s: float


def extension(n_rows: int, *, n_new: int = 24, repeats: int = 7) -> Extension:
    """Condition nine processes on `n_new` rows both ways, and see that both agree."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((n_rows + n_new, 16)), rng.standard_normal(n_rows + n_new)
    noise = gp.independent(np.full(n_rows + n_new, 0.05))
    h = gp.initial_hyperparameters(x.shape[1])
    old, new = slice(0, n_rows), slice(n_rows, None)
    known = gp.GaussianProcess.condition(h, x[old], y[old], noise[:, old])
    whole, refactorise_s = _timed(lambda: gp.GaussianProcess.condition(h, x, y, noise), repeats)
    grown, extend_s = _timed(lambda: known.extended(x[new], y[new], noise[:, new]), repeats)
    np.testing.assert_allclose(grown.alpha, whole.alpha, rtol=1e-6, atol=1e-8)
    return Extension(n_rows=n_rows, extend_s=extend_s, refactorise_s=refactorise_s)


def _timed(work: Callable[[], gp.GaussianProcess], repeats: int) -> tuple[gp.GaussianProcess, float]:
    """Return the result, and the median CPU seconds of doing it for every species."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        for _ in SPECIES:
            done = work()
        seconds.append(time.process_time() - start)
    return done, float(np.median(seconds))
