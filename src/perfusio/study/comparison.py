"""The twin beside simpler hands on the same virtual vessel, as a table for a person."""

from __future__ import annotations

from collections.abc import Sequence

from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.state import State
from perfusio.study.baselines import PIController, nominal
from perfusio.study.closed_loop import Decide, cells_of, steer, tracking_error

FROM_DAY = 12.0
"""Earlier days are growth towards the target, not tracking."""


async def comparison(truth: Sequence[State], *, days: int, seed: int, target: float) -> list[str]:
    """Steer the same vessel by simpler rules and return a table of tracking errors.

    Args:
        truth: True states of the vessel under the twin, one per sample.
        days: Length of the run.
        seed: Of the vessel.
        target: Density to hold [1e6 cells/mL].
    """
    others: dict[str, Decide] = {
        "nominal setpoints": nominal,
        "PI controller, 40 pL/cell/day": PIController(target, cspr=0.04).decide,
        "PI controller, 20 pL/cell/day": PIController(target, cspr=0.02).decide,
    }
    runs = {"digital twin": tuple(truth)}
    for name, decide in others.items():
        runs[name] = (await steer(SimulatedAmbr250(days=days, seed=seed), decide)).truth
    first = min(FROM_DAY, days / 2.0)
    rows = [
        f"  {name:31}{100.0 * tracking_error(states, target, from_day=first):>8.1f} %{cells_of(states[-1]):>12.1f}"
        for name, states in runs.items()
    ]
    return [
        f"True viable cell density against {target:g}e6 cells/mL, days {first:g} to {days}, one vessel (seed {seed}):",
        f"  {'':31}{'RMS error':>10}{'last day':>12}",
        *rows,
        "The PI gains are hand-chosen. At 40 pL/cell/day it feeds growth beyond what the highest bleed can remove; the",
        "20 pL/cell/day were chosen knowing that, by trying on this plant. One vessel is an anecdote, not a score.",
    ]
