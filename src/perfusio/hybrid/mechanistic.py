"""The mechanistic prior: perfusion balances with kinetics that are simpler than any real culture, on purpose.

It carries what is certain (the balances of `physics`) and what is usual for CHO cells. Everything else, a lactate
switch, by-products, adaptation, is left to its few adjustable parameters, the filter and the Gaussian processes.
A perfusion rate of zero stands for a batch or fed-batch: no medium flows, so cells do not crowd for their share of it.
Values come from the ranges in process-facts (literature where named), not from any plant of perfusio.

Letters: P parameters, Q species, U setpoints, B columns (vessels, paths or perturbed copies).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from perfusio.physics.balances import (
    GLUCOSE_MOLAR_MASS,
    MEDIUM_GLUTAMINE,
    Flows,
    concentrate_feed,
    dead_cells,
    fed_glucose,
    product,
    solute,
    viable_cells,
)
from perfusio.physics.integrate import Terms, integrate_fixed
from perfusio.process.rules import SAMPLING_FLOW
from perfusio.state import SETPOINT_INDEX, SPECIES_INDEX, FloatArray

STEPS_PER_DAY = 8
"""Second-order exponential steps; 8 agree with a tight tolerance to 1 % of scale at one day; where nutrients run out,
cells and product still do, solutes of most cultures to 10 % (a test says so), of single ones to a quarter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One adjustable rate of the prior.

    Attributes:
        name: Identifier.
        value: Typical value.
        unit: Its unit.
        log_sd: Prior standard deviation of its logarithm, between cell lines; calibration stays within 2.5 of them.
    """

    name: str
    value: float
    unit: str
    log_sd: float = 0.35


PARAMETERS: tuple[Parameter, ...] = (
    Parameter(name="growth", value=0.80, unit="1/day"),
    Parameter(name="death", value=0.006, unit="1/day", log_sd=0.4),
    Parameter(name="crowding", value=15.0, unit="pL/cell/day", log_sd=0.5),
    Parameter(name="glucose_uptake", value=1.5, unit="pmol/cell/day"),
    Parameter(name="lactate_yield", value=0.9, unit="mol/mol", log_sd=0.5),
    Parameter(name="lactate_uptake", value=0.4, unit="pmol/cell/day", log_sd=0.7),
    Parameter(name="glutamine_uptake", value=0.25, unit="pmol/cell/day", log_sd=0.5),
    Parameter(name="ammonium_yield", value=0.8, unit="mol/mol", log_sd=0.4),
    Parameter(name="glutamate_yield", value=0.3, unit="mol/mol", log_sd=0.5),
    Parameter(name="pyruvate_uptake", value=0.12, unit="pmol/cell/day", log_sd=0.6),
    Parameter(name="productivity", value=22.0, unit="pg/cell/day"),
    # the shape of the rate laws: calibrated with the rates, then the same for every vessel
    Parameter(name="glucose_affinity", value=0.15, unit="g/L", log_sd=0.5),  # about 1 mmol/L (Duran-Villalobos)
    Parameter(name="glutamine_affinity", value=0.2, unit="mmol/L", log_sd=0.7),  # Duran-Villalobos
    Parameter(name="lactate_affinity", value=0.5, unit="mmol/L", log_sd=0.7),  # this and the next two: judgement
    Parameter(name="glutamate_affinity", value=0.5, unit="mmol/L", log_sd=0.7),
    Parameter(name="pyruvate_affinity", value=0.5, unit="mmol/L", log_sd=0.7),
    Parameter(name="ammonium_half", value=8.0, unit="mmol/L", log_sd=0.3),  # Kurano, as cited in process-facts 3.4
    Parameter(name="lactate_half", value=35.0, unit="mmol/L", log_sd=0.4),  # 28 to more than 40, process-facts 3.4
    Parameter(name="temperature_optimum", value=36.8, unit="°C", log_sd=0.008),  # 36.4 in insilicho
    Parameter(name="temperature_width", value=3.5, unit="°C", log_sd=0.15),  # 3.12 in insilicho
    Parameter(name="oxygen_density", value=90.0, unit="1e6/mL", log_sd=0.3),  # halves growth at 850 rpm; judgement
    Parameter(name="shear", value=0.01, unit="1/day", log_sd=0.5),  # death at 1000 rpm; judgement, as are all below
    Parameter(name="lysis", value=0.05, unit="1/day", log_sd=0.5),
    Parameter(name="productivity_cold", value=0.1, unit="1/°C", log_sd=0.5),
    Parameter(name="productivity_slow", value=0.5, unit="-", log_sd=0.5),
    Parameter(name="glucose_maintenance", value=0.5, unit="-", log_sd=0.7),  # uptake without growth over that of growth
    Parameter(name="glutamine_maintenance", value=0.5, unit="-", log_sd=0.7),
    Parameter(name="glutamate_uptake", value=0.03, unit="pmol/cell/day", log_sd=0.5),
    Parameter(name="pyruvate_yield", value=0.01, unit="mol/mol", log_sd=0.5),
    Parameter(name="death_crowding", value=15.0, unit="pL/cell/day", log_sd=0.5),  # perfusion per cell: death doubles
    Parameter(name="death_heat", value=0.15, unit="1/°C", log_sd=0.6),
)
N_VESSEL_RATES = 11
"""The first so many parameters may differ from vessel to vessel and follow each vessel's own days."""
MOST_CROWDED = 10.0
"""How much cells can be short of medium, in units of `death_crowding`: nobody knows how fast they die with less."""
PARAMETER_INDEX: dict[str, int] = {p.name: i for i, p in enumerate(PARAMETERS)}
TYPICAL: FloatArray = np.array([p.value for p in PARAMETERS])
LOG_SD: FloatArray = np.array([p.log_sd for p in PARAMETERS])
VCD, VIABILITY = SPECIES_INDEX["vcd"], SPECIES_INDEX["viability"]
ACTING = tuple(
    SETPOINT_INDEX[name]
    for name in ("perfusion_rate", "bleed_rate", "glucose_setpoint", "temperature", "agitation", "pyruvate_feed")
)
ACTED_UPON = tuple(
    SPECIES_INDEX[name] for name in ("vcd", "glucose", "glutamine", "glutamate", "lactate", "ammonium", "pyruvate")
)
BALANCED = (VCD, VIABILITY, *ACTED_UPON[1:], SPECIES_INDEX["titer"])
"""Places of the quantities that the rate laws name, in the order in which they name them."""


