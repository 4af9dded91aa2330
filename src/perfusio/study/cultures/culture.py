"""Cultures: virtual vessels of a study, and their course under a controller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, DesignSpace
from perfusio.plant.clones import Clone
from perfusio.plant.medium import Equipment, Medium
from perfusio.plant.of_process import fed, measured, obeyed
from perfusio.plant.sensors import Sensors
from perfusio.plant.vessel import VesselBatch, vessel_seeds
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.state import Setpoints, State
from perfusio.study.cultures.trouble import Trouble
from perfusio.trajectory import Trajectory


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualCulture:
    """One vessel to be steered.

    Attributes:
        clone: Its cells.
        seed: Of inoculum, noise and gaps; the same culture whoever steers it and beside whichever others.
        target: Density to hold [1e6 cells/mL].
        days: Length; one sample a day, the first one at inoculation.
        trouble: Its troubles.
        space: Where its setpoints may lie; it starts at the nominal ones.
        medium: Its medium; None = the usual one of its clone.
        equipment: Its pumps; None = the usual ones.
    """

    clone: Clone
    seed: int
    target: float = 30.0
    days: int = 28
    trouble: Trouble = field(default_factory=Trouble)
    space: DesignSpace = DEFAULT_AMBR250_DESIGN_SPACE
    medium: Medium | None = None
    equipment: Equipment | None = None

    @property
    def stream(self) -> int:
        """Seed of the vessel's random stream, as the first vessel of a rig of this seed has it."""
        return vessel_seeds(self.seed, 1)[0]

    def aim(self, day: int) -> float:
        """Return the target that controllers know on a day [1e6 cells/mL]."""
        return self.trouble.aim(self.target, day)


@dataclass(frozen=True, slots=True, kw_only=True)
class CultureCourse:
    """The course of a culture.

    Attributes:
        culture: Which.
        trajectory: Samples as reported, NaN where one was lost, and setpoints asked for in between.
        truth: True states, one for each sample.
        asked: Setpoints asked for on each day (days of them).
        inside: Share of true densities three days ahead inside the 80 % interval that was forecast for them; NaN for
            controllers that forecast nothing.
        withheld: Decisions that were not written, or lay outside the design space and were brought back into it.
    """

    culture: VirtualCulture
    trajectory: Trajectory
    truth: tuple[State, ...]
    asked: tuple[Setpoints, ...]
    inside: float = float("nan")
    withheld: int = 0


Steer = Callable[[Trajectory, Setpoints, int], Setpoints]
"""From samples so far, setpoints in force and the day to the setpoints from now on."""


def steered(cultures: Sequence[VirtualCulture], controllers: Sequence[Steer]) -> list[CultureCourse]:
    """Run cultures of one length and one process side by side, each under its own controller.

    Proposals outside the design space, or more than a largest step away, are brought back into the box that one
    decision can reach, and counted.

    Args:
        cultures: Stepped together, which is many times cheaper than one by one.
        controllers: One each.
    """
    batch = batch_of(cultures)
    panel = cultures[0].space.process
    asked = [c.space.nominal for c in cultures]
    analyzers = [Sensors(seed=c.stream) for c in cultures]
    runs = [Trajectory(reactor_id="R01", clone=c.clone.name) for c in cultures]
    truth: list[list[State]] = [[] for _ in cultures]
    log: list[list[Setpoints]] = [[] for _ in cultures]
    withheld = np.zeros(len(cultures), dtype=int)
    for day in range((days := cultures[0].days) + 1):
        if day:
            batch.advance(1.0)
        for i, (c, true) in enumerate(zip(cultures, batch.true_states(), strict=True)):
            truth[i].append(true)
            sample = State.of_values(panel, true.time_h, {})
            if not c.trouble.is_lost(day):
                sample = c.trouble.reported(measured(analyzers[i].report(true), panel), day)
            runs[i] = runs[i].observe(sample, asked[i])
            if day < days:
                proposed = controllers[i](runs[i], asked[i], day)
                asked[i] = reached(proposed, asked[i], c.space)
                withheld[i] += asked[i] != proposed
                log[i].append(asked[i])
        if day < days:
            batch.write([obeyed(c.trouble.pumped(u, day)) for c, u in zip(cultures, asked, strict=True)])
            feed_others(batch, cultures, day)
    return [
        CultureCourse(
            culture=c, trajectory=runs[i], truth=tuple(truth[i]), asked=tuple(log[i]), withheld=int(withheld[i])
        )
        for i, c in enumerate(cultures)
    ]


def batch_of(cultures: Sequence[VirtualCulture]) -> VesselBatch:
    """Return the vessels of some cultures, just inoculated."""
    clones = [c.clone for c in cultures]
    panel = cultures[0].space.process
    usual = (None, None) if panel is CHO_PERFUSION else fed(panel)
    return VesselBatch(
        clones,
        [obeyed(c.space.nominal) for c in cultures],
        seeds=[c.stream for c in cultures],
        disturbances=[d for i, c in enumerate(cultures) for d in c.trouble.disturbances(c.clone, vessel=i)],
        medium=[c.medium or usual[0] or c.clone.medium for c in cultures],
        equipment=[c.equipment or usual[1] or Equipment() for c in cultures],
    )


def feed_others(batch: VesselBatch, cultures: Sequence[VirtualCulture], day: int) -> None:
    """Connect the other lot of medium where a culture gets one on this day."""
    for i, c in enumerate(cultures):
        if c.trouble.medium != 1.0 and day == c.trouble.day:
            batch.change_medium(c.trouble.medium, [i])


def reached(proposed: Setpoints, current: Setpoints, space: DesignSpace) -> Setpoints:
    """Return the setpoints nearest to a proposal that one decision can reach; equal to it where it can be."""
    low, high = space.reachable(current)
    values = np.where(np.isfinite(proposed.vector()), proposed.vector(), current.vector())
    inside = Setpoints.of(np.clip(values, low, high), space.process)
    if space.contains(inside):
        return proposed if np.array_equal(inside.vector(), proposed.vector()) else inside
    return current

