"""A third plant: textbook Monod kinetics, and a separator that sends 92 % of the cells back.

Growth is a product of Monod terms and falls linearly as the vessel is cooled; death rises with the square of ammonium;
most clones run short of glutamine. Numbers come from de Tremblay-type sets (insilicho, Duran-Villalobos, Amribt
2013) as far as they are named there; see `docs/explanations/foreign-plants.md`. Agitation and pyruvate have no effect,
glutamate is neither made nor used, the diameter never changes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from perfusio.physics import balances
from perfusio.physics.balances import GLUCOSE_MOLAR_MASS, Flows
from perfusio.plant.kinetics import saturation
from perfusio.plant.medium import Equipment, Medium
from perfusio.plant.parameters import Array, parameter
from perfusio.plant.structure import COMMON_STATES, Structure, clean_membrane, in_order

STATES = tuple(COMMON_STATES)
SCALES = tuple((COMMON_STATES | {"glucose": 0.4, "glutamine": 0.2}).values())
MEDIUM = Medium(glucose=6.0, glutamine=7.0, glutamate=0.5)
RECYCLED = 0.92
"""Part of the cells, viable and dead, that the separator takes out of the harvest and sends back."""
REFERENCE_TEMPERATURE = 37.0  # °C
GLUCOSE_AFFINITY = 1.0016  # mmol/L of half maintenance uptake (KG, Amribt 2013)
GLUTAMINE_AFFINITY = 0.0314  # mmol/L of half maintenance uptake (KGn, Amribt 2013)

_PRACTICE = "engineering judgement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Constants:
    """One clone; rates per day, so that pmol/cell times 1e6 cells/mL is mmol/L."""

    growth_max: float = parameter("1/day", 0.85, 1.15, "fastest growth at 37 °C", "0.043/h insilicho, 0.048/h Duran")
    growth_slope: float = parameter("1/°C", 0.10, 0.16, "share of growth lost per degree below 37", "0.034 to 0.010/h")
    glucose_half: float = parameter("mmol/L", 0.1, 1.0, "glucose of half growth", "1 Duran-Villalobos, 0.02 insilicho")
    glutamine_half: float = parameter("mmol/L", 0.03, 0.22, "glutamine of half growth", "0.03 insilicho, 0.22 Duran")
    ammonium_half: float = parameter("mmol/L", 5.0, 15.0, "ammonium of half growth", "10 insilicho")
    lactate_half: float = parameter("mmol/L", 60.0, 150.0, "lactate of half growth", "150 Duran-Villalobos")
    death_rate: float = parameter("1/day", 0.003, 0.012, "death without ammonium", _PRACTICE)
    death_ammonium: float = parameter("mmol/L", 4.0, 9.0, "ammonium that doubles the death rate", _PRACTICE)
    lysis_rate: float = parameter("1/day", 0.024, 0.24, "dead cells that fall apart", "0.001/h insilicho, ten times it")
    glucose_growth: float = parameter("pmol/cell", 2.0, 5.9, "glucose to make one cell", "1.7e8 cells/mmol, Duran")
    glucose_maintenance: float = parameter("pmol/cell/day", 0.5, 0.92, "glucose without growth", "0.92 Amribt 2013")
    glutamine_growth: float = parameter("pmol/cell", 0.4, 0.77, "glutamine to make one cell", "1.3e9 cells/mmol, Duran")
    glutamine_maintenance: float = parameter("pmol/cell/day", 0.01, 0.06, "glutamine without growth", "0.06 Amribt")
    lactate_yield: float = parameter("mol/mol", 0.25, 0.8, "lactate made per glucose", "0.25 insilicho")
    ammonium_yield: float = parameter("mol/mol", 0.7, 0.95, "ammonium made per glutamine", "0.9 insilicho and Duran")
    productivity: float = parameter("pg/cell/day", 5.0, 12.0, "product at any growth", "7.5 insilicho, 10 Amribt 2013")
    diameter: float = parameter("um", 13.0, 18.0, "diameter", _PRACTICE)


LITERATURE = Constants(
    growth_max=1.03, growth_slope=0.14, glucose_half=0.5, glutamine_half=0.1, ammonium_half=10.0, lactate_half=150.0,
    death_rate=0.006, death_ammonium=6.0, lysis_rate=0.12, glucose_growth=3.0, glucose_maintenance=0.8,
    glutamine_growth=0.55, glutamine_maintenance=0.03, lactate_yield=0.4, ammonium_yield=0.9, productivity=7.5,
    diameter=15.0,
)  # fmt: skip


def drawn(rng: np.random.Generator) -> Constants:
    """Draw a clone uniformly from the declared ranges."""
    return Constants(**{f.name: float(rng.uniform(f.metadata["low"], f.metadata["high"])) for f in fields(Constants)})


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRates:
    """Rates of one cell, each (B,): growth and death [1/day], the rest [pmol/cell/day], product [pg/cell/day].

    Attributes:
        growth: mu.
        death: mu_d.
        glucose: Taken up.
        glutamine: Taken up.
        lactate: Made.
        ammonium: Made.
        product: Made.
    """

    growth: Array
    death: Array
    glucose: Array
    glutamine: Array
    lactate: Array
    ammonium: Array
    product: Array


def growth_at_temperature(temperature: Array, slope: Array | float) -> Array:
    """Share of the growth at 37 °C that is left: a straight line, zero where it would go below."""
    return np.maximum(1.0 + slope * (temperature - REFERENCE_TEMPERATURE), 0.0)


def cell_rates(s: dict[str, Array], temperature: Array, k: Any) -> CellRates:
    """Rates of the cells at these states by name."""
    glucose, glutamine = s["glucose"] / GLUCOSE_MOLAR_MASS, s["glutamine"]
    fed = saturation(glucose, k.glucose_half) * saturation(glutamine, k.glutamine_half)
    kept = k.ammonium_half / (k.ammonium_half + s["ammonium"]) * (k.lactate_half / (k.lactate_half + s["lactate"]))
    growth = k.growth_max * growth_at_temperature(temperature, k.growth_slope) * fed * kept
    q_glucose = k.glucose_growth * growth + k.glucose_maintenance * saturation(glucose, GLUCOSE_AFFINITY)
    q_glutamine = k.glutamine_growth * growth + k.glutamine_maintenance * saturation(glutamine, GLUTAMINE_AFFINITY)
    return CellRates(
        growth=growth,
        death=k.death_rate * (1.0 + (s["ammonium"] / k.death_ammonium) ** 2),
        glucose=q_glucose,
        glutamine=q_glutamine,
        lactate=k.lactate_yield * q_glucose,
        ammonium=k.ammonium_yield * q_glutamine,
        product=k.productivity * np.ones_like(growth),
    )


def right_hand_side(
    y: Array, setpoints: Array, k: Any, medium: Medium = MEDIUM, equipment: Equipment | None = None
) -> tuple[Array, Array]:
    """Production p and loss rate lam of y' = p - lam y; arguments as in `equations.right_hand_side`."""
    perfusion, bleed, glucose_setpoint, temperature, _, pyruvate_feed = setpoints
    pumps = equipment or Equipment()
    s = dict(zip(STATES, y, strict=True))
    viable = s["viable"]
    feed, slope = balances.concentrate_feed(s["glucose"], glucose_setpoint, pumps.concentrate_max_flow)
    flows = Flows(perfusion=perfusion, bleed=bleed, sampling=pumps.sampling_flow, feed=feed)
    cell = cell_rates(s, temperature, k)
    eaten = {name: getattr(cell, name) * viable / (s[name] + 1e-30) for name in ("glucose", "glutamine")}
    return in_order(
        STATES,
        {
            "viable": balances.viable_cells(cell.growth, cell.death, flows, RECYCLED),
            "dead": balances.dead_cells(viable, cell.death, k.lysis_rate, flows, RECYCLED),
            "glucose": balances.fed_glucose(
                s["glucose"],
                flows,
                slope,
                GLUCOSE_MOLAR_MASS * eaten["glucose"],
                inlet=medium.glucose,
                concentrate=pumps.concentrate_glucose,
            ),
            "glutamine": balances.solute(medium.glutamine, flows, 0.0, eaten["glutamine"]),
            "glutamate": balances.solute(medium.glutamate, flows, 0.0, 0.0),
            "lactate": balances.solute(medium.lactate, flows, cell.lactate * viable, 0.0),
            "ammonium": balances.solute(medium.ammonium, flows, cell.ammonium * viable, 0.0),
            "pyruvate": balances.solute(pyruvate_feed, flows, 0.0, 0.0),
            "titer": balances.product(viable, cell.product, flows, s["sieving"]),
            "harvested": (s["sieving"] * flows.harvest * s["titer"], 0.0),
        },
        y,
    )


MONOD_SEPARATOR = Structure(
    name="Monod with separator",
    states=STATES,
    scales=SCALES,
    constants=Constants,
    terms=right_hand_side,
    start=clean_membrane,
    tolerance=1.0 / 3.0,
)
"""The third plant."""
