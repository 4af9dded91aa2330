"""DesignSpace: the setpoints that may be written to a vessel, by bounds and largest steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from perfusio.errors import ConfigError, EmptyDesignSpace, OutOfRange, UnknownQuantity
from perfusio.frozen import Frozen
from perfusio.objective import (
    OfProcess,
)
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.declared import misdeclared
from perfusio.process.panel import Panel
from perfusio.process.rules import are_balanced, imbalance_of
from perfusio.quantities import closest
from perfusio.state import FloatArray, Setpoints


class Bounds(Frozen):
    """Range of one setpoint, in its canonical unit; `low == high` holds it.

    Attributes:
        low: Smallest value that may be written.
        high: Largest value that may be written.
        nominal: Start of a run, and the assumption where a file does not say.
        max_step: Largest change per decision.
    """

    low: float = Field(allow_inf_nan=False)
    high: float = Field(allow_inf_nan=False)
    nominal: float
    max_step: float = Field(gt=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low <= self.nominal <= self.high:
            raise ValueError(f"expected low <= nominal <= high, found {self.low:g}, {self.nominal:g}, {self.high:g}")
        return self


class DesignSpace(Frozen):
    """The setpoints that may be chosen; nothing outside is ever written.

    Attributes:
        bounds: One entry for each setpoint of the process.
        process: Whose setpoints these are; not recorded here, the run says it.
    """

    bounds: Mapping[str, Bounds]
    process: OfProcess = CHO_PERFUSION

    @model_validator(mode="after")
    def _complete(self) -> Self:
        names = self.process.setpoint_names
        for name in self.bounds:
            if name not in names:
                raise ValueError(f"{name!r} is not a setpoint.{closest(name, names)} Known: {', '.join(names)}")
        if absent := [n for n in names if n not in self.bounds]:
            raise ValueError(f"no bounds for {', '.join(absent)}: copy DEFAULT_AMBR250_DESIGN_SPACE or give them")
        for name, b in self.bounds.items():
            for sign, value in ((">=", b.low), ("<=", b.high)):
                if wrong := misdeclared(name, value, sign, self.process):
                    raise OutOfRange(wrong)
            quantity = self.process[name]
            if b.max_step > (span := quantity.high - quantity.low):
                raise OutOfRange(
                    f"{name}: max_step = {b.max_step:g} {quantity.unit} is more than the whole range of {span:g} "
                    f"{quantity.unit}. Give the largest change that one decision may make."
                )
        driest = np.where([n in self.process.of_role("bleed") for n in names], self.low, self.high)
        if not are_balanced(driest, self.process):
            raise EmptyDesignSpace(
                f"No setpoint keeps the volume, not even the lowest bleed with the highest inflow: "
                f"{imbalance_of(Setpoints.of(driest, self.process))}"
            )
        return self

    @classmethod
    def of(cls, process: Panel, **bounds: Bounds) -> Self:
        """Return the design space of a process: the bounds of its panel, with other ones where they are given.

        Raises:
            ConfigError: a setpoint has no bounds, neither in the panel nor here.
        """
        allowed = {
            s.name: Bounds(
                low=s.allowed.low, high=s.allowed.high, nominal=s.allowed.nominal, max_step=s.allowed.max_step
            )
            for s in process.setpoints
            if s.allowed is not None
        }
        if unknown := [n for n in process.setpoint_names if n not in allowed | bounds]:
            raise ConfigError(
                f"{process.name} does not say what may be written to {', '.join(unknown)}. Give low, high, nominal and "
                f"max_step: [setpoints.{unknown[0]}.allowed] in process.toml, or bounds in the design space."
            )
        return cls(bounds={n: (allowed | bounds)[n] for n in process.setpoint_names}, process=process)

    def __repr__(self) -> str:
        """Show the range of each setpoint."""
        ranges = (
            f"{name} {f'{b.low:g} to' if b.low < b.high else 'held at'} {b.high:g} {self.process[name].unit}"
            for name, b in self.bounds.items()
        )
        return f"<DesignSpace: {', '.join(ranges)}>"

    __str__ = __repr__

    def _column(self, what: str) -> FloatArray:
        return np.array([getattr(self.bounds[n], what) for n in self.process.setpoint_names], dtype=float)

    @property
    def low(self) -> FloatArray:
        """Lower bounds, shape (U,)."""
        return self._column("low")

    @property
    def high(self) -> FloatArray:
        """Upper bounds, shape (U,)."""
        return self._column("high")

    @property
    def max_step(self) -> FloatArray:
        """Largest change per decision, shape (U,)."""
        return self._column("max_step")

    @property
    def nominal(self) -> Setpoints:
        """Start of a run, and the assumption where a file does not say."""
        return Setpoints.of(self._column("nominal"), self.process)

    def holding(self, **values: float) -> DesignSpace:
        """Return a design space in which the named setpoints are held at the given values."""
        for name in values:
            if name not in self.bounds:
                known = tuple(self.bounds)
                raise UnknownQuantity(f"{name!r} is not a setpoint.{closest(name, known)} Known: {', '.join(known)}.")
        held = {n: Bounds(low=v, high=v, nominal=v, max_step=self.bounds[n].max_step) for n, v in values.items()}
        return DesignSpace(bounds={**self.bounds, **held}, process=self.process)

    def contains(self, setpoints: Setpoints) -> bool:
        """Whether every setpoint is finite, within its bounds, and bleed and sampling leave no more than flows in."""
        u = setpoints.vector()
        inside = bool(np.all((u >= self.low) & (u <= self.high)))
        return inside and bool(are_balanced(u, self.process))

    def reachable(self, current: Setpoints) -> tuple[FloatArray, FloatArray]:
        """Return the box that one decision can reach from `current`: lower and upper corner, shape (U,) each.

        Raises:
            EmptyDesignSpace: `current` lies further outside the bounds than one largest step.
        """
        u = current.vector()
        low, high = np.maximum(self.low, u - self.max_step), np.minimum(self.high, u + self.max_step)
        for i, name in enumerate(self.process.setpoint_names):
            if not low[i] <= high[i]:
                unit = self.process[name].unit
                raise EmptyDesignSpace(
                    f"{name} in force is {u[i]:g} {unit}, more than one step of {self.max_step[i]:g} outside "
                    f"{self.low[i]:g} to {self.high[i]:g} {unit}. Bring it closer by hand, or widen the design space."
                )
        return low, high

    def to_unit(self, u: FloatArray) -> FloatArray:
        """Map setpoints (..., U) to the unit cube; held ones map to 0.5."""
        span = self.high - self.low
        return np.where(span > 0, (u - self.low) / np.where(span > 0, span, 1.0), 0.5)

    def from_unit(self, unit: FloatArray) -> FloatArray:
        """Map points of the unit cube (..., U) to setpoints; the inverse of `to_unit`."""
        return self.low + np.asarray(unit) * (self.high - self.low)


DEFAULT_AMBR250_DESIGN_SPACE = DesignSpace.of(CHO_PERFUSION)
