"""Definition of a plant: its states, the rates at which they change, the medium its cells grow in.

A structure is data: everything that steps, samples or steers vessels works with any of them. One file holds one
structure: `equations` our own, `own_variant` our own with two other laws, `published_cho` and `monod_separator` those
of other people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from perfusio.physics.balances import Balance
from perfusio.plant.medium import Equipment, Medium
from perfusio.plant.parameters import Array

COMMON_STATES: dict[str, float] = {
    "viable": 30.0,  # 1e6 cells/mL
    "dead": 2.0,  # 1e6 cells/mL
    "glucose": 4.0,  # g/L
    "glutamine": 2.0,  # mmol/L
    "glutamate": 1.0,  # mmol/L
    "lactate": 10.0,  # mmol/L
    "ammonium": 4.0,  # mmol/L
    "pyruvate": 0.5,  # mmol/L
    "titer": 1000.0,  # mg/L in the vessel
    "sieving": 1.0,  # part of the product that passes the membrane
    "diameter": 16.0,  # um
    "harvested": 5000.0,  # mg of product per L of vessel, taken out with the harvest since inoculation
}
"""States that every structure has, so that all can be sampled and harvested alike, and the usual size of each."""

Terms = Callable[[Array, Array, Any, Medium, Equipment], tuple[Array, Array]]
"""(states (n, B), setpoints (6, B), constants, medium, equipment) -> production p and loss rate lam of y' = p - lam y.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """The laws of a plant.

    Attributes:
        name: How it is called in messages.
        states: Names of its states, in the order of the rows of y.
        scales: Usual size of each state, for the integrator's absolute tolerance; of a nutrient, the size at which it
            still matters.
        constants: Dataclass of its kinetic constants, numbers for one clone and arrays (B,) for several.
        terms: Its right-hand side, see `Terms`.
        start: Content of a vessel at inoculation besides fresh medium and cells: states by name.
        tolerance: Share of the usual tolerance of the integrator that keeps its errors below 1e-3 as nutrients run out.
    """

    name: str
    states: tuple[str, ...]
    scales: tuple[float, ...]
    constants: type[Any]
    terms: Terms
    start: Callable[[Any], Mapping[str, Array | float]]
    tolerance: float = 1.0

    @property
    def constant_names(self) -> tuple[str, ...]:
        """Names of its kinetic constants."""
        return tuple(f.name for f in fields(self.constants))


def in_order(states: tuple[str, ...], balances: Mapping[str, Balance], y: Array) -> tuple[Array, Array]:
    """Arrange balances by name as production and loss (n, B) in the order of the states; the others never change."""
    production, loss = np.zeros_like(y), np.zeros_like(y)
    for name, (p, lam) in balances.items():
        i = states.index(name)
        production[i], loss[i] = p, lam
    return production, loss


def clean_membrane(k: Any) -> dict[str, Array | float]:
    """Content of a vessel at inoculation besides fresh medium and cells: a membrane that lets all product pass."""
    return {"sieving": 1.0, "diameter": k.diameter}
