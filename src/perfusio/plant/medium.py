"""Medium and pumps of a virtual vessel: settings of the plant that no model is told.

The defaults are those of our own clones. They happen to equal the assumptions of the belief today; nothing shares them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from perfusio.errors import ConfigError
from perfusio.plant.parameters import Array

Number = float | Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """Composition of the perfusion medium, and of the vessel before inoculation; arrays (B,) for several vessels.

    Pyruvate is missing here because the setpoint `pyruvate_feed` says how much of it the medium has.

    Attributes:
        glucose: [g/L].
        glutamine: [mmol/L].
        glutamate: [mmol/L].
        lactate: [mmol/L].
        ammonium: [mmol/L].
        asparagine: [mmol/L]; only some plants know it.
    """

    glucose: Number = 5.0
    glutamine: Number = 6.0
    glutamate: Number = 0.0
    lactate: Number = 0.0
    ammonium: Number = 0.0
    asparagine: Number = 0.0

    def __post_init__(self) -> None:
        _check_not_negative(self, "medium")


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """Pumps around a vessel; arrays (B,) for several vessels.

    Attributes:
        sampling_flow: Broth taken for the analyzers [VVD]: about 3 mL a day from 200 mL (process facts, 3.6).
        concentrate_glucose: Glucose in the concentrate [g/L].
        concentrate_max_flow: Concentrate that the pump can give [VVD].
    """

    sampling_flow: Number = 0.015
    concentrate_glucose: Number = 400.0
    concentrate_max_flow: Number = 0.04

    def __post_init__(self) -> None:
        _check_not_negative(self, "equipment")


def _check_not_negative(settings: Medium | Equipment, kind: str) -> None:
    for f in fields(settings):
        value = getattr(settings, f.name)
        if not np.all(np.isfinite(value) & (np.asarray(value) >= 0.0)):
            raise ConfigError(f"{f.name} of the {kind} is {value}: expected a finite number >= 0. Correct it.")
