"""The plant's right-hand side: all balances of a batch of vessels as production and loss.

State-first arrays: row i of y is the quantity STATES[i] of all vessels. Everything is a rate per day.
"""

import numpy as np

from perfusio.physics import balances
from perfusio.physics.balances import GLUCOSE_MOLAR_MASS, MEDIUM_GLUTAMINE, SAMPLING_FLOW, Flows
from perfusio.plant import kinetics
from perfusio.plant.parameters import Array, Kinetics

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

RETENTION = 0.999  # part of the viable cells that the hollow fibre holds back (engineering judgement: about 1)
RETENTION_DEAD = 0.98  # the same of dead cells; the rest passes as debris (engineering judgement)
DIAMETER_LAG = 1.0  # day (synthetic)


def right_hand_side(y: Array, setpoints: Array, k: Kinetics) -> tuple[Array, Array]:
    """Production p and loss rate lam of y' = p - lam y.

    Args:
        y: States, shape (n, B), >= 0.
        setpoints: The six setpoints in their order, shape (6, B).
        k: Constants of the vessels' clones, arrays (B,) or scalars.

    Returns:
        p >= 0 and lam, each (n, B).
    """
    viable, _, glucose, glutamine, glutamate, lactate, ammonium, pyruvate, titer, byproduct = y[:10]
    arrest, switch, sieving = y[10:13]
    perfusion, bleed, glucose_setpoint, temperature, agitation, pyruvate_feed = setpoints

    feed, controller_slope = balances.concentrate_feed(glucose, glucose_setpoint)
    flows = Flows(perfusion=perfusion, bleed=bleed, sampling=np.full_like(perfusion, SAMPLING_FLOW), feed=feed)

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
        kinetics.death_by_stress(ammonium, byproduct, temperature, k)
        + kinetics.death_by_starvation(on_glucose, on_glutamine, on_oxygen, k)
        + kinetics.death_by_shear(agitation, k)
    )

    q_glucose = kinetics.glucose_uptake(growth, glucose, k)
    q_glutamine = k.glutamine_growth * growth + k.glutamine_maintenance * on_glutamine
    q_pyruvate = k.pyruvate_uptake * kinetics.saturation(pyruvate, kinetics.PYRUVATE_AFFINITY)
    q_scavenged = k.scavenging * q_pyruvate / (kinetics.AMMONIUM_AFFINITY + ammonium)
    q_lactate = k.lactate_yield * q_glucose + k.pyruvate_lactate * q_pyruvate
    lactate_taken = k.lactate_uptake * switch / (kinetics.LACTATE_AFFINITY + lactate)
    glutamate_taken = k.glutamate_uptake / (kinetics.GLUTAMATE_AFFINITY + glutamate)
    q_ammonium = k.ammonium_yield * q_glutamine + k.ammonium_other
    q_product = kinetics.productivity(growth, temperature, k)

    nothing = np.zeros_like(viable)
    per_day = 1.0 / k.adaptation_time
    foul = kinetics.fouling(viable, flows.harvest, k)
    glucose_taken = _taken(q_glucose * GLUCOSE_MOLAR_MASS, viable, glucose)
    pairs = (
        balances.viable_cells(growth, death, flows, RETENTION),
        balances.dead_cells(viable, death, k.lysis_rate, flows, RETENTION_DEAD),
        balances.fed_glucose(glucose, flows, controller_slope, glucose_taken),
        balances.solute(MEDIUM_GLUTAMINE, flows, nothing, _taken(q_glutamine, viable, glutamine)),
        balances.solute(nothing, flows, k.glutamate_yield * q_glutamine * viable, glutamate_taken * viable),
        balances.solute(nothing, flows, q_lactate * viable, lactate_taken * viable),
        balances.solute(nothing, flows, q_ammonium * viable, q_scavenged * viable),
        balances.solute(
            pyruvate_feed, flows, k.pyruvate_overflow * q_glucose * viable, _taken(q_pyruvate, viable, pyruvate)
        ),
        balances.product(viable, q_product, flows, sieving),
        balances.solute(nothing, flows, viable, nothing),
        (kinetics.arrest_target(byproduct, temperature, k) * per_day, per_day),
        (kinetics.switch_target(growth, glucose, k) * per_day, per_day),
        (foul * kinetics.SIEVING_FLOOR, foul),
        (kinetics.diameter_target(growth, k) / DIAMETER_LAG, 1.0 / DIAMETER_LAG),
        (sieving * flows.harvest * titer, nothing),
    )
    production, loss = np.empty_like(y), np.empty_like(y)
    for i, (p, lam) in enumerate(pairs):
        production[i] = p
        loss[i] = lam
    return production, loss


def _taken(uptake: Array, viable: Array, concentration: Array) -> Array:
    """Uptake as a loss rate [1/day]: uptake * cells / concentration, finite as the concentration goes to zero.

    Every uptake law is proportional to the concentration when that is small, so the quotient has a limit; the tiny
    number only keeps 0/0 out.
    """
    return uptake * viable / (concentration + 1e-30)
