"""The cells of a batch of vessels: laws, constants, medium and equipment of each, of one structure or of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perfusio.plant.clones import Clone
from perfusio.plant.medium import Equipment, Medium
from perfusio.plant.parameters import Array, names_in, stack, take
from perfusio.plant.structure import Structure

Vessels = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The vessels of one structure.

    Attributes:
        structure: Their laws.
        columns: Which vessels of the population they are.
        rows: Which states of the population are states of theirs.
        constants: Stacked, arrays (len(columns),).
        medium: Stacked.
        equipment: Stacked.
    """

    structure: Structure
    columns: Vessels
    rows: Vessels
    constants: Any
    medium: Medium
    equipment: Equipment

    def take(self, wanted: Vessels) -> Part:
        """The part of a population that holds the vessels `wanted` of this one."""
        columns = np.flatnonzero(np.isin(wanted, self.columns))
        inside = np.searchsorted(self.columns, wanted[columns])
        kept = {name: take(getattr(self, name), inside) for name in ("constants", "medium", "equipment")}
        return replace(self, columns=columns, **kept)

    def terms(self, y: Array, setpoints: Array) -> tuple[Array, Array]:
        """Production and loss of its own states and vessels."""
        return self.structure.terms(y, setpoints, self.constants, self.medium, self.equipment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """The cells of B vessels.

    Attributes:
        states: Names of all their states; a vessel leaves states at zero that its structure lacks.
        scales: Usual size of each state, (n, B).
        tolerance: Share of the usual tolerance of the integrator, (B,).
        parts: Vessels by structure.
    """

    states: tuple[str, ...]
    scales: Array
    tolerance: Array
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, clones: Sequence[Clone], media: Sequence[Medium], equipment: Sequence[Equipment]) -> Population:
        """Put vessels side by side, one clone, medium and equipment each."""
        structures = {clone.structure.name: clone.structure for clone in clones}
        states = tuple(dict.fromkeys(state for one in structures.values() for state in one.states))
        scales, parts = np.ones((len(states), len(clones))), []
        for name, structure in structures.items():
            mine = np.array([i for i, clone in enumerate(clones) if clone.structure.name == name], dtype=np.intp)
            rows = np.array([states.index(n) for n in structure.states], dtype=np.intp)
            scales[np.ix_(rows, mine)] = np.array(structure.scales)[:, None]
            parts.append(
                Part(
                    structure=structure,
                    columns=mine,
                    rows=rows,
                    constants=stack(clones[i].kinetics for i in mine),
                    medium=stack(media[i] for i in mine),
                    equipment=stack(equipment[i] for i in mine),
                )
            )
        tolerance = np.array([clone.structure.tolerance for clone in clones])
        return cls(states=states, scales=scales, tolerance=tolerance, parts=tuple(parts))

    def take(self, wanted: Vessels) -> Population:
        """The cells of some vessels, each as often as it is named; all states stay."""
        parts = (part.take(wanted) for part in self.parts)
        return replace(
            self,
            scales=self.scales[:, wanted],
            tolerance=self.tolerance[wanted],
            parts=tuple(part for part in parts if part.columns.size),
        )

    def fresh(self, viable: Array, dead: Array) -> Array:
        """States at inoculation (n, B): cells of these densities in fresh medium."""
        y = np.zeros((len(self.states), viable.size))
        for part in self.parts:
            values: dict[str, Any] = {name: getattr(part.medium, name) for name in names_in(Medium)}
            values |= {"viable": viable[part.columns], "dead": dead[part.columns]}
            values |= part.structure.start(part.constants)
            for name in set(values) & set(part.structure.states):
                y[self.states.index(name), part.columns] = values[name]
        return y

    def terms(self, y: Array, setpoints: Array) -> tuple[Array, Array]:
        """Production and loss (n, B) of all vessels."""
        if len(self.parts) == 1 and self.parts[0].rows.size == len(y):
            return self.parts[0].terms(y, setpoints)
        production, loss = np.zeros_like(y), np.zeros_like(y)
        for part in self.parts:
            mine = np.ix_(part.rows, part.columns)
            production[mine], loss[mine] = part.terms(y[mine], setpoints[:, part.columns])
        return production, loss

    def has(self, constant: str) -> Vessels:
        """The vessels whose cells have such a kinetic constant."""
        return np.concatenate(
            [np.array([], dtype=np.intp)] + [p.columns for p in self.parts if constant in p.structure.constant_names]
        )

    def multiplied(self, constant: str, factor: float, vessels: Sequence[int]) -> Population:
        """The same with a kinetic constant changed in some vessels that have it."""
        parts = []
        for part in self.parts:
            hit = np.isin(part.columns, vessels)
            if hit.any() and constant in part.structure.constant_names:
                values = np.where(hit, getattr(part.constants, constant) * factor, getattr(part.constants, constant))
                part = replace(part, constants=replace(part.constants, **{constant: values}))
            parts.append(part)
        return replace(self, parts=tuple(parts))

    def fed_with(self, strength: float, vessels: Sequence[int]) -> Population:
        """The same with all that is in the medium of some vessels this many times as concentrated."""
        parts = []
        for part in self.parts:
            hit = np.isin(part.columns, vessels)
            values = {name: getattr(part.medium, name) for name in names_in(Medium)}
            stronger = {name: np.where(hit, value * strength, value) for name, value in values.items()}
            parts.append(replace(part, medium=replace(part.medium, **stronger)))
        return replace(self, parts=tuple(parts))

    def equipment_of(self, name: str) -> Array:
        """A number of the equipment of every vessel, (B,)."""
        values = np.empty(sum(part.columns.size for part in self.parts))
        for part in self.parts:
            values[part.columns] = getattr(part.equipment, name)
        return values
