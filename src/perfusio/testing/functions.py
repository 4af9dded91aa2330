"""The checks of functions that decide: objectives and acquisition functions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from perfusio.config import DesignSpace
from perfusio.process import derived
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.expressions.objective_function import ObjectiveFunction
from perfusio.process.panel import Panel
from perfusio.state import FloatArray
from perfusio.testing.models import example_trajectory
from perfusio.testing.promises import promised

N_PLANS, N_PATHS, N_INTERVALS = 4, 6, 3
_of_objective = partial(promised, part="objective")
_of_acquisition = partial(promised, part="acquisition function")


def check_objective(function: ObjectiveFunction, *, panel: Panel = CHO_PERFUSION) -> None:
    """Check that an objective function keeps its promises, on plausible forecasts of a process.

    Args:
        function: As `objective_function` makes it.
        panel: The process.

    Raises:
        BrokenPromise: a promise is broken; the message says which, and the finding.
    """
    _of_objective(
        isinstance(function, ObjectiveFunction), promise="is an ObjectiveFunction, with unit and direction",
        found=type(function).__name__,
    )  # fmt: skip
    known = (*derived.forecast_names(panel), *panel.setpoint_names)
    lacking = [name for name in function.needs if name not in known]
    _of_objective(not lacking, promise=f"needs quantities that {panel.name} has", found=", ".join(lacking))
    given = _plausible(function, panel)
    before = {name: values.copy() for name, values in given.items()}
    found = _called(function, given)
    shape = (N_PLANS, N_PATHS, N_INTERVALS)
    _of_objective(found.shape == shape, promise="gives a value for each element", found=f"{found.shape} for {shape}")
    _of_objective(bool(np.isfinite(found).all()), promise="is a number on plausible forecasts")
    _of_objective(
        all(np.array_equal(values, before[name]) for name, values in given.items()),
        promise="changes nothing of what it is given",
    )  # fmt: skip
    _of_objective(np.array_equal(found, _called(function, given)), promise="gives the same again")
    part = _called(function, {name: values[1:2, :, :1] for name, values in given.items()})
    _of_objective(
        part.shape == (1, N_PATHS, 1) and np.allclose(part, found[1:2, :, :1], rtol=1e-9, atol=1e-12),
        promise="computes each element from the same element of the others alone",
    )  # fmt: skip
    _of_objective(
        bool(np.ptp(found) > 0.0), promise="depends on the quantities that it names", found=f"{found.flat[0]:g} for all"
    )


def check_acquisition(function: Callable[[Any], Any]) -> None:
    """Check that an acquisition function keeps its promises.

    Args:
        function: From improvements over holding (G, S, M) to values (G,), higher is better.

    Raises:
        BrokenPromise: a promise is broken; the message says which, and the finding.
    """
    rng = np.random.default_rng(0)
    n_objectives = 2 if getattr(function, "is_multi", False) else 1
    shift = np.linspace(-2.0, 2.0, 5)[:, None, None]
    improvement = shift + 0.3 * rng.standard_normal((1, 16, n_objectives))

    def values(of: FloatArray) -> FloatArray:
        try:
            return np.asarray(function(of.copy()), dtype=float)
        except Exception as error:
            _of_acquisition(False, promise="does not fail", found=f"{type(error).__name__}: {error}")
            raise

    found = values(improvement)
    _of_acquisition(found.shape == (5,), promise="gives a value for each candidate", found=f"shape {found.shape} for 5")
    _of_acquisition(not np.isnan(found).any(), promise="is a number", found=str(found))
    _of_acquisition(np.array_equal(found, values(improvement)), promise="gives the same again")
    alone = np.array([values(improvement[g : g + 1])[0] for g in range(5)])
    _of_acquisition(
        np.allclose(found, alone, rtol=1e-9, atol=1e-12), promise="values a candidate alike, whatever is beside it"
    )
    _of_acquisition(
        bool((np.diff(found) >= 0.0).all() and found[-1] > found[0]),
        promise="values a candidate higher that is better on every path", found=str(found),
    )  # fmt: skip


def _called(function: ObjectiveFunction, given: dict[str, FloatArray]) -> FloatArray:
    try:
        with np.errstate(all="ignore"):
            return np.asarray(function.function(**given), dtype=float)
    except Exception as error:
        _of_objective(False, promise="does not fail on plausible forecasts", found=f"{type(error).__name__}: {error}")
        raise


def _plausible(function: ObjectiveFunction, panel: Panel) -> dict[str, FloatArray]:
    """Return plausible values of the quantities that a function needs, (G, S, H) each."""
    rng, space = np.random.default_rng(0), DesignSpace.of(panel)
    plans = space.low + rng.random((N_PLANS, N_INTERVALS, len(space.low))) * (space.high - space.low)
    for bleed in panel.of_role("bleed"):  # less than flows in
        plans[..., panel.index(bleed)] *= 0.1
    last = np.nan_to_num(example_trajectory(panel).states[-1].vector(), nan=1.0)
    paths = last * rng.uniform(0.8, 1.2, (N_PLANS, N_PATHS, N_INTERVALS, len(last)))
    shape = paths.shape[:-1]

    def values(name: str) -> FloatArray:
        if name in panel.setpoint_names:
            return np.array(np.broadcast_to(plans[:, None, :, panel.index(name)], shape))
        return np.array(derived.quantity_paths(name, paths, plans, size=15.0, panel=panel))

    return {name: values(name) for name in function.needs}
