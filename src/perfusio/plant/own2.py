"""Own2: cells like our own with another law of death and another lactate switch.

States, constants and balances are those of `equations`; each constant keeps its meaning (the ammonium that doubles the
death rate still does), so that the same ranges serve. All of it is synthetic: a family that is foreign by a little.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from perfusio.plant.equations import OWN, Laws, right_hand_side
from perfusio.plant.parameters import Array, Kinetics


def death_that_doubles(ammonium: Array, byproduct: Array, temperature: Array, k: Kinetics) -> Array:
    """Death rate [1/day]: each stress doubles it at its constant and again at twice that; together they multiply.

    Ours adds the squares of both, so that a little of either does next to nothing.
    """
    doublings = ammonium / k.death_ammonium + byproduct / k.death_byproduct
    return np.asarray(k.death_rate * np.exp2(doublings) * np.exp(k.death_heat * (temperature - 36.5)))


def switch_by_sugar_flux(growth: Array, glucose: Array, k: Kinetics) -> Array:
    """Part of the lactate-uptake machinery expressed in the long run: growth times glucose decides.

    Ours needs both slow growth and modest glucose; here the lack of one makes up for plenty of the other.
    """
    flux = growth * glucose / (k.switch_growth * k.switch_glucose)
    return np.asarray(1.0 / (1.0 + flux * flux))


LAWS = Laws(stress=death_that_doubles, switch=switch_by_sugar_flux)
OWN2 = replace(OWN, name="own2", terms=partial(right_hand_side, laws=LAWS))
"""Our own plant with two other laws."""
