"""Words of a person as values: names, amounts, bounds, limits. A ValueError or ConfigError says the expectation."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from perfusio.errors import ConfigError

_LIMIT = re.compile(r"\s*([\w]+)\s*(>=|<=)\s*([0-9.]+(?:e-?[0-9]+)?)\s*%?\s*")


def one_of(known: tuple[str, ...]) -> Callable[[str], str]:
    """Return a reader of one of these names."""

    def read(text: str) -> str:
        if text not in known:
            raise ValueError(f"{text!r}: expected one of {', '.join(known)}.")
        return text

    return read


def names_of(known: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """Return a reader of some of these names, separated by commas."""
    from perfusio.quantities import closest

    def read(text: str) -> tuple[str, ...]:
        names = listed(text)
        for name in names:
            if name not in known:
                raise ConfigError(f"{name!r} is none of {', '.join(known)}.{closest(name, tuple(known))}")
        return names

    return read


def listed(text: str) -> tuple[str, ...]:
    """Return the parts between commas, empty ones left away."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def word(text: str) -> str:
    """Return a text that is not empty.

    Raises:
        ValueError: it is empty.
    """
    if not text.strip():
        raise ValueError("Expected an answer.")
    return text.strip()


def whole(text: str) -> int:
    """Return a whole number."""
    return int(text)


def positive(text: str) -> float:
    """Return a number above 0.

    Raises:
        ValueError: it is none.
    """
    value = float(text)
    if not value > 0.0:
        raise ValueError(f"{text}: expected a number above 0.")
    return value


def three(text: str) -> tuple[float, float, float]:
    """Return three numbers that blanks, commas or colons separate.

    Raises:
        ValueError: they are not three, or not in order.
    """
    parts = re.split(r"[\s:;,]+", text.strip())
    if len(parts) != 3:
        raise ValueError(f"{text!r}: expected three numbers, e.g. 0.5 2 0.3.")
    low, high, step = (float(part) for part in parts)
    if not (low <= high and step > 0.0):
        raise ValueError(f"{text!r}: expected least <= largest, and a step above 0.")
    return low, high, step


def amount(text: str) -> str:
    """Return an amount with its unit, ``5 g/L``, as it is.

    Raises:
        ValueError: it has no number or no unit.
    """
    if not re.fullmatch(r"\s*[0-9.]+(e-?[0-9]+)?\s*\S.*", text):
        raise ValueError(f"{text!r}: expected a number with its unit, e.g. 5 g/L.")
    return text.strip()


def amounts(text: str) -> dict[str, str]:
    """Return amounts by name, as in ``glucose 400 g/L, glutamine 40 mmol/L``.

    Raises:
        ValueError: there is none, or one has no number or unit.
    """
    found = {}
    for part in listed(text):
        name, _, much = part.partition(" ")
        found[name] = amount(much)
    if not found:
        raise ValueError("Expected names with amounts, e.g. glucose 400 g/L, glutamine 40 mmol/L.")
    return found


def limit_of(text: str) -> dict[str, Any]:
    """Return a limit such as ``viability >= 90`` as plain data.

    Raises:
        ConfigError: it is none.
    """
    match = _LIMIT.fullmatch(text)
    if match is None:
        raise ConfigError(f"{text!r}: expected a limit such as viability >= 90, or ammonium <= 8.")
    return {"quantity": match[1], "low" if match[2] == ">=" else "high": float(match[3])}


def limit_in_words(one: Mapping[str, Any]) -> str:
    """Return a limit as text."""
    return " and ".join(f"{one['quantity']} {sign} {one[end]:g}" for end, sign in (("low", ">="), ("high", "<="))
                        if end in one)  # fmt: skip
