"""Virtual cultures of several authors, grown side by side with setpoints that move by chance, for trials of samples."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.plant.families import clone_named
from perfusio.plant.of_process import measured, shown
from perfusio.process.panel import Panel
from perfusio.state import Setpoints, State

CHOSEN_ON = ("CloneX", "Y-T127", "Y-GS46-k0.5", "Monod-lit", "Own2-1", "Random3")
"""Cell lines on which what tells false samples from true ones was chosen."""
CELL_LINES = ("CloneY", "Y-GS46", "Own2-2", "Monod-2", "Y-T127-k3", "Random5", "Y-3")
"""Those on which it is tried: of our plant and of those that other people wrote, none of them among the former."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Culture:
    """The measurements, and the settings of the culture.

    Attributes:
        cell_line: By name.
        samples: One a day, from inoculation on.
        plan: Setpoints from each sample on.
    """

    cell_line: str
    samples: tuple[State, ...]
    plan: tuple[Setpoints, ...]

    def within(self, panel: Panel) -> Culture:
        """Return the culture as a rig of another process shows it."""
        return Culture(
            cell_line=self.cell_line,
            samples=tuple(measured(s, panel) for s in self.samples),
            plan=tuple(shown(u, panel) for u in self.plan),
        )


def grown(n_cultures: int, n_days: int, *, seed: int, cell_lines: Sequence[str] = CELL_LINES) -> list[Culture]:
    """Grow cultures, cell lines in turn.

    Args:
        n_cultures: How many.
        n_days: For so long.
        seed: Of vessels, instruments and setpoints; it also says which cell line is the first.
        cell_lines: Their names.
    """
    names = [cell_lines[(seed + i) % len(cell_lines)] for i in range(n_cultures)]
    return asyncio.run(_grown(names, n_days, seed))


_clone = cache(clone_named)
"""Drawn clones are looked for among many, which takes a second or two each."""


async def _grown(names: Sequence[str], n_days: int, seed: int) -> list[Culture]:
    rig = SimulatedAmbr250([_clone(name) for name in names], n_vessels=len(names), seed=seed)
    vessels, rng = list(rig.vessels().values()), np.random.default_rng([seed, 20])
    samples: list[list[State]] = [[] for _ in vessels]
    plans: list[list[Setpoints]] = [[SPACE.nominal] for _ in vessels]
    for _ in range(n_days + 1):
        for i, sample in enumerate(await asyncio.gather(*(v.read_sample() for v in vessels))):
            samples[i].append(sample)
            plans[i].append(_moved(plans[i][-1], rng))
            await vessels[i].write_setpoints(plans[i][-1])
    return [
        Culture(cell_line=name, samples=tuple(read), plan=tuple(plan))
        for name, read, plan in zip(names, samples, plans, strict=True)
    ]


def _moved(now: Setpoints, rng: np.random.Generator) -> Setpoints:
    low, high = SPACE.reachable(now)
    while not SPACE.contains(u := Setpoints.of(low + rng.random(len(low)) * (high - low))):
        pass
    return u


def other_than(cultures: Sequence[Culture], i: int, rng: np.random.Generator) -> int:
    """Return the place of a culture of another cell line."""
    others = [k for k, c in enumerate(cultures) if c.cell_line != cultures[i].cell_line]
    return int(rng.choice(others))
