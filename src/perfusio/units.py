"""Units that multiply, divide and convert, for expressions of quantities.

A unit is a number times powers of symbols: ``1e6 cells/mL`` is 1e6 cells^1 mL^-1. Symbols of one dimension are merged
when units are multiplied, so that mg/L times L/day is mg/day. Mass and amount of substance are two dimensions: which
substance it is, and so its molar mass, is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from perfusio.errors import UnknownQuantity
from perfusio.quantities import closest

_PREFIXES = {"": 1.0, "k": 1e3, "d": 1e-1, "c": 1e-2, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12}
_SYMBOLS: dict[str, tuple[str, float]] = {
    **{f"{p}g": ("mass", f) for p, f in _PREFIXES.items() if p not in "dc" or not p},
    **{f"{p}mol": ("amount", f) for p, f in _PREFIXES.items() if p not in "kdc" or not p},
    **{f"{p}L": ("volume", f) for p, f in _PREFIXES.items() if p != "k"},
    **{f"{p}m": ("length", f) for p, f in _PREFIXES.items() if p in ("", "c", "m", "u", "n")},
    "day": ("time", 1.0), "h": ("time", 1 / 24), "min": ("time", 1 / 1440), "s": ("time", 1 / 86400),
    "cells": ("cells", 1.0), "°C": ("°C", 1.0), "rpm": ("rpm", 1.0), "pH": ("pH", 1.0),
    **{money: (money, 1.0) for money in ("EUR", "USD", "GBP", "CHF", "JPY")},
}  # fmt: skip
_SPELLINGS = {
    "d": "day", "days": "day", "hr": "h", "hour": "h", "hours": "h", "minutes": "min", "cell": "cells",
    "degC": "°C", "litre": "L", "liter": "L", "micron": "um", "microns": "um",
    **{name[:-1] + "l": name for name in _SYMBOLS if name.endswith("L")},
    "mM": "mmol/L", "uM": "umol/L", "vvd": "1/day",
}  # fmt: skip
WORDS: frozenset[str] = frozenset(_SYMBOLS) | frozenset(_SPELLINGS)
"""Every word that is a unit."""
_ALIKE = str.maketrans({"μ": "u", "µ": "u", "−": "-", "·": "*", "²": "^2", "³": "^3"})
_PART = re.compile(r"\s*([*/]?)\s*(?:(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(%)|([^\W\d]+|°C))(?:\^?(-?\d+))?\s*")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of measurement.

    Attributes:
        scale: Number before the symbols; 0.01 alone is a percentage.
        powers: Symbol -> power, none of them 0.
    """

    scale: float
    powers: tuple[tuple[str, Fraction], ...]

    def times(self, other: Unit, sign: int = 1) -> Unit:
        """Return the product of two units, or with `sign` -1 their ratio; symbols of one dimension are merged."""
        scale, powers = self.scale * other.scale**sign, dict(self.powers)
        for symbol, power in other.powers:
            twin = next((s for s in powers if _dimension(s) == _dimension(symbol)), symbol)
            if twin != symbol:
                scale *= (_factor(symbol) / _factor(twin)) ** float(sign * power)
            powers[twin] = powers.get(twin, Fraction(0)) + sign * power
        return Unit(scale, tuple((s, p) for s, p in powers.items() if p))

    def to_the(self, power: Fraction) -> Unit:
        """Return a power of the unit."""
        if not power:
            return ONE
        return Unit(self.scale ** float(power), tuple((s, p * power) for s, p in self.powers))

    def in_(self, other: Unit) -> float | None:
        """Return the factor that turns a value in this unit into one in another; None where dimensions differ."""
        if self.dimensions != other.dimensions:
            return None
        factors = [u.scale * prod(_factor(s) ** float(p) for s, p in u.powers) for u in (self, other)]
        return 1.0 if self == other else factors[0] / factors[1]

    @property
    def dimensions(self) -> Mapping[str, Fraction]:
        """Dimension -> power; empty for a bare number and for shares."""
        found: dict[str, Fraction] = {}
        for symbol, power in self.powers:
            found[_dimension(symbol)] = found.get(_dimension(symbol), Fraction(0)) + power
        return {d: p for d, p in found.items() if p}

    def __str__(self) -> str:
        """Say it as people write it, e.g. ``mg/L/day``; a bare number is ``-``."""
        above = [_powered(s, p) for s, p in self.powers if p > 0]
        below = [_powered(s, -p) for s, p in self.powers if p < 0]
        if not self.powers:
            return {1.0: "-", 0.01: "%"}.get(self.scale, f"{self.scale:g}")
        scale = [] if self.scale == 1.0 and above else [f"{self.scale:g}"]
        return "/".join([" ".join(scale + above), *below])


ONE = Unit(1.0, ())
MOST_POWER = 9
"""Highest power of a unit, or of a quantity, that means anything."""


def declared_unit(text: str) -> Unit:
    """Return the unit of a quantity as its process declares it; one of an unknown word is a dimension of its own."""
    try:
        return unit_of(text)
    except UnknownQuantity:
        return Unit(1.0, ((text, Fraction(1)),))


def unit_of(text: str) -> Unit:
    """Return the unit that a text means, e.g. ``"1e6 cells/mL"``, ``"pL/cell/day"``, ``"%"``, ``"-"``.

    Raises:
        UnknownQuantity: a word is no unit.
    """
    rest, unit, at = text.translate(_ALIKE).strip(), ONE, 0
    if rest in ("", "-"):
        return ONE
    while at < len(rest):
        part = _PART.match(rest, at)
        if part is None or (at == 0 and part[1]):
            raise UnknownQuantity(f"{text!r} is not a unit: expected e.g. mg/L, 1e6 cells/mL or EUR/g.")
        at, sign = part.end(), -1 if part[1] == "/" else 1
        if part[2] and not (0.0 < float(part[2]) < 1e300):
            raise UnknownQuantity(f"{part[2]} in {text!r} is no scale of a unit: expected a number above 0.")
        one = Unit(float(part[2]), ()) if part[2] else Unit(0.01, ()) if part[3] else _named(part[4], text)
        unit = unit.times(one.to_the(_power(part[5], text)), sign)
    return unit


def _named(word: str, text: str) -> Unit:
    name = _SPELLINGS.get(word, word)
    if name in _SYMBOLS:
        return Unit(1.0, ((name, Fraction(1)),))
    if name != word:
        return unit_of(name)
    where = "" if word == text.strip() else f" in {text!r}"
    raise UnknownQuantity(f"{word!r}{where} is not a unit.{closest(word, tuple(sorted(WORDS)))}")


def _power(said: str | None, text: str) -> Fraction:
    power = Fraction(said or 1)
    if abs(power) > MOST_POWER:
        raise UnknownQuantity(f"The power {power} in {text!r} is of no unit: expected at most {MOST_POWER}.")
    return power


def _dimension(symbol: str) -> str:
    return _SYMBOLS.get(symbol, (symbol, 1.0))[0]


def _factor(symbol: str) -> float:
    return _SYMBOLS.get(symbol, (symbol, 1.0))[1]


def _powered(symbol: str, power: Fraction) -> str:
    return symbol if power == 1 else f"{symbol}^{power}"