def advance(
    species: FloatArray,
    setpoints: FloatArray,
    log_factors: FloatArray,
    hours: ArrayLike,
    steps_per_day: int = STEPS_PER_DAY,
) -> FloatArray:
    """Advance species by the balances at constant setpoints.

    Args:
        species: Start, canonical units, shape (Q, B), >= 0, in double or single precision: that of everything here.
        setpoints: Held constant, shape (U, B).
        log_factors: Logarithm of each parameter over its typical value, shape (P, B).
        hours: Interval, scalar or (B,) [h].
        steps_per_day: At least one is made.

    Returns:
        Species after the interval, shape (Q, B).
    """
    days = np.asarray(hours, dtype=float) / 24.0
    viable = species[VCD] + 1e-9
    dead = viable * (100.0 - species[VIABILITY]) / np.maximum(species[VIABILITY], 1.0)
    y0 = species.copy()
    y0[VCD], y0[VIABILITY] = viable, dead  # balances count dead cells, in the place of viability
    n_steps = np.maximum(np.ceil(steps_per_day * np.broadcast_to(days, viable.shape) - 1e-9), 1.0)
    y = y0
    for n in np.unique(n_steps):  # usually one; a vessel that missed a day must not change the steps of the others
        same = n_steps == n
        parameters = TYPICAL[:, None].astype(species.dtype, copy=False) * np.exp(log_factors[:, same])
        length = days if days.ndim == 0 else days[same]
        y[:, same] = integrate_fixed(_terms(setpoints[:, same], parameters), y0[:, same], length, int(n))
    out = np.empty_like(species)
    out[:] = y
    out[VIABILITY] = 100.0 * y[VCD] / (y[VCD] + y[VIABILITY])
    return out


