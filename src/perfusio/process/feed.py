"""Feed: a bolus given at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from math import isfinite
from typing import Self

import numpy as np

from perfusio.errors import ConfigError
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.medium import DRY
from perfusio.process.panel import Panel
from perfusio.process.state import NOTHING, FloatArray
from perfusio.process.values import Declared, as_fields

MOST_FRACTION = 100.0
"""No bolus is a hundred times the culture."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Feed(Declared):
    """A bolus given at once, as in a fed-batch. It holds no cells and no product.

    Attributes:
        fraction: Volume added over the volume of the culture just before [-].
        glucose: Concentration in the feed [g/L]; 0 = it holds none.
        glutamine: The same [mmol/L].
        glutamate: The same [mmol/L].
        lactate: The same [mmol/L].
        ammonium: The same [mmol/L].
        pyruvate: The same [mmol/L].
        panel: The process whose species these are.
        more: Concentrations of species that have no attribute, by name, canonical unit.
    """

    fraction: float
    glucose: float = 0.0
    glutamine: float = 0.0
    glutamate: float = 0.0
    lactate: float = 0.0
    ammonium: float = 0.0
    pyruvate: float = 0.0
    panel: Panel = field(default=CHO_PERFUSION, repr=False)
    more: Mapping[str, float] = field(default_factory=lambda: NOTHING, hash=False)

    def __post_init__(self) -> None:
        """Refuse an impossible feed: every number must be known, none is negative."""
        for name, value in {"fraction": self.fraction, **self.concentrations()}.items():
            if not (isfinite(value) and value >= 0.0):
                raise ConfigError(
                    f"Feed: {name} = {value:g}, expected a finite number from 0 on. Give 0 where the feed holds "
                    "none; a feed whose volume is not known cannot be balanced."
                )
            most = MOST_FRACTION if name == "fraction" else DRY
            if value > most:
                raise ConfigError(f"Feed: {name} = {value:g} is not possible: expected up to {most:g}. Mind the unit.")

    def concentrations(self) -> dict[str, float]:
        """Return all concentrations by name, canonical unit."""
        return {name: getattr(self, name) for name in _TYPED if name in self.panel.by_name} | dict(self.more)

    def vector(self, panel: Panel | None = None) -> FloatArray:
        """Return the concentrations in the order of a panel's species, shape (Q,); 0 where none is given."""
        held = self.concentrations()
        return np.array([held.get(name, 0.0) for name in (panel or self.panel).species_names], dtype=float)

    @classmethod
    def of_values(cls, panel: Panel, fraction: float, concentrations: Mapping[str, float]) -> Self:
        """Build a feed of any panel from concentrations by name, canonical units.

        Raises:
            ConfigError: a number is not finite, or negative.
            UnknownQuantity: a name is no dissolved species of the panel.
        """
        given = as_fields(concentrations, panel.dissolved, frozenset(_TYPED), panel)
        return cls(fraction=fraction, panel=panel, **given)

    @classmethod
    def together(cls, feeds: Sequence[Feed]) -> Self:
        """Return one feed equal to several, given one right after the other to the same culture.

        Their fractions all refer to the culture before the first of them.
        """
        fraction = sum(f.fraction for f in feeds)
        share = [f.fraction / fraction if fraction else 0.0 for f in feeds]
        names = list(dict.fromkeys(n for f in feeds for n in f.concentrations()))
        held = {n: sum(s * f.concentrations().get(n, 0.0) for s, f in zip(share, feeds, strict=True)) for n in names}
        panel = feeds[0].panel if feeds else CHO_PERFUSION
        return cls.of_values(panel, fraction, held)


_TYPED = tuple(f.name for f in fields(Feed) if f.name not in ("fraction", "panel", "more"))
