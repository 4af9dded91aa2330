"""Numbers that people declare, held against the range of their quantity: impossible ones are refused. Pure.

The same care as for a column of a file: a limit that can never matter, a target that no culture can have, or a number
in another unit is not taken, and the likely meaning is named.
"""

from __future__ import annotations

from math import isfinite

from perfusio.errors import UnknownQuantity
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.derived import forecast_quantity
from perfusio.process.panel import Panel
from perfusio.process.roles import share_alive
from perfusio.quantities import Quantity, conversion_factor, units_of


def is_fraction(name: str, panel: Panel = CHO_PERFUSION) -> bool:
    """Whether it is a share of living cells in %: people also give it as a fraction, and it is never too high."""
    return name == share_alive(panel)


def misdeclared(name: str, value: float, sign: str = "=", panel: Panel = CHO_PERFUSION) -> str:
    """Return why a number cannot be meant for a quantity, with the likely meaning; nothing if it can.

    >>> misdeclared("vcd", 3e7)
    'vcd = 3e+07 x 1e6 cells/mL is not possible: expected 0 to 400; read as cells/mL it is 30.'
    >>> misdeclared("viability", 0.95, ">=")
    'viability >= 0.95 % can never matter: expected a share of 100; did you mean 95?'

    Args:
        name: A species, a setpoint, or a derived quantity.
        value: In the canonical unit, as it was declared.
        sign: How it is compared.
        panel: The process that the quantity belongs to.
    """
    quantity = forecast_quantity(name, panel)
    low, high, unit = quantity.low, quantity.high, quantity.unit
    said = f"{name} {sign} {value:g} {'x ' if unit[:1].isdigit() else ''}{unit}"
    if not isfinite(value):
        return f"{name} {sign} {value:g} is no number: expected {low:g} to {high:g} {unit}."
    if is_fraction(name, panel) and 0.0 < value <= 1.0:
        why = "is of no living culture" if sign == "=" else "can never matter"
        return f"{said} {why}: expected a share of 100; did you mean {100.0 * value:g}?"
    if sign == "<=" and is_fraction(name, panel) and value < high:
        return f"{said} would ask for dying cells: expected a lower limit; did you mean {name} >= {value:g}?"
    if not low <= value <= high:
        return f"{said} is not possible: expected {low:g} to {high:g}{_read_otherwise(quantity, value)}."
    return ""


def misdeclared_limit(name: str, low: float | None, high: float | None, panel: Panel = CHO_PERFUSION) -> str:
    """Return why a lower and an upper limit cannot be meant for a quantity; nothing if they can.

    Args:
        name: A species or a derived quantity.
        low: Lower limit, canonical unit; None = there is none.
        high: Upper limit, the same.
        panel: The process that the quantity belongs to.
    """
    if low is None and high is None:
        return f"a constraint needs low or high, e.g. Constraint(quantity={name!r}, low=95)"
    for sign, limit in ((">=", low), ("<=", high)):
        if limit is not None and (wrong := misdeclared(name, limit, sign, panel)):
            return wrong
    if low is not None and high is not None and low > high:
        return (
            f"{name} >= {low:g} and <= {high:g} cannot be kept: the lower limit is above the upper one. Exchange them?"
        )
    return ""


def _read_otherwise(quantity: Quantity, value: float) -> str:
    """Return in which other unit the number would be possible, in words; the first that fits."""
    for unit in units_of(quantity):
        try:
            converted = value * conversion_factor(unit, quantity)
        except UnknownQuantity:
            continue
        if quantity.low < converted <= quantity.high:
            return f"; read as {unit} it is {converted:g}"
    return ""
