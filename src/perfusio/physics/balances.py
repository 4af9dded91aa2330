"""Perfusion balances at constant volume, as production p and loss lam of y' = p - lam y.

All flows are per working volume (VVD, 1/day). Whatever flows in flows out: harvest = perfusion + concentrate
- bleed - sampling. Cells leave with bleed and sampling, and a little with the harvest through the retention device;
small molecules leave with every outflow, so **solutes are diluted by the total inflow**, not by the harvest alone;
product is partly held back by the membrane. Standard mass balances; see docs/explanations/the-plant.md.

Every function takes scalars or arrays that broadcast, usually (B,).
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from perfusio.process.cho_perfusion import GLUCOSE

Array = NDArray[np.float64]
Number = float | Array
Balance = tuple[Number, Number]
"""Production p >= 0 [unit/day] and loss rate lam [1/day] of one quantity."""

CONTROLLER_WIDTH = 0.1  # g/L over which the glucose controller opens
GLUCOSE_MOLAR_MASS = GLUCOSE / 1e3  # g/mmol


@dataclass(frozen=True, slots=True, kw_only=True)
class Flows:
    """The flows of a vessel per working volume [1/day], each (B,). Inflow that does not leave as broth is harvested.

    Attributes:
        perfusion: Medium in, D.
        bleed: Broth out, cells with it, B.
        sampling: Broth out for the analyzers, S.
        feed: Glucose concentrate in, F.
        inflow: Everything in, and so everything out: the dilution rate of small molecules.
        broth: Unfiltered broth out, bleed and sampling.
        harvest: Cell-free permeate out, H; negative if more broth leaves than flows in.
    """

    perfusion: Array
    bleed: Array
    sampling: Number
    feed: Array
    inflow: Array = field(init=False)
    broth: Array = field(init=False)
    harvest: Array = field(init=False)

    def __post_init__(self) -> None:
        """Close the volume balance once; many terms use it."""
        object.__setattr__(self, "inflow", self.perfusion + self.feed)
        object.__setattr__(self, "broth", self.bleed + self.sampling)
        object.__setattr__(self, "harvest", self.inflow - self.broth)


def concentrate_feed(
    concentration: Array, setpoint: Array, max_flow: Number, width: float = CONTROLLER_WIDTH
) -> tuple[Array, Array]:
    """The controller of a solute: concentrate flows in while it is below its setpoint, at most the pump's limit.

    Half open at the setpoint, open below and closed above it within a few widths. A setpoint of zero turns it off. It
    can fail: at high density the cells take up more than the pump gives.

    Args:
        concentration: In the vessel [g/L for glucose].
        setpoint: Held value, same unit.
        max_flow: Capacity of the pump [VVD].
        width: Over which the controller opens, same unit.

    Returns:
        Flow [VVD] and its slope -d(flow)/d(concentration) [VVD per unit], >= 0, which `held_solute` needs.
    """
    return controlled_feed(concentration, setpoint, fully_open(setpoint, max_flow, width), width)


def fully_open(setpoint: Array, max_flow: Number, width: float = CONTROLLER_WIDTH) -> Array:
    """The flow of an open controller [VVD], nothing at a setpoint of zero; arguments as in `concentrate_feed`."""
    return max_flow * np.tanh(setpoint / width)


def controlled_feed(concentration: Array, setpoint: Array, most: Array, width: float) -> tuple[Array, Array]:
    """As `concentrate_feed` where `most`, the flow of the open controller, is known."""
    open_fraction = 0.5 * (1.0 - np.tanh((concentration - setpoint) / (2.0 * width)))  # logistic, no overflow
    flow = most * open_fraction
    return flow, flow * (1.0 - open_fraction) / width


def viable_cells(growth: Array, death: Array, flows: Flows, retention: Number) -> Balance:
    """Viable cells: dXv/dt = (mu - mu_d) Xv - (B + S) Xv - (1 - R) H Xv.

    Args:
        growth: mu [1/day].
        death: mu_d [1/day].
        flows: The vessel's flows.
        retention: R, the part of the cells that the device holds back, 0 to 1.
    """
    loss = _leaving(death - growth + flows.broth, retention, flows)
    return np.zeros_like(loss), loss


def dead_cells(viable: Array, death: Array, lysis: Number, flows: Flows, retention: Number) -> Balance:
    """Dead cells: dXd/dt = mu_d Xv - k_lys Xd - (B + S) Xd - (1 - R_d) H Xd. Arguments as in `viable_cells`."""
    return death * viable, _leaving(lysis + flows.broth, retention, flows)


def _leaving(loss: Array, retention: Number, flows: Flows) -> Array:
    """Add the passage of the device with the harvest [1/day]; nothing if it holds all cells back."""
    if isinstance(retention, float) and retention == 1.0:  # no pass over arrays for a term that is zero
        return loss
    return loss + (1.0 - retention) * flows.harvest


def solute(inlet: Number, flows: Flows, made: Number, taken: Number) -> Balance:
    """A small molecule that passes the membrane: dc/dt = D c_in - (D + F) c + made - taken c.

    Args:
        inlet: Concentration in the perfusion medium.
        flows: The vessel's flows.
        made: Volumetric production [concentration/day], >= 0.
        taken: Uptake divided by the concentration [1/day], >= 0, so that uptake ends as the solute runs out.
    """
    return flows.perfusion * inlet + made, flows.inflow + taken


def fed_glucose(
    glucose: Array,
    flows: Flows,
    slope: Array,
    taken: Array,
    *,
    inlet: Number,
    concentrate: Number,
) -> Balance:
    """Glucose with its controller: dG/dt = D G_in + F G_conc - (D + F) G - taken G.

    Args:
        glucose: Concentration in the vessel [g/L].
        flows: The vessel's flows, `feed` from `concentrate_feed`.
        slope: The controller's slope [VVD per g/L] from `concentrate_feed`.
        taken: Uptake divided by the concentration [1/day].
        inlet: Glucose in the perfusion medium [g/L].
        concentrate: Glucose in the concentrate [g/L].
    """
    return held_solute(glucose, flows.feed, slope, solute(inlet, flows, 0.0, taken), concentrate)


def held_solute(concentration: Array, feed: Array, slope: Array, balance: Balance, concentrate: Number) -> Balance:
    """A solute with its controller: its balance without it, to which the concentrate is added.

    The controller pulls hard towards its setpoint. Its slope is moved from production into the loss rate (both sides
    get the same term, so the balance is unchanged) to let the integrator take the long steps of the slow states.

    Args:
        concentration: In the vessel.
        feed: Flow of its concentrate [VVD], from `concentrate_feed`; part of the inflow in `balance`.
        slope: The controller's slope [VVD per unit], from `concentrate_feed`.
        balance: Production and loss without the concentrate, from `solute`.
        concentrate: Concentration in the concentrate.
    """
    stiffness = concentrate * slope
    production, loss = balance
    return production + feed * concentrate + stiffness * concentration, loss + stiffness


def product(viable: Array, productivity: Array, flows: Flows, sieving: Number) -> Balance:
    """Product in the vessel: dP/dt = qP Xv - (B + S) P - sigma_P H P.

    Args:
        viable: Xv [1e6 cells/mL].
        productivity: qP [pg/cell/day].
        flows: The vessel's flows.
        sieving: sigma_P, the part of the product that passes the membrane, 0 to 1.
    """
    if isinstance(sieving, float) and sieving == 1.0:
        return productivity * viable, flows.broth + flows.harvest
    return productivity * viable, flows.broth + sieving * flows.harvest
