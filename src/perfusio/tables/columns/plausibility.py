"""Does a whole column fit the unit it is read in? A column that fits another unit far better is never silently used.

The limits are generous: they are meant to catch a factor of 5.55 (mmol/L read as g/L) or more, never a lean culture.
A unit in the header always settles the question.

The limits are engineering judgement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.roles import PRODUCT
from perfusio.process.species import Setpoint, Species
from perfusio.quantities import conversion_factor, units_of
from perfusio.state import FloatArray
from perfusio.tables.columns.column import Column, quantity_of
from perfusio.tables.columns.header_names import amount
from perfusio.tables.columns.questions import Reading, column_reading

DENSE = 5.0
"""Cultures are judged from this density on [1e6 cells/mL]: below it a small error of the count is a large one of q."""
# Titer per VCD [mg/L per 1e6 cells/mL]: 2 to 100 in a producing culture. Three samples: first days are not judged.
_LEAST_TITER_PER_VCD, _SAMPLES_TO_JUDGE_TITER = 0.2, 3
_SAMPLES_TO_JUDGE_ZERO = 3
_JUDGED_IN = CHO_PERFUSION[PRODUCT].unit
_SHORTEST_DAILY_STEP_H = 6.0
_LONGEST_STEP_DAYS = 12.0


@dataclass(frozen=True, slots=True)
class Doubt:
    """A column that seems to be in another unit: the two readings of one value, in words, and the header to write."""

    column: Column
    row: int
    readings: str
    headers: tuple[str, ...]

    def question(self) -> str:
        """Return the doubt as a sentence that asks and gives the remedy."""
        return f"{self.readings}. Which is it? Write the unit into the header: {' or '.join(map(repr, self.headers))}."

    def answers(self) -> tuple[Reading, ...]:
        """Return one reading for each header that can be meant."""
        return tuple(column_reading(f"it is {header}", self.column.header, header) for header in self.headers)


def are_fractions(viability: FloatArray) -> bool:
    """Whether a viability column holds fractions: nobody samples a culture that is never above 1.5 % viable."""
    known = viability[np.isfinite(viability) & (viability > 0)]
    return bool(known.size) and float(known.max()) <= 1.5


def doubts(values: Mapping[Column, FloatArray]) -> list[Doubt]:
    """Return the columns without unit whose values fit another unit far better.

    Args:
        values: Columns that hold numbers, but no times, in their canonical units, shape (N,), NaN where missing.
    """
    found = [_doubt_level(c, v) for c, v in values.items() if c.is_bare]
    cells = next((c for c in values if _has_role(c, "cells")), None)
    for product in (c for c in values if _has_role(c, "product") and c.is_bare):
        if cells is not None:
            found.append(_doubt_titer(product, values[product], values[cells]))
    return [d for d in found if d is not None]


def all_zero(values: Mapping[Column, FloatArray]) -> list[Column]:
    """Return the columns that are 0 in all of several samples.

    A product is 0 in truth as long as few cells make it: its samples count in dense cultures only.

    Args:
        values: Columns of measurements in canonical units, shape (N,), NaN where missing.
    """
    cells = next((v for c, v in values.items() if _has_role(c, "cells")), None)
    found = []
    for column, v in values.items():
        known = np.isfinite(v)
        judged = known & (cells >= DENSE) if _has_role(column, "product") and cells is not None else known
        if judged.sum() >= _SAMPLES_TO_JUDGE_ZERO and not np.any(v[known] != 0.0):
            found.append(column)
    return found


def doubt_time(column: Column, steps_h: FloatArray, first_h: float) -> Doubt | None:
    """Return the doubt about a time column: days or minutes called hours, or hours called days.

    Args:
        column: The time column.
        steps_h: Intervals between the samples of the same run, as read [h].
        first_h: First time, as read [h].
    """
    if not column.is_bare:
        return None
    step = float(np.median(steps_h)) if steps_h.size else float("nan")
    if column.unit == "h" and (0 < step < _SHORTEST_DAILY_STEP_H or (steps_h.size == 0 and 0 < first_h < 24.0)):
        seen = f"samples are {step:g} apart" if steps_h.size else f"the only sample is at {first_h:g}"
        readings = f"{seen}: hours, or days"
        return Doubt(column, 0, readings, ("time [h]", "time [day]"))
    if column.unit == "h" and step / 24.0 >= _LONGEST_STEP_DAYS:
        return Doubt(column, 0, f"samples are {step:g} apart: hours, or minutes", ("time [h]", "time [min]"))
    if column.unit == "day" and step / 24.0 >= _LONGEST_STEP_DAYS:
        readings = f"samples are {step / 24.0:g} apart: days, or hours"
        return Doubt(column, 0, readings, ("time [day]", "time [h]"))
    return None


def _doubt_level(column: Column, values: FloatArray) -> Doubt | None:
    positive = values[np.isfinite(values) & (values > 0)]
    quantity = quantity_of(column)
    usual = quantity.usual if isinstance(quantity, Species | Setpoint) else None
    if positive.size == 0 or usual is None:
        return None
    median = float(np.median(positive))
    low, high = usual.low, usual.high
    if low <= median <= high:
        return None
    fitting = [u for u in usual.other_units if low <= median * conversion_factor(u, quantity) <= high]
    if not fitting:
        return None  # the range of single values says it better
    row = int(np.argmin(np.abs(np.where(values > 0, values, np.inf) - median)))
    why = f"far {'above' if median > high else 'below'} what cultures have"
    return _between(column, row, float(values[row]), fitting[0], why)


def _doubt_titer(column: Column, titer: FloatArray, vcd: FloatArray) -> Doubt | None:
    both = np.isfinite(titer) & np.isfinite(vcd) & (titer > 0) & (vcd > 0)
    if both.sum() < _SAMPLES_TO_JUDGE_TITER or float(np.median(titer[both] / vcd[both])) >= _LEAST_TITER_PER_VCD:
        return None
    row = int(np.nonzero(both)[0][-1])
    other = units_of(quantity_of(column))
    if not other or quantity_of(column).unit != _JUDGED_IN:
        return None
    return _between(column, row, float(titer[row]), other[0], f"very little for {vcd[row]:g} million cells per mL")


def _has_role(column: Column, role: str) -> bool:
    quantity = column.quantity
    return isinstance(quantity, Species) and quantity.role == role


def _between(column: Column, row: int, value: float, other: str, why: str) -> Doubt:
    quantity = quantity_of(column)
    converted = value * conversion_factor(other, quantity)
    readings = f"is, as {quantity.unit}, {why}; read as {other} it is {amount(converted, quantity)}"
    return Doubt(column, row, readings, (f"{quantity.name} [{other}]", quantity.header))
