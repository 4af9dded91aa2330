"""Panel: what is measured, modelled and set in a process, with every fact of each quantity in one declared place.

Other modules name no number of a quantity: they derive arrays, tables and messages from the panel. The order of the
lines is the order of all arrays. `cho_perfusion.py` holds the panel that perfusio comes with. Letters: Q modelled
species, U setpoints.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from math import inf
from types import MappingProxyType
from typing import Literal, Self, TypeVar

from perfusio.errors import ConfigError, UnknownQuantity
from perfusio.process.medium import Equipment, Medium
from perfusio.process.needs import NEEDS, derivable
from perfusio.process.weak import SIGNAL_NOISE, usual_change, weak
from perfusio.quantities import Quantity, closest

SpeciesRole = Literal["cells", "viability", "solute", "product", "size", "signal"]
"""`size` and `signal` are measured and have no balance; there is exactly one `cells`."""
SetpointRole = Literal["perfusion", "bleed", "held_concentration", "inlet_concentration", "feed_rate", "condition"]
UNBALANCED: tuple[SpeciesRole, ...] = ("size", "signal")
ABOUT_A_SPECIES: tuple[SetpointRole, ...] = ("held_concentration", "inlet_concentration")
DISSOLVED: tuple[SpeciesRole, ...] = ("solute", "product")
NO_MEDIUM, USUAL_EQUIPMENT = Medium(), Equipment()
Balance = Literal["perfusion", "fed_batch", "batch"]


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
        measures: The modelled species whose value a signal reads, in the same unit; empty for other roles and for
            signals that only are recorded.
        error_memory_h: How long an error of that signal persists [h]: readings within it count as one.
        short: Name in narrow tables; empty = not shown there.
        analyzer: How a usual laboratory measures it.
        noise: What the model expects of one measurement.
        prior: What is expected where it was never measured.
        unexplained: How much balances and kinetics may miss.
        rise: The most by which it can rise; None = not judged.
        usual: What a real column has; None = not judged.
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
    analyzer: Analyzer = Analyzer()
    noise: Noise | None = None
    prior: Prior | None = None
    unexplained: Unexplained | None = None
    rise: Rise | None = None
    usual: UsualColumn | None = None
    vague: tuple[str, ...] = ()
    mistaken_units: tuple[tuple[str, float], ...] = ()
    alarm: Alarm | None = None

    def __post_init__(self) -> None:
        """Label what has no label by its name."""
        object.__setattr__(self, "label", self.label or in_words(self.name))

    @property
    def is_modelled(self) -> bool:
        """Whether it has a balance, and so a place in the arrays of the model."""
        return self.role not in UNBALANCED

    def filled(self, in_medium: float = 0.0) -> Species:
        """Return the species with weak expectations where none were declared; what has no balance needs none.

        Args:
            in_medium: Concentration in what flows in, canonical unit; 0 = none.
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
        role: What it does.
        of: The species whose concentration is held or flows in; empty for other roles.
        composition: What flows in: of a feed, or of the concentrate by which a concentration is held.
        max_flow: The most that the pump of that feed or concentrate gives [1/day].
        control_width: Over which the controller of a held concentration opens, canonical unit.
        short: Name in narrow tables.
        allowed: What may be written unless a design space says otherwise; None = a design space must say it.
        clear_change: One unit of the residual's inputs: a change that a scientist would call clear, canonical unit;
            0 = a share of the range.
        usual: What a real column has; None = not judged.
        vague: Names that people use for other quantities too, so that it is asked which is meant.
        measured: Whether what the vessel has is a signal of its own beside what it is asked, `<name>_measured`; None =
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
    vague: tuple[str, ...] = ()
    measured: bool | None = None

    def __post_init__(self) -> None:
        """Label what has no label by its name; a change is clear by its share of the range.

        Raises:
            ConfigError: `measured` is neither true nor false.
        """
        if self.measured not in (True, False, None):
            raise ConfigError(f"{self.name}: measured = {self.measured!r}, expected true or false.")
        object.__setattr__(self, "label", self.label or in_words(self.name))
        low, high = (self.low, self.high) if self.allowed is None else (self.allowed.low, self.allowed.high)
        object.__setattr__(self, "clear_change", self.clear_change or usual_change(low, high))

    @property
    def measured_name(self) -> str:
        """Name of the signal that says what the vessel has, where there is one."""
        return f"{self.name}_measured"

    def twin(self) -> Species | None:
        """Return the signal that says what the vessel has, None where what is asked is all that is known."""
        is_told = self.role == "condition" if self.measured is None else self.measured
        if not is_told:
            return None
        return Species(
            self.measured_name, unit=self.unit, role="signal", label=f"{self.label}, measured", low=self.low,
            high=self.high, molar_mass=self.molar_mass,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The quantities of a process.

    Attributes:
        name: Of the process.
        species: Everything that is measured, in the order of all arrays; with the signals of measured setpoints.
        setpoints: Everything that is set, in the order of all arrays.
        clear_days: One unit of the culture's age as an input of the residual [day].
        critical: Species without which no setpoint is changed for long.
        alarmed: Species with alarms unless told otherwise, in the order in which they are judged.
        limits: Limits that decisions keep unless told otherwise.
        medium: What flows in with the perfusion, unless a run says otherwise.
        media: Further media by name, which runs may name.
        equipment: The vessel and what is taken from it.
        species_names: Of the modelled species, in the order of all arrays.
        setpoint_names: In the order of all arrays.
    """

    name: str
    species: tuple[Species, ...]
    setpoints: tuple[Setpoint, ...]
    clear_days: float
    critical: tuple[str, ...] = ()
    alarmed: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    medium: Medium = NO_MEDIUM
    media: tuple[tuple[str, Medium], ...] = ()
    equipment: Equipment = USUAL_EQUIPMENT
    species_names: tuple[str, ...] = field(init=False, repr=False, compare=False)
    setpoint_names: tuple[str, ...] = field(init=False, repr=False, compare=False)
    by_name: Mapping[str, Species | Setpoint] = field(init=False, repr=False, compare=False)
    _places: Mapping[str, int] = field(init=False, repr=False, compare=False)
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what cannot be a process.

        Raises:
            ConfigError: a name stands twice, cells are missing or counted twice, or a list names a stranger.
        """
        declared = {s.name for s in self.species}
        twins = tuple(t for s in self.setpoints if (t := s.twin()) is not None and t.name not in declared)
        object.__setattr__(self, "species", (*self.species, *twins))
        names = [q.name for q in self.quantities]
        for name in names:
            _check_name(name, self.name)
        if twice := sorted({n for n in names if names.count(n) > 1}):
            raise ConfigError(f"{self.name}: {', '.join(twice)} declared twice. Give each quantity a name of its own.")
        for role in ("cells", "viability", "size", "perfusion", "bleed"):
            found = [q.name for q in self.quantities if q.role == role]
            if len(found) > 1 or (role == "cells" and not found):
                kind = "setpoints" if role in ("perfusion", "bleed") else "species"
                raise ConfigError(
                    f"{self.name}: {len(found)} {kind} have the role {role!r} ({', '.join(found) or 'none'}), "
                    f"expected {'exactly' if role == 'cells' else 'at most'} 1. Give one of them another role."
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
        self._refuse_signals_of_something_else()
        self._take_in_media()
        self._look_up_once()

    def _refuse_signals_of_something_else(self) -> None:
        modelled = {s.name: s for s in self.modelled}
        for signal in (s for s in self.species if s.measures):
            if signal.role != "signal" or signal.measures not in modelled:
                raise ConfigError(
                    f"{self.name}: {signal.name} of role {signal.role!r} measures {signal.measures!r}, expected a "
                    f"signal and one of {', '.join(modelled)}. Correct the role or the name, or leave measures out."
                )
            if signal.unit != modelled[signal.measures].unit:
                raise ConfigError(
                    f"{self.name}: {signal.name} in {signal.unit} measures {signal.measures} in "
                    f"{modelled[signal.measures].unit}, expected the same unit: what turns one into the other is not "
                    "guessed. Give the signal as it was calibrated."
                )
            if not signal.error_memory_h > 0.0:
                raise ConfigError(f"{self.name}: error_memory_h of {signal.name} = {signal.error_memory_h:g}: above 0.")

    def _take_in_media(self) -> None:
        """Put media, feeds and concentrates into canonical units."""
        dissolved: dict[str, Quantity] = {s.name: s for s in self.species if s.role in DISSOLVED}
        object.__setattr__(self, "medium", self.medium.of(dissolved))
        object.__setattr__(self, "media", tuple((name, medium.of(dissolved)) for name, medium in self.media))
        object.__setattr__(self, "species", tuple(s.filled(self.medium[s.name]) for s in self.species))
        filled = tuple(
            replace(s, composition=s.composition.of(dissolved, is_concentrated=True)) for s in self.setpoints
        )
        object.__setattr__(self, "setpoints", filled)

    def _look_up_once(self) -> None:
        """Note what is asked thousands of times; a panel is a key of caches, so its hash too."""
        species, setpoints = tuple(s.name for s in self.modelled), tuple(s.name for s in self.setpoints)
        places = {name: i for names in (species, setpoints) for i, name in enumerate(names)}
        noted = {
            "species_names": species,
            "setpoint_names": setpoints,
            "by_name": {q.name: q for q in self.quantities},
            "_places": places,
            "_hash": hash((self.name, self.species, self.setpoints, self.medium, self.equipment)),
        }
        for name, value in noted.items():
            object.__setattr__(self, name, value)

    def __hash__(self) -> int:
        """Return the hash that was worked out once."""
        return self._hash

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle what was declared; what follows from it differs between processes."""
        return _unpickled, (type(self), {f.name: getattr(self, f.name) for f in fields(self) if f.init})

    def __getitem__(self, name: str) -> Species | Setpoint:
        """Return the quantity of that name.

        Raises:
            UnknownQuantity: no such quantity; the message names the nearest one.
        """
        if name in self.by_name:
            return self.by_name[name]
        known = tuple(self.by_name)
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
    def balance(self) -> Balance:
        """How the volume is balanced: by perfusion, by feeds that raise it, or not at all."""
        if self.of_role("perfusion"):
            return "perfusion"
        return "fed_batch" if self.of_role("feed_rate") else "batch"

    @property
    def alive(self) -> int | None:
        """Place of viability, the share of living cells, among the modelled species; None where it is not measured."""
        name = self.one_or_none("viability")
        return None if name is None else self.index(name)

    @property
    def dissolved(self) -> dict[str, Species]:
        """What a medium may hold, by name."""
        return {s.name: s for s in self.species if s.role in DISSOLVED}

    def index(self, name: str) -> int:
        """Return the place of a modelled species or of a setpoint in its arrays.

        Raises:
            UnknownQuantity: there is none of that name in the arrays.
        """
        if name in self._places:
            return self._places[name]
        self[name]
        raise UnknownQuantity(f"{name!r} of {self.name} has no balance, and so no place in the arrays of the model.")

    def medium_named(self, name: str) -> Medium:
        """Return one of the further media.

        Raises:
            UnknownQuantity: there is none of that name; the message names the nearest one.
        """
        media = dict(self.media)
        if name in media:
            return media[name]
        raise UnknownQuantity(
            f"{name!r} is no medium of {self.name}.{closest(name, tuple(media))}\n  Known: "
            f"{', '.join(media) or 'none'}. Declare it under media in process.toml."
        )

    @property
    def signals(self) -> tuple[Species, ...]:
        """Signals that read a modelled species between samples."""
        return tuple(s for s in self.species if s.measures)

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

    def one_or_none(self, role: SpeciesRole | SetpointRole) -> str | None:
        """Return the name of the only quantity of this role; None if none has it.

        Raises:
            UnknownQuantity: several have it.
        """
        return self.the(role) if self.of_role(role) else None

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
        """Return the panel without these quantities; what was said of them, and of what follows from them, goes too.

        Raises:
            UnknownQuantity: there is no such quantity.
        """
        for name in names:
            self[name]
        names = (*names, *(s.measured_name for s in self.setpoints if s.name in names))
        rest = replace(
            self,
            species=_others(self.species, names),
            setpoints=tuple(
                replace(s, composition=s.composition.without(*names)) for s in _others(self.setpoints, names)
            ),
            critical=tuple(n for n in self.critical if n not in names),
            alarmed=tuple(n for n in self.alarmed if n not in names),
            limits=tuple(limit for limit in self.limits if limit.quantity not in names),
            medium=self.medium.without(*names),
            media=tuple((name, medium.without(*names)) for name, medium in self.media),
        )
        lost = {*self.species_names, *derivable(q.role for q in self.quantities)} - {
            *rest.species_names, *derivable(q.role for q in rest.quantities)
        }  # fmt: skip
        return replace(rest, limits=tuple(limit for limit in rest.limits if limit.quantity not in lost))

    def with_(
        self,
        *quantities: Species | Setpoint,
        medium: Medium | None = None,
        media: Mapping[str, Medium] = MappingProxyType({}),
        working_volume: float | str | None = None,
        sampling_flow: float | str | None = None,
        name: str = "",
    ) -> Self:
        """Return the panel with more quantities, each last of its kind; one of a known name takes its place.

        Args:
            quantities: To be added or replaced.
            medium: What flows in with the perfusion; None = as it was.
            media: Further media by name.
            working_volume: [mL], or with its unit; None = as it was.
            sampling_flow: [1/day], or with its unit; None = as it was.
            name: Of the process; empty = as it was.
        """
        species, setpoints = list(self.species), list(self.setpoints)
        for one in quantities:
            if isinstance(one, Species):
                _put(species, one)
            else:
                _put(setpoints, one)
        equipment = Equipment(
            working_volume=self.equipment.working_volume if working_volume is None else working_volume,
            sampling_flow=self.equipment.sampling_flow if sampling_flow is None else sampling_flow,
        )
        return replace(
            self,
            name=name or self.name,
            species=tuple(species),
            setpoints=tuple(setpoints),
            medium=self.medium if medium is None else medium,
            media=tuple((dict(self.media) | dict(media)).items()),
            equipment=equipment,
        )


_INTERNED: dict[Panel, Panel] = {}


def interned(panel: Panel) -> Panel:
    """Return the one object for this panel, so that equal panels are mostly the same object and compare quickly."""
    return _INTERNED.setdefault(panel, panel)


def _unpickled(cls: type[Panel], declared: dict[str, object]) -> Panel:
    return interned(cls(**declared))  # type: ignore[arg-type]


NAME = re.compile("[a-z][a-z0-9_]{0,63}")
TAKEN = frozenset({
    "time_h", "time", "day", "quality", "panel", "more", "fraction", "run", "reactor", "clone", "vector", "measured",
    "missing", "of", "of_values", "with_values", "by_name", "filled_from", "together", "concentrations", "process",
}) | frozenset(NEEDS)  # fmt: skip
"""What else stands beside quantities in a State, in Setpoints, in a table or in a forecast."""


def _check_name(name: str, of: str) -> None:
    """Refuse a name that could not stand in a record, a column or a State.

    Raises:
        ConfigError: it is none.
    """
    if not NAME.fullmatch(name):
        raise ConfigError(
            f"{of}: {name!r:.80} is no name of a quantity: expected small letters, digits and underscores, a letter "
            "first, such as 'dissolved_oxygen'. What people call it goes into label and aliases."
        )
    if name in TAKEN:
        raise ConfigError(f"{of}: {name!r} has a meaning of its own beside quantities. Give the quantity another name.")


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
