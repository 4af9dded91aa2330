"""Values that a person types: each by the grammar of numbers in files, with or without a unit."""

from __future__ import annotations

from collections.abc import Mapping

from perfusio.errors import ConfigError, PerfusioError
from perfusio.process.panel import Panel
from perfusio.quantities import Quantity, conversion_factor, from_other_zero
from perfusio.tables.cells.cells import read_numbers
from perfusio.texts import shown


def typed_values(texts: Mapping[str, str], panel: Panel) -> dict[str, float]:
    """Return measured values in canonical units, by name; all that is wrong is told together.

    Args:
        texts: By name of a species, as typed: ``"4.6"`` in its canonical unit, ``"12 mmol/L"`` in another one.
        panel: Of the run.

    Raises:
        ConfigError: no such species, no number, no such unit, or a value that cannot be.

    >>> from perfusio.process import CHO_PERFUSION
    >>> typed_values({"glucose": "4.5 g/L", "viability": "97"}, CHO_PERFUSION)
    {'glucose': 4.5, 'viability': 97.0}
    """
    found, wrong = dict[str, float](), list[str]()
    species = {s.name: s for s in panel.species}
    for name, text in texts.items():
        try:
            if name not in species:
                raise panel.unknown(shown(name, 60), tuple(species))
            value = typed_value(text, species[name])
            species[name].check(value)
            found[name] = value
        except PerfusioError as error:
            wrong.append(str(error))
    if wrong:
        raise ConfigError("\n".join(wrong))
    return found


def typed_value(text: str, quantity: Quantity) -> float:
    """Return a typed value in the canonical unit of its quantity.

    Raises:
        ConfigError: it is no number, or a limit.
        UnknownQuantity: its unit is none of the quantity's.
    """
    number, _, unit = text.strip().partition(" ")
    column = read_numbers([number])
    where = f"{quantity.name} = {shown(repr(text), 60)}"
    if column.refused or column.limits or column.values[0] != column.values[0]:
        why = next(iter(column.refused.values()), "is no number.")
        if "," in number:
            why = "has a comma: write the decimal mark as a point, and no groups of digits."
        if column.limits:
            why = "is a limit and no value: leave it out, or enter the number that the instrument shows."
        raise ConfigError(f"{where} {why} Expected a number in {quantity.unit}, e.g. 4.6, or with its unit.")
    value, unit = float(column.values[0]), unit.strip()
    if not unit:
        return value
    if (other := from_other_zero(unit, quantity)) is not None:
        return value * other[0] + other[1]
    return value * conversion_factor(unit, quantity)
