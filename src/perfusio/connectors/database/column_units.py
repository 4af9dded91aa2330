"""Units of the numbers in the table `samples`: canonical, unless a person tells another; untold ones are judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import nan

import numpy as np

from perfusio.connectors.database.sql_sample import SqlSample
from perfusio.errors import ConfigError, PerfusioError
from perfusio.process.panel import Panel
from perfusio.quantities import closest
from perfusio.tables.columns.header_names import names_of, says_truly_zero
from perfusio.tables.columns.questions import Reading, refusal
from perfusio.tables.columns.untold_units import NOT_MEASURED, unit_doubts

IS_NOT_MEASURED = "not measured"
"""Told in the place of a unit: the values of a quantity are none."""
_JUDGED = 3
"""So many values of a quantity that were there at the first look tell its unit; fewer are judged on with the next."""


class ColumnUnits:
    """Units of one vessel's columns.

    Args:
        panel: The process whose quantities they hold.
        told: Unit by quantity, as a person told them.

    Attributes:
        told: The same.
        untold: Quantities whose unit neither a person nor several values have told.

    Raises:
        ConfigError: a name is no quantity of the process, or a unit none of its quantity.
    """

    def __init__(self, panel: Panel, told: Mapping[str, str]) -> None:
        self.told = dict(told)
        self._factors = {name: _factor(panel, name, unit) for name, unit in self.told.items()}
        self._species = frozenset(s.name for s in panel.species)
        self.untold = frozenset(panel.by_name) - self._factors.keys()

    def converted(self, sample: SqlSample) -> SqlSample:
        """Return a sample in canonical units."""
        changed = {name: factor for name, factor in self._factors.items() if factor != 1.0}
        if not changed:
            return sample
        measured = {n: f * getattr(sample.state, n) for n, f in changed.items() if n in self._species}
        inputs = {n: f * getattr(sample.setpoints, n) for n, f in changed.items() if n not in self._species}
        return replace(
            sample, state=sample.state.with_values(**measured), setpoints=sample.setpoints.with_values(**inputs)
        )

    def judge(self, rows: Sequence[SqlSample], name: str, *, grows: bool) -> None:
        """Judge the rows that are there at the first look, all together, as the columns of a file.

        Args:
            rows: Of one vessel, in order of time, converted.
            name: Of the database, for messages.
            grows: Rows may still come: what they leave open is judged with the samples to come.

        Raises:
            QuestionOpen: a quantity fits another unit better.
        """
        samples = [(row.state, row.setpoints) for row in rows]
        where = rows[0].reactor if rows else ""
        found = unit_doubts(samples, self.untold, is_whole=not grows)
        questions = [doubt.question(_answered, _REMEDY) for doubt in found]
        if questions:
            told = [f"{name}{f', {where}' if where else ''}: {question.sentence()}" for question in questions]
            raise refusal(told, questions, connector=name, operation="read_sample")
        if not grows:
            self.untold = frozenset()
        for quantity in self.untold & self._species:
            known = np.array([getattr(state, quantity) for state, _ in samples])
            if np.isfinite(known).sum() >= _JUDGED:
                self.untold -= {quantity}


_REMEDY = (
    "Tell it in [connector] of experiment.toml, or in Python: SqlStore(..., units={...}); or mend the rows. The table "
    "`quantities` lists the units that are expected."
)


def _answered(says: str, units: Mapping[str, str]) -> Reading:
    told = ", ".join(f'{n} = "{IS_NOT_MEASURED if u == NOT_MEASURED else u}"' for n, u in units.items())
    return Reading(says=f"{says}: units = {{ {told} }}", entry={"units": dict(units)})


def _factor(panel: Panel, name: str, unit: str) -> float:
    if name not in panel.by_name:
        near = closest(name, tuple(panel.by_name))
        raise ConfigError(f"units: {name!r} is no quantity of {panel.name}.{near} Known: {', '.join(panel.by_name)}.")
    if unit.strip().lower() == IS_NOT_MEASURED:
        return nan
    try:
        return names_of(panel).factor(name, unit.rpartition(",")[0] if says_truly_zero(unit) else unit)
    except PerfusioError as error:
        raise ConfigError(f"units: {name} = {unit!r}: {error}") from error
