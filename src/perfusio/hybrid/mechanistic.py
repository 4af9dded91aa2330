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
    SAMPLING_FLOW,
    Flows,
    concentrate_feed,
    dead_cells,
    fed_glucose,
    product,
    solute,
    viable_cells,
)
from perfusio.physics.integrate import Terms, integrate_fixed
from perfusio.state import FloatArray

STEPS_PER_DAY = 8
"""Second-order exponential steps; 8 agree with a tight tolerance to 1 % of scale at one day; where nutrients run out,
cells and product still do, solutes to 10 % (a test says so)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One adjustable rate of the prior.

    Attributes:
        name: Identifier.
        value: Typical value.
        unit: Its unit.
        log_sd: Prior standard deviation of its logarithm, between cell lines.
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
)
TYPICAL: FloatArray = np.array([p.value for p in PARAMETERS])
LOG_SD: FloatArray = np.array([p.log_sd for p in PARAMETERS])

_K_GLUCOSE = 0.15  # g/L, about 1 mmol/L (Duran-Villalobos)
_K_GLUTAMINE = 0.2  # mmol/L (Duran-Villalobos)
_K_SMALL = 0.5  # mmol/L, half saturation of lactate, glutamate and pyruvate uptake; engineering judgement
_KI_AMMONIUM = 8.0  # mmol/L, half growth (Kurano, as cited in process-facts 3.4)
_KI_LACTATE = 35.0  # mmol/L, between the 28 and more than 40 of process-facts 3.4
_T_OPT, _T_WIDTH = 36.8, 3.5  # °C; 36.4 and 3.12 in insilicho
_OXYGEN_DENSITY = 90.0  # 1e6 cells/mL that halve growth at 850 rpm; engineering judgement
_LYSIS = 0.05  # 1/day
_GLUTAMATE_UPTAKE = 0.03  # pmol/cell/day


def advance(species: FloatArray, setpoints: FloatArray, log_factors: FloatArray, hours: ArrayLike) -> FloatArray:
    """Advance species by the balances at constant setpoints.

    Args:
        species: Start, canonical units, shape (Q, B), >= 0.
        setpoints: Held constant, shape (U, B).
        log_factors: Logarithm of each parameter over its typical value, shape (P, B).
        hours: Interval, scalar or (B,) [h].

    Returns:
        Species after the interval, shape (Q, B).
    """
    days = np.asarray(hours, dtype=float) / 24.0
    viable = species[0] + 1e-9
    dead = viable * (100.0 - species[1]) / np.maximum(species[1], 1.0)
    y0 = np.stack([viable, dead, *species[2:]])
    n_steps = np.maximum(np.ceil(STEPS_PER_DAY * np.broadcast_to(days, viable.shape) - 1e-9), 1.0)
    y = y0
    for n in np.unique(n_steps):  # usually one; a vessel that missed a day must not change the steps of the others
        same = n_steps == n
        parameters = TYPICAL[:, None] * np.exp(log_factors[:, same])
        length = days if days.ndim == 0 else days[same]
        y[:, same] = integrate_fixed(_terms(setpoints[:, same], parameters), y0[:, same], length, int(n))
    out = np.empty_like(species)
    out[0] = y[0]
    out[1] = 100.0 * y[0] / (y[0] + y[1])
    out[2:] = y[2:]
    return out


def _terms(setpoints: FloatArray, parameters: FloatArray) -> Terms:
    perfusion, bleed, glucose_setpoint, temperature, agitation, pyruvate_feed = setpoints
    growth_max, death_rate, crowding, q_glc, y_lac, q_lac, q_gln, y_amm, y_glu, q_pyr, q_p = parameters
    warm = np.exp(-(((temperature - _T_OPT) / _T_WIDTH) ** 2))
    oxygen_density = _OXYGEN_DENSITY * (agitation / 850.0) ** 2
    shear = 0.01 * np.exp((agitation - 1000.0) / 80.0)
    slow_gain = 1.0 + 0.1 * (37.0 - temperature)
    everything = np.ones_like(perfusion)  # the retention device holds back all cells, the membrane no product
    is_perfused = perfusion > 0.0
    # Without medium flowing in, what is taken out takes volume and changes no concentration, and nothing is shared.
    sampling = np.where(is_perfused, SAMPLING_FLOW, 0.0)
    bleed = np.where(is_perfused, bleed, 0.0)
    crowding = np.where(is_perfused, crowding, 0.0)
    supply = np.where(is_perfused, 1000.0 * perfusion, 1.0)  # pL/mL/day; the cells share it: cspr = supply / viable

    def terms(y: FloatArray, columns: object) -> tuple[FloatArray, FloatArray]:
        del columns  # fixed steps never drop columns
        viable, _, glc, gln, glu, lac, amm, pyr, _ = y
        feed, slope = concentrate_feed(glc, glucose_setpoint)
        flows = Flows(perfusion=perfusion, bleed=bleed, sampling=sampling, feed=feed)
        limits = (
            warm
            * glc / (_K_GLUCOSE + glc)
            * gln / (_K_GLUTAMINE + gln)
            * supply / (supply + crowding * viable)
            * oxygen_density / (oxygen_density + viable)
            / ((1.0 + amm / _KI_AMMONIUM) * (1.0 + lac / _KI_LACTATE))
        )  # fmt: skip
        growth = growth_max * limits
        death = death_rate * (1.0 + (amm / _KI_AMMONIUM) ** 2) + shear
        active = viable * (0.5 + limits)
        glc_taken = q_glc * active / (_K_GLUCOSE + glc)  # per g/L of glucose [mmol/g/day]
        glc_used = glc_taken * glc  # mmol/L/day
        gln_taken = q_gln * active / (_K_GLUTAMINE + gln)
        gln_used = gln_taken * gln
        pyr_taken = q_pyr * viable / (_K_SMALL + pyr)
        balances = (
            viable_cells(growth, death, flows, everything),
            dead_cells(viable, death, _LYSIS, flows, everything),
            fed_glucose(glc, flows, slope, glc_taken * GLUCOSE_MOLAR_MASS),
            solute(MEDIUM_GLUTAMINE, flows, 0.0, gln_taken),
            solute(0.0, flows, y_glu * gln_used, _GLUTAMATE_UPTAKE * viable / (_K_SMALL + glu)),
            solute(0.0, flows, y_lac * glc_used, q_lac * viable / (_K_SMALL + lac)),
            solute(0.0, flows, y_amm * gln_used, 0.0),
            solute(pyruvate_feed, flows, 0.01 * glc_used, pyr_taken),
            product(viable, q_p * slow_gain * (1.0 + 0.5 * (1.0 - limits)), flows, everything),
        )
        production = np.empty_like(y)
        loss = np.empty_like(y)
        for i, (p, lam) in enumerate(balances):
            production[i] = p
            loss[i] = lam
        return production, loss

    return terms
