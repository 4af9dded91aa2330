"""Rate laws of the simulated cells: one effect, one function, one source, one limiting-case test.

All are smooth and none is clipped. Arguments are arrays (B,) or scalars in canonical units; `k` holds the constants
(`parameters.Kinetics`, where each has its unit and source). Effects without a named source are synthetic: their
direction is common knowledge, their size is not measured.
"""

import numpy as np

from perfusio.plant.parameters import Array, Kinetics

OXYGEN_CAPACITY = 500.0  # mmol/L/day that the vessel can transfer at 850 rpm (synthetic: 70e6 cells/mL breathe freely)
OXYGEN_EXPONENT = 1.5  # capacity rises with rpm to this power (synthetic; kLa correlations lie between 1 and 3)
GLUCOSE_AFFINITY = 0.05  # g/L at which cells take up half (synthetic)
OVERFLOW_GLUCOSE = 4.0  # g/L of half overflow uptake (synthetic; Amribt 2013 has overflow kinetics of this kind)
LACTATE_AFFINITY = 2.0  # mmol/L of half lactate uptake (synthetic)
GLUTAMATE_AFFINITY = 1.0  # mmol/L of half glutamate uptake (synthetic)
PYRUVATE_AFFINITY = 0.5  # mmol/L of half pyruvate uptake (synthetic)
AMMONIUM_AFFINITY = 2.0  # mmol/L of half scavenging (synthetic)
SIEVING_FLOOR = 0.55  # sieving of a fully fouled membrane (engineering judgement: 0.5 to 1)


def growth_at_temperature(temperature: Array, k: Kinetics) -> Array:
    """Bell of growth over temperature, 1 at the optimum (shape and width: insilicho, Moeller 2020)."""
    distance = (temperature - k.temperature_optimum) / k.temperature_width
    return np.asarray(np.exp(-distance * distance))


def saturation(concentration: Array, half: float) -> Array:
    """Monod factor c / (K + c): 0 without substrate, 1/2 at K, 1 in plenty."""
    return concentration / (half + concentration)


def inhibition(concentration: Array, half: float) -> Array:
    """Second-order inhibition 1 / (1 + (c/K)^2): 1 without inhibitor, 1/2 at K."""
    ratio = concentration / half
    return 1.0 / (1.0 + ratio * ratio)


def oxygen_supply(viable: Array, agitation: Array, k: Kinetics) -> Array:
    """Part of the oxygen demand that is met: a smooth minimum of 1 and capacity / demand."""
    relative = agitation / 850.0
    capacity = OXYGEN_CAPACITY * relative * np.sqrt(relative)
    ratio = k.oxygen_uptake * viable / capacity
    square = ratio * ratio
    return np.asarray(1.0 / np.sqrt(np.sqrt(1.0 + square * square)))


def death_by_stress(ammonium: Array, byproduct: Array, temperature: Array, k: Kinetics) -> Array:
    """Death rate [1/day]: the base rate, doubled by ammonium or by-product at their constants, rising with heat."""
    toxic = (ammonium / k.death_ammonium) ** 2 + (byproduct / k.death_byproduct) ** 2
    return np.asarray(k.death_rate * (1.0 + toxic) * np.exp(k.death_heat * (temperature - 36.5)))


def death_by_starvation(glucose: Array, glutamine: Array, oxygen: Array, k: Kinetics) -> Array:
    """Death rate added by want [1/day], from the saturations: glucose fully, glutamine a tenth, oxygen half.

    Squares, because cells bear a little want without dying.
    """
    return k.death_starvation * ((1.0 - glucose) ** 2 + 0.1 * (1.0 - glutamine) ** 2 + 0.5 * (1.0 - oxygen) ** 2)


def death_by_shear(agitation: Array, k: Kinetics) -> Array:
    """Death rate added by stirring [1/day]: steep in speed, negligible below 800 rpm."""
    relative = agitation / 1000.0
    square = relative * relative
    fourth = square * square
    return k.death_shear * fourth * fourth


def arrest_target(byproduct: Array, temperature: Array, k: Kinetics) -> Array:
    """Part of the cells that stops dividing in the long run; crowding and cold drive it."""
    crowding = byproduct / k.arrest_half * np.exp(k.arrest_cold * (36.5 - temperature))
    square = crowding * crowding
    return k.arrest_max * square / (1.0 + square)


def switch_target(growth: Array, glucose: Array, k: Kinetics) -> Array:
    """Part of the lactate-uptake machinery expressed in the long run: at slow growth and modest glucose."""
    fast = (growth / k.switch_growth) ** 2
    sweet = (glucose / k.switch_glucose) ** 2
    return 1.0 / ((1.0 + fast * fast) * (1.0 + sweet * sweet))


def glucose_uptake(growth: Array, glucose: Array, k: Kinetics) -> Array:
    """Glucose taken up [pmol/cell/day]: maintenance, growth and overflow; ends with the glucose."""
    overflow = k.glucose_overflow * saturation(glucose, OVERFLOW_GLUCOSE)
    return (k.glucose_maintenance + k.glucose_growth * growth + overflow) * saturation(glucose, GLUCOSE_AFFINITY)


def productivity(growth: Array, temperature: Array, k: Kinetics) -> Array:
    """Product made [pg/cell/day]: more at slow growth and in the cold (the cold: Vergara 2014)."""
    slow = 1.0 + k.productivity_slow * (1.0 - growth / k.growth_max)
    return k.productivity * slow * np.exp(k.productivity_cold * (37.0 - temperature))


def diameter_target(growth: Array, k: Kinetics) -> Array:
    """Mean diameter in the long run [um]: cells swell as division slows."""
    return k.diameter + k.diameter_slow * (1.0 - growth / k.growth_max)


def fouling(viable: Array, harvest: Array, k: Kinetics) -> Array:
    """Rate at which the membrane loses its sieving [1/day]: with the cells around it and the flow through it."""
    return k.fouling_rate * (viable / 50.0) * harvest
