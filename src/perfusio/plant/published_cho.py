"""Plant Y: kinetics that other people published and fitted to real cultures of two CHO clones, under our balances.

Equations and constants: doi 10.1002/bit.70269 (MIT), as `docs/explanations/foreign-plants.md` lists them. They are kept
as published, per hour, in mmol/L and cells/L; `cell_rates` turns them into rates per day and 1e6 cells/mL. Growth hangs
on glucose and asparagine. Temperature, agitation and pyruvate have no effect. Glutamine is made, not needed.

Ours are: the balances of the vessel, dead cells and their lysis, a diameter that never changes, and an affinity so low
that it matters only where an uptake would go on without its substrate.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from perfusio.physics import balances
from perfusio.physics.balances import GLUCOSE_MOLAR_MASS, Flows
from perfusio.plant.kinetics import saturation
from perfusio.plant.medium import Equipment, Medium
from perfusio.plant.parameters import Array
from perfusio.plant.structure import COMMON_STATES, Structure, clean_membrane, in_order

STATES = (*COMMON_STATES, "asparagine")
SCALES = tuple((COMMON_STATES | {"glucose": 0.4, "glutamate": 0.1, "asparagine": 0.3}).values())
MEDIUM = Medium(glucose=45.0 * GLUCOSE_MOLAR_MASS, asparagine=12.0, glutamate=2.0, glutamine=0.5)
"""45 mmol/L glucose, and no lactate, no ammonium."""
CONTROLLER_GAIN = 24.0
"""Share of the gap to the glucose setpoint that the controller closes per day [1/day]: 1 per hour, without a limit."""
CONTROLLER_WIDTH = 0.02
"""Glucose over which the controller opens [g/L] (ours, so that it opens smoothly)."""
LAST_TRACE = 0.003
"""Half-saturation of uptakes that the source does not end with their substrate [mmol/L] (ours)."""

_HOURS = 24.0  # per day
_CELLS = 1e9  # cells/L in 1e6 cells/mL


def constant(unit: str, sd: float, meaning: str, source: str = "doi 10.1002/bit.70269") -> Any:
    """Declare a field of `Constants`: its unit, the published sd of its prior (0: not drawn), its meaning."""
    return field(metadata={"unit": unit, "sd": sd, "meaning": meaning, "source": source})


@dataclass(frozen=True, slots=True, kw_only=True)
class Constants:
    """One clone; names and units as published."""

    mu_max: float = constant("1/h", 0.02, "fastest growth")
    mu_d_max: float = constant("1/h", 0.0035, "fastest death")
    k_glc: float = constant("mmol/L", 4.2, "glucose of half growth")
    k_asn: float = constant("mmol/L", 0.5, "asparagine of half growth")
    ki_lac: float = constant("mmol/L", 150.0, "lactate of half growth")
    ki_amm: float = constant("mmol/L", 0.69, "ammonium of half growth")
    kd_amm: float = constant("mmol/L", 2.5, "ammonium of half the fastest death")
    m_lac: float = constant("mmol/cell/h", 2e-11, "lactate exchange that pulls towards l2")
    m_glc: float = constant("mmol/cell/h", 3.1e-12, "glucose uptake without growth")
    l1: float = constant("mmol/L", 3.0, "lactate at which its making from glucose turns round")
    l2: float = constant("mmol/L", 2.0, "lactate at which the exchange turns round")
    yx_glc: float = constant("cells/mmol", 1.774e8, "cells per glucose")
    yx_gln: float = constant("cells/mmol", 6.03e8, "cells per glutamine made")
    yx_glu: float = constant("cells/mmol", 3.3e9, "cells per glutamate")
    yx_lac: float = constant("cells/mmol", 2.57e7, "cells per lactate made")
    yx_amm: float = constant("cells/mmol", 6.02e8, "cells per ammonium made")
    yx_asn: float = constant("cells/mmol", 2.08e8, "cells per asparagine")
    yx_asp: float = constant("cells/mmol", 8.07e8, "cells per aspartate")
    ygln_amm: float = constant("mol/mol", 0.03, "glutamine made per ammonium")
    ylac_glc: float = constant("mol/mol", 0.15, "lactate made per glucose")
    yasp_asn: float = constant("mol/mol", 0.01, "aspartate made per asparagine")
    yasn_asp: float = constant("mol/mol", 0.01, "asparagine made per aspartate")
    m_mab: float = constant("mg/cell/h", 9.05e-11, "product without growth")
    ymab_mu: float = constant("mg/cell", 3.1e-10, "product per cell made")
    k_lys: float = constant("1/day", 0.0, "dead cells that fall apart", "ours: 0.5, 1 or 3; nobody measured it")
    diameter: float = constant("um", 0.0, "diameter", "ours, never changes")


CHO_T127 = Constants(
    mu_max=0.065, mu_d_max=0.015, k_glc=14.04, k_asn=2.624, ki_lac=1000.0, ki_amm=3.169, kd_amm=14.28,
    m_lac=1.873e-10, m_glc=3.433e-11, l1=21.20, l2=16.0, yx_glc=1.012e9, yx_gln=4.641e9, yx_glu=1.456e10,
    yx_lac=5.455e7, yx_amm=2.363e9, yx_asn=7.682e8, yx_asp=3.59e9, ygln_amm=0.1045, ylac_glc=1.56, yasp_asn=0.126,
    yasn_asp=0.1, m_mab=4.127e-10, ymab_mu=3.390e-9, k_lys=1.0, diameter=16.0,
)  # fmt: skip
CHO_GS46 = Constants(
    mu_max=0.0696, mu_d_max=0.015, k_glc=14.04, k_asn=2.624, ki_lac=1000.0, ki_amm=3.169, kd_amm=14.28,
    m_lac=1.873e-10, m_glc=3.35e-11, l1=18.55, l2=7.14, yx_glc=1.012e9, yx_gln=1.85e10, yx_glu=5.68e9,
    yx_lac=5.455e7, yx_amm=4.66e9, yx_asn=8.69e8, yx_asp=1.06e9, ygln_amm=0.1045, ylac_glc=1.56, yasp_asn=0.126,
    yasn_asp=0.1, m_mab=1.31e-9, ymab_mu=3.390e-9, k_lys=1.0, diameter=16.0,
)  # fmt: skip
LYSIS_RATES = (0.5, 1.0, 3.0)
"""Values of k_lys [1/day] that give viabilities of 88 to 99 %; a drawn clone has one of them."""
_LEAST = 0.1  # of the mean: a drawn constant is drawn again below it, since some published sds reach below zero


def drawn(rng: np.random.Generator) -> Constants:
    """Draw a clone from the published widths about CHO-T127, normally."""
    values: dict[str, float] = {}
    for f in fields(Constants):
        mean, sd = getattr(CHO_T127, f.name), f.metadata["sd"]
        value = mean + sd * rng.standard_normal()
        while value < _LEAST * mean:
            value = mean + sd * rng.standard_normal()
        values[f.name] = float(value)
    return Constants(**{**values, "k_lys": float(rng.choice(LYSIS_RATES))})


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRates:
    """Rates of one cell, each (B,): growth and death [1/day], the rest [pmol/cell/day], product [pg/cell/day].

    Attributes:
        growth: mu.
        death: mu_d.
        glucose: Taken up.
        asparagine: Taken up.
        glutamate: Taken up.
        glutamine: Made.
        ammonium: Made.
        lactate: Made where lactate is absent.
        lactate_return: Uptake per concentration [pmol/cell/day per mmol/L]: made - return Lac is the net rate.
        product: Made.
    """

    growth: Array
    death: Array
    glucose: Array
    asparagine: Array
    glutamate: Array
    glutamine: Array
    ammonium: Array
    lactate: Array
    lactate_return: Array
    product: Array


def cell_rates(s: dict[str, Array], k: Any) -> CellRates:
    """Rates of the cells at these states by name."""
    glc, lac, amm = s["glucose"] / GLUCOSE_MOLAR_MASS, s["lactate"], s["ammonium"]
    # per hour, as published
    mu = k.mu_max * saturation(glc, k.k_glc) * saturation(s["asparagine"], k.k_asn)
    mu = mu * (k.ki_amm / (k.ki_amm + amm)) * (k.ki_lac / (k.ki_lac + lac))
    mu_d = k.mu_d_max * saturation(amm, k.kd_amm)
    q_glc = mu / k.yx_glc + k.m_glc * saturation(glc, LAST_TRACE)
    q_amm = mu / k.yx_amm
    q_lac = mu / k.yx_lac + k.ylac_glc * q_glc  # before it is turned round
    net_asn = (k.yx_asp - k.yx_asn * k.yasn_asp) / (k.yx_asn * k.yx_asp) * (1.0 - k.yasn_asp * k.yasp_asn)
    per_day = _HOURS * _CELLS  # mmol/cell/h and mg/cell/h -> mmol/L/day and mg/L/day per 1e6 cells/mL
    return CellRates(
        growth=_HOURS * mu,
        death=_HOURS * mu_d,
        glucose=per_day * q_glc,
        asparagine=per_day * mu * net_asn,
        glutamate=per_day * mu / k.yx_glu * saturation(s["glutamate"], LAST_TRACE),
        glutamine=per_day * (mu / k.yx_gln + k.ygln_amm * q_amm),
        ammonium=per_day * q_amm,
        lactate=per_day * (q_lac + k.m_lac),
        lactate_return=per_day * (q_lac / k.l1 + k.m_lac / k.l2),
        product=per_day * (k.ymab_mu * mu + k.m_mab),
    )


def top_up(glucose: Array, setpoint: Array) -> tuple[Array, Array]:
    """The glucose controller: glucose added [g/L/day], 1 per hour of the gap below the setpoint, and its slope.

    It adds no volume and has no limit, as in the source. A setpoint of zero turns it off.
    """
    scaled = (setpoint - glucose) / CONTROLLER_WIDTH
    is_on = np.tanh(setpoint / CONTROLLER_WIDTH)
    added = CONTROLLER_GAIN * CONTROLLER_WIDTH * np.logaddexp(0.0, scaled) * is_on
    return added, CONTROLLER_GAIN * is_on * 0.5 * (1.0 + np.tanh(0.5 * scaled))


def right_hand_side(
    y: Array, setpoints: Array, k: Any, medium: Medium = MEDIUM, equipment: Equipment | None = None
) -> tuple[Array, Array]:
    """Production p and loss rate lam of y' = p - lam y; arguments as in `equations.right_hand_side`."""
    perfusion, bleed, glucose_setpoint, _, _, pyruvate_feed = setpoints
    s = dict(zip(STATES, y, strict=True))
    sampling = (equipment or Equipment()).sampling_flow
    flows = Flows(perfusion=perfusion, bleed=bleed, sampling=sampling, feed=np.zeros_like(perfusion))
    cell = cell_rates(s, k)
    viable = s["viable"]
    added, slope = top_up(s["glucose"], glucose_setpoint)
    eaten = {name: getattr(cell, name) * viable / (s[name] + 1e-30) for name in ("glucose", "asparagine", "glutamate")}
    fresh, washed_out = balances.solute(medium.glucose, flows, 0.0, GLUCOSE_MOLAR_MASS * eaten["glucose"])
    return in_order(
        STATES,
        {
            "viable": balances.viable_cells(cell.growth, cell.death, flows, 1.0),
            "dead": balances.dead_cells(viable, cell.death, k.k_lys, flows, 1.0),
            # the controller's slope stands on both sides, see balances.fed_glucose
            "glucose": (fresh + added + slope * s["glucose"], washed_out + slope),
            "asparagine": balances.solute(medium.asparagine, flows, 0.0, eaten["asparagine"]),
            "glutamate": balances.solute(medium.glutamate, flows, 0.0, eaten["glutamate"]),
            "glutamine": balances.solute(medium.glutamine, flows, cell.glutamine * viable, 0.0),
            "lactate": balances.solute(medium.lactate, flows, cell.lactate * viable, cell.lactate_return * viable),
            "ammonium": balances.solute(medium.ammonium, flows, cell.ammonium * viable, 0.0),
            "pyruvate": balances.solute(pyruvate_feed, flows, 0.0, 0.0),
            "titer": balances.product(viable, cell.product, flows, s["sieving"]),
            "harvested": (s["sieving"] * flows.harvest * s["titer"], 0.0),
        },
        y,
    )


PUBLISHED_CHO = Structure(
    name="published CHO",
    states=STATES,
    scales=SCALES,
    constants=Constants,
    terms=right_hand_side,
    start=clean_membrane,
    tolerance=1.0 / 3.0,
)
"""Plant Y."""
