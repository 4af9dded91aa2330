"""AlarmLimits: levels at which a person is told."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from perfusio.objective import (
    OfQuantity,
)
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.declared import is_fraction, misdeclared
from perfusio.process.panel import Panel


class AlarmLimits(OfQuantity):
    """Warn and act levels of one species, passed now or within 3 days with probability >= 0.9.

    Attributes:
        quantity: Species.
        warn: Level that deserves attention, canonical unit.
        act: Level that needs a person now; above `warn` for upper limits, below it for lower ones.
        dead_band: How far a value must be back behind a level before its alarm is over, canonical unit; None = a tenth
            of the way from `warn` to `act`.
        delay_hours: How long a level must be passed before a person is told [h]. A value beyond `act` is told
            at once.
    """

    warn: float
    act: float
    dead_band: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    delay_hours: float = Field(default=0.0, ge=0, le=240.0)

    @model_validator(mode="after")
    def _is_measured(self) -> Self:
        if self.quantity not in self.process.species_names:
            known = ", ".join(self.process.species_names)
            raise ValueError(f"{self.quantity!r} is not measured and cannot alarm. Known: {known}")
        for level, value in (("warn", self.warn), ("act", self.act)):
            if wrong := misdeclared(self.quantity, value, f"{level} at", self.process):
                raise ValueError(wrong)
        quantity = self.process[self.quantity]
        if self.dead_band is not None and self.dead_band > (span := quantity.high - quantity.low):
            raise ValueError(
                f"dead_band = {self.dead_band:g} {quantity.unit} of {self.quantity} is more than its whole range of "
                f"{span:g}: such an alarm would never be over"
            )
        if is_fraction(self.quantity, self.process) and not self.is_lower:
            low, high = sorted((self.warn, self.act))
            raise ValueError(
                f"{self.quantity} warn at {self.warn:g}, act at {self.act:g} would alarm about cells that live: "
                f"expected act below warn; did you mean warn={high:g}, act={low:g}?"
            )
        return self

    def over_at(self, level: float) -> float:
        """Return where an alarm of this level is over once it was raised: behind it by the dead-band."""
        band = abs(self.act - self.warn) / 10.0 if self.dead_band is None else self.dead_band
        return level + band if self.is_lower else level - band

    @property
    def is_lower(self) -> bool:
        """Whether low values alarm."""
        return self.act < self.warn


def alarms_of(process: Panel) -> tuple[AlarmLimits, ...]:
    """Return the levels at which a person is told in a process unless told otherwise."""
    levels = process.alarms
    return tuple(
        AlarmLimits(quantity=name, warn=levels[name].warn, act=levels[name].act, process=process)
        for name in process.alarmed
    )


DEFAULT_ALARMS: tuple[AlarmLimits, ...] = alarms_of(CHO_PERFUSION)
