"""Medium and Equipment: the inflow of a vessel, and its size. Settings of a run, never constants of physics.

Amounts may be given with a unit, ``"45 mmol/L"``; a panel turns them into the canonical unit of their quantity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Self

from perfusio.errors import ConfigError, UnknownQuantity
from perfusio.quantities import Quantity, closest, conversion_factor

Amount = float | str
"""A number in the canonical unit, or a number with its unit."""
_WRITTEN = re.compile(r"\s*([-+]?[0-9]*[.,]?[0-9]+(?:[eE][-+]?[0-9]+)?)\s*(.*?)\s*")
DRY = 1e6
"""More than anything holds, in any unit that concentrations have here."""
_VOLUME = Quantity(name="working_volume", unit="mL", label="Working volume", low=1e-3, high=1e8)
_PER_TIME = {"/day": 1.0, "/d": 1.0, "/h": 24.0, "/min": 1440.0}


def amount_of(given: Amount, quantity: Quantity) -> float:
    """Return an amount in the canonical unit of a quantity.

    Raises:
        ConfigError: it is no number of that quantity, is not finite, or lies outside its range.
    """
    number, unit = split_unit(given, quantity.name)
    try:
        value = number * conversion_factor(unit, quantity) if unit else number
    except UnknownQuantity as error:
        raise ConfigError(str(error)) from None
    if not (isfinite(value) and quantity.low <= value <= quantity.high):
        raise ConfigError(
            f"{quantity.name} = {given} is not possible: expected {quantity.low:g} to {quantity.high:g} "
            f"{quantity.unit}. Correct the number or its unit."
        )
    return value


def split_unit(given: Amount, name: str) -> tuple[float, str]:
    """Return number and unit of an amount; the unit is empty where none is given.

    Raises:
        ConfigError: it does not begin with a number.
    """
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise ConfigError(f'{name} = {given!r} is no amount. Give a number, or one with its unit such as "5 g/L".')
    if not isinstance(given, str):
        return float(given), ""
    found = _WRITTEN.fullmatch(given)
    if found is None:
        raise ConfigError(f'{name} = {given!r} is no amount. Give a number with its unit, such as "5 g/L".')
    return float(found[1].replace(",", ".")), found[2]


@dataclass(frozen=True, slots=True, init=False)
class Medium:
    """Concentrations in an inflow: perfusion medium, feed, or concentrate. A species that is not named is absent.

    Attributes:
        given: Amount by name of a species, in the order of names.
    """

    given: tuple[tuple[str, Amount], ...]

    def __init__(self, **concentrations: Amount) -> None:
        """Take concentrations by species name, in canonical units or with a unit, ``Medium(glucose="45 mmol/L")``."""
        object.__setattr__(self, "given", tuple(sorted(concentrations.items())))

    def __repr__(self) -> str:
        """Show the concentrations as they are given."""
        return f"Medium({', '.join(f'{name}={amount!r}' for name, amount in self.given)})"

    def __iter__(self) -> Iterator[str]:
        """Yield the names that are given."""
        return (name for name, _ in self.given)

    def __bool__(self) -> bool:
        """Whether anything is named."""
        return bool(self.given)

    def __getitem__(self, name: str) -> float:
        """Return a concentration in the canonical unit; 0 where the species is not named.

        Raises:
            ConfigError: the medium still has units of its own: a panel has not taken it in.
        """
        value = dict(self.given).get(name, 0.0)
        if isinstance(value, str):
            raise ConfigError(f"{name} = {value!r} has a unit of its own. Ask the medium of a panel, panel.medium.")
        return value

    def of(self, species: Mapping[str, Quantity], *, is_concentrated: bool = False) -> Self:
        """Return the medium in canonical units.

        Args:
            species: Quantities that may be dissolved, by name.
            is_concentrated: Whether it may hold more than a culture ever does, as feeds do.

        Raises:
            ConfigError: a name is not among them, or an amount is none.
        """
        for name in self:
            if name not in species:
                raise ConfigError(
                    f"{name!r} in a medium is no dissolved species.{closest(name, tuple(species))}\n  Known: "
                    f"{', '.join(species)}. Declare the species, or leave it out of the medium."
                )
        limits = {n: replace(q, low=0.0, high=DRY if is_concentrated else q.high) for n, q in species.items()}
        return type(self)(**{name: amount_of(value, limits[name]) for name, value in self.given})

    def without(self, *names: str) -> Self:
        """Return the medium without these species."""
        return type(self)(**{name: value for name, value in self.given if name not in names})

    def as_dict(self) -> dict[str, Amount]:
        """Return the amounts by name."""
        return dict(self.given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """The vessel and its sampling.

    Attributes:
        working_volume: [mL], or with its unit; None = not declared, so that only rates per volume are understood.
        sampling_flow: Broth taken for the analyzers [1/day], or a flow such as ``"3 mL/day"``.
    """

    working_volume: float | str | None = None
    sampling_flow: float | str = 0.015

    def __post_init__(self) -> None:
        """Turn amounts into mL and 1/day.

        Raises:
            ConfigError: an amount is none, or a flow in mL has no working volume beside it.
        """
        volume = None if self.working_volume is None else amount_of(self.working_volume, _VOLUME)
        object.__setattr__(self, "working_volume", volume)
        rate = self.per_volume(self.sampling_flow, "sampling_flow")
        if not (isfinite(rate) and 0.0 <= rate <= 1.0):
            raise ConfigError(f"sampling_flow = {self.sampling_flow} is not possible: expected 0 to 1 1/day.")
        object.__setattr__(self, "sampling_flow", rate)

    @property
    def sampling(self) -> float:
        """Broth taken for the analyzers [1/day]."""
        assert isinstance(self.sampling_flow, float)
        return self.sampling_flow

    @property
    def volume_ml(self) -> float | None:
        """Working volume [mL], None if not declared."""
        assert not isinstance(self.working_volume, str)
        return self.working_volume

    def per_volume(self, given: Amount, name: str) -> float:
        """Return a flow in working volumes per day.

        Args:
            given: A number [1/day], or a flow of volume such as ``"12 mL/h"``.
            name: Of the flow, for the answer.

        Raises:
            ConfigError: the unit is none of a flow, or no working volume is declared.
        """
        number, unit = split_unit(given, name)
        return number * self.flow_factor(unit, name) if unit else number

    def flow_factor(self, unit: str, name: str) -> float:
        """Return the factor that turns a flow in this unit, of volume or per volume, into working volumes per day.

        Raises:
            ConfigError: as `per_volume`.
        """
        rate = Quantity(name=name, unit="1/day", label=name, low=0.0, high=1e9)
        try:
            return conversion_factor(unit, rate)
        except UnknownQuantity as error:
            form = unit.replace(" ", "")
            per = next((p for p in _PER_TIME if form.endswith(p)), None)
            if per is None:
                raise ConfigError(f"{error} With a working volume also mL/h, mL/day and L/day.") from None
            try:
                ml = conversion_factor(form.removesuffix(per), _VOLUME)
            except UnknownQuantity:
                raise ConfigError(f"{error} With a working volume also mL/h, mL/day and L/day.") from None
            if self.volume_ml is None:
                raise ConfigError(
                    f"{name} in {unit} is a volume per time, expected working volumes per day: the working volume is "
                    'not declared. Give it, e.g. working_volume = "250 mL" in process.toml.'
                ) from None
            return ml * _PER_TIME[per] / self.volume_ml
