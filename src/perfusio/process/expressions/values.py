"""Values and units of an expression, computed in one walk over its tree."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from perfusio.process.expressions.tree import Node, unfit
from perfusio.process.state import FloatArray
from perfusio.units import ONE, Unit

_OF_NUMBERS = {"log": np.log, "exp": np.exp}
_OF_UNITS = {"abs": np.abs}
_OF_ALIKE = {"min": np.minimum, "max": np.maximum}
Leaf = Callable[[str], tuple[FloatArray, Unit]]
"""From the name of a quantity to its values and its unit."""
Valued = tuple[FloatArray, Unit]


def valued(node: Node, leaf: Leaf, text: str, *, gross: bool = False) -> Valued:
    """Return the values of an expression and their unit.

    Args:
        node: Its tree.
        leaf: Gives values and unit of each quantity that it names.
        text: It as written, for messages.
        gross: Whether to add up the sizes of all terms, differences too: the scale of a small difference.

    Raises:
        ExpressionError: units do not fit each other.
    """
    if node.kind == "number":
        return np.asarray(node.number), node.unit
    if node.kind == "name":
        values, unit = leaf(node.text)
        return (np.abs(values) if gross else values), unit
    parts = [valued(part, leaf, text, gross=gross) for part in node.parts]
    (first, unit), *others = parts
    if node.kind == "-1":
        return (first if gross else -first), unit
    if node.kind in ("*", "/"):
        ((second, of_second),) = others
        if node.kind == "*":
            return first * second, unit.times(of_second)
        return first / second, unit.times(of_second, -1)
    if node.kind in ("^", "sqrt"):
        exponent = 0.5 if node.kind == "sqrt" else node.number
        return first**exponent, unit.to_the(Fraction(exponent).limit_denominator(64))
    if node.kind in _OF_UNITS:
        return _OF_UNITS[node.kind](first), unit
    if node.kind in _OF_NUMBERS:
        factor = unit.in_(ONE)
        if factor is None:
            raise unfit(text, node, f"{node.kind} takes a number without a unit, found one in {unit}")
        return _OF_NUMBERS[node.kind](first * factor), ONE
    return _of_alike(node, parts, text, gross=gross)


def _of_alike(node: Node, parts: list[Valued], text: str, *, gross: bool) -> Valued:
    """Return a sum, difference, minimum or maximum: all in the unit of the first."""
    values, unit = parts[0]
    for part, (others, of_others) in zip(node.parts[1:], parts[1:], strict=True):
        factor = of_others.in_(unit)
        pair = ((node.parts[0], unit), (part, of_others))
        if factor is None or (factor != 1.0 and any(_is_bare(*one) for one in pair)):
            both = " and ".join(f"{said(one, text)} {_in_words(u)}" for one, u in pair)
            raise unfit(text, node, f"{_VERBS[node.kind]}: {both}. {_remedy(unit, of_others)}")
        others = others if factor == 1.0 else others * factor
        if node.kind in _OF_ALIKE:
            values = _OF_ALIKE[node.kind](values, others)
        else:
            values = values - others if node.kind == "-" and not gross else values + others
    return values, unit


_VERBS = {
    "+": "the units of this sum differ", "-": "the units of this difference differ",
    "min": "the units of this comparison differ", "max": "the units of this comparison differ",
}  # fmt: skip


def _is_bare(node: Node, unit: Unit) -> bool:
    """Whether it is a number somebody wrote without a unit: beside a share in % it may mean either."""
    return node.kind == "number" and unit == ONE


def _in_words(unit: Unit) -> str:
    return "has no unit" if unit == ONE else f"is in {unit}"


def _remedy(one: Unit, other: Unit) -> str:
    if {"mass", "amount"} <= {*one.dimensions, *other.dimensions}:
        return "Mass and amount of substance differ by the molar mass: write it as a factor, e.g. 180.16 g/mol"
    if not one.dimensions and not other.dimensions:
        return "Write the unit behind the number, e.g. 5 %"
    return f"Both must be in {other if one == ONE else one}, or in a unit that converts to it"


def said(node: Node, text: str) -> str:
    """Return an operation as words short enough for a message."""
    if node.kind == "name":
        return node.text
    if node.kind == "number":
        return f"{node.number:g}" if node.unit == ONE else f"{node.number:g} {node.unit}"
    start = min(n.at for n in node.nodes())
    return f"the term at {text[start : start + 16].strip()!r}"
