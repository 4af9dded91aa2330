"""Can the target be held at all? At a steady state the bleed takes the growth away, so growth must be a bleed.

Asked once, when a run starts, of the model as it is then; the answer is a doubt in words, never a refusal.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from perfusio.bed.candidates.plans import intervals
from perfusio.config import Constraint, DesignSpace, RunConfig
from perfusio.process.derived import quantity_paths
from perfusio.process.panel import Panel
from perfusio.process.roles import temperatures
from perfusio.protocols import Model
from perfusio.state import FloatArray, State
from perfusio.trajectory import Trajectory

ABOVE_LOWEST, OF_HIGHEST = 0.02, 0.85
"""Margin above the lowest bleed [1/day] and share of the highest one: a bleed at its bound cannot steer."""
N_PERFUSIONS, N_TEMPERATURES, N_PATHS = 5, 4, 16
SETTLING_DAYS, N_PASSES = 8, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetDoubt:
    """Why a target may not be held.

    Attributes:
        text: In a sentence or two.
        binding: The bound or limit that stands in the way, in words.
        remedies: Remedies, in words.
        growth: Least and largest net growth at the target, over all allowed perfusions and temperatures [1/day].
        window: Bleeds that could take that away and still steer [1/day].
    """

    text: str
    binding: str
    remedies: tuple[str, ...]
    growth: tuple[float, float]
    window: tuple[float, float]


def doubt(model: Model, space: DesignSpace, config: RunConfig) -> TargetDoubt | None:
    """Return why a density that the run is to hold may not be held, None if the model sees a way or there is none.

    The vessel is put at the target and its bleed set to its growth day by day, until the medium has settled, at
    combinations of allowed perfusions and temperatures; other setpoints are nominal. Without a bleed nothing takes away
    what grows.
    """
    panel = space.process
    cells = panel.the("cells")
    targets = [o.target for o in config.objectives if o.quantity == cells and o.target is not None]
    if not targets:
        return None
    bleed = next(iter(panel.of_role("bleed")), None)
    if bleed is None:
        return _without_bleed(panel, targets[0])
    plans = _plans(space, config.sampling_interval_hours)
    growth, paths, plans = _settled(model, plans, targets[0], config, panel)
    b, low, high = panel.index(bleed), space.low, space.high
    window = (float(low[b]) + ABOVE_LOWEST, OF_HIGHEST * float(high[b]))
    kept = {str(c): _keeps(c, paths, plans) for c in config.constraints if c.quantity != "vcv"}
    is_safe = np.logical_and.reduce([np.ones(len(growth), dtype=bool), *kept.values()])
    if (is_safe & (growth >= window[0]) & (growth <= window[1])).any():
        return None
    considered = growth[is_safe] if is_safe.any() else growth
    span = (float(considered.min()), float(considered.max()))
    removable = f"a bleed between {window[0]:.3g} and {window[1]:.3g} 1/day can take away and still steer"
    where = "" if not kept or all(k.all() for k in kept.values()) else "where every limit is kept, "
    if not is_safe.any():
        binding = min(kept, key=lambda name: int(kept[name].sum()))
        remedies: tuple[str, ...] = (
            "aim at fewer cells", *_moved("raise the highest", panel, high, "perfusion"), f"relax {binding}",
        )  # fmt: skip
        alone = "" if kept[binding].any() else f"{binding} is not kept"
        why = f"{alone or 'the limits are not kept together'} at any perfusion and temperature"
    elif span[0] > window[1]:
        binding = f"{bleed} <= {high[b]:g} 1/day"
        remedies = (
            f"raise the highest bleed ({high[b]:g} 1/day)", *_moved("lower the lowest", panel, low, "condition"),
            *_moved("lower the lowest", panel, low, "perfusion"), "aim at more cells",
        )  # fmt: skip
        why = f"{where}the cells grow by at least {span[0]:.3g} 1/day, and {removable}"
    elif span[1] < window[0]:
        binding = f"{bleed} >= {low[b]:g} 1/day"
        remedies = (
            f"lower the lowest bleed ({low[b]:g} 1/day)", *_moved("raise the highest", panel, high, "perfusion"),
            "aim at fewer cells",
        )  # fmt: skip
        why = f"{where}the cells grow by at most {span[1]:.3g} 1/day, and {removable}"
    else:
        return None  # growth passes through the window between two of the combinations
    text = (
        f"Holding {cells} at {targets[0]:g} {panel[cells].unit} may not be possible: {why}. Bound by {binding}. It "
        f"would help to {', to '.join(remedies[:-1])}, or to {remedies[-1]}."
    )
    return TargetDoubt(text=text, binding=binding, remedies=remedies, growth=span, window=window)


def _without_bleed(panel: Panel, target: float) -> TargetDoubt:
    """Return the doubt about a density that is to be held where cells leave with samples only."""
    cells, sampling = panel.the("cells"), panel.equipment.sampling
    remedies = ("declare a setpoint with the role bleed", f"maximize or minimize what follows from {cells} instead")
    return TargetDoubt(
        text=(
            f"Holding {cells} at {target:g} {panel[cells].unit} may not be possible: {panel.name} has no bleed, so "
            f"cells that grow stay; samples take {sampling:g} 1/day. It would help to {' or to '.join(remedies)}."
        ),
        binding="no bleed",
        remedies=remedies,
        growth=(nan, nan),
        window=(0.0, sampling),
    )


def _varied(panel: Panel) -> tuple[list[int], list[int]]:
    """Return the places of perfusion, and of temperatures, among the setpoints of a process."""
    places = [[panel.index(n) for n in names] for names in (panel.of_role("perfusion"), temperatures(panel))]
    return places[0], places[1]


def _moved(how: str, panel: Panel, bounds: FloatArray, role: str) -> list[str]:
    """Return the remedy that moves a bound of perfusion or temperature, if the process has such a setpoint."""
    places = _varied(panel)[role == "condition"]
    words = {i: role if role == "perfusion" else panel.setpoints[i].label.lower() for i in places}
    return [f"{how} {words[i]} ({bounds[i]:g} {panel.setpoints[i].unit})" for i in places[:1]]


def _plans(space: DesignSpace, hours: float) -> FloatArray:
    """Return nominal plans (G, H, U) that differ in perfusion and temperature, as far as the process has them."""
    low, high = space.low, space.high
    perfusions, warmth = _varied(space.process)
    grid = np.meshgrid(
        *([np.linspace(low[i], high[i], N_PERFUSIONS) for i in perfusions]
          + [np.linspace(low[i], high[i], N_TEMPERATURES) for i in warmth])
    )  # fmt: skip
    plans = np.tile(space.nominal.vector(), (grid[0].size if grid else 1, intervals(SETTLING_DAYS, hours), 1))
    for i, values in zip((*perfusions, *warmth), grid, strict=True):
        plans[..., i] = values.reshape(-1, 1)
    return plans


def _settled(
    model: Model, plans: FloatArray, target: float, config: RunConfig, panel: Panel
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return net growth [1/day] (G,), and species (G, S, 1, Q) and setpoints (G, 1, U) in the last interval."""
    hours, cells = config.sampling_interval_hours, panel.the("cells")
    b = panel.index(panel.of_role("bleed")[0])
    # to begin with; after SETTLING_DAYS the medium has been exchanged several times
    likely = {s.name: s.prior.settled for s in panel.modelled if s.prior and s.prior.settled is not None}
    at_target = State.of_values(panel, 0.0, {**likely, cells: target})
    vessel = Trajectory(reactor_id="at the target", states=(at_target,))
    futures = model.futures(vessel, interval_hours=hours, n_paths=N_PATHS, n_intervals=plans.shape[1], seed=config.seed)
    for _ in range(N_PASSES):
        paths = futures.play(plans)
        counts = np.log(np.maximum(np.median(paths[..., panel.index(cells)], axis=1), 1e-6))
        gained = np.diff(counts, axis=1, prepend=np.log(target)) * 24.0 / hours
        growth = gained + plans[..., b]
        plans = plans.copy()
        plans[..., b] = np.clip(growth, 0.0, 1.5)  # what would hold the density, whatever the bounds say
    return growth[:, -1], paths[:, :, -1:], plans[:, -1:]


def _keeps(constraint: Constraint, paths: FloatArray, plans: FloatArray) -> NDArray[np.bool_]:
    value = quantity_paths(constraint.quantity, paths, plans, panel=constraint.process).mean(axis=(1, 2))
    low = -np.inf if constraint.low is None else constraint.low
    high = np.inf if constraint.high is None else constraint.high
    kept: NDArray[np.bool_] = (value >= low) & (value <= high)
    return kept
