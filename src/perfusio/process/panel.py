"""Panel: what is measured, modelled and set in a process, with every fact of each quantity in one declared place.

Other modules name no number of a quantity: they derive arrays, tables and messages from the panel. The order of the
lines is the order of all arrays. `cho_perfusion.py` holds the panel that perfusio comes with. Letters: Q modelled
species, U setpoints.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal, Self, TypeVar

from perfusio.errors import ConfigError, UnknownQuantity
from perfusio.quantities import Quantity, closest

SpeciesRole = Literal["cells", "viability", "solute", "product", "size", "signal"]
"""`size` and `signal` are measured and have no balance; there is exactly one `cells`."""
SetpointRole = Literal["perfusion", "bleed", "held_concentration", "inlet_concentration", "feed_rate", "condition"]
UNBALANCED: tuple[SpeciesRole, ...] = ("size", "signal")
ABOUT_A_SPECIES: tuple[SetpointRole, ...] = ("held_concentration", "inlet_concentration")


@dataclass(frozen=True, slots=True, kw_only=True)
class Analyzer:
    """How a usual laboratory measures a species; virtual laboratories do.

    Attributes:
        cv: Relative standard deviation [-].
        sd: Standard deviation that does not depend on the value, canonical unit.
        detection_limit: Smallest value that is reported, canonical unit.
    """

    cv: float = 0.0
    sd: float = 0.0
    detection_limit: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What the model expects of one measurement, before data say better.

    Attributes:
        relative: Standard deviation over the value [-].
        absolute: Standard deviation that does not depend on the value, canonical unit.
        floor: Added before the logarithm is taken: below it the analyzer sees noise; canonical unit.
    """

    relative: float
    absolute: float
    floor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """What is expected where a species was never measured.

    Attributes:
        mean: Canonical unit.
        sd: How little that means, on the latent scale.
        settled: In a culture that has been held at its target for days, canonical unit; None for what is aimed at.
    """

    mean: float
    sd: float
    settled: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unexplained:
    """How much balances and kinetics may miss, on the latent scale.

    Attributes:
        drift_sd: Standard deviation of the slow drift at the start [latent/day].
        drift_walk: How fast the drift moves [latent/day per square root of a day].
        white_sd: Error of a step that is new every day [latent per square root of a day].
        usual: Residual that is usually missed [latent/day; log of the rate].
        limit: What drift and residual together may reach [latent/day].
        clear_change: One unit of the residual's inputs: a change that a scientist would call clear, latent scale.
    """

    drift_sd: float
    drift_walk: float
    white_sd: float
    usual: float
    limit: float
    clear_change: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rise:
    """The most by which a species can rise; a sample that says more is in doubt.

    Attributes:
        factor: Per day, for what multiplies; None for what does not.
        free: Per day, whatever the cells do, canonical unit.
        per_cell: Per day and 1e6 cells/mL, canonical unit.
    """

    factor: float | None = None
    free: float = 0.0
    per_cell: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualColumn:
    """The medians that a real column of a sheet has.

    Attributes:
        low: Least, canonical unit.
        high: Largest, canonical unit.
        other_units: What else people write, the likeliest first.
    """

    low: float
    high: float
    other_units: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Levels at which a person is told, and what to say.

    Attributes:
        warn: Level that deserves attention, canonical unit.
        act: Level that needs a person now; above `warn` for upper limits, below it for lower ones.
        response: What to do.
        consequence: What happens if nobody acts.
    """

    warn: float
    act: float
    response: str
    consequence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit that decisions keep unless told otherwise.

    Attributes:
        quantity: A species or a derived quantity.
        low: Lower limit, canonical unit, or None.
        high: Upper limit, canonical unit, or None.
        probability: Least probability of keeping it, each day.
    """

    quantity: str
    low: float | None = None
    high: float | None = None
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """Range of a setpoint, in its canonical unit.

    Attributes:
        low: Smallest value that may be written.
        high: Largest value that may be written.
        nominal: Where a run starts, and what is assumed where a file does not say.
        max_step: Largest change per decision.
    """

    low: float
    high: float
    nominal: float
    max_step: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Species(Quantity):
    """One thing that is measured: cells, a solute, the product, or what has no balance.

    Attributes:
        role: What balance it has.
        short: Name in narrow tables; empty = not shown there.
        analyzer: How a usual laboratory measures it.
        noise: What the model expects of one measurement.
        prior: What is expected where it was never measured.
        unexplained: How much balances and kinetics may miss.
        rise: The most by which it can rise; None = not judged.
        usual: What a real column has; None = not judged.
        mistaken_units: Units that people mistake for the canonical one, and the factor that a value is wrong by then.
        alarm: Levels at which a person is told; None = no default ones.
    """

    name: str = field(kw_only=False)
    role: SpeciesRole
    label: str = ""
    low: float = 0.0
    high: float = float("inf")
    short: str = ""
    analyzer: Analyzer = Analyzer()
    noise: Noise | None = None
    prior: Prior | None = None
    unexplained: Unexplained | None = None
    rise: Rise | None = None
    usual: UsualColumn | None = None
    mistaken_units: tuple[tuple[str, float], ...] = ()
    alarm: Alarm | None = None

    def __post_init__(self) -> None:
        """Label what has no label by its name; refuse a species with a balance of which the model knows nothing."""
        object.__setattr__(self, "label", self.label or in_words(self.name))
        if self.is_modelled and None in (self.noise, self.prior, self.unexplained):
            raise ConfigError(
                f"Species {self.name!r} has the role {self.role!r}, which is modelled, and no noise, prior or "
                f"unexplained part; expected all three. Give them, or make it a signal."
            )

    @property
    def is_modelled(self) -> bool:
        """Whether it has a balance, and so a place in the arrays of the model."""
        return self.role not in UNBALANCED


