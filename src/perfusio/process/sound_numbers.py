"""Every number that people declare of a quantity: finite, of the right sign, and possible for that quantity. Pure.

One table has the range of each field. A fact that depends on the quantity is a share of its range; a quantity whose
range has no end is held to finite numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from math import inf, isfinite
from numbers import Integral, Real
from typing import Any

from perfusio.errors import ConfigError
from perfusio.quantities import Quantity

RANGE, SPAN, WIDE = "range", "span", "wide"
"""Within the range of the quantity; from 0 to its width; from 0 to ten times its upper end."""
Allowed = str | tuple[float, float]
LOGS, RATES = (0.0, 20.0), (0.0, 100.0)
"""Standard deviations and changes on a logarithmic scale; first-order rates [1/day]."""
MAY_BE: Mapping[str, Mapping[str, Allowed]] = {
    "Analyzer": {"cv": (0.0, 1.0), "sd": SPAN, "detection_limit": SPAN},
    "Noise": {"relative": (0.0, 1.0), "absolute": SPAN, "floor": SPAN},
    "Prior": {"mean": RANGE, "sd": LOGS, "settled": RANGE},
    "Unexplained": {
        "drift_sd": LOGS, "drift_walk": LOGS, "white_sd": LOGS, "usual": LOGS, "limit": RATES, "clear_change": LOGS,
    },
    "Rise": {"factor": (1.0, 1000.0), "free": WIDE, "per_cell": WIDE},
    "Fall": {"rate": RATES, "free": WIDE, "per_cell": WIDE},
    "PerCell": {"most": WIDE, "least": WIDE, "least_level": WIDE},
    "UsualColumn": {"low": WIDE, "high": WIDE},
    "Alarm": {"warn": RANGE, "act": RANGE},
    "Allowed": {"low": RANGE, "high": RANGE, "nominal": RANGE, "max_step": SPAN},
    "Species": {"low": (-1e12, 1e12), "high": (-1e12, inf), "error_memory_h": (0.0, 8760.0), "molar_mass": (0.0, 9e5)},
    "Setpoint": {
        "low": (-1e12, 1e12), "high": (-1e12, inf), "max_flow": (0.0, inf), "control_width": SPAN,
        "clear_change": SPAN, "molar_mass": (0.0, 9e5),
    },
}  # fmt: skip
NEVER = frozenset({("PerCell", "least_level"), ("Setpoint", "max_flow"), ("Species", "high"), ("Setpoint", "high")})
"""Fields that may have no end."""
IN_ORDER: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Species": (("low", "high"),), "Setpoint": (("low", "high"),), "UsualColumn": (("low", "high"),),
    "PerCell": (("least", "most"),), "Allowed": (("low", "nominal"), ("nominal", "high")),
}  # fmt: skip
"""Of these the first is no larger than the second."""
MOST_FLOW = 1000.0
"""No pump gives more working volumes a day."""


MOST_DAYS = 365
"""No run is longer."""
MOST_VESSELS, MOST_RECIPES = 1000, 96
"""No experiment has more vessels, and no rig takes more recipes at a time."""
MOST_PATHS = 100_000
"""More sample paths do not fit into memory for weeks of many vessels."""
LONGEST_POLL_S, LONGEST_WAIT_S = 86_400.0, 31 * 86_400.0
"""Longest times between two looks, and until a sample or an answer is given up [s]."""


def refuse_outside(
    what: str, value: object, low: float, high: float, *, unit: str = "", is_whole: bool = False, above: bool = False
) -> None:
    """Refuse a setting that is no number of a range; NaN and infinite ones are of none.

    >>> refuse_outside("days", 28, 1, 365, is_whole=True)

    Args:
        what: Its name, as the person gave it.
        value: As it was given.
        low: Least number.
        high: Largest number; infinite = any finite one.
        unit: For the message.
        is_whole: Whether only whole numbers make sense.
        above: Whether it must lie above `low`.

    Raises:
        ConfigError: with name, value and range.
    """
    kind = Integral if is_whole else Real
    if isinstance(value, kind) and not isinstance(value, bool):
        number = float(value)
        if isfinite(number) and low <= number <= high and not (above and number == low):
            return
    said = f"{value:g}" if isinstance(value, Real) else f"{value!r:.80}"
    end = "" if high == inf else f" to {high:g}"
    ends = f"above {low:g}{end and f' and up{end}'}" if above else f"from {low:g}{end or ' on'}"
    space = f" {unit}" if unit else ""
    sort = "whole number" if is_whole else "number"
    raise ConfigError(f"{what} = {said}{space} is not possible: expected a {sort} {ends}{space}. Correct it.")


def refuse_unsound(process: str, quantity: Quantity) -> None:
    """Refuse numbers of a quantity that cannot be meant.

    Raises:
        ConfigError: with field, value and the possible range.
    """
    for where, fact in _facts(quantity):
        kind = type(fact).__name__
        for name, allowed in MAY_BE[kind].items():
            value = getattr(fact, name)
            if value is not None and (wrong := _wrong(kind, name, value, allowed, quantity)):
                raise ConfigError(f"{process}: {where}.{name} = {wrong} Correct it where it is declared.")
        for first, second in IN_ORDER.get(kind, ()):
            low, high = getattr(fact, first), getattr(fact, second)
            if low > high:
                raise ConfigError(
                    f"{process}: {where}.{first} = {low:g} lies above {second} = {high:g} {quantity.unit}: expected it "
                    "the other way round. Exchange them?"
                )


def _facts(quantity: Quantity) -> Iterator[tuple[str, Any]]:
    yield quantity.name, quantity
    for field in fields(quantity):
        value = getattr(quantity, field.name)
        if is_dataclass(value) and type(value).__name__ in MAY_BE:
            yield f"{quantity.name}.{field.name}", value


def _wrong(kind: str, name: str, value: Any, allowed: Allowed, quantity: Quantity) -> str:
    """Return a value with why it cannot be, nothing if it can."""
    unit = quantity.unit
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{value!r:.80} is no number."
    is_endless = value == inf and (kind, name) in NEVER
    if not (isfinite(value) or is_endless):
        return f"{value:g} is no number that can be used: expected a finite one."
    if is_endless:
        return ""
    is_share = unit == "%" and quantity.high <= 100.0
    if kind == "Alarm" and is_share and 0.0 < value <= 1.0:
        return f"{value:g} {unit} looks like a fraction: did you mean {100.0 * value:g}?"
    low, high = _ends(allowed, quantity)
    high = MOST_FLOW if name == "max_flow" else high
    return "" if low <= value <= high else f"{value:g} is not possible: expected {low:g} to {high:g}."


def _ends(allowed: Allowed, quantity: Quantity) -> tuple[float, float]:
    match allowed:
        case "range":
            return quantity.low, quantity.high
        case "span":
            return 0.0, quantity.high - quantity.low
        case "wide":
            return 0.0, 10.0 * max(abs(quantity.low), abs(quantity.high))
        case (float() | int() as low, float() | int() as high):
            return low, high
    raise AssertionError(allowed)
