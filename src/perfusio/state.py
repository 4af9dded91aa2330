"""State and Setpoints: one declared line per quantity, from which names, units, ranges and array order derive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from perfusio.errors import UnknownQuantity
from perfusio.quantities import Quantity, closest, declared_quantities, quantity

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What was known of one vessel at one time; NaN = not measured.

    Attributes:
        time_h: Hours since the start of the culture [h].
        quality: Remarks by quantity name, e.g. ``{"ammonium": "below the detection limit of 0.1"}``.
    """

    time_h: float
    vcd: float = quantity("1e6 cells/mL", "Viable cell density", 0, 400, aliases=(
        "viable cell density", "viable cells", "viable cell conc.", "viable density", "Xv", "VCC", "viable cell count"))
    viability: float = quantity("%", "Viability", 0, 100, aliases=("via", "viab", "cell viability"))
    glucose: float = quantity("g/L", "Glucose", 0, 60, aliases=("glc", "gluc"), molar_mass=180.16)
    glutamine: float = quantity("mmol/L", "Glutamine", 0, 60, aliases=("gln",), molar_mass=146.14)
    glutamate: float = quantity("mmol/L", "Glutamate", 0, 60, aliases=("glutamic acid",), molar_mass=147.13)
    lactate: float = quantity("mmol/L", "Lactate", 0, 200, aliases=("lac", "lactic acid"), molar_mass=90.08)
    ammonium: float = quantity("mmol/L", "Ammonium", 0, 60, aliases=(
        "amm", "ammonia", "NH4", "NH4+", "NH3"), molar_mass=18.04)
    pyruvate: float = quantity("mmol/L", "Pyruvate", 0, 60, aliases=("pyr", "pyruvic acid"), molar_mass=88.06)
    titer: float = quantity("mg/L", "Titer", 0, 30000, aliases=(
        "titre", "IgG", "mAb", "product", "antibody", "product titer"))
    diameter: float = quantity("um", "Cell diameter", 5, 40, aliases=(
        "cell diameter", "average diameter", "avg. diameter", "avg. live diameter", "mean diameter"))
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

    perfusion_rate: float = quantity("1/day", "Perfusion rate", 0, 20, aliases=(
        "perfusion", "VVD", "perfusion rate (VVD)", "D"))
    bleed_rate: float = quantity("1/day", "Bleed rate", 0, 10, aliases=("bleed", "cell bleed"))
    glucose_setpoint: float = quantity("g/L", "Glucose setpoint", 0, 60, aliases=(
        "glucose sp", "glc setpoint", "glc sp"), molar_mass=180.16)
    temperature: float = quantity("°C", "Temperature", 15, 45, aliases=("temp", "T setpoint", "temperature setpoint"))
    agitation: float = quantity("rpm", "Agitation", 0, 3000, aliases=("stirrer speed", "stir speed", "stirring"))
    pyruvate_feed: float = quantity("mmol/L", "Pyruvate feed", 0, 60, aliases=("pyr feed",), molar_mass=88.06)

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


STATE_QUANTITIES: dict[str, Quantity] = declared_quantities(State)
SETPOINT_QUANTITIES: dict[str, Quantity] = declared_quantities(Setpoints)
QUANTITIES: dict[str, Quantity] = {**STATE_QUANTITIES, **SETPOINT_QUANTITIES}
SPECIES: tuple[str, ...] = tuple(name for name in STATE_QUANTITIES if name != "diameter")
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