@dataclass(frozen=True, slots=True, kw_only=True)
class Setpoint(Quantity):
    """One thing that a vessel is asked to hold.

    Attributes:
        role: What it does.
        of: The species whose concentration is held or flows in; empty for other roles.
        short: Name in narrow tables.
        allowed: What may be written unless a design space says otherwise.
        clear_change: One unit of the residual's inputs: a change that a scientist would call clear, canonical unit.
        usual: What a real column has; None = not judged.
    """

    name: str = field(kw_only=False)
    role: SetpointRole
    label: str = ""
    low: float = 0.0
    high: float = float("inf")
    of: str = ""
    short: str = ""
    allowed: Allowed
    clear_change: float
    usual: UsualColumn | None = None

    def __post_init__(self) -> None:
        """Label what has no label by its name."""
        object.__setattr__(self, "label", self.label or in_words(self.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The quantities of a process.

    Attributes:
        name: Of the process.
        species: Everything that is measured, in the order of all arrays.
        setpoints: Everything that is set, in the order of all arrays.
        clear_days: One unit of the culture's age as an input of the residual [day].
        critical: Species without which no setpoint is changed for long.
        alarmed: Species with alarms unless told otherwise, in the order in which they are judged.
        limits: Limits that decisions keep unless told otherwise.
    """

    name: str
    species: tuple[Species, ...]
    setpoints: tuple[Setpoint, ...]
    clear_days: float
    critical: tuple[str, ...] = ()
    alarmed: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be a process.

        Raises:
            ConfigError: a name stands twice, cells are missing or counted twice, or a list names a stranger.
        """
        names = [q.name for q in self.quantities]
        if twice := sorted({n for n in names if names.count(n) > 1}):
            raise ConfigError(f"{self.name}: {', '.join(twice)} declared twice. Give each quantity a name of its own.")
        for role, most in (("cells", 1), ("viability", 1)):
            found = [s.name for s in self.species if s.role == role]
            if len(found) > most or (role == "cells" and not found):
                raise ConfigError(
                    f"{self.name}: {len(found)} species have the role {role!r} ({', '.join(found) or 'none'}), "
                    f"expected {'exactly' if role == 'cells' else 'at most'} {most}. Give one of them another role."
                )
        concerned = [s.of for s in self.setpoints if s.role in ABOUT_A_SPECIES]
        for what, said in (("critical", self.critical), ("alarmed", self.alarmed), ("setpoints", concerned)):
            if strangers := [n for n in said if n not in {s.name for s in self.modelled}]:
                known = ", ".join(s.name for s in self.modelled)
                raise ConfigError(
                    f"{self.name}: {what} name {', '.join(map(repr, strangers))}, expected modelled species: {known}. "
                    "Declare the species, or leave it out there."
                )
        if silent := [n for n in self.alarmed if n not in self.alarms]:
            raise ConfigError(
                f"{self.name}: {', '.join(silent)} in alarmed, expected species with levels. Give them an Alarm."
            )

    def __getitem__(self, name: str) -> Species | Setpoint:
        """Return the quantity of that name.

        Raises:
            UnknownQuantity: no such quantity; the message names the nearest one.
        """
        for quantity in self.quantities:
            if quantity.name == name:
                return quantity
        known = tuple(q.name for q in self.quantities)
        raise UnknownQuantity(
            f"{name!r} is no quantity of {self.name}.{closest(name, known)}\n  Known: {', '.join(known)}."
        )

    @property
    def quantities(self) -> tuple[Species | Setpoint, ...]:
        """Everything that is measured, then everything that is set."""
        return (*self.species, *self.setpoints)

    @property
    def modelled(self) -> tuple[Species, ...]:
        """Species with a balance: the Q rows of every array of the model."""
        return tuple(s for s in self.species if s.is_modelled)

    @property
    def alarms(self) -> dict[str, Alarm]:
        """Levels at which a person is told, by species, where there are any."""
        return {s.name: s.alarm for s in self.species if s.alarm is not None}

    def of_role(self, *roles: SpeciesRole | SetpointRole) -> tuple[str, ...]:
        """Return the names of quantities with one of these roles, in order."""
        return tuple(q.name for q in self.quantities if q.role in roles)

    def the(self, role: SpeciesRole | SetpointRole) -> str:
        """Return the name of the only quantity of this role.

        Raises:
            UnknownQuantity: none has it, or several have.
        """
        names = self.of_role(role)
        if len(names) != 1:
            raise UnknownQuantity(
                f"{self.name}: {', '.join(names) or 'no quantity'} with the role {role!r}, expected one. "
                "Declare it, or ask for all of the role."
            )
        return names[0]

    @property
    def noise(self) -> tuple[Noise, ...]:
        """Of each modelled species, in order."""
        return tuple(s.noise for s in self.modelled if s.noise is not None)

    @property
    def prior(self) -> tuple[Prior, ...]:
        """Of each modelled species, in order."""
        return tuple(s.prior for s in self.modelled if s.prior is not None)

    @property
    def unexplained(self) -> tuple[Unexplained, ...]:
        """Of each modelled species, in order."""
        return tuple(s.unexplained for s in self.modelled if s.unexplained is not None)

    def without(self, *names: str) -> Self:
        """Return the panel without these quantities; what was said of them goes too.

        Raises:
            UnknownQuantity: there is no such quantity.
        """
        for name in names:
            self[name]
        return replace(
            self,
            species=_others(self.species, names),
            setpoints=_others(self.setpoints, names),
            critical=tuple(n for n in self.critical if n not in names),
            alarmed=tuple(n for n in self.alarmed if n not in names),
            limits=tuple(limit for limit in self.limits if limit.quantity not in names),
        )

    def with_(self, *quantities: Species | Setpoint) -> Self:
        """Return the panel with more quantities, each last of its kind; one of a known name takes its place."""
        species, setpoints = list(self.species), list(self.setpoints)
        for one in quantities:
            if isinstance(one, Species):
                _put(species, one)
            else:
                _put(setpoints, one)
        return replace(self, species=tuple(species), setpoints=tuple(setpoints))


def in_words(name: str) -> str:
    """Return a name as a label: ``dissolved_oxygen`` is ``Dissolved oxygen``."""
    return name.replace("_", " ").capitalize()


_Kind = TypeVar("_Kind", Species, Setpoint)


def _others(quantities: Iterable[_Kind], names: tuple[str, ...]) -> tuple[_Kind, ...]:
    return tuple(q for q in quantities if q.name not in names)


def _put(quantities: list[_Kind], one: _Kind) -> None:
    places = [i for i, q in enumerate(quantities) if q.name == one.name]
    if places:
        quantities[places[0]] = one
    else:
        quantities.append(one)
