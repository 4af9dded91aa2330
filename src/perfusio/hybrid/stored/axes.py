"""What the places of stored arrays are: names of species, parameters, setpoints. By these a checkpoint is read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from perfusio.hybrid.layout import Layout, layout_of

SPECIES, PARAMETERS, RATES, BELIEF, INPUTS = "species", "parameters", "rates", "belief", "inputs"
OF_FIELD: Mapping[str, tuple[str | None, ...]] = {
    "HybridModel.spread": (None, SPECIES),
    "Blend.weights": (None, None, SPECIES),
    "Blend.strange_weights": (None, None, SPECIES),
    "Blend.spread": (None, None, SPECIES),
    "Blend.factor": (None, SPECIES),
    "Blend.moved": (INPUTS,),
    "StepGP.processes": (SPECIES,),
    "StepGP.centre": (SPECIES,),
    "StepGP.scale": (SPECIES,),
    "StepGP.low": (SPECIES,),
    "StepGP.high": (SPECIES,),
    "PlainGP.processes": (SPECIES,),
    "PlainGP.centre": (SPECIES,),
    "PlainGP.scale": (SPECIES,),
    "BatchAverage.mean": (None, SPECIES),
    "Process.log_factors": (PARAMETERS,),
    "Process.rate_cov": (RATES, RATES),
    "Process.doubt_left": (PARAMETERS,),
    "Residual.processes": (SPECIES,),
    "Residual.usual_variance": (SPECIES,),
    "Residual.unit": (SPECIES,),
    "Residual.reach": (None, SPECIES),
    "CloneResidual.unit": (SPECIES,),
    "CloneResidual.reach": (None, SPECIES),
    "CloneResidual.processes": (SPECIES,),
    "CloneResidual.usual_variance": (SPECIES,),
    "CloneResidual.centre": (PARAMETERS,),
    "CloneResidual.centre_sd": (PARAMETERS,),
    "CloneResidual.background": (SPECIES,),
    "Belief.mean": (BELIEF,),
    "Belief.cov": (BELIEF, BELIEF),
    "Belief.freedom": (SPECIES,),
    "Belief.latest": (SPECIES,),
    "Course.species": (None, SPECIES),
    "Hyperparameters.log_lengthscales": (INPUTS,),
}
"""Of a field of a class: what each axis of its array, or the places of its tuple, are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """Names along the axes of a panel's arrays.

    Attributes:
        layout: Of the panel.
        stored: Names along each axis as they stand in a checkpoint; here, those of the layout.
    """

    layout: Layout = field(default_factory=layout_of)
    stored: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, layout: Layout, about: Mapping[str, Sequence[str]]) -> Self:
        """Return the axes of a checkpoint's arrays, from the names that it lists."""
        species, setpoints, parameters = (tuple(about[key]) for key in (SPECIES, "setpoints", PARAMETERS))
        return cls(layout=layout, stored=named(species, setpoints, parameters, len(about["own_rates"])))

    @property
    def here(self) -> Mapping[str, tuple[str, ...]]:
        """Names along each axis of the layout."""
        at = self.layout
        return named(at.species, at.setpoints, at.parameters, at.n_vessel_rates)

    def is_same(self) -> bool:
        """Whether stored arrays stand in the order of the layout."""
        return not self.stored or self.stored == self.here

    def places(self, axis: str, length: int) -> list[int]:
        """Return where the names of the layout stand in a stored axis of this length.

        Raises:
            ValueError: a name is missing there, or it has others.
        """
        if self.is_same():
            return list(range(length))
        here, stored = _as_long(self.here[axis], length), _as_long(self.stored[axis], length)
        if sorted(here) != sorted(stored) or len(stored) != length:
            raise ValueError(f"{axis} {', '.join(stored)}, here {', '.join(here)}")
        return [stored.index(name) for name in here]

    def names(self, axis: str, length: int) -> tuple[str, ...]:
        """Return the names along an axis of this length; coordinates of a clone follow the inputs."""
        return _as_long(self.here[axis], length)


def named(
    species: Sequence[str], setpoints: Sequence[str], parameters: Sequence[str], n_vessel_rates: int
) -> dict[str, tuple[str, ...]]:
    """Return the names along each axis."""
    rates = tuple(parameters[:n_vessel_rates])
    return {
        SPECIES: tuple(species),
        PARAMETERS: tuple(parameters),
        RATES: rates,
        BELIEF: (*species, *rates, *(f"drift of {name}" for name in species)),
        INPUTS: (*species, *setpoints, "culture day"),
    }


def _as_long(names: tuple[str, ...], length: int) -> tuple[str, ...]:
    return (*names, *(f"coordinate {i}" for i in range(1, length - len(names) + 1)))


def permuted(array: np.ndarray[Any, Any], axes: Sequence[str | None], at: Axes) -> np.ndarray[Any, Any]:
    """Return a stored array in the order of the layout; the same one where it stands in that order.

    Raises:
        ValueError: as `Axes.places`.
    """
    if at.is_same():
        return array
    for i, axis in enumerate(axes):
        if axis is not None:
            array = array.take(at.places(axis, array.shape[i]), axis=i)
    return array
