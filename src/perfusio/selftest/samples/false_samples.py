"""False samples as rigs and people make them, and a vessel that gives one of them among true ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np

from perfusio.errors import EndOfRun
from perfusio.protocols import ConnectorKind
from perfusio.state import Setpoints, State

KINDS = ("zeros", "a tenth", "ten times", "another vessel's", "swapped columns")
TELL_APART = 1.3
"""Two columns whose values differ by less than this factor are swapped without making anything false."""


def false_of(kind: str, true: State, other: State, rng: np.random.Generator) -> State:
    """Return a false sample in the place of a true one.

    Args:
        kind: One of KINDS.
        true: The measured sample.
        other: Sample of another vessel on that day.
        rng: Chooses the columns that are swapped.
    """
    values = {n: v for n, v in true.measured().items() if n in true.panel.species_names}  # a size would give it away
    if kind == "another vessel's":
        return replace(other, time_h=true.time_h)
    if kind == "swapped columns":
        one, two = _columns(values, rng)
        return true.with_values(**{one: values[two], two: values[one]})
    factor = {"zeros": 0.0, "a tenth": 0.1, "ten times": 10.0}[kind]
    return true.with_values(**{name: factor * value for name, value in values.items()})


def _columns(values: dict[str, float], rng: np.random.Generator) -> tuple[str, str]:
    far = [(a, b) for a, b in permutations(values, 2) if values[a] > TELL_APART * values[b]]
    return far[rng.integers(len(far))]


class Told:
    """A vessel that gives the samples of a culture that has been grown before, and takes the setpoints of its plan.

    Args:
        samples: One a day.
        start: Setpoints in force on the first.
    """

    kind = ConnectorKind.SIMULATED
    confirms_at_once = True

    def __init__(self, samples: Sequence[State], start: Setpoints) -> None:
        self._samples, self._in_force, self._next = samples, start, 0

    async def read_sample(self) -> State:
        """Return the next sample."""
        if self._next == len(self._samples):
            raise EndOfRun("The culture was grown for so long.")
        self._next += 1
        return self._samples[self._next - 1]

    async def read_setpoints(self) -> Setpoints:
        """Return the setpoints in force."""
        return self._in_force

    async def write_setpoints(self, setpoints: Setpoints) -> Setpoints:
        """Take the settings of the culture."""
        self._in_force = setpoints
        return setpoints
