"""State and Setpoints: the measurements of one vessel at one time, and its setpoints.

The quantities of the default panel are typed attributes; those of any other panel are read by the same names. Array
order is that of the panel. A quantity that joins the default panel gets an attribute here, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import nan
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.process.values import Declared, as_fields
from perfusio.quantities import Quantity

FloatArray = NDArray[np.float64]
NOTHING: Mapping[str, float] = {}
"""Of `more`: the default panel has all its quantities as attributes. Never written to."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class State(Declared):
    """Measurements of one vessel at one time; NaN = not measured.

    Attributes:
        time_h: Hours since the start of the culture [h].
        quality: Remarks by quantity name, e.g. ``{"ammonium": "below the detection limit of 0.1"}``.
        panel: The process whose quantities these are.
        more: Measured quantities that have no attribute, by name, canonical unit.
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
    panel: Panel = field(default=CHO_PERFUSION, repr=False)
    more: Mapping[str, float] = field(default_factory=lambda: NOTHING, hash=False)

    @property
    def day(self) -> float:
        """Culture age in days."""
        return self.time_h / 24.0

    def vector(self) -> FloatArray:
        """Return the modelled species in the order of the panel, shape (Q,), NaN where not measured."""
        return np.array([getattr(self, name) for name in self.panel.species_names], dtype=float)

    def measured(self) -> dict[str, float]:
        """Return the quantities that were measured, by name."""
        return {s.name: value for s in self.panel.species if (value := getattr(self, s.name)) == value}

    def missing(self) -> tuple[str, ...]:
        """Return the modelled species that were not measured."""
        return tuple(n for n in self.panel.species_names if getattr(self, n) != getattr(self, n))

    @property
    def is_signal(self) -> bool:
        """Whether nothing but on-line signals was read: no sample was taken."""
        if not self.panel.of_role("signal"):
            return False
        names = self.measured().keys()
        return bool(names) and names <= set(self.panel.of_role("signal"))

    @classmethod
    def of(cls, time_h: float, values: FloatArray, panel: Panel = CHO_PERFUSION) -> Self:
        """Build a state from the vector of modelled species, shape (Q,)."""
        named = {name: float(v) for name, v in zip(panel.species_names, values, strict=True)}
        if panel is CHO_PERFUSION:
            species: dict[str, Any] = named
            return cls(time_h=time_h, **species)
        return cls.of_values(panel, time_h, named)

    @classmethod
    def of_values(
        cls, panel: Panel, time_h: float, values: Mapping[str, float], quality: Mapping[str, str] | None = None
    ) -> Self:
        """Build a state of any panel from values by name, canonical units.

        Raises:
            UnknownQuantity: a name is no species of the panel.
        """
        given = as_fields(values, (s.name for s in panel.species), _TYPED_SPECIES, panel)
        return cls(time_h=time_h, quality={} if quality is None else quality, panel=panel, **given)

    def with_values(self, **values: float) -> Self:
        """Return the state with other values of some species, by name, canonical units.

        Raises:
            UnknownQuantity: a name is no species of the panel.
        """
        changes = as_fields(values, (s.name for s in self.panel.species), _TYPED_SPECIES, self.panel)
        return replace(self, **self._joined(changes))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Setpoints(Declared):
    """Setpoints of a vessel; NaN = not known (a file without that column).

    Attributes:
        panel: The process whose setpoints these are.
        more: Setpoints that have no attribute, by name, canonical unit.
    """

    perfusion_rate: float = nan
    bleed_rate: float = nan
    glucose_setpoint: float = nan
    temperature: float = nan
    agitation: float = nan
    pyruvate_feed: float = nan
    panel: Panel = field(default=CHO_PERFUSION, repr=False)
    more: Mapping[str, float] = field(default_factory=lambda: NOTHING, hash=False)

    def vector(self) -> FloatArray:
        """Return the setpoints in the order of the panel, shape (U,)."""
        return np.array([getattr(self, name) for name in self.panel.setpoint_names], dtype=float)

    def by_name(self) -> dict[str, float]:
        """Return all setpoints of the panel by name; NaN where not known."""
        return {name: getattr(self, name) for name in self.panel.setpoint_names}

    @classmethod
    def of(cls, values: FloatArray, panel: Panel = CHO_PERFUSION) -> Self:
        """Build setpoints from the vector, shape (U,)."""
        named = {name: float(v) for name, v in zip(panel.setpoint_names, values, strict=True)}
        if panel is CHO_PERFUSION:
            setpoints: dict[str, Any] = named
            return cls(**setpoints)
        return cls.of_values(panel, named)

    @classmethod
    def of_values(cls, panel: Panel, values: Mapping[str, float]) -> Self:
        """Build setpoints of any panel from values by name, canonical units.

        Raises:
            UnknownQuantity: a name is no setpoint of the panel.
        """
        given = as_fields(values, panel.setpoint_names, _TYPED_SETPOINTS, panel)
        return cls(panel=panel, **given)

    def with_values(self, **values: float) -> Self:
        """Return the setpoints with other values, by name, canonical units.

        Raises:
            UnknownQuantity: a name is no setpoint of the panel.
        """
        changes = as_fields(values, self.panel.setpoint_names, _TYPED_SETPOINTS, self.panel)
        return replace(self, **self._joined(changes))

    def filled_from(self, other: Setpoints) -> tuple[Setpoints, tuple[str, ...]]:
        """Fill unknown setpoints from `other`; return the result and the names that were filled."""
        unknown = tuple([n for n in self.panel.setpoint_names if (value := getattr(self, n)) != value])
        return (self.with_values(**{n: getattr(other, n) for n in unknown}) if unknown else self), unknown


_TYPED_SPECIES = frozenset(s.name for s in CHO_PERFUSION.species)
_TYPED_SETPOINTS = frozenset(CHO_PERFUSION.setpoint_names)
STATE_QUANTITIES: Mapping[str, Quantity] = MappingProxyType({s.name: s for s in CHO_PERFUSION.species})
SETPOINT_QUANTITIES: Mapping[str, Quantity] = MappingProxyType({s.name: s for s in CHO_PERFUSION.setpoints})
QUANTITIES: Mapping[str, Quantity] = MappingProxyType({**STATE_QUANTITIES, **SETPOINT_QUANTITIES})
SPECIES: tuple[str, ...] = CHO_PERFUSION.species_names
SETPOINTS: tuple[str, ...] = CHO_PERFUSION.setpoint_names
SPECIES_INDEX: Mapping[str, int] = MappingProxyType({name: i for i, name in enumerate(SPECIES)})
SETPOINT_INDEX: Mapping[str, int] = MappingProxyType({name: i for i, name in enumerate(SETPOINTS)})
"""All of the default panel; code that serves any process asks the panel at hand."""


def find_quantity(name: str, panel: Panel = CHO_PERFUSION) -> Quantity:
    """Return the quantity of that name.

    Raises:
        UnknownQuantity: no such quantity; the message names the nearest one.
    """
    return panel[name]
