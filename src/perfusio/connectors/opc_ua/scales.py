"""Scales: from the number in a node to the canonical unit of its quantity, and back."""

from __future__ import annotations

from collections.abc import Callable

from perfusio.quantities import Quantity, from_other_zero

Scale = tuple[float, float]
"""Factor and offset: the node's value times the factor plus the offset is in the canonical unit."""


def scale_of(unit: str, quantity: Quantity, factor: Callable[[str], float]) -> Scale:
    """Return the scale of a node in some unit.

    Args:
        unit: As the map or the server writes it.
        quantity: Quantity of the node.
        factor: Gives the factor of a unit with the same zero.

    Raises:
        UnknownQuantity: it is no unit of that quantity.
    """
    found = from_other_zero(unit, quantity)
    return found if found is not None else (factor(unit), 0.0)


def same_scale(a: Scale, b: Scale) -> bool:
    """Whether two scales give the same number, to a thousandth."""
    return abs(a[0] - b[0]) <= 1e-3 * abs(b[0]) and abs(a[1] - b[1]) <= 1e-3 * max(1.0, abs(b[1]))
