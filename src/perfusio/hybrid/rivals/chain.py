"""Point forecasts of many vessels at once by a model of one step, chained from their last measured values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from perfusio.hybrid.layout import Layout
from perfusio.hybrid.rivals.filling import filled
from perfusio.state import FloatArray
from perfusio.trajectory import Feed, Trajectory


class OneStep(Protocol):
    """A model of one interval."""

    @property
    def layout(self) -> Layout:
        """Of the panel."""
        ...

    @property
    def known(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which species it forecasts (Q,); the others stay as they are, fed or not."""
        ...

    def after(self, latent: FloatArray, x: FloatArray, days: float) -> FloatArray:
        """Return latent states (Q, B) an interval of `days` after `latent` (Q, B), whose inputs are x (B, D)."""
        ...


def chained(
    model: OneStep,
    vessels: Sequence[Trajectory],
    plans: FloatArray,
    hours: float,
    feeds: Sequence[Sequence[Feed | None]],
) -> FloatArray:
    """Return latent states of B vessels after each interval, (B, H, Q).

    Args:
        model: Of one step.
        vessels: Each up to the sample that it is forecast from.
        plans: Setpoints (B, H, U).
        hours: Length of an interval.
        feeds: Of each vessel, at the start of each interval; empty = nothing.
    """
    at, horizon = model.layout, plans.shape[1]
    start = z = at.to_latent(np.array([filled(t)[-1] for t in vessels]).T)
    known = model.known[:, None]
    day, out = np.array([t.states[-1].day for t in vessels]), np.empty((len(vessels), horizon, at.n_species))
    for h in range(horizon):
        given = [of[h] if h < len(of) else None for of in feeds]
        if any(given):
            z = np.where(known, at.fed_latent(z, given)[0], start)
        x = at.gp_inputs(z, plans[:, h].T, day + h * hours / 24.0)
        z = model.after(z, x, hours / 24.0)
        out[:, h] = z.T
    return out
