"""State and Setpoints, typed; names, units, ranges and array order are those of the panel (`process/cho_perfusion.py`).

A quantity that joins the panel gets an attribute here, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import nan
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from perfusio.errors import UnknownQuantity
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.quantities import Quantity, closest

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What was known of one vessel at one time; NaN = not measured.

    Attributes:
        time_h: Hours since the start of the culture [h].
        quality: Remarks by quantity name, e.g. ``{"ammonium": "below the detection limit of 0.1"}``.
    """

    time_h: float
    vcd: float = nan
    viability: float = nan
    glucose: float = nan
    glutamine: float = nan
    glutamate: float = nan
    lactate: float = nan
    ammonium: float = nan
    pyruvate: float = nan
    titer: float = nan
    diameter: float = nan
    quality: Mapping[str, str] = field(default_factory=dict)

    @property
    def day(self) -> float:
        """Culture age in days."""
        return self.time_h / 24.0

    def vector(self) -> FloatArray:
        """Return the nine species in the order of SPECIES, shape (Q,), NaN where not measured."""
        return np.array([getattr(self, name) for name in SPECIES], dtype=float)

    def measured(self) -> dict[str, float]:
        """Return the quantities that were measured, by name."""
        return {name: value for name in STATE_QUANTITIES if (value := getattr(self, name)) == value}

    def missing(self) -> tuple[str, ...]:
        """Return the species that were not measured."""
        return tuple(name for name in SPECIES if getattr(self, name) != getattr(self, name))

    @classmethod
    def of(cls, time_h: float, values: FloatArray) -> Self:
        """Build a state from the species vector, shape (Q,)."""
        species: dict[str, Any] = {name: float(v) for name, v in zip(SPECIES, values, strict=True)}
        return cls(time_h=time_h, **species)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setpoints:
    """What a vessel is asked to hold; NaN = not known (a file without that column)."""

    perfusion_rate: float = nan
    bleed_rate: float = nan
    glucose_setpoint: float = nan
    temperature: float = nan
    agitation: float = nan
    pyruvate_feed: float = nan

    def vector(self) -> FloatArray:
        """Return the six setpoints in the order of SETPOINTS, shape (U,)."""
        return np.array([getattr(self, name) for name in SETPOINTS], dtype=float)

    @classmethod
    def of(cls, values: FloatArray) -> Self:
        """Build setpoints from the vector, shape (U,)."""
        return cls(**{name: float(v) for name, v in zip(SETPOINTS, values, strict=True)})

    def filled_from(self, other: Setpoints) -> tuple[Setpoints, tuple[str, ...]]:
        """Fill unknown setpoints from `other`; return the result and the names that were filled."""
        unknown = tuple(n for n in SETPOINTS if getattr(self, n) != getattr(self, n))
        return replace(self, **{n: getattr(other, n) for n in unknown}), unknown


STATE_QUANTITIES: dict[str, Quantity] = {s.name: s for s in CHO_PERFUSION.species}
SETPOINT_QUANTITIES: dict[str, Quantity] = {s.name: s for s in CHO_PERFUSION.setpoints}
QUANTITIES: dict[str, Quantity] = {**STATE_QUANTITIES, **SETPOINT_QUANTITIES}
SPECIES: tuple[str, ...] = tuple(s.name for s in CHO_PERFUSION.modelled)
SETPOINTS: tuple[str, ...] = tuple(SETPOINT_QUANTITIES)
SPECIES_INDEX: dict[str, int] = {name: i for i, name in enumerate(SPECIES)}
SETPOINT_INDEX: dict[str, int] = {name: i for i, name in enumerate(SETPOINTS)}


def find_quantity(name: str) -> Quantity:
    """Return the quantity of that name.

    Raises:
        UnknownQuantity: no such quantity; the message names the nearest one.
    """
    if name in QUANTITIES:
        return QUANTITIES[name]
    known = tuple(QUANTITIES)
    raise UnknownQuantity(
        f"{name!r} is not a quantity perfusio knows.{closest(name, known)}\n  Known: {', '.join(known)}."
    )
