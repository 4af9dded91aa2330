"""Cell lines as data, and a seeded generator of more of our own; `families` knows all of them by name.

Ranges and sources of every constant are declared in `parameters.Kinetics`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from perfusio.plant.equations import OUR_MEDIUM, OWN
from perfusio.plant.medium import Medium
from perfusio.plant.parameters import PARAMETERS, Kinetics
from perfusio.plant.structure import Structure


@dataclass(frozen=True, slots=True, kw_only=True)
class Clone:
    """One cell line.

    Attributes:
        name: How it is called in files and plots.
        kinetics: Its constants, of the type that its structure asks for.
        structure: Its laws; default our own.
        medium: Its medium unless a vessel is told otherwise.
    """

    name: str
    kinetics: Any
    structure: Structure = OWN
    medium: Medium = OUR_MEDIUM


CLONE_X = Clone(
    name="CloneX",
    kinetics=Kinetics(
        growth_max=0.88,
        temperature_optimum=36.9,
        temperature_width=3.2,
        glucose_half=0.08,
        glutamine_half=0.10,
        ammonium_half=8.0,
        lactate_half=35.0,
        byproduct_half=80.0,
        oxygen_uptake=7.0,
        arrest_max=0.50,
        arrest_half=46.0,
        arrest_cold=0.10,
        adaptation_time=2.5,
        death_rate=0.0055,
        death_ammonium=7.0,
        death_byproduct=70.0,
        death_starvation=0.30,
        death_shear=0.012,
        death_heat=0.20,
        lysis_rate=0.12,
        glucose_maintenance=0.50,
        glucose_growth=1.6,
        glucose_overflow=0.90,
        lactate_yield=0.55,
        lactate_uptake=0.90,
        switch_growth=0.40,
        switch_glucose=5.5,
        glutamine_maintenance=0.010,
        glutamine_growth=0.40,
        ammonium_yield=0.85,
        ammonium_other=0.020,
        glutamate_yield=0.40,
        glutamate_uptake=0.045,
        pyruvate_uptake=0.14,
        pyruvate_overflow=0.010,
        pyruvate_lactate=0.30,
        scavenging=0.60,
        productivity=15.0,
        productivity_slow=0.80,
        productivity_cold=0.10,
        diameter=15.5,
        diameter_slow=2.0,
        fouling_rate=0.030,
    ),
)
"""Switches to lactate uptake as its growth slows."""

CLONE_Y = Clone(
    name="CloneY",
    kinetics=replace(
        CLONE_X.kinetics,
        growth_max=0.82,
        temperature_optimum=36.7,
        ammonium_half=9.0,
        arrest_max=0.42,
        death_rate=0.0060,
        glucose_overflow=0.70,
        lactate_yield=0.42,
        lactate_uptake=0.0,
        glutamine_growth=0.36,
        productivity=18.0,
        diameter=16.8,
        diameter_slow=1.4,
    ),
)
"""Never takes lactate up."""

CLONES: dict[str, Clone] = {clone.name: clone for clone in (CLONE_X, CLONE_Y)}


def draw_clone(seed: int) -> Clone:
    """A clone with every constant drawn uniformly from its declared range; every third never switches to lactate.

    Not every such clone can be cultivated: `oracle.random_clone` draws until one can.
    """
    rng = np.random.default_rng([seed, 2])
    drawn = {name: float(rng.uniform(p.low, p.high)) for name, p in PARAMETERS.items()}
    if rng.random() < 1.0 / 3.0:
        drawn["lactate_uptake"] = 0.0
    return Clone(name=f"Clone{seed}", kinetics=Kinetics(**drawn))


def perturbed(clone: Clone, relative_sd: float, *, seed: int) -> Clone:
    """The clone with every constant off by a log-normal factor: a plant that differs from the belief.

    The optimum temperature is shifted by `relative_sd` times a normal number of °C instead; a factor on °C would
    mean nothing.

    Args:
        clone: Where to start.
        relative_sd: About the relative sd of each constant, e.g. 0.2.
        seed: Seed of the draw.
    """
    rng = np.random.default_rng([seed, 3])
    k = clone.kinetics
    changed = {
        name: getattr(k, name) * float(np.exp(relative_sd * rng.standard_normal()))
        for name in clone.structure.constant_names
    }
    if "temperature_optimum" in changed:
        changed["temperature_optimum"] = k.temperature_optimum + relative_sd * float(rng.standard_normal())
    return replace(clone, name=f"{clone.name}~{seed}", kinetics=replace(k, **changed))
