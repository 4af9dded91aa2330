"""Species and Setpoint: one thing that is measured, and one that a vessel is asked to hold, with all facts of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import hypot, inf
from typing import Literal

from perfusio.errors import ConfigError
from perfusio.process.facts import Alarm, Allowed, Analyzer, Fall, Noise, PerCell, Prior, Rise, Unexplained, UsualColumn
from perfusio.process.medium import Medium
from perfusio.process.weak import SIGNAL_NOISE, usual_change, weak
from perfusio.quantities import Quantity, in_steps_of

SpeciesRole = Literal["cells", "viability", "solute", "product", "size", "signal"]
"""`size` and `signal` are measured and have no balance; there is exactly one `cells`."""
SetpointRole = Literal["perfusion", "bleed", "held_concentration", "inlet_concentration", "feed_rate", "condition"]
UNBALANCED: tuple[SpeciesRole, ...] = ("size", "signal")
ABOUT_A_SPECIES: tuple[SetpointRole, ...] = ("held_concentration", "inlet_concentration")
DISSOLVED: tuple[SpeciesRole, ...] = ("solute", "product")
NO_MEDIUM, NO_ANALYZER = Medium(), Analyzer()


@dataclass(frozen=True, slots=True, kw_only=True)
class Species(Quantity):
    """One measured quantity: cells, a solute, the product, or one without a balance.

    Attributes:
        role: Its balance.
        measures: The modelled species whose value a signal reads, in the same unit; empty for other roles and for
            signals that only are recorded.
        error_memory_h: How long an error of that signal persists [h]: readings within it count as one.
        short: Name in narrow tables; empty = not shown there.
        analyzer: How a usual laboratory measures it.
        noise: Noise of one measurement.
        prior: Expectation where it was never measured.
        unexplained: How much balances and kinetics may miss.
        rise: The most by which it can rise; None = not judged.
        fall: The most by which it can fall beside being washed out; None = not judged.
        usual: Range of a real column; None = not judged.
        per_cell: How much of it cells make; None = not judged.
        vague: Names that people use for other quantities too, so that it is asked which is meant.
        mistaken_units: Units that people mistake for the canonical one, and the factor that a value is wrong by then.
        alarm: Levels at which a person is told; None = no default ones.
    """

    name: str = field(kw_only=False)
    role: SpeciesRole
    label: str = ""
    low: float = 0.0
    high: float = float("inf")
    measures: str = ""
    error_memory_h: float = 24.0
    short: str = ""
    analyzer: Analyzer = NO_ANALYZER
    noise: Noise | None = None
    prior: Prior | None = None
    unexplained: Unexplained | None = None
    rise: Rise | None = None
    fall: Fall | None = None
    usual: UsualColumn | None = None
    per_cell: PerCell | None = None
    vague: tuple[str, ...] = ()
    mistaken_units: tuple[tuple[str, float], ...] = ()
    alarm: Alarm | None = None

    def __post_init__(self) -> None:
        """Label a quantity without a label by its name."""
        object.__setattr__(self, "label", self.label or in_words(self.name))

    @property
    def is_modelled(self) -> bool:
        """Whether it has a balance, and so a place in the arrays of the model."""
        return self.role not in UNBALANCED

    def as_written(self, value: float) -> float:
        """Return a value as people write it: far finer than the noise of a measurement, and no finer."""
        noise = self.noise
        return in_steps_of(value, 0.0 if noise is None else hypot(noise.relative * value, noise.absolute))

    def filled(self, in_medium: float = 0.0) -> Species:
        """Return the species with weak expectations where none were declared; one without a balance needs none.

        Args:
            in_medium: Concentration in the inflow, canonical unit; 0 = none.
        """
        if self.measures and self.noise is None:
            w = weak(self.unit, "solute")
            return replace(self, noise=Noise(relative=SIGNAL_NOISE, absolute=w.absolute, floor=w.floor))
        if not self.is_modelled or None not in (self.noise, self.prior, self.unexplained):
            return self
        w = weak(self.unit, self.role, in_medium)
        return replace(
            self,
            noise=self.noise or Noise(relative=w.relative, absolute=w.absolute, floor=w.floor),
            prior=self.prior or Prior(mean=w.mean, sd=w.sd),
            unexplained=self.unexplained or Unexplained(
                drift_sd=w.drift_sd, drift_walk=w.drift_walk, white_sd=w.white_sd,
                usual=w.usual, limit=w.limit, clear_change=w.clear_change),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Setpoint(Quantity):
    """One thing that a vessel is asked to hold.

    Attributes:
        role: Its effect.
        of: The species whose concentration is held or flows in; empty for other roles.
        composition: Of the inflow: of a feed, or of the concentrate by which a concentration is held.
        max_flow: The most that the pump of that feed or concentrate gives [1/day].
        control_width: Over which the controller of a held concentration opens, canonical unit.
        short: Name in narrow tables.
        allowed: Allowed values unless a design space says otherwise; None = a design space must say it.
        clear_change: One unit of the residual's inputs: a change that a scientist would call clear, canonical unit;
            0 = a share of the range.
        usual: Range of a real column; None = not judged.
        per_cell: How much of it cells are given; None = not judged.
        vague: Names that people use for other quantities too, so that it is asked which is meant.
        measured: Whether its reading is a signal of its own beside the setpoint, `<name>_measured`; None =
            only for a condition.
    """

    name: str = field(kw_only=False)
    role: SetpointRole
    label: str = ""
    low: float = 0.0
    high: float = float("inf")
    of: str = ""
    composition: Medium = NO_MEDIUM
    max_flow: float = inf
    control_width: float = 0.0
    short: str = ""
    allowed: Allowed | None = None
    clear_change: float = 0.0
    usual: UsualColumn | None = None
    per_cell: PerCell | None = None
    vague: tuple[str, ...] = ()
    measured: bool | None = None

    def __post_init__(self) -> None:
        """Label a quantity without a label by its name; a change is clear by its share of the range.

        Raises:
            ConfigError: `measured` is neither true nor false.
        """
        if self.measured not in (True, False, None):
            raise ConfigError(f"{self.name}: measured = {self.measured!r}, expected true or false.")
        object.__setattr__(self, "label", self.label or in_words(self.name))
        low, high = (self.low, self.high) if self.allowed is None else (self.allowed.low, self.allowed.high)
        object.__setattr__(self, "clear_change", self.clear_change or usual_change(low, high))

    def as_written(self, value: float) -> float:
        """Return a value as people write it: far finer than a change that anybody would call clear."""
        return in_steps_of(value, self.clear_change)

    @property
    def measured_name(self) -> str:
        """Name of the signal that reads the vessel, where there is one."""
        return f"{self.name}_measured"

    def twin(self) -> Species | None:
        """Return the signal that reads the vessel, None where only the setpoint is known."""
        is_told = self.role == "condition" if self.measured is None else self.measured
        if not is_told:
            return None
        return Species(
            self.measured_name, unit=self.unit, role="signal", label=f"{self.label}, measured", low=self.low,
            high=self.high, molar_mass=self.molar_mass,
        )  # fmt: skip


def in_words(name: str) -> str:
    """Return a name as a label: ``dissolved_oxygen`` is ``Dissolved oxygen``."""
    return name.replace("_", " ").capitalize()
