"""Objective functions: a number to decide by, written in Python, of quantities that it names as parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

from perfusio.errors import ConfigError, UnknownQuantity
from perfusio.registry import OBJECTIVES, ExtensionError
from perfusio.units import unit_of

Direction = Literal["maximize", "minimize"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveFunction:
    """A function of forecast samples, with its unit and direction.

    Attributes:
        function: Takes an array by name for each of `needs`, all of one shape, canonical units; returns an array of
            that shape, each element from the same element of the others.
        needs: Species, setpoints and derived quantities.
        unit: Of the result.
        direction: ``"maximize"`` or ``"minimize"``.
        scale: A gain of a tenth of this counts as much as 10 % of any other objective; None = its mean size
            while the setpoints in force are held.
    """

    function: Callable[..., Any]
    needs: tuple[str, ...]
    unit: str
    direction: Direction
    scale: float | None = None

    def __post_init__(self) -> None:
        """Refuse a function that could not be scored by.

        Raises:
            ConfigError: unit, direction, scale or quantities are impossible.
        """
        name = getattr(self.function, "__name__", "the function")
        try:
            unit_of(self.unit)
        except UnknownQuantity as error:
            raise ConfigError(f"The unit of the objective {name}: {error}") from error
        if self.direction not in ("maximize", "minimize"):
            raise ConfigError(
                f"The direction of the objective {name} is {self.direction!r}: expected maximize or minimize."
            )
        if not self.needs:
            raise ConfigError(
                f"The objective {name} names no quantity: give it parameters named as quantities, e.g. {name}(titer)."
            )
        if self.scale is not None and not (isfinite(self.scale) and self.scale > 0.0):
            raise ConfigError(f"The scale of the objective {name} is {self.scale:g}: expected a number above 0.")

    def __call__(self, *args: Any, **values: Any) -> Any:
        """Call the function itself."""
        return self.function(*args, **values)


def objective_function(
    *, unit: str, direction: Direction, scale: float | None = None
) -> Callable[[Callable[..., Any]], ObjectiveFunction]:
    """Return a decorator that makes an objective of a function; its parameters are the quantities that it needs.

    Args:
        unit: Of the result, e.g. ``"EUR/L/day"``.
        direction: ``"maximize"`` or ``"minimize"``.
        scale: As of ObjectiveFunction.
    """

    def made(function: Callable[..., Any]) -> ObjectiveFunction:
        parameters = inspect.signature(function).parameters.values()
        if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD, p.POSITIONAL_ONLY) for p in parameters):
            raise ConfigError(
                f"The objective {function.__name__} takes its quantities as * or **: name each as a parameter."
            )
        needs = tuple(p.name for p in parameters if p.default is p.empty)
        return ObjectiveFunction(function=function, needs=needs, unit=unit, direction=direction, scale=scale)

    return made


def function_named(name: str) -> ObjectiveFunction | None:
    """Return the objective function of a name, from an installed package or registered; None if there is none.

    Raises:
        ExtensionError: it cannot be loaded, or is no ObjectiveFunction.
    """
    if not OBJECTIVES.has(name):
        return None
    found, extension = OBJECTIVES.find(name)
    if not isinstance(found, ObjectiveFunction):
        raise ExtensionError(
            f"The objective {name!r} of {extension.package} is {type(found).__name__}: expected an ObjectiveFunction. "
            "Its author decorates a function with objective_function(unit=..., direction=...)."
        )
    return found