def _terms(setpoints: FloatArray, parameters: FloatArray) -> Terms:
    perfusion, bleed, glucose_setpoint, temperature, agitation, pyruvate_feed = (setpoints[i] for i in ACTING)
    k = dict(zip(PARAMETER_INDEX, parameters, strict=True))
    warm = np.exp(-(((temperature - k["temperature_optimum"]) / k["temperature_width"]) ** 2))
    oxygen_density = k["oxygen_density"] * (agitation / 850.0) ** 2
    shear = k["shear"] * np.exp((agitation - 1000.0) / 80.0)
    cold_gain = np.exp(k["productivity_cold"] * (37.0 - temperature))
    everything = np.ones_like(perfusion)  # the retention device holds back all cells, the membrane no product
    is_perfused = perfusion > 0.0
    # Without medium flowing in, what is taken out takes volume and changes no concentration, and nothing is shared.
    sampling = np.where(is_perfused, SAMPLING_FLOW, 0.0)
    bleed = np.where(is_perfused, bleed, 0.0)
    crowding, death_crowding = (np.where(is_perfused, k[name], 0.0) for name in ("crowding", "death_crowding"))
    heat = np.exp(k["death_heat"] * (temperature - 36.5))
    supply = np.where(is_perfused, 1000.0 * perfusion, 1.0)  # pL/mL/day; the cells share it: cspr = supply / viable

    def terms(y: FloatArray, columns: object) -> tuple[FloatArray, FloatArray]:
        del columns  # fixed steps never drop columns
        viable, glc, gln, glu, lac, amm, pyr = (y[i] for i in ACTED_UPON)
        feed, slope = concentrate_feed(glc, glucose_setpoint)
        flows = Flows(perfusion=perfusion, bleed=bleed, sampling=sampling, feed=feed)
        limits = (
            warm
            * glc / (k["glucose_affinity"] + glc)
            * gln / (k["glutamine_affinity"] + gln)
            * supply / (supply + crowding * viable)
            * oxygen_density / (oxygen_density + viable)
            / ((1.0 + amm / k["ammonium_half"]) * (1.0 + lac / k["lactate_half"]))
        )  # fmt: skip
        growth = k["growth"] * limits
        toxic = (amm / k["ammonium_half"]) ** 2 + np.minimum(death_crowding * viable / supply, MOST_CROWDED) ** 2
        death = k["death"] * (1.0 + toxic) * heat + shear
        glc_active = viable * (k["glucose_maintenance"] + limits)
        glc_taken = k["glucose_uptake"] * glc_active / (k["glucose_affinity"] + glc)  # per g/L of glucose [mmol/g/day]
        glc_used = glc_taken * glc  # mmol/L/day
        gln_active = viable * (k["glutamine_maintenance"] + limits)
        gln_taken = k["glutamine_uptake"] * gln_active / (k["glutamine_affinity"] + gln)
        gln_used = gln_taken * gln
        glu_taken = k["glutamate_uptake"] * viable / (k["glutamate_affinity"] + glu)
        lac_taken = k["lactate_uptake"] * viable / (k["lactate_affinity"] + lac)
        pyr_taken = k["pyruvate_uptake"] * viable / (k["pyruvate_affinity"] + pyr)
        slow_gain = 1.0 + k["productivity_slow"] * (1.0 - limits)
        balances = (
            viable_cells(growth, death, flows, everything),
            dead_cells(viable, death, k["lysis"], flows, everything),
            fed_glucose(glc, flows, slope, glc_taken * GLUCOSE_MOLAR_MASS),
            solute(MEDIUM_GLUTAMINE, flows, 0.0, gln_taken),
            solute(0.0, flows, k["glutamate_yield"] * gln_used, glu_taken),
            solute(0.0, flows, k["lactate_yield"] * glc_used, lac_taken),
            solute(0.0, flows, k["ammonium_yield"] * gln_used, 0.0),
            solute(pyruvate_feed, flows, k["pyruvate_yield"] * glc_used, pyr_taken),
            product(viable, k["productivity"] * cold_gain * slow_gain, flows, everything),
        )
        production = np.empty_like(y)
        loss = np.empty_like(y)
        for i, (p, lam) in zip(BALANCED, balances, strict=True):
            production[i] = p
            loss[i] = lam
        return production, loss

    return terms
