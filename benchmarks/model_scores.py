"""One training set: fit, forecast every kind of test run, and say how far off and how sure the forecasts were."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from model_cases import IN_DESIGN, Array, Experiment, TestRuns
from perfusio.forecast import Forecast
from perfusio.hybrid.model import HybridModel
from perfusio.hybrid.rivals.forecasters import BatchAverage, Persistence
from perfusio.hybrid.rivals.plain_gp import PlainGP
from perfusio.hybrid.scores.scoreboard import PERSISTENCE
from perfusio.hybrid.scores.scoring import LEVELS, rrmse, spread
from perfusio.state import Setpoints
from perfusio.study.backtest import HORIZONS, TRAJECTORY, backtest
from perfusio.trajectory import Feed, Trajectory

HYBRID, PLAIN, AVERAGE = "hybrid", "plain GP", "batch average"
FROM_TRUTH = "from the truth"
"""The horizon of one day ahead of states that are exactly known: what a model has learnt, without its filter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How forecasts of one kind of test run did; arrays (Q,).

    Attributes:
        rrmse: By horizon and forecaster, rmse over the sd of the true test values.
        coverage: By horizon, forecaster and level, share of true values inside the interval.
        width: By horizon and forecaster, mean width of the 80 % interval over that sd.
        scale: That sd.
        support: Mean of what forecasts say about how near to data they are; NaN where they do not say.
    """

    rrmse: Mapping[tuple[str, str], Array]
    coverage: Mapping[tuple[str, str, float], Array]
    width: Mapping[tuple[str, str], Array]
    scale: Array
    support: float

    @classmethod
    def pooled(cls, outcomes: Sequence[Outcome]) -> Outcome:
        """Take several clones together, each error in units of its own sd; all have the same number of test runs."""
        first = outcomes[0]
        return cls(
            rrmse={k: np.sqrt(np.mean([o.rrmse[k] ** 2 for o in outcomes], axis=0)) for k in first.rrmse},
            coverage={k: np.mean([o.coverage[k] for o in outcomes], axis=0) for k in first.coverage},
            width={k: np.mean([o.width[k] for o in outcomes], axis=0) for k in first.width},
            scale=np.exp(np.mean([np.log(o.scale) for o in outcomes], axis=0)),
            support=float(np.mean([o.support for o in outcomes])),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What the first `n_runs` training runs of one clone led to.

    Attributes:
        number: Of the clone.
        n_runs: Training runs.
        fit_cpu_s: What the fit of the hybrid model cost, without calibration.
        calibration_cpu_s: What calibrating its spread cost.
        outcomes: By kind of test run.
    """

    number: int
    n_runs: int
    fit_cpu_s: float
    calibration_cpu_s: float
    outcomes: Mapping[str, Outcome]


class Live:
    """The hybrid model as it is used: a vessel's samples are taken in as they come, each run from the fitted model."""

    def __init__(self, fitted: HybridModel) -> None:
        self._fitted = self._model = fitted
        self.supports: list[float] = []

    def rollout(
        self,
        trajectory: Trajectory,
        plans: Sequence[Sequence[Setpoints]],
        *,
        interval_hours: float,
        n_paths: int,
        seed: int,
        feeds: Sequence[Feed | None] = (),
    ) -> tuple[Forecast, ...]:
        """Forecast as the model does, and note what each forecast says about its support."""
        if len(trajectory.states) == 1:
            self._model = self._fitted  # a new run: what others of its kind taught meanwhile is not known
        self._model = self._model.condition([trajectory])
        forecasts = self._model.rollout(
            trajectory, plans, interval_hours=interval_hours, n_paths=n_paths, seed=seed, feeds=feeds
        )
        self.supports += [float(f.support.mean()) for f in forecasts if f.support is not None]
        return forecasts


def fitted(runs: Sequence[Trajectory]) -> tuple[HybridModel, float]:
    """Fit the hybrid model from scratch, its spread not calibrated; return it and the CPU seconds."""
    start = time.process_time()
    model = HybridModel().fit(runs, seed=0, calibrate=False)
    return model, time.process_time() - start


