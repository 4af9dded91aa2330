"""A model of a cell line with few runs: with what relatives teach, unless runs left out say that it does harm.

Each run of the line is forecast once by models that have not seen it; a single run from two thirds of its length. Of
more than MOST_FOLDS runs several are left out at a time: two models are fitted for each time. The line's own model is
taken only where it is clearly better, and for every run: few runs say little, and relatives are the safer guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perfusio.hybrid.clones.embedding import CloneRegistry
from perfusio.hybrid.learning import MIN_TRANSITIONS
from perfusio.hybrid.model import HybridModel
from perfusio.state import FloatArray
from perfusio.trajectory import Trajectory

CLEARLY = 0.9
"""The line's own model must have at most so much of the error, else relatives are kept."""
AHEAD, EVERY, N_PATHS = 3, 4, 32
"""Intervals ahead, samples between two forecasts, paths of each."""
FROM_SHARE = 2.0 / 3.0
MOST_FOLDS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Adaptation:
    """Its result.

    Attributes:
        model: The better one.
        is_alone: Whether it is that of the line's own runs only: relatives did harm.
        errors: Of runs left out, with relatives and alone, shape (F, 2), in units of the readings' own error; one row
            for each run left out, none where there was nothing to leave out.
    """

    model: HybridModel
    is_alone: bool
    errors: FloatArray


def adapt(registry: CloneRegistry, runs: Sequence[Trajectory], *, seed: int = 0) -> Adaptation:
    """Return a model of a line with these runs, none or few, that knows the lines of the registry.

    Args:
        registry: Of other lines.
        runs: Of this line.
        seed: Of every random choice.

    Raises:
        NotEnoughData: the registry is empty, or there are runs with too few usable rows.
        FitFailed: no usable optimum.
    """
    errors = np.array(_errors(registry, runs, seed)).reshape(-1, 2)
    is_alone = harms(errors)
    model = HybridModel.of_runs(runs).fit(runs, seed=seed) if is_alone else registry.adapted(runs, seed=seed)
    return Adaptation(model=model, is_alone=is_alone, errors=errors)


def model_for(runs: Sequence[Trajectory], clone: str, *, seed: int = 0) -> Adaptation:
    """Return the model of a clone from runs of any clones, its own among them or not.

    Where all runs are its own there is nothing to carry over, and the model is `HybridModel.fit` of them.

    Raises:
        NotEnoughData: a clone has too few usable rows.
        FitFailed: no usable optimum.
    """
    own = [t for t in runs if t.clone == clone]
    others = [t for t in runs if t.clone != clone]
    if not others:
        return Adaptation(model=HybridModel.of_runs(own).fit(own, seed=seed), is_alone=True, errors=np.empty((0, 2)))
    return adapt(CloneRegistry.fit(others, seed=seed), own, seed=seed)


def harms(errors: FloatArray) -> bool:
    """Whether errors (F, 2), with relatives and alone, say clearly that relatives do harm."""
    if not len(errors):
        return False
    with_relatives, alone = errors.T
    return bool((alone < with_relatives).all() and alone.mean() < CLEARLY * with_relatives.mean())


def forecast_error(model: HybridModel, run: Trajectory, first: int = 0) -> float:
    """Return the RMS error of forecasts AHEAD intervals ahead, in units of the readings' own error; each at most 20.

    Args:
        model: Which forecasts.
        run: With at least AHEAD + 1 samples after `first`.
        first: Sample of the first forecast.
    """
    off, at = [], model.process.layout
    for i in range(first, len(run.setpoints) - AHEAD + 1, EVERY):
        hours = float(np.diff(run.times_h[i : i + AHEAD + 1]).mean())
        plan = list(run.setpoints[i : i + AHEAD])
        feeds = run.feeds[i : i + AHEAD] if run.feeds else ()
        (said,) = model.rollout(run.until(i + 1), [plan], interval_hours=hours, n_paths=N_PATHS, seed=0, feeds=feeds)
        came, middle = at.to_latent(run.values[i + AHEAD]), at.to_latent(said.median()[-1])
        off.append((middle - came) / at.noise_sd(at.from_latent(middle)))
    return float(np.sqrt(np.nanmean(np.clip(np.array(off), -20.0, 20.0) ** 2)))


def _errors(registry: CloneRegistry, runs: Sequence[Trajectory], seed: int) -> list[list[float]]:
    """Return the errors with relatives and alone of each run left out."""
    errors = []
    for rest, left_out, first in _left_out(runs):
        models = (
            registry.adapted(rest, seed=seed, is_calibrated=False),
            HybridModel.of_runs(rest).fit(rest, seed=seed, calibrate=False),
        )
        errors += [[forecast_error(model, run, first) for model in models] for run in left_out]
    return errors


def _left_out(runs: Sequence[Trajectory]) -> list[tuple[list[Trajectory], list[Trajectory], int]]:
    """Return runs to learn from, runs to forecast, and from which sample on."""
    if len(runs) == 1:
        k = int(FROM_SHARE * len(runs[0].setpoints))
        is_long = k >= MIN_TRANSITIONS and len(runs[0].setpoints) - k >= AHEAD
        return [([runs[0].until(k + 1)], [runs[0]], k)] if is_long else []
    long = [i for i, run in enumerate(runs) if len(run.setpoints) >= AHEAD]  # shorter ones are learnt from every time
    out = [set(long[k::MOST_FOLDS]) for k in range(min(len(long), MOST_FOLDS))]
    folds = [([t for i, t in enumerate(runs) if i not in some], [runs[i] for i in sorted(some)], 0) for some in out]
    return [fold for fold in folds if sum(len(t.setpoints) for t in fold[0]) >= MIN_TRANSITIONS]
