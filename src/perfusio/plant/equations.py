"""The plant's right-hand side: all balances of a batch of vessels as production and loss.

State-first arrays: row i of y is the quantity STATES[i] of all vessels. Everything is a rate per day.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from perfusio.physics import balances
from perfusio.physics.balances import GLUCOSE_MOLAR_MASS, Flows
from perfusio.plant import kinetics
from perfusio.plant.medium import Equipment, Medium
from perfusio.plant.parameters import Array, Kinetics
from perfusio.plant.structure import Structure, clean_membrane

STATES: tuple[str, ...] = (
    "viable",  # 1e6 cells/mL
    "dead",  # 1e6 cells/mL
    "glucose",  # g/L
    "glutamine",  # mmol/L
    "glutamate",  # mmol/L
    "lactate",  # mmol/L
    "ammonium",  # mmol/L
    "pyruvate",  # mmol/L
    "titer",  # mg/L in the vessel
    "byproduct",  # units, see Kinetics; hidden
    "arrest",  # part of the cells that does not divide; hidden
    "switch",  # part of the lactate-uptake machinery expressed; hidden
    "sieving",  # part of the product that passes the membrane; hidden
    "diameter",  # um
    "harvested",  # mg of product per L of vessel, taken out with the harvest since inoculation
)
INDEX: dict[str, int] = {name: i for i, name in enumerate(STATES)}
SCALES = (30.0, 2.0, 4.0, 2.0, 1.0, 10.0, 4.0, 0.5, 1000.0, 40.0, 0.3, 0.5, 1.0, 16.0, 5000.0)
"""Usual size of each state, in the order of STATES."""

RETENTION = 0.999  # part of the viable cells that the hollow fibre holds back (engineering judgement: about 1)
RETENTION_DEAD = 0.98  # the same of dead cells; the rest passes as debris (engineering judgement)
DIAMETER_LAG = 1.0  # day (synthetic)
_NEVER_ZERO = 1e-30  # keeps 0/0 out of uptake per concentration


@dataclass(frozen=True, slots=True, kw_only=True)
class Laws:
    """The two laws in which a variant of this structure differs; arguments as in `kinetics`.

    Attributes:
        stress: Death rate by ammonium, by-product and heat [1/day].
        switch: Part of the lactate-uptake machinery expressed in the long run.
    """

    stress: Callable[[Array, Array, Array, Kinetics], Array] = kinetics.death_by_stress
    switch: Callable[[Array, Array, Kinetics], Array] = kinetics.switch_target


OUR_LAWS, OUR_MEDIUM, OUR_EQUIPMENT = Laws(), Medium(), Equipment()


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRates:
    """Rates of one cell, each (B,): growth and death [1/day], the rest [pmol/cell/day], product [pg/cell/day].

    Attributes:
        growth: mu.
        death: mu_d.
        glucose: Taken up.
        glutamine: Taken up.
        pyruvate: Taken up.
        glutamate: Taken up.
        lactate: Taken up.
        ammonium: Bound by pyruvate.
        lactate_made: From glucose and pyruvate.
        ammonium_made: From glutamine and other amino acids.
        product: Made.
    """

    growth: Array
    death: Array
    glucose: Array
    glutamine: Array
    pyruvate: Array
    glutamate: Array
    lactate: Array
    ammonium: Array
    lactate_made: Array
    ammonium_made: Array
    product: Array


def cell_rates(y: Array, setpoints: Array, k: Kinetics, laws: Laws = OUR_LAWS) -> CellRates:
    """Rates of the cells in this state; arguments as in `right_hand_side`."""
    viable, _, glucose, glutamine, glutamate, lactate, ammonium, pyruvate, _, byproduct, arrest, switch = y[:12]
    temperature, agitation = setpoints[3], setpoints[4]

    on_glucose = kinetics.saturation(glucose, k.glucose_half)
    on_glutamine = kinetics.saturation(glutamine, k.glutamine_half)
    on_oxygen = kinetics.oxygen_supply(viable, agitation, k)
    inhibited = (
        kinetics.inhibition(ammonium, k.ammonium_half)
        * kinetics.inhibition(lactate, k.lactate_half)
        * kinetics.inhibition(byproduct, k.byproduct_half)
    )
    fed = on_glucose * on_glutamine * on_oxygen
    growth = k.growth_max * kinetics.growth_at_temperature(temperature, k) * fed * inhibited * (1.0 - arrest)
    death = (
        laws.stress(ammonium, byproduct, temperature, k)
        + kinetics.death_by_starvation(on_glucose, on_glutamine, on_oxygen, k)
        + kinetics.death_by_shear(agitation, k)
    )
    q_glucose = kinetics.glucose_uptake(growth, glucose, k)
    q_glutamine = k.glutamine_growth * growth + k.glutamine_maintenance * on_glutamine
    q_pyruvate = k.pyruvate_uptake * kinetics.saturation(pyruvate, kinetics.PYRUVATE_AFFINITY)
    return CellRates(
        growth=growth,
        death=death,
        glucose=q_glucose,
        glutamine=q_glutamine,
        pyruvate=q_pyruvate,
        glutamate=k.glutamate_uptake * kinetics.saturation(glutamate, kinetics.GLUTAMATE_AFFINITY),
        lactate=k.lactate_uptake * switch * kinetics.saturation(lactate, kinetics.LACTATE_AFFINITY),
        ammonium=k.scavenging * q_pyruvate * kinetics.saturation(ammonium, kinetics.AMMONIUM_AFFINITY),
        lactate_made=k.lactate_yield * q_glucose + k.pyruvate_lactate * q_pyruvate,
        ammonium_made=k.ammonium_yield * q_glutamine + k.ammonium_other,
        product=kinetics.productivity(growth, temperature, k),
    )


def right_hand_side(
    y: Array,
    setpoints: Array,
    k: Kinetics,
    medium: Medium = OUR_MEDIUM,
    equipment: Equipment = OUR_EQUIPMENT,
    *,
    laws: Laws = OUR_LAWS,
) -> tuple[Array, Array]:
    """Production p and loss rate lam of y' = p - lam y.

    Args:
        y: States, shape (n, B), >= 0.
        setpoints: The six setpoints in their order, shape (6, B).
        k: Constants of the vessels' clones, arrays (B,) or numbers.
        medium: The inflow.
        equipment: The pumps.
        laws: Death by stress and lactate switch.

    Returns:
        p >= 0 and lam, each (n, B).
    """
    perfusion, bleed, glucose_setpoint, temperature, _, pyruvate_feed = setpoints
    viable, glucose, titer, byproduct, sieving = y[0], y[2], y[8], y[9], y[12]
    feed, controller_slope = balances.concentrate_feed(glucose, glucose_setpoint, equipment.concentrate_max_flow)
    flows = Flows(perfusion=perfusion, bleed=bleed, sampling=equipment.sampling_flow, feed=feed)
    harvest = flows.harvest
    cell = cell_rates(y, setpoints, k, laws)
    # Every uptake is proportional to its concentration when that is small, so the loss rate below has a limit at zero.
    per_concentration = viable / (y[2:8] + _NEVER_ZERO)
    eaten_glucose, eaten_glutamine, eaten_glutamate, eaten_lactate, bound_ammonium, eaten_pyruvate = per_concentration
    foul = kinetics.fouling(viable, harvest, k)
    per_day = 1.0 / k.adaptation_time
    balance_of_each = (
        balances.viable_cells(cell.growth, cell.death, flows, RETENTION),
        balances.dead_cells(viable, cell.death, k.lysis_rate, flows, RETENTION_DEAD),
        balances.fed_glucose(
            glucose,
            flows,
            controller_slope,
            GLUCOSE_MOLAR_MASS * cell.glucose * eaten_glucose,
            inlet=medium.glucose,
            concentrate=equipment.concentrate_glucose,
        ),
        balances.solute(medium.glutamine, flows, 0.0, cell.glutamine * eaten_glutamine),
        balances.solute(
            medium.glutamate, flows, k.glutamate_yield * cell.glutamine * viable, cell.glutamate * eaten_glutamate
        ),
        balances.solute(medium.lactate, flows, cell.lactate_made * viable, cell.lactate * eaten_lactate),
        balances.solute(medium.ammonium, flows, cell.ammonium_made * viable, cell.ammonium * bound_ammonium),
        balances.solute(
            pyruvate_feed, flows, k.pyruvate_overflow * cell.glucose * viable, cell.pyruvate * eaten_pyruvate
        ),
        balances.product(viable, cell.product, flows, sieving),
        balances.solute(0.0, flows, viable, 0.0),
        (kinetics.arrest_target(byproduct, temperature, k) * per_day, per_day),
        (laws.switch(cell.growth, glucose, k) * per_day, per_day),
        (foul * kinetics.SIEVING_FLOOR, foul),
        (kinetics.diameter_target(cell.growth, k) / DIAMETER_LAG, 1.0 / DIAMETER_LAG),
        (sieving * harvest * titer, 0.0),
    )
    production, loss = np.empty_like(y), np.empty_like(y)
    for i, (p, lam) in enumerate(balance_of_each):
        production[i] = p
        loss[i] = lam
    return production, loss


OWN = Structure(
    name="own", states=STATES, scales=SCALES, constants=Kinetics, terms=right_hand_side, start=clean_membrane
)
"""The plant that this project wrote itself."""
