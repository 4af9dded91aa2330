"""Do samples without a header fit their units? The checks of a file's columns, for a database, a server, a connector.

Such a source has a name and no unit for each quantity, so each is a column whose unit nobody told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np

from perfusio.process.declared import is_fraction
from perfusio.process.panel import Panel
from perfusio.process.species import Species
from perfusio.state import FloatArray, Setpoints, State
from perfusio.tables.columns.column import Column, Role
from perfusio.tables.columns.header_names import TRULY_ZERO
from perfusio.tables.columns.mass_balance import Sheet, balance_doubt
from perfusio.tables.columns.plausibility import all_zero, are_fractions, doubts
from perfusio.tables.columns.questions import Question, Reading

Sample = tuple[State, Setpoints]
"""A sample, and the setpoints in force from it to the next one; NaN where not known."""
Units = Mapping[str, str]
"""The unit of a quantity, by its name."""
NOT_MEASURED = ""
"""In the place of a unit: the values are none."""
_SEVERAL = 3
"""So few samples of a table are judged by their units alone, as in a file; no balance can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitDoubt:
    """Quantities that fit another unit better.

    Attributes:
        names: The quantities.
        found: The finding, in words.
        answers: The readings, the likelier first: each in words, and the units that it means.
    """

    names: tuple[str, ...]
    found: str
    answers: tuple[tuple[str, Units], ...]

    def question(self, answered: Callable[[str, Units], Reading], remedy: str = "") -> Question:
        """Return it as a question, each answer in the form that the source takes."""
        return Question(found=self.found, readings=tuple(answered(*one) for one in self.answers), remedy=remedy)

    def sentence(self) -> str:
        """Return it in one line that asks."""
        return f"{self.found} Which is it: {'; or '.join(says for says, _ in self.answers)}?"


def unit_doubts(samples: Sequence[Sample], untold: Collection[str], *, is_whole: bool = False) -> list[UnitDoubt]:
    """Return the doubts about the units of N samples of one vessel.

    Args:
        samples: In order of time.
        untold: Quantities whose unit nobody told.
        is_whole: They are all of a finished source, so that a quantity that is 0 throughout is asked about.
    """
    if not samples or not untold:
        return []
    panel = samples[0][0].panel
    values = {s.name: np.array([_measured(state, s.name) for state, _ in samples]) for s in panel.species}
    values |= {n: np.array([getattr(inputs, n) for _, inputs in samples]) for n in panel.setpoint_names}
    columns = {_column(panel, n, n in untold): v for n, v in values.items() if np.isfinite(v).any()}
    found = [*_of_fractions(columns, panel), *_of_levels(columns), *(_of_zeros(columns) if is_whole else ())]
    return found or _of_balance(columns, samples, panel)


def _measured(state: State, name: str) -> float:
    """A limit says something about the instrument, not about the culture."""
    return nan if "limit" in state.quality.get(name, "") else float(getattr(state, name))


def _column(panel: Panel, name: str, is_bare: bool) -> Column:
    quantity = panel[name]
    role = Role.STATE if isinstance(quantity, Species) else Role.SETPOINT
    return Column(index=0, header=name, role=role, name=name, unit=quantity.unit, is_bare=is_bare, quantity=quantity)


def _of_fractions(columns: Mapping[Column, FloatArray], panel: Panel) -> Iterator[UnitDoubt]:
    """A file's fractions are read as such, since all of them are there; here nobody says it."""
    for column, values in columns.items():
        if column.is_bare and is_fraction(column.name, panel) and are_fractions(values):
            seen = f"{column.name} is never above {np.nanmax(values):g} %, which looks like a fraction."
            answers = tuple((f"it is in {unit}", {column.name: unit}) for unit in ("fraction", column.unit))
            yield UnitDoubt(names=(column.name,), found=seen, answers=answers)


def _of_levels(columns: Mapping[Column, FloatArray]) -> Iterator[UnitDoubt]:
    for doubt in doubts(columns):
        name, value = doubt.column.name, float(columns[doubt.column][doubt.row])
        units = [_unit_in(header) for header in doubt.headers]
        answers = tuple((f"it is in {unit}", {name: unit}) for unit in units)
        yield UnitDoubt(names=(name,), found=f"{name} {value:g} {doubt.readings}.", answers=answers)


def _of_zeros(columns: Mapping[Column, FloatArray]) -> Iterator[UnitDoubt]:
    for column in all_zero({c: v for c, v in columns.items() if c.role is Role.STATE and c.is_bare}):
        answers = (
            ("it was not measured", {column.name: NOT_MEASURED}),
            ("it was measured, and is truly 0", {column.name: f"{column.unit}{TRULY_ZERO}"}),
        )
        yield UnitDoubt(names=(column.name,), found=f"{column.name} is 0 in all samples.", answers=answers)


def _of_balance(columns: Mapping[Column, FloatArray], samples: Sequence[Sample], panel: Panel) -> list[UnitDoubt]:
    hours = np.array([state.time_h for state, _ in samples])
    if len(samples) <= _SEVERAL:
        return []
    sheet = Sheet(hours=hours, vessel=np.zeros(len(samples)), values={c.name: v for c, v in columns.items()})
    doubt = balance_doubt(tuple(columns), sheet, panel)
    if doubt is None:
        return []
    answers = tuple(
        (reading.says, {name: _unit_in(meaning) for name, meaning in reading.entry["columns"].items()})
        for reading in doubt.readings
    )
    names = tuple(dict.fromkeys(name for _, units in answers for name in units))
    found = f"{', '.join(names)} do not fit as they stand: {doubt.found}"
    return [UnitDoubt(names=names, found=found, answers=answers)]


def _unit_in(header: str) -> str:
    """Return the unit in a header that names one at its end: ``glucose [mmol/L]``."""
    return header.rpartition("[")[2].rstrip("]")
