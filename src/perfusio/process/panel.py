"""Panel: the measured, modelled and set quantities of a process, with every fact of each in one declared place.

Other modules name no number of a quantity: they derive arrays, tables and messages from the panel. The order of the
lines is the order of all arrays. `cho_perfusion.py` holds the panel that perfusio comes with. Letters: Q modelled
species, U setpoints.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Literal, Self, TypeVar

from perfusio.errors import ConfigError, UnknownQuantity
from perfusio.process.facts import Alarm, Limit, Noise, Prior, Unexplained
from perfusio.process.medium import Equipment, Medium
from perfusio.process.needs import derivable
from perfusio.process.soundness import refuse_no_process
from perfusio.process.species import DISSOLVED, NO_MEDIUM, Setpoint, SetpointRole, Species, SpeciesRole
from perfusio.quantities import Quantity, closest

USUAL_EQUIPMENT = Equipment()
MOST_CLEAR_DAYS = 365.0
Balance = Literal["perfusion", "fed_batch", "batch"]


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
        medium: Medium of the perfusion, unless a run says otherwise.
        media: Further media by name, which runs may name.
        equipment: The vessel and its sampling.
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
        """Refuse quantities that make no process.

        Raises:
            ConfigError: a name stands twice, cells are missing or counted twice, or a list names a stranger.
        """
        declared = {s.name for s in self.species}
        twins = tuple(t for s in self.setpoints if (t := s.twin()) is not None and t.name not in declared)
        object.__setattr__(self, "species", (*self.species, *twins))
        refuse_no_process(
            self.name, self.species, self.setpoints, critical=self.critical, alarmed=self.alarmed
        )
        if not 0.0 < self.clear_days <= MOST_CLEAR_DAYS:
            raise ConfigError(
                f"{self.name}: clear_days = {self.clear_days:g} is not possible: expected days, above 0 and at most "
                f"{MOST_CLEAR_DAYS:g}."
            )
        self._take_in_media()
        self._look_up_once()

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
        """Note answers that are asked for thousands of times; a panel is a key of caches, so its hash too."""
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

    def __repr__(self) -> str:
        """Name the process and its quantities."""
        measured = ", ".join(s.name for s in self.species)
        return f"<Process {self.name!r}: measured {measured}; set {', '.join(self.setpoint_names)}>"

    def __hash__(self) -> int:
        """Return the hash that was worked out once."""
        return self._hash

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the declarations; derived values differ between processes."""
        return _unpickled, (type(self), {f.name: getattr(self, f.name) for f in fields(self) if f.init})

    def __getitem__(self, name: str) -> Species | Setpoint:
        """Return the quantity of that name.

        Raises:
            UnknownQuantity: no such quantity; the message names the nearest one.
        """
        if name in self.by_name:
            return self.by_name[name]
        raise self.unknown(name, tuple(self.by_name))

    def unknown(self, name: str, known: tuple[str, ...]) -> UnknownQuantity:
        """Return the error that a name is none of these quantities of the process; it names the nearest one."""
        return UnknownQuantity(
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
        """Solutes that a medium may hold, by name."""
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
        """Return the panel without these quantities; facts of them, and of quantities derived from them, go too.

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
            medium: Medium of the perfusion; None = as it was.
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


_Kind = TypeVar("_Kind", Species, Setpoint)


def _others(quantities: Iterable[_Kind], names: tuple[str, ...]) -> tuple[_Kind, ...]:
    return tuple(q for q in quantities if q.name not in names)


def _put(quantities: list[_Kind], one: _Kind) -> None:
    places = [i for i, q in enumerate(quantities) if q.name == one.name]
    if places:
        quantities[places[0]] = one
    else:
        quantities.append(one)
