"""Day-28 states of all plants beside the published ones, and what the filter of drawn clones drops, for `bench_plant`.

The published states of plant Y come out without sampling and with the glucose controller at rest, so that is how they
are computed here; beside them is what the rig gives as it is (sampling 0.015 VVD, controller at 4 g/L).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.physics import derived
from perfusio.plant.clones import Clone
from perfusio.plant.conditions import Inoculum
from perfusio.plant.families import DRAWN, NAMED, clone_named, dropped
from perfusio.plant.medium import Equipment
from perfusio.plant.vessel import VesselBatch

BLEEDS = (0.05, 0.15, 0.30)
PUBLISHED: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "Y-T127": ((47.0, 32.0, 17.0), (456.0, 290.0, 129.0)),
    "Y-GS46": ((51.0, 40.0, 24.0), (1520.0, 1094.0, 547.0)),
}
"""At perfusion 1 and the bleeds above: densities [1e6 cells/mL] and productivities [mg/L/day]."""
WITHIN = 0.03
SHOWN = ("CloneX", "Own2-1", "Monod-lit", "Monod-1", "Y-T127", "Y-GS46", "Y-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class States:
    """Of one clone at the three bleeds: arrays (3,)."""

    vcd: np.ndarray
    viability: np.ndarray
    productivity: np.ndarray


def day_28(clone: Clone, *, as_published: bool) -> States:
    """Cultivate a clone at perfusion 1 and three bleeds for 28 days; productivity is that of the last day."""
    setpoint = 0.0 if as_published else SPACE.nominal.glucose_setpoint
    recipes = [
        replace(SPACE.nominal, perfusion_rate=1.0, bleed_rate=b, glucose_setpoint=setpoint) for b in BLEEDS
    ]
    pumps = Equipment(sampling_flow=0.0) if as_published else Equipment()
    batch = VesselBatch(clone, recipes, seeds=[0] * 3, inoculum=Inoculum(spread=0.0), equipment=pumps)
    batch.advance(27.0)
    before = batch.state("harvested")
    batch.advance(1.0)
    viable = batch.state("viable")
    return States(
        vcd=viable,
        viability=derived.viability(viable, batch.state("dead")),
        productivity=batch.state("harvested") - before,
    )


def lines(*, n_draws: int) -> tuple[list[str], float]:
    """Return tables of states and of dropped draws, and the largest deviation from a published figure."""
    head = f"{'bleed [1/day]':34}" + "".join(f"{b:>8.2f}" for b in BLEEDS)
    printed, worst = ["Day-28 states at perfusion 1 VVD", head], 0.0
    for name, (densities, productivities) in PUBLISHED.items():
        found = day_28(NAMED[name], as_published=True)
        for what, stated, now, digits in (
            ("VCD", densities, found.vcd, 1),
            ("mg/L/day", productivities, found.productivity, 0),
        ):
            off = np.abs(now / np.array(stated) - 1.0)
            worst = max(worst, float(off.max()))
            printed += [
                f"{f'{name}, {what}, published':34}" + "".join(f"{v:>8.{digits}f}" for v in stated),
                f"{f'{name}, {what}, here':34}"
                + "".join(f"{v:>8.{digits}f}" for v in now)
                + f"   off by at most {100 * off.max():.1f} %",
            ]
    printed += ["", "The same with the rig as it is: VCD [1e6 cells/mL], viability [%], mg/L/day", head]
    for name in SHOWN:
        found = day_28(clone_named(name), as_published=False)
        for what, values in (("VCD", found.vcd), ("viability", found.viability), ("mg/L/day", found.productivity)):
            printed.append(f"{f'{name}, {what}':34}" + "".join(f"{v:>8.{0 if v > 200 else 1}f}" for v in values))
    printed += ["", *(dropped(family, n_draws).line() for family in DRAWN), ""]
    return printed, worst
