"""Quantities and their units: the only place where units exist.

A quantity is declared once, in a panel (`process/cho_perfusion.py`); headers, axis labels, event payloads, ranges and
array order all derive from there.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches

from perfusio.errors import OutOfRange, UnknownQuantity


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
    """

    name: str
    unit: str
    label: str
    low: float
    high: float
    aliases: tuple[str, ...] = ()
    molar_mass: float | None = None

    @property
    def header(self) -> str:
        """Column header with unit, e.g. ``glucose [g/L]``."""
        return f"{self.name} [{self.unit}]"

    @property
    def axis_label(self) -> str:
        """Axis label with unit, e.g. ``Glucose [g/L]``."""
        return f"{self.label} [{self.unit}]"

    def check(self, value: float) -> None:
        """Raise OutOfRange unless `value` is NaN (not measured) or physically possible."""
        if not (value != value or self.low <= value <= self.high):
            raise OutOfRange(
                f"{self.name} = {value:g} {self.unit} is not possible: expected {self.low:g} to {self.high:g} "
                f"{self.unit}. Check the value and its unit."
            )


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
    "1e6 cells/mL": {
        "1e6cells/ml": 1.0, "1e6/ml": 1.0, "10^6cells/ml": 1.0, "10^6/ml": 1.0, "106cells/ml": 1.0,
        "x10^6cells/ml": 1.0, "x10^6/ml": 1.0, "x106cells/ml": 1.0, "e6cells/ml": 1.0, "e6/ml": 1.0,
        "mio/ml": 1.0, "miocells/ml": 1.0,
        "mcells/ml": 1.0, "cells/ml": 1e-6, "1/ml": 1e-6, "1e9cells/l": 1.0, "cells/l": 1e-9,
        "10^5cells/ml": 0.1, "1e5cells/ml": 0.1,
    },
    "%": {"%": 1.0, "percent": 1.0, "pct": 1.0, "fraction": 100.0, "-": 100.0, "1": 100.0},
    "g/L": {"g/l": 1.0, "g*l-1": 1.0, "mg/ml": 1.0, "mg/l": 1e-3, "ug/ml": 1e-3, "mg/dl": 1e-2, "g/dl": 10.0},
    "mmol/L": {"mmol/l": 1.0, "mm": 1.0, "umol/l": 1e-3, "um": 1e-3, "mol/l": 1e3},
    "mg/L": {"mg/l": 1.0, "ug/ml": 1.0, "g/l": 1e3, "mg/ml": 1e3},
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


_WRITTEN: dict[str, tuple[str, ...]] = {
    "1e6 cells/mL": ("cells/mL", "cells/L"),
    "%": ("fraction",),
    "g/L": ("mg/L", "mg/dL", "mmol/L"),
    "mmol/L": ("umol/L", "mg/L", "g/L"),
    "mg/L": ("g/L",),
    "um": ("nm",),
    "1/day": ("1/h",),
    "rpm": ("1/s",),
}


def units_of(quantity: Quantity) -> tuple[str, ...]:
    """Return other units in which people give a quantity, as they write them, the likeliest first."""
    return _WRITTEN.get(quantity.unit, ())


def conversion_factor(unit: str, to: Quantity) -> float:
    """Return the factor that turns a value in `unit` into the canonical unit of quantity `to`.

    Mass and molar concentrations convert through the substance's molar mass.

    Raises:
        UnknownQuantity: the unit cannot be a unit of this quantity.
    """
    form = normalised(unit)
    same = _SAME_DIMENSION.get(to.unit) or {normalised(to.unit): 1.0}
    if form in same:
        return same[form]
    if to.molar_mass is not None and to.unit == "g/L" and form in _SAME_DIMENSION["mmol/L"]:
        return _SAME_DIMENSION["mmol/L"][form] * to.molar_mass / 1e3
    if to.molar_mass is not None and to.unit == "mmol/L" and form in _SAME_DIMENSION["g/L"]:
        return _SAME_DIMENSION["g/L"][form] * 1e3 / to.molar_mass
    raise UnknownQuantity(
        f"{unit!r} is not a unit of {to.name}: expected {to.unit} or one of {', '.join(sorted(same))}. "
        "Mend the unit in the header, or remove it if the values are in the canonical unit."
    )