def score_training_set(job: tuple[int, Experiment, int, int]) -> Scored:
    """Fit everything on the first `n_runs` runs of an experiment and score it on all of its test runs.

    Args:
        job: Number of the clone, its experiment, `n_runs`, paths per forecast.
    """
    number, experiment, n_runs, n_paths = job
    runs = experiment.training[:n_runs]
    bare, seconds = fitted(runs)
    start = time.process_time()
    model = bare.calibrated(runs)
    calibration_s = time.process_time() - start
    plain, average = PlainGP.fit(runs), BatchAverage.of(runs)
    outcomes = {kind: _outcome(model, plain, average, tests, n_paths) for kind, tests in experiment.tests.items()}
    return Scored(number=number, n_runs=n_runs, fit_cpu_s=seconds, calibration_cpu_s=calibration_s, outcomes=outcomes)


def _outcome(model: HybridModel, plain: PlainGP, average: BatchAverage, tests: TestRuns, n_paths: int) -> Outcome:
    live = Live(model)
    forecasters = {HYBRID: live, PLAIN: plain, PERSISTENCE: Persistence(), AVERAGE: average}
    n_days = len(tests.true[0].setpoints)
    horizons = [h for h in HORIZONS if h <= n_days]
    scores = backtest(forecasters, tests.measured, truth=tests.true, horizons=horizons, n_paths=n_paths).board.scores
    at = [(k, h, name, s) for name, s in scores.items() for k, h in enumerate(s.horizons)]
    return Outcome(
        rrmse={(h, name): s.rrmse[k] for k, h, name, s in at} | _from_truth(model, plain, tests),
        coverage={(h, name, a): s.coverage[a][k] for k, h, name, s in at if not s.is_point for a in LEVELS},
        width={(h, name): s.sharpness[LEVELS[0]][k] for k, h, name, s in at if not s.is_point},
        scale=spread(np.concatenate([t.values for t in tests.true])),
        support=float(np.mean(live.supports)),
    )


def _from_truth(model: HybridModel, plain: PlainGP, tests: TestRuns) -> dict[tuple[str, str], Array]:
    """Return the rRMSE of one day from every true state of the test runs."""
    before = np.concatenate([t.values[:-1] for t in tests.true])
    after = np.concatenate([t.values[1:] for t in tests.true])
    setpoints = np.concatenate([t.inputs for t in tests.true]).T
    day = np.concatenate([t.times_h[:-1] for t in tests.true]) / 24.0
    scale = spread(np.concatenate([t.values for t in tests.true]))
    predicted = {
        HYBRID: next_by_hybrid(model, before.T, setpoints, day),
        PLAIN: next_by_plain(plain, before.T, setpoints, day),
        PERSISTENCE: before.T,
    }
    return {(FROM_TRUTH, name): rrmse(values.T, after, scale) for name, values in predicted.items()}


def next_by_hybrid(model: HybridModel, species: Array, setpoints: Array, day: Array) -> Array:
    """Return the species (Q, B) a day after exactly known ones: the step that the filter takes, free of drift."""
    at = model.process.layout
    belief = np.zeros((at.n_belief, len(day)))
    belief[at.latent] = at.to_latent(species)
    return at.from_latent(model.process.mean_step(belief, setpoints, day, np.full(len(day), 24.0), at.medium))


def next_by_plain(plain: PlainGP, species: Array, setpoints: Array, day: Array) -> Array:
    """Return the species (Q, B) a day after exactly known ones: the step that the plain GP chains."""
    at = plain.layout
    latent = at.to_latent(species)
    x = at.gp_inputs(latent, setpoints, day)
    for q, process in enumerate(plain.processes):
        if process is not None:
            latent[q] = plain.centre[q] + plain.scale[q] * process.mean(x)
    return at.from_latent(latent)


def widening(outcomes: Mapping[str, Outcome], kind: str) -> float:
    """Return how many times as wide as in design the hybrid's 80 % intervals of whole runs are, in the same unit."""
    here, home = (o.width[TRAJECTORY, HYBRID] * o.scale for o in (outcomes[kind], outcomes[IN_DESIGN]))
    return float(np.exp(np.mean(np.log(here / home))))
