"""Quantities and their units: the only place where units exist.

A quantity is declared once, in a panel (`process/cho_perfusion.py`); headers, axis labels, event payloads, ranges and
array order all derive from there.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from difflib import get_close_matches
from math import floor, isfinite, log10, ulp

from perfusio.errors import OutOfRange, UnknownQuantity
from perfusio.unit_spellings import AMOUNT, MASS, cell_density, concentration, two_densities


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """One thing that is measured or set.

    Attributes:
        name: Identifier, e.g. ``"glucose"``.
        unit: Canonical unit, e.g. ``"g/L"``; all values inside perfusio are in it.
        label: Words for axes and tables.
        low: Smallest physically possible value.
        high: Largest value that is not an obvious mistake.
        aliases: Names that people write in their headers (compared by `normalised`).
        molar_mass: Grams per mole, where mass and molar units are both in use.
        molar_masses: The same by name, where a name says another chemical form: NH3 is not NH4+.
    """

    name: str
    unit: str
    label: str
    low: float
    high: float
    aliases: tuple[str, ...] = ()
    molar_mass: float | None = None
    molar_masses: tuple[tuple[str, float], ...] = ()

    @property
    def header(self) -> str:
        """Column header with unit, e.g. ``glucose [g/L]``."""
        return f"{self.name} [{self.unit}]"

    @property
    def axis_label(self) -> str:
        """Axis label with unit, e.g. ``Glucose [g/L]``."""
        return f"{self.label} [{self.unit}]"

    def as_written(self, value: float) -> float:
        """Return a value as people write it, in the resolution of the quantity where it has one."""
        return without_dust(value)

    def check(self, value: float) -> None:
        """Raise OutOfRange unless `value` is NaN (not measured) or physically possible."""
        if not (value != value or self.low <= value <= self.high):
            raise OutOfRange(
                f"{self.name} = {value:g} {self.unit} is not possible: expected {self.low:g} to {self.high:g} "
                f"{self.unit}. Check the value and its unit."
            )


_DIGITS, _ULPS = 12, 8


def without_dust(value: float) -> float:
    """Return a number without the last digits that arithmetic leaves; any other number as it is.

    >>> without_dust(36.80000000000001), without_dust(1 / 3)
    (36.8, 0.3333333333333333)
    """
    short = float(f"{value:.{_DIGITS}g}")
    return short if abs(short - value) <= _ULPS * ulp(value) else value


def is_plain(value: float) -> bool:
    """Whether a number has so few digits that a person or an instrument can have written it."""
    return without_dust(value) == float(f"{value:.{_DIGITS}g}")


def in_steps_of(value: float, of: float) -> float:
    """Return a number rounded to the power of ten at or below a thousandth of `of`, with four digits at least.

    Without dust where `of` is 0.
    """
    if not (of > 0.0 and isfinite(value) and value != 0.0):
        return without_dust(value)
    decimals = max(-floor(log10(of * _A_THOUSANDTH)), _LEAST_DIGITS - 1 - floor(log10(abs(value))))
    return round(value, decimals) if decimals < _MOST_DECIMALS else without_dust(value)


_A_THOUSANDTH, _LEAST_DIGITS, _MOST_DECIMALS = 1e-3, 4, 300
_ALIKE = str.maketrans({"μ": "u", "°": "deg", "×": "x", "−": "-"})


def normalised(text: str) -> str:
    """Return `text` in the form in which names and units are compared.

    Compatibility forms are folded (both mu characters, superscripts), case, blanks and underscores are ignored, a times
    sign is an x and a minus sign a hyphen.
    """
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_ALIKE)
    return re.sub(r"[\s_]+", "", folded)


def closest(name: str, known: tuple[str, ...], *, cutoff: float = 0.6) -> str:
    """Return `` Did you mean 'x'?`` for the known name nearest to `name`, or nothing if all are far from it."""
    by_form = {normalised(k): k for k in known}
    near = get_close_matches(normalised(name), list(by_form), n=1, cutoff=cutoff)
    return f" Did you mean {by_form[near[0]]!r}?" if near else ""


# Factor that turns a value in the named unit into the canonical unit on the right.
_SAME_DIMENSION: dict[str, dict[str, float]] = {
    "%": {"%": 1.0, "percent": 1.0, "pct": 1.0, "fraction": 100.0, "-": 100.0, "1": 100.0, "[-]": 100.0},
    "um": {"um": 1.0, "micron": 1.0, "microns": 1.0, "micrometer": 1.0, "nm": 1e-3},
    "1/day": {"1/day": 1.0, "1/d": 1.0, "vvd": 1.0, "d-1": 1.0, "day-1": 1.0, "/day": 1.0, "/d": 1.0,
              "1/h": 24.0, "h-1": 24.0},
    "°C": {"degc": 1.0, "c": 1.0, "celsius": 1.0, "degcelsius": 1.0},
    "h": {"h": 1.0, "hr": 1.0, "hrs": 1.0, "hour": 1.0, "hours": 1.0, "d": 24.0, "day": 24.0, "days": 24.0,
          "min": 1 / 60, "minutes": 1 / 60},
    "mL": {"ml": 1.0, "l": 1e3, "ul": 1e-3},
    "-": {"-": 1.0, "1": 1.0, "fraction": 1.0, "%": 0.01, "ph": 1.0},
    "pH": {"ph": 1.0, "-": 1.0},
    "rpm": {"rpm": 1.0, "1/min": 1.0, "min-1": 1.0, "rps": 60.0, "1/s": 60.0},
}  # fmt: skip

_KELVIN, _FAHRENHEIT = (1.0, -273.15), (5.0 / 9.0, -160.0 / 9.0)
_OTHER_ZERO: dict[str, dict[str, tuple[float, float]]] = {
    "°C": {**dict.fromkeys(("k", "kelvin", "degk"), _KELVIN),
           **dict.fromkeys(("f", "degf", "fahrenheit", "degfahrenheit"), _FAHRENHEIT)},
}  # fmt: skip


CELLS = "1e6 cells/mL"
_CONCENTRATIONS = {"g/L": (MASS, 1.0), "mg/L": (MASS, 1e-3), "mmol/L": (AMOUNT, 1e-3)}


_WRITTEN: dict[str, tuple[str, ...]] = {
    "1e6 cells/mL": ("cells/mL", "1e5 cells/mL", "cells/L"),
    "%": ("fraction",),
    "g/L": ("mg/L", "mg/dL", "mmol/L"),
    "mmol/L": ("umol/L", "mg/L", "g/L"),
    "mg/L": ("g/L", "mg/dL"),
    "um": ("nm",),
    "1/day": ("1/h",),
    "rpm": ("1/s",),
}


def units_of(quantity: Quantity) -> tuple[str, ...]:
    """Return other units in which people give a quantity, as they write them, the likeliest first."""
    return _WRITTEN.get(quantity.unit, ())


def from_other_zero(unit: str, to: Quantity) -> tuple[float, float] | None:
    """Return factor and offset from a unit whose zero is another one than that of `to`; None for any other unit."""
    return _OTHER_ZERO.get(to.unit, {}).get(normalised(unit))


def conversion_factor(unit: str, to: Quantity) -> float:
    """Return the factor that turns a value in `unit` into the canonical unit of quantity `to`.

    Mass and molar concentrations convert through the substance's molar mass.

    Raises:
        UnknownQuantity: the unit cannot be a unit of this quantity, or can mean two.
    """
    form = normalised(unit)
    same = _SAME_DIMENSION.get(to.unit) or {normalised(to.unit): 1.0}
    if form in same:
        return same[form]
    if to.unit == CELLS:
        if (factor := cell_density(unit)) is not None:
            return factor
        if (readings := two_densities(unit)) is not None:
            raise UnknownQuantity(f"{unit!r} can be {' or '.join(readings)}. Write the one that is meant.")
    elif to.unit in _CONCENTRATIONS and (found := concentration(unit)) is not None:
        kind, factor = found
        canonical_kind, canonical = _CONCENTRATIONS[to.unit]
        if kind == canonical_kind:
            return factor / canonical
        if to.molar_mass is not None and kind == AMOUNT:
            return factor / canonical * 1e3 * to.molar_mass / 1e3
        if to.molar_mass is not None:
            return factor / (canonical * 1e3) * 1e3 / to.molar_mass
    expected = units_of(to) or tuple(sorted(same))
    raise UnknownQuantity(
        f"{unit!r} is not a unit of {to.name}: expected {to.unit} or one of {', '.join(expected)}. "
        "Mend the unit in the header, or remove it if the values are in the canonical unit."
    )


def named(quantity: Quantity, word: str) -> Quantity:
    """Return a quantity with the molar mass of the molecule that a word names: ``NH3`` weighs less than ``NH4+``."""
    masses = {normalised(name): mass for name, mass in quantity.molar_masses}
    mass = masses.get(normalised(word))
    return quantity if mass is None else replace(quantity, molar_mass=mass)
