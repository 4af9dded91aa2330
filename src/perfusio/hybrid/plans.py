"""Plans as arrays, and what was played of them as forecasts. Letters as in `rollout`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from perfusio.errors import OutOfRange
from perfusio.forecast import Forecast
from perfusio.hybrid.blend.blend import Blend
from perfusio.hybrid.layout import layout_of
from perfusio.hybrid.rollout import Futures
from perfusio.process.panel import Panel
from perfusio.state import FloatArray, Setpoints
from perfusio.trajectory import Trajectory


def checked(panel: Panel, plans: Sequence[Sequence[Setpoints]]) -> FloatArray:
    """Return plans as an array (G, H, U); a setpoint that is not known or not possible is refused."""
    vectors = {u: u.vector() for plan in plans for u in dict.fromkeys(plan)}  # most intervals repeat one
    for u in vectors:
        layout_of(panel).check(u.panel)
    for quantity in panel.setpoints:
        for u in vectors:
            quantity.check(getattr(u, quantity.name))
    arrays = np.array([[vectors[u] for u in plan] for plan in plans])
    if not np.isfinite(arrays).all():
        raise OutOfRange("A plan has a setpoint that is not known (NaN): a forecast needs all of them.")
    return arrays


def forecasts(
    trajectory: Trajectory,
    futures: Futures,
    played: tuple[FloatArray, FloatArray | None],
    plans: FloatArray,
    blend: Blend | None = None,
) -> tuple[Forecast, ...]:
    """Return the forecasts of a vessel.

    Args:
        trajectory: So far.
        futures: Drawn of it.
        played: Paths and support, as `Futures.play_and_support` gave them.
        plans: Under which they were played (G, H, U).
        blend: Rivals that are believed beside them; None = nobody.
    """
    paths, support = played
    if blend is not None:
        paths = blend.mixed(futures.process.layout, paths, trajectory, plans, futures.hours, futures.feeds)
    times_h = trajectory.states[-1].time_h + futures.hours * np.arange(1, paths.shape[2] + 1)
    near = np.zeros((len(paths), paths.shape[2])) if support is None else support
    panel = futures.process.layout.panel
    return tuple(Forecast.from_samples(times_h, p, s, panel) for p, s in zip(paths, near, strict=True))


def forecasts_beside(
    trajectories: Sequence[Trajectory], plans: FloatArray, drawn: Mapping[str, Futures], blend: Blend | None = None
) -> tuple[Forecast, ...]:
    """Return the forecast of each vessel under its plan, from the futures drawn of it, all played together.

    Args:
        trajectories: Vessels; one may be there several times, with a plan each: they are played in one go.
        plans: One plan each, (G, H, U).
        drawn: Futures by reactor_id.
        blend: Rivals that are believed beside them; None = nobody.
    """
    of = {t.reactor_id: t for t in trajectories}
    rows = {name: [i for i, t in enumerate(trajectories) if t.reactor_id == name] for name in of}
    played = Futures.play_and_support([(drawn[name], plans[rows[name]]) for name in of])
    found: dict[int, Forecast] = {}
    for (name, t), paths in zip(of.items(), played, strict=True):
        said = forecasts(t, drawn[name], paths, plans[rows[name]], blend)
        found |= dict(zip(rows[name], said, strict=True))
    return tuple(found[i] for i in range(len(trajectories)))
