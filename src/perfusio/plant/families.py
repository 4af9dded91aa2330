"""All clones by name: our own, those of plants that other people wrote, and drawn ones of every family.

| name | structure | how it comes about |
|---|---|---|
| `CloneX`, `CloneY`, `Random<n>` | own | `clones`, `oracle.random_clone` |
| `Own-<n>`, `Own2-<n>` | own, own2 | drawn as `Random<n>` is; other laws |
| `Y-T127`, `Y-GS46`, `-k0.5` or `-k3` after it | published CHO | as published, lysis 1 (0.5, 3) per day |
| `Y-<n>` | published CHO | drawn from the published widths |
| `Monod-lit`, `Monod-<n>` | Monod with separator | literature, drawn |

Drawn foreign clones pass one filter, `can_hold`: the first draw of a seed that passes is the clone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from itertools import product

import numpy as np

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.errors import ConfigError
from perfusio.plant import monod_separator, published_cho
from perfusio.plant.clones import CLONES, Clone, draw_clone
from perfusio.plant.conditions import Inoculum
from perfusio.plant.oracle import random_clone
from perfusio.plant.own2 import OWN2
from perfusio.plant.vessel import VesselBatch
from perfusio.quantities import closest
from perfusio.state import Setpoints

DEFAULT_TARGET = 30.0
"""Density that a run holds unless it is told otherwise [1e6 cells/mL]."""
WITHIN, FROM_DAY, TO_DAY = 0.10, 12, 28
"""A recipe holds a density that is this close to it on every one of these days."""
_ATTEMPTS = 100


def can_hold(clone: Clone, target: float = DEFAULT_TARGET) -> bool:
    """Whether at least one constant recipe of the design space holds a density within 10 % from day 12 to 28.

    735 recipes are tried: seven perfusion rates times 21 bleeds, with the rest nominal, or glucose or temperature at an
    end. Viability, glucose and ammonium are not judged.

    Args:
        clone: The cell line, in its own medium.
        target: Density to hold [1e6 cells/mL].
    """
    recipes = _recipes()
    batch = VesselBatch(clone, recipes, seeds=[0] * len(recipes), inoculum=Inoculum(spread=0.0))
    batch.advance(float(FROM_DAY))
    held = _near(batch, target)
    for _ in range(TO_DAY - FROM_DAY):
        which = np.flatnonzero(held)
        if which.size == 0:
            return False
        batch.advance(1.0, which)
        held &= _near(batch, target)
    return bool(held.any())


@cache
def drawn(family: str, number: int) -> tuple[Clone, int]:
    """The drawn clone of a family, and how many draws its filter dropped before it.

    Args:
        family: ``"Own"``, ``"Y"``, ``"Monod"`` or ``"Own2"``.
        number: Its number; the same gives the same clone.

    Raises:
        ConfigError: none of 100 draws can hold the default target.
    """
    for attempt in range(_ATTEMPTS):
        clone = DRAWN[family](number * _ATTEMPTS + attempt)
        if can_hold(clone):
            return replace(clone, name=f"{family}-{number}"), attempt
    raise ConfigError(
        f"None of {_ATTEMPTS} draws of {family}-{number} can hold {DEFAULT_TARGET:g}e6 cells/mL. Use another number."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """How many draws a filter drops.

    Attributes:
        family: Which clones.
        n_drawn: Draws looked at.
        n_dropped: Draws that cannot hold the default target.
    """

    family: str
    n_drawn: int
    n_dropped: int

    def line(self) -> str:
        """One line for a person."""
        share, near = 100.0 * self.n_dropped / self.n_drawn, f"{100 * WITHIN:g} % from day {FROM_DAY} to {TO_DAY}"
        return (
            f"{self.family}-<n>: {self.n_dropped} of {self.n_drawn} draws dropped ({share:.0f} %), for which no "
            f"constant recipe holds {DEFAULT_TARGET:g}e6 cells/mL within {near}"
        )


def dropped(family: str, n_draws: int) -> Dropped:
    """Count the draws of a family that the filter drops."""
    n = sum(not can_hold(DRAWN[family](seed)) for seed in range(n_draws))
    return Dropped(family=family, n_drawn=n_draws, n_dropped=n)


def clone_named(name: str) -> Clone:
    """The clone of that name, see the table of this module.

    Raises:
        ConfigError: no such clone; the message names the nearest one.
    """
    if name in NAMED:
        return NAMED[name]
    if (match := re.fullmatch(r"Random(\d{1,6})", name)) is not None:
        return random_clone(int(match[1]))
    if (match := re.fullmatch(rf"({'|'.join(DRAWN)})-(\d{{1,6}})", name)) is not None:
        return drawn(match[1], int(match[2]))[0]
    raise ConfigError(
        f"{name!r} is not a clone perfusio knows.{closest(name, tuple(NAMED))}\n"
        f"  Known: {', '.join(NAMED)}, and by number: Random1, {', '.join(f'{family}-1' for family in DRAWN)}, ..."
    )


def _published(name: str, constants: published_cho.Constants) -> Clone:
    return Clone(
        name=name, kinetics=constants, structure=published_cho.PUBLISHED_CHO, medium=published_cho.MEDIUM
    )


def _draw_published(seed: int) -> Clone:
    return _published(f"Y~{seed}", published_cho.drawn(np.random.default_rng([seed, 4])))


def _draw_monod(seed: int) -> Clone:
    rng = np.random.default_rng([seed, 5])
    return _monod(f"Monod~{seed}", monod_separator.drawn(rng))


def _monod(name: str, constants: monod_separator.Constants) -> Clone:
    return Clone(
        name=name, kinetics=constants, structure=monod_separator.MONOD_SEPARATOR, medium=monod_separator.MEDIUM
    )


def _draw_own(seed: int) -> Clone:
    return replace(draw_clone(seed + 2_000_000_000), name=f"Own~{seed}")


def _draw_own2(seed: int) -> Clone:
    return replace(draw_clone(seed + 1_000_000_000), name=f"Own2~{seed}", structure=OWN2)


def _with_lysis(name: str, constants: published_cho.Constants) -> dict[str, Clone]:
    usual = _published(name, constants)
    rates = (rate for rate in published_cho.LYSIS_RATES if rate != constants.k_lys)
    others = [_published(f"{name}-k{rate:g}", replace(constants, k_lys=rate)) for rate in rates]
    return {clone.name: clone for clone in (usual, *others)}


DRAWN: dict[str, Callable[[int], Clone]] = {
    "Own": _draw_own, "Y": _draw_published, "Monod": _draw_monod, "Own2": _draw_own2,
}  # fmt: skip
"""By family: from a seed to a clone that no filter has seen."""
FOREIGN: dict[str, Clone] = {
    **_with_lysis("Y-T127", published_cho.CHO_T127),
    **_with_lysis("Y-GS46", published_cho.CHO_GS46),
    "Monod-lit": _monod("Monod-lit", monod_separator.LITERATURE),
}
"""Clones of plants that other people wrote."""
NAMED: dict[str, Clone] = {**CLONES, **FOREIGN}


def _near(batch: VesselBatch, target: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.asarray(np.abs(batch.state("viable") / target - 1.0) <= WITHIN)


def _recipes() -> list[Setpoints]:
    """Constant recipes that span perfusion and bleed, and glucose and temperature one at a time; the rest nominal."""
    d, b, g, t = (SPACE.bounds[n] for n in ("perfusion_rate", "bleed_rate", "glucose_setpoint", "temperature"))
    others = [
        {},
        {"glucose_setpoint": g.low},
        {"glucose_setpoint": g.high},
        {"temperature": t.low},
        {"temperature": t.high},
    ]
    flows = product(np.linspace(d.low, d.high, 7).tolist(), np.linspace(b.low, b.high, 21).tolist())
    return [
        replace(SPACE.nominal, perfusion_rate=perfusion, bleed_rate=bleed, **changed)
        for (perfusion, bleed), changed in product(flows, others)
    ]
