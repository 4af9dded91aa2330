"""The check that every model must pass, whoever wrote it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from perfusio.config import DesignSpace
from perfusio.errors import ModelError
from perfusio.forecast import Forecast
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.examples import HEALTHY
from perfusio.process.panel import Panel
from perfusio.protocols import Model, Refit
from perfusio.state import FloatArray, Setpoints, State
from perfusio.testing.promises import promised
from perfusio.trajectory import Trajectory

HOURS, N_PATHS, N_INTERVALS, SEED = 24.0, 16, 3, 7
SAME = 1e-9
"""Relative difference up to which numbers of one model, asked twice, are the same."""
_expect = partial(promised, part="model")


def check_model(
    make: Callable[[], Model], *, panel: Panel = CHO_PERFUSION, trajectory: Trajectory | None = None
) -> None:
    """Check that the models from `make` keep the promises of the Model protocol.

    Args:
        make: Returns a new model, each time it is called.
        panel: The process that the model is of.
        trajectory: Of a vessel that the model can forecast; default: four days of a healthy culture.

    Raises:
        BrokenPromise: a promise is broken; the message says which, and the finding.
    """
    vessel = trajectory or example_trajectory(panel)
    model = make()
    for method in ("condition", "refit", "rollout", "futures"):
        _expect(callable(getattr(model, method, None)), promise="has the methods of the protocol", found=f"no {method}")
    _check_id(model)
    before = _seen(model, vessel)
    _expect(_same(before, _seen(model, vessel)), promise="the same seed draws the same paths")
    conditioned = model.condition([vessel])
    _check_id(conditioned)
    unmoved = _same(before, _seen(model, vessel))
    _expect(unmoved, promise="is frozen: condition() changes nothing in the model it is called on")
    _check_forecasts(conditioned, vessel, panel)
    _check_futures(conditioned, vessel, panel)
    _check_refit(conditioned, vessel)


def example_trajectory(panel: Panel = CHO_PERFUSION, *, days: int = 4, reactor: str = "R01") -> Trajectory:
    """Return some days of a healthy culture, a sample a day, at nominal setpoints."""
    likely = {s.name: s.prior.settled for s in panel.modelled if s.prior and s.prior.settled is not None}
    values = likely | {name: value for name, value in HEALTHY.items() if name in panel.species_names}
    cells = panel.the("cells")
    states = [State.of_values(panel, 24.0 * day, {**values, cells: values[cells] + day}) for day in range(days)]
    return Trajectory(reactor_id=reactor, states=tuple(states), setpoints=(DesignSpace.of(panel).nominal,) * (days - 1))


def _check_id(model: Model) -> None:
    found = model.model_id
    _expect(isinstance(found, str) and bool(found), promise="has a model_id that is a text", found=repr(found))


def _plans(panel: Panel) -> list[list[Setpoints]]:
    """Return two plans that differ: all setpoints nominal, and each a step towards its highest."""
    space = DesignSpace.of(panel)
    moved = np.minimum(space.high, space.nominal.vector() + space.max_step)
    return [[u] * N_INTERVALS for u in (space.nominal, Setpoints.of(moved, panel))]


def _rollout(model: Model, vessel: Trajectory, panel: Panel, *, seed: int = SEED) -> tuple[Forecast, ...]:
    return model.rollout(vessel, _plans(panel), interval_hours=HOURS, n_paths=N_PATHS, seed=seed)


def _seen(model: Model, vessel: Trajectory) -> FloatArray:
    """Return the mean forecast of a model, before it is conditioned; nothing where it cannot say."""
    try:
        found = _rollout(model, vessel, vessel.panel)
    except ModelError:
        return np.zeros(0)
    return found[0].mean if found and isinstance(found[0], Forecast) else np.zeros(0)


def _check_forecasts(model: Model, vessel: Trajectory, panel: Panel) -> None:
    found = _rollout(model, vessel, panel)
    _expect(len(found) == 2, promise="rollout() gives a forecast for each plan", found=f"{len(found)} for 2 plans")
    times = vessel.states[-1].time_h + HOURS * np.arange(1.0, N_INTERVALS + 1.0)
    shape = (N_PATHS, N_INTERVALS, len(panel.species_names))
    for forecast in found:
        _expect(
            isinstance(forecast, Forecast), promise="forecasts are of the class Forecast", found=type(forecast).__name__
        )
        _expect(
            forecast.samples.shape == shape, promise="a forecast has all paths, intervals and species (S, H, Q)",
            found=f"{forecast.samples.shape}, expected {shape}",
        )  # fmt: skip
        _expect(
            forecast.times_h.shape == times.shape and np.allclose(forecast.times_h, times),
            promise="a forecast is from the last sample on, an interval each", found=f"{forecast.times_h} h",
        )  # fmt: skip
        _expect(forecast.panel == panel, promise="a forecast names its process", found=forecast.panel.name)
        finite = all(np.isfinite(a).all() for a in (forecast.samples, forecast.mean, forecast.sd))
        _expect(finite, promise="forecasts of a healthy vessel are finite")
        _expect(bool((forecast.samples >= 0.0).all()), promise="no concentration and no count of cells is below 0")
        off = np.abs(forecast.mean - forecast.samples.mean(axis=0))
        _expect(bool((off <= 3.0 * forecast.sd + 1e-6).all()), promise="the mean is that of the paths")
    again = _rollout(model, vessel, panel)
    _expect(
        all(_same(a.samples, b.samples) for a, b in zip(found, again, strict=True)),
        promise="the same seed draws the same paths",
    )  # fmt: skip
    alone = model.rollout(vessel, _plans(panel)[1:], interval_hours=HOURS, n_paths=N_PATHS, seed=SEED)
    _expect(
        _same(alone[0].samples, found[1].samples), promise="a plan's forecast does not depend on the plans beside it"
    )


def _check_futures(model: Model, vessel: Trajectory, panel: Panel) -> None:
    plans = np.array([[u.vector() for u in plan] for plan in _plans(panel)])

    def drawn() -> FloatArray:
        futures = model.futures(vessel, interval_hours=HOURS, n_paths=N_PATHS, n_intervals=N_INTERVALS, seed=SEED)
        return np.asarray(futures.play(plans))

    found = drawn()
    shape = (2, N_PATHS, N_INTERVALS, len(panel.species_names))
    told = f"{found.shape}, expected {shape}"
    _expect(found.shape == shape, promise="futures play plans to (G, S, H, Q)", found=told)
    _expect(bool(np.isfinite(found).all()), promise="futures of a healthy vessel are finite")
    _expect(_same(found, drawn()), promise="the same seed draws the same futures")
    futures = model.futures(vessel, interval_hours=HOURS, n_paths=N_PATHS, n_intervals=N_INTERVALS, seed=SEED)
    first, second = (np.asarray(futures.play(plans[i : i + 1])) for i in (0, 1))
    _expect(
        _same(first[0], found[0]) and _same(second[0], found[1]),
        promise="all plans are played on the same paths, in any order and company",
    )  # fmt: skip


def _check_refit(model: Model, vessel: Trajectory) -> None:
    before = _seen(model, vessel)
    try:
        found = model.refit([vessel], seed=SEED)
    except ModelError:
        found = None  # too little to learn from, said in words
    except Exception as error:
        _expect(False, promise="a refit that fails raises a ModelError", found=f"{type(error).__name__}: {error}")
        raise
    _expect(
        _same(before, _seen(model, vessel)), promise="is frozen: refit() changes nothing in the model it is called on"
    )
    if found is None:
        return
    _expect(isinstance(found, Refit), promise="refit() returns a Refit", found=type(found).__name__)
    _check_id(found.model)
    after = _seen(found.model, vessel)
    _expect(
        _same(before, after) or found.model.model_id != model.model_id,
        promise="another model_id names a model that forecasts otherwise", found=found.model.model_id,
    )  # fmt: skip


def _same(one: FloatArray, other: FloatArray) -> bool:
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=SAME, atol=SAME, equal_nan=True))
