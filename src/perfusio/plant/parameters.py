"""The constants of one cell line, one declared line each: unit, plausible range, meaning, source.

The ranges are those from which random clones are drawn. "synthetic" marks a number chosen so that the plant behaves
plausibly, without a source; "engineering judgement" a number from common practice.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """Declaration of one kinetic constant.

    Attributes:
        name: Field name in `Kinetics`.
        unit: Its unit.
        low: Lower end of the range for random clones.
        high: Upper end.
        meaning: One line in words.
        source: Where the number comes from, or "synthetic".
    """

    name: str
    unit: str
    low: float
    high: float
    meaning: str
    source: str


def parameter(unit: str, low: float, high: float, meaning: str, source: str = "synthetic") -> Any:
    """Declare a field of `Kinetics`."""
    return field(metadata={"unit": unit, "low": low, "high": high, "meaning": meaning, "source": source})


_INSILICHO = "insilicho (Moeller 2020)"
_PRACTICE = "engineering judgement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinetics:
    """All kinetic constants: numbers for one clone; `stack` puts arrays of shape (B,) in their place for a batch.

    Cell-specific rates are pmol/cell/day, so that times 1e6 cells/mL they are mmol/L/day. The lumped by-product is
    counted in units of which one cell makes one pmol a day: without cells leaving it equals 1000 / CSPR.
    """

    # growth
    growth_max: float = parameter(
        "1/day", 0.75, 1.0, "growth with everything in plenty, at the best temperature", _PRACTICE
    )
    temperature_optimum: float = parameter("°C", 36.6, 37.1, "temperature of fastest growth", f"36.4 in {_INSILICHO}")
    temperature_width: float = parameter("°C", 3.0, 3.5, "width of the growth bell", f"3.12 in {_INSILICHO}")
    glucose_half: float = parameter("g/L", 0.03, 0.18, "glucose of half growth", "1 mM in Duran-Villalobos")
    glutamine_half: float = parameter(
        "mmol/L", 0.03, 0.22, "glutamine of half growth", f"0.03 {_INSILICHO}, 0.22 Duran-Villalobos"
    )
    ammonium_half: float = parameter("mmol/L", 7.0, 10.0, "ammonium of half growth", "8 mM, Kurano as cited")
    lactate_half: float = parameter("mmol/L", 28.0, 45.0, "lactate of half growth", "28 mM, Cruz 2000 (BHK)")
    byproduct_half: float = parameter("units", 70.0, 110.0, "lumped by-product of half growth")
    oxygen_uptake: float = parameter("pmol/cell/day", 5.0, 9.0, "oxygen demand", "0.2-0.4 pmol/cell/h, recalled")
    # hidden states
    arrest_max: float = parameter("-", 0.35, 0.6, "largest part of the cells that stops dividing")
    arrest_half: float = parameter("units", 40.0, 60.0, "lumped by-product of half that arrest")
    arrest_cold: float = parameter("1/°C", 0.05, 0.2, "rise of the arrest per degree of cooling")
    adaptation_time: float = parameter(
        "day", 2.0, 3.0, "lag of arrest and of the lactate switch", "~2.5 days, Walther 2025"
    )
    # death
    death_rate: float = parameter("1/day", 0.004, 0.008, "death without any stress", _PRACTICE)
    death_ammonium: float = parameter("mmol/L", 5.0, 8.0, "ammonium that doubles the death rate")
    death_byproduct: float = parameter("units", 50.0, 80.0, "lumped by-product that doubles the death rate")
    death_starvation: float = parameter(
        "1/day", 0.2, 0.5, "death added without glucose; a tenth of it without glutamine"
    )
    death_shear: float = parameter("1/day", 0.008, 0.02, "death added by shear at 1000 rpm")
    death_heat: float = parameter("1/°C", 0.1, 0.3, "rise of the death rate per degree")
    lysis_rate: float = parameter("1/day", 0.08, 0.2, "dead cells that fall apart")
    # metabolism
    glucose_maintenance: float = parameter("pmol/cell/day", 0.4, 0.7, "glucose uptake without growth", _PRACTICE)
    glucose_growth: float = parameter("pmol/cell", 1.0, 2.2, "glucose to make one cell", _PRACTICE)
    glucose_overflow: float = parameter("pmol/cell/day", 0.6, 1.2, "extra uptake in plenty of glucose")
    lactate_yield: float = parameter(
        "mol/mol", 0.4, 0.8, "lactate made per glucose taken up", "0.2-1.6, engineering judgement"
    )
    lactate_uptake: float = parameter(
        "pmol/cell/day", 0.0, 1.2, "lactate taken up after the switch; 0 for clones that never switch"
    )
    switch_growth: float = parameter("1/day", 0.3, 0.5, "growth rate below which cells switch to lactate")
    switch_glucose: float = parameter("g/L", 4.5, 6.5, "glucose below which cells switch to lactate")
    glutamine_maintenance: float = parameter("pmol/cell/day", 0.005, 0.02, "glutamine uptake without growth")
    glutamine_growth: float = parameter("pmol/cell", 0.3, 0.5, "glutamine to make one cell")
    ammonium_yield: float = parameter("mol/mol", 0.7, 1.0, "ammonium made per glutamine", f"0.9 in {_INSILICHO}")
    ammonium_other: float = parameter("pmol/cell/day", 0.01, 0.03, "ammonium from other amino acids")
    glutamate_yield: float = parameter("mol/mol", 0.3, 0.5, "glutamate made per glutamine")
    glutamate_uptake: float = parameter("pmol/cell/day", 0.03, 0.06, "glutamate taken up in plenty")
    pyruvate_uptake: float = parameter("pmol/cell/day", 0.08, 0.2, "pyruvate taken up in plenty")
    pyruvate_overflow: float = parameter("mol/mol", 0.005, 0.02, "pyruvate given off per glucose")
    pyruvate_lactate: float = parameter("mol/mol", 0.2, 0.5, "lactate made per pyruvate taken up")
    scavenging: float = parameter("mol/mol", 0.4, 0.8, "ammonium bound per pyruvate taken up (alanine)")
    # product and size
    productivity: float = parameter(
        "pg/cell/day", 15.0, 28.0, "product at fastest growth", "15-45, engineering judgement"
    )
    productivity_slow: float = parameter("-", 0.5, 1.2, "relative gain at zero growth", _PRACTICE)
    productivity_cold: float = parameter(
        "1/°C", 0.06, 0.15, "relative gain per degree below 37", "direction: Vergara 2014"
    )
    diameter: float = parameter("um", 14.5, 17.5, "diameter at fastest growth", _PRACTICE)
    diameter_slow: float = parameter("um", 1.0, 3.0, "growth in size as division slows", _PRACTICE)
    # the membrane
    fouling_rate: float = parameter("1/day", 0.02, 0.045, "loss of product sieving at 50e6 cells/mL and 1 VVD")

    def take(self, columns: NDArray[np.intp]) -> "Kinetics":
        """The constants of some vessels of a stacked batch."""
        return take(self, columns)


PARAMETERS: dict[str, Parameter] = {f.name: Parameter(name=f.name, **f.metadata) for f in fields(Kinetics)}
NAMES: tuple[str, ...] = tuple(PARAMETERS)


Record = TypeVar("Record")
"""A dataclass of numbers: the constants of a clone, a medium, ..."""


def stack(records: Iterable[Record]) -> Record:
    """Join the numbers of B records of one type into arrays of shape (B,)."""
    each = list(records)
    kind = type(each[0])
    arrays = {name: np.array([getattr(r, name) for r in each], dtype=float) for name in names_in(kind)}
    return kind(**arrays)


def take(record: Record, columns: NDArray[np.intp]) -> Record:
    """The numbers of some vessels of a stacked record."""
    return type(record)(**{name: getattr(record, name)[columns] for name in names_in(type(record))})


def names_in(kind: type[Any]) -> tuple[str, ...]:
    """Field names of a dataclass, in their order."""
    return tuple(f.name for f in fields(kind))
