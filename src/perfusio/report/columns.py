"""Columns of narrow tables for any process: which quantities have one, their short names and units."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.declared import is_fraction
from perfusio.process.panel import Panel
from perfusio.process.species import Species
from perfusio.quantities import Quantity

USUAL, LEAST = 5, 3
"""Columns of measured species where there is room for them, and at least."""
MOST = 11
"""Columns of species and setpoints that fit a line together."""
WIDTH = 7
"""Characters of a column."""


@cache
def shown(panel: Panel) -> Mapping[str, str]:
    """Return the species with a column, by name, with their short names.

    Those of which the process says a short name; where fewer than USUAL have one, others in order. If there is not
    room for all: cells and the living ones first, then quantities that the process has beyond the default one.
    """
    room = max(LEAST, MOST - len(panel.setpoints))
    named = sorted((s for s in panel.species if s.short), key=lambda s: _rank(s, panel))
    others = [s for s in panel.modelled if not s.short]
    chosen = {s.name for s in named[:room] + others[: max(0, min(USUAL, room) - len(named))]}
    return _named([s for s in panel.species if s.name in chosen])


def _rank(species: Species, panel: Panel) -> int:
    if species.role == "cells" or is_fraction(species.name, panel):
        return 0
    return 1 if species.name not in CHO_PERFUSION.by_name else 2


@cache
def short(panel: Panel) -> Mapping[str, str]:
    """Return the short names of all setpoints, by name."""
    return _named(list(panel.setpoints))


def narrow(quantity: Quantity) -> str:
    """Return the unit of a quantity as a column has room for it."""
    unit = quantity.unit.replace(" cells/", "/")
    return unit if len(unit) <= WIDTH else unit[:WIDTH]


def _named(quantities: list[Quantity]) -> Mapping[str, str]:
    """Return short names that differ from one another."""
    names = dict[str, str]()
    for quantity in quantities:
        said = getattr(quantity, "short", "") or _squeezed(quantity.name)
        if said in names.values():
            said = f"{said[: WIDTH - 2]}.{len(names) + 1}"
        names[quantity.name] = said
    return MappingProxyType(names)


def _squeezed(name: str) -> str:
    """Return a name that fits a column: ``dissolved_oxygen`` is ``dis.oxy``."""
    if len(name) <= WIDTH:
        return name
    first, *_, last = name.split("_") if "_" in name else (name, "")
    return f"{first[:3]}.{last[:3]}" if last else f"{name[: WIDTH - 1]}."


def headed(quantity: Quantity) -> str:
    """Return how a line names a quantity: by an acronym if it has one, else by its name."""
    said: str = getattr(quantity, "short", "")
    return said if said.isupper() else quantity.name
