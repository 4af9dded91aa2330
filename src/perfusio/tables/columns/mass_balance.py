"""Does a sheet as a whole fit its units? The production and feeding of its cells is held against the limits of cells.

A single column in another unit often looks harmless: 10.4 mL/h reads like 10.4 per day, 2.5 g/L of lactate like
2.5 mmol/L. Together with the density of cells and the perfusion rate it does not: dc/dt + D c is the cells' production,
and divided by their density it must be possible. The bounds are facts of the panel. A unit in the header settles it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perfusio.errors import UnknownQuantity
from perfusio.process.panel import Panel
from perfusio.process.species import Setpoint, Species
from perfusio.quantities import CELLS, conversion_factor, units_of
from perfusio.state import FloatArray
from perfusio.tables.columns.column import Column, quantity_of
from perfusio.tables.columns.culture_times import Group, Times, numbered
from perfusio.tables.columns.grid import Grid
from perfusio.tables.columns.plausibility import DENSE
from perfusio.tables.columns.problems import Problems
from perfusio.tables.columns.questions import Reading

_FEWEST = 3
_VOLUMES_ML = np.geomspace(50.0, 5000.0, num=9)
"""Vessels in which a flow in mL/h is tried [mL]."""
_FLOWS = ("perfusion", "bleed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Terms of the balance, in canonical units, N rows sorted by vessel and time.

    Attributes:
        hours: Culture time, shape (N,) [h].
        vessel: Number of the vessel of each row, shape (N,).
        values: By name of the quantity, each of shape (N,), NaN where not measured.
    """

    hours: FloatArray
    vessel: FloatArray
    values: Mapping[str, FloatArray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """One thing that cannot be.

    Attributes:
        name: Of the quantity.
        says: The misfit, in words.
    """

    name: str
    says: str


def misfits(sheet: Sheet, panel: Panel, dense: float = DENSE) -> list[Misfit]:
    """Return the rates that no culture has, with the values as they stand, from a density `dense` [1e6 cells/mL]."""
    cells = panel.the("cells")
    if cells not in sheet.values or panel[cells].unit != CELLS:
        return []
    x = sheet.values[cells]
    before, after = np.arange(len(x) - 1), np.arange(1, len(x))
    days = np.diff(sheet.hours) / 24.0
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = (x[before] + x[after]) / 2.0
        is_judged = (np.diff(sheet.vessel) == 0) & (days > 0) & (middle >= dense)
        flow = next((sheet.values[n] for n in panel.of_role("perfusion") if n in sheet.values), np.full(len(x), np.nan))
        out = np.nan_to_num(flow[before])
        found = []
        for quantity in (q for q in panel.quantities if q.per_cell is not None and q.name in sheet.values):
            v = sheet.values[quantity.name]
            if isinstance(quantity, Setpoint):
                given = v[before][is_judged] / middle[is_judged]
                level = np.array([np.inf])  # a flow has no level that could excuse a low rate
                given = given[given > 0]
            else:
                made = (np.diff(v) / days + out * (v[before] + v[after]) / 2.0)[is_judged] / middle[is_judged]
                given, level = made[np.isfinite(made)], v[after][is_judged]
            text = _judged(quantity, given, level[np.isfinite(level)] if level.size > 1 else level, middle[is_judged])
            if text:
                found.append(Misfit(name=quantity.name, says=text))
    return found


def _judged(quantity: Species | Setpoint, given: FloatArray, level: FloatArray, cells: FloatArray) -> str:
    limits = quantity.per_cell
    if limits is None or given.size < _FEWEST:
        return ""
    usual, density = float(np.median(given)), float(np.median(cells))
    is_flow = isinstance(quantity, Setpoint)
    says = f"{1e3 * usual:.3g} pL per cell and day"
    says = says if is_flow else f"{usual:.3g} {quantity.unit} per day and 1e6 cells/mL"
    at = f"at {density:.3g} million cells per mL the {quantity.label.lower()} would mean {says}"
    if usual > limits.most:
        most = f"{1e3 * limits.most:g} pL" if is_flow else f"{limits.most:g}"
        return f"{at}, and no culture has more than {most}"
    is_low = 0.0 < usual < limits.least
    if is_low and (is_flow or (level.size and float(np.max(level)) < limits.least_level)):
        least = f"{1e3 * limits.least:g} pL" if is_flow else f"{limits.least:g}"
        return f"{at}; a culture has {least} or more"
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceDoubt:
    """A sheet that does not fit as it stands, and the readings in which it would.

    Attributes:
        column: Where to point.
        found: The misfit.
        readings: As it stands, and each other one.
    """

    column: Column
    found: str
    readings: tuple[Reading, ...]


def balance_doubt(columns: Sequence[Column], sheet: Sheet, panel: Panel) -> BalanceDoubt | None:
    """Return the doubt about a sheet, None if it fits, or if no column without a unit could explain that it does not.

    Args:
        columns: Those that hold numbers.
        sheet: Their values.
        panel: Of the process.
    """
    bare = {c.name: c for c in columns if c.is_bare}
    found = misfits(sheet, panel) if bare else []
    if not found:
        return None
    roles = ("cells", "perfusion")
    asked = [n for n in bare if n in {m.name for m in found} or panel[n].role in roles] if found else []
    others = [reading for n in asked for reading in _readings(bare, n, sheet, panel, {m.name for m in found})]
    if not others:
        return None
    first = bare[next((m.name for m in found if m.name in bare), asked[0])]
    stands = [word for n in asked for word in ("--column", f"{bare[n].header}={n} [{panel[n].unit}]")]
    entry = {"columns": {bare[n].header: f"{n} [{panel[n].unit}]" for n in asked}}
    as_it_stands = Reading(says="as it stands: " + ", ".join(panel[n].header for n in asked),
                           options=tuple(stands), entry=entry)  # fmt: skip
    says = "; ".join(m.says for m in found)
    return BalanceDoubt(column=first, found=f"{says}.", readings=(*others, as_it_stands))


def _readings(
    bare: Mapping[str, Column], name: str, sheet: Sheet, panel: Panel, wrong: set[str]
) -> list[Reading]:
    """Return the other units of a column in which the sheet would fit."""
    quantity, column = quantity_of(bare[name]), bare[name]
    usual = quantity.usual if isinstance(quantity, Species | Setpoint) else None
    units = dict.fromkeys((*(usual.other_units if usual is not None else ()), *units_of(quantity)))
    found = []
    for unit in units:
        try:
            factor = conversion_factor(unit, quantity)
        except UnknownQuantity:
            continue
        values = sheet.values[name] * factor
        is_possible = np.nanmax(values) <= quantity.high and (usual is None or np.nanmedian(values) >= usual.low)
        dense = DENSE * factor if quantity.unit == CELLS else DENSE  # the same samples are judged
        if is_possible and not misfits(_with(sheet, name, values), panel, dense):
            what = f"{name} [{unit}]"
            found.append(Reading(says=f"{column.header} in {unit}", options=("--column", f"{column.header}={what}"),
                                 entry={"columns": {column.header: what}}))  # fmt: skip
    if quantity.name in panel.of_role("perfusion") and any(
        not misfits(_with(sheet, name, sheet.values[name] * 24.0 / volume), panel) for volume in _VOLUMES_ML
    ):
        flows = [c for n, c in bare.items() if panel[n].role in _FLOWS]
        words = [word for c in flows for word in ("--column", f"{c.header}={c.name} [mL/h]")]
        entry = {"columns": {c.header: f"{c.name} [mL/h]" for c in flows}}
        says = f"{', '.join(c.header for c in flows)} in mL/h, in vessels of 250 mL (or of what they hold)"
        found.insert(0, Reading(says=says, options=(*words, "--working-volume", "250mL"), entry=entry))
    return found[:2] if name in wrong else found[:1]


def _with(sheet: Sheet, name: str, values: FloatArray) -> Sheet:
    return Sheet(hours=sheet.hours, vessel=sheet.vessel, values={**sheet.values, name: values})


def judge_balance(
    grid: Grid, groups: Sequence[Group], times: Times, values: Mapping[Column, FloatArray], problems: Problems,
    warnings: list[str], *, has_started: bool,
) -> None:  # fmt: skip
    """Ask where a sheet does not fit as a whole; a run that has begun is only warned.

    Args:
        grid: The file.
        groups: Run and reactor of each row.
        times: Sample times.
        values: Columns of numbers in canonical units.
        problems: Collects the question.
        warnings: Collects the doubt about a file that grows.
        has_started: Rows were handed out before.
    """
    known = {c: v for c, v in values.items() if c.name in grid.panel.by_name}
    if problems or not any(c.is_bare for c in known) or len(grid.lines) <= _FEWEST:
        return
    vessel = numbered(groups)
    order = np.lexsort((times.hours, vessel))
    sheet = Sheet(hours=times.hours[order], vessel=vessel[order], values={c.name: v[order] for c, v in known.items()})
    doubt = balance_doubt(tuple(known), sheet, grid.panel)
    if doubt is None:
        return
    what = f"column {doubt.column.header!r} and others do not fit as they stand: {doubt.found}"
    if has_started:
        warnings.append(f"{what} The run goes on with the units as they stand.")
    else:
        problems.line(grid.header_line, what, readings=doubt.readings, remedy="Or write the units into the header.")
