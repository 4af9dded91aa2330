"""How a vessel starts, and its unannounced disturbances."""

from __future__ import annotations

from dataclasses import dataclass

from perfusio.errors import ConfigError
from perfusio.plant.structures import STRUCTURES
from perfusio.quantities import closest

_NAMES = tuple(dict.fromkeys(name for structure in STRUCTURES for name in structure.constant_names))


@dataclass(frozen=True, slots=True, kw_only=True)
class Inoculum:
    """How a vessel starts.

    Attributes:
        vcd: Mean viable cell density [1e6 cells/mL].
        viability: Viability [%].
        spread: Relative sd of the density between vessels.
    """

    vcd: float = 3.0
    viability: float = 98.0
    spread: float = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    """A lasting change of one kinetic constant, for benchmarks: no model has been told of it.

    Attributes:
        day: When it happens [day].
        parameter: Name of the constant, e.g. ``"death_rate"``; cells that have no such constant go on as before.
        factor: Its multiplier.
        vessel: Index of the vessel, or None for all.
    """

    day: float
    parameter: str
    factor: float
    vessel: int | None = None

    def __post_init__(self) -> None:
        if self.parameter not in _NAMES:
            raise ConfigError(
                f"{self.parameter!r} is not a kinetic constant.{closest(self.parameter, _NAMES)}\n"
                f"  Known: {', '.join(_NAMES)}."
            )
