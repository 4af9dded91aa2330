"""The mechanistic prior: the rate laws of a panel, advanced over intervals, with viability in the place of dead cells.

Letters: P parameters, Q species, U setpoints, B columns (vessels, paths or perturbed copies).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from perfusio.hybrid.layout import Layout
from perfusio.kinetics.cho import terms_of
from perfusio.physics.balances import Number
from perfusio.physics.integrate import Terms, integrate_fixed
from perfusio.state import FloatArray

STEPS_PER_DAY = 8
"""Second-order exponential steps; 8 agree with a tight tolerance to 1 % of scale at one day; where nutrients run out,
cells and product still do, solutes of most cultures to 10 % (a test says so), of single ones to a quarter."""


def advance(
    layout: Layout,
    species: FloatArray,
    setpoints: FloatArray,
    log_factors: FloatArray,
    hours: ArrayLike,
    medium: FloatArray,
    steps_per_day: int = STEPS_PER_DAY,
) -> FloatArray:
    """Advance species by the balances at constant setpoints.

    Args:
        layout: Of the panel.
        species: Start, canonical units, shape (Q, B), >= 0, in double or single precision: that of everything here.
        setpoints: Held constant, shape (U, B).
        log_factors: Logarithm of each parameter over its typical value, shape (P, B).
        hours: Interval, scalar or (B,) [h].
        medium: What the perfusion medium holds, (Q,) for all columns or (Q, B).
        steps_per_day: At least one is made.

    Returns:
        Species after the interval, shape (Q, B).
    """
    cells, alive = layout.bound.cells, layout.alive
    days = np.asarray(hours, dtype=float) / 24.0
    viable = species[cells] + 1e-9
    y0 = species.copy()
    if alive is not None:  # balances count dead cells, in the place of viability
        y0[alive] = viable * (100.0 - species[alive]) / np.maximum(species[alive], 1.0)
    y0[cells] = viable
    n_steps = np.maximum(np.ceil(steps_per_day * np.broadcast_to(days, viable.shape) - 1e-9), 1.0)
    every = np.unique(n_steps)  # usually one; a vessel that missed a day must not change the steps of the others
    if len(every) == 1:
        y = _integrated(layout, y0, setpoints, log_factors, days, medium, int(every[0]))
    else:
        y = y0
        for n in every:
            same = n_steps == n
            inflow = medium if medium.ndim == 1 else medium[:, same]
            columns = y0[:, same], setpoints[:, same], log_factors[:, same]
            y[:, same] = _integrated(layout, *columns, days if days.ndim == 0 else days[same], inflow, int(n))
    out = np.empty_like(species)
    out[:] = y
    if alive is not None:
        out[alive] = 100.0 * y[cells] / (y[cells] + y[alive])
    return out


def _integrated(
    layout: Layout,
    y0: FloatArray,
    setpoints: FloatArray,
    log_factors: FloatArray,
    days: FloatArray,
    medium: FloatArray,
    n_steps: int,
) -> FloatArray:
    parameters = layout.typical[:, None].astype(y0.dtype, copy=False) * np.exp(np.ascontiguousarray(log_factors))
    return integrate_fixed(balances(layout, np.ascontiguousarray(setpoints), parameters, medium), y0, days, n_steps)


def balances(layout: Layout, setpoints: FloatArray, parameters: FloatArray, medium: FloatArray) -> Terms:
    """Return production and loss of a panel at setpoints (U, B), parameters (P, B) and a medium (Q,) or (Q, B)."""
    kind = parameters.dtype  # a Python float takes the precision of what it meets, an array must be given it
    inflow: list[Number] = medium.tolist() if medium.ndim == 1 else list(medium.astype(kind, copy=False))
    return terms_of(layout.bound, setpoints, dict(zip(layout.parameters, parameters, strict=True)), inflow)
