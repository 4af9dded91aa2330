"""Quantities composed from others: an expression with units, or an objective function in Python. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from perfusio.errors import ModelError, UnknownQuantity
from perfusio.process.expressions.grammar import is_expression, parsed
from perfusio.process.expressions.objective_function import ObjectiveFunction, function_named
from perfusio.process.expressions.tree import Node, unread
from perfusio.process.expressions.values import valued
from perfusio.process.state import FloatArray
from perfusio.quantities import closest
from perfusio.units import Unit, declared_unit

Values = Callable[[str], FloatArray]
"""From the name of a quantity to its values, canonical unit."""


def unit(name: str, units: Mapping[str, str]) -> str | None:
    """Return the unit of a composed quantity; None where the name is neither an expression nor a function.

    Args:
        name: Text of an expression, or name of an objective function.
        units: Unit of each quantity that may be named.

    Raises:
        ExpressionError: the expression cannot be read, or its units do not fit.
        UnknownQuantity: the function needs a quantity that the process does not have.
    """
    if is_expression(name):
        tree = _checked(name, units)
        with np.errstate(all="ignore"):
            return str(valued(tree, _leaf(lambda _: np.ones(1), units), name)[1])
    function = function_named(name)
    if function is None:
        return None
    if lacking := [needed for needed in function.needs if needed not in units]:
        hint = closest(lacking[0], tuple(units))
        raise UnknownQuantity(
            f"The objective {name!r} needs {', '.join(lacking)}, which cannot be forecast.{hint} Known: "
            f"{', '.join(units)}."
        )
    return function.unit


def along(
    name: str, values: Values, units: Mapping[str, str], shape: tuple[int, ...], *, gross: bool = False
) -> FloatArray:
    """Return a composed quantity along forecast paths, an array of `shape`.

    Args:
        name: As of `unit`.
        values: Gives each quantity along the paths.
        units: Their units.
        shape: (G, S, H).
        gross: Whether to add up the sizes of its terms instead.

    Raises:
        ModelError: an objective function failed, or gave another shape.
    """
    if is_expression(name):
        with np.errstate(all="ignore"):  # a ratio may have no value somewhere: it is not a number there
            return np.broadcast_to(valued(parsed(name), _leaf(values, units), name, gross=gross)[0], shape)
    function = function_named(name)
    if function is None:
        raise UnknownQuantity(f"{name!r} cannot be forecast. Known: {', '.join(units)}.")
    if gross and function.scale is not None:
        return np.broadcast_to(np.asarray(function.scale), shape)
    found = _called(name, function, values, shape)
    return np.abs(found) if gross else found


def _called(name: str, function: ObjectiveFunction, values: Values, shape: tuple[int, ...]) -> FloatArray:
    given = {needed: np.array(values(needed)) for needed in function.needs}  # copies: it may write into its own
    try:
        with np.errstate(all="ignore"):
            found = np.asarray(function.function(**given), dtype=float)
    except Exception as error:
        raise ModelError(f"The objective {name!r} failed with {type(error).__name__}: {error}") from error
    if found.shape != shape:
        raise ModelError(
            f"The objective {name!r} gave an array of shape {found.shape}, expected {shape}: a value for each element."
        )
    return found


def _leaf(values: Values, units: Mapping[str, str]) -> Callable[[str], tuple[FloatArray, Unit]]:
    return lambda name: (values(name), declared_unit(units[name]))


def _checked(text: str, units: Mapping[str, str]) -> Node:
    """Return the tree of an expression whose names are all known.

    Raises:
        ExpressionError: a name is unknown, or a word may be a unit and a quantity.
    """
    tree = parsed(text)
    for node in tree.nodes():
        if node.kind == "name" and node.text not in units:
            hint = closest(node.text, tuple(units))
            raise unread(text, node.at, f"{node.text!r} is not known.{hint} Known: {', '.join(units)}")
        if both := [word for word in node.unit_words if word in units]:
            raise unread(
                text, node.at,
                f"{both[0]!r} may be the unit or the quantity of that name: write {node.text} [{node.unit}] for the "
                f"unit, or {node.text} / ({both[0]}) for the quantity",
            )  # fmt: skip
    return tree
