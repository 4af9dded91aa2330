"""Quantities that follow from measured ones. Arguments are scalars or arrays that broadcast, in canonical units."""

import numpy as np
from numpy.typing import NDArray

from perfusio.process.derived import cspr as cspr
from perfusio.process.derived import harvest_titer as harvest_titer
from perfusio.process.derived import vcv as vcv
from perfusio.process.derived import volumetric_productivity as volumetric_productivity

Array = NDArray[np.float64]


def viability(viable: Array, dead: Array) -> Array:
    """Viability [%] of viable and dead cell densities in the same unit."""
    return 100.0 * viable / (viable + dead)


def dead_density(vcd: Array, viability_percent: Array) -> Array:
    """Dead cell density [1e6 cells/mL], the inverse of `viability`."""
    return vcd * (100.0 / viability_percent - 1.0)


def net_growth_rate(vcd_before: Array, vcd_after: Array, days: Array, cell_loss: Array) -> Array:
    """Net specific growth mu - mu_d [1/day] between two counts.

    Args:
        vcd_before: Viable cells at the start.
        vcd_after: Viable cells at the end, same unit.
        days: Time between them [day], > 0.
        cell_loss: B + S + (1 - R) H [1/day]; at steady state the net growth equals it.
    """
    return np.log(vcd_after / vcd_before) / days + cell_loss


def specific_rate(
    before: Array, after: Array, vcd_before: Array, vcd_after: Array, days: Array, inlet: Array, dilution: Array
) -> Array:
    """Cell-specific production (uptake where negative) of a solute between two samples.

    Inverts dc/dt = D (c_in - c) + q Xv exactly for constant q and exponential Xv between the two counts; a finite
    difference over a day would be wrong, because a day is as long as the residence time.

    Args:
        before: Concentration at the start [mmol/L, or mg/L for product].
        after: Concentration at the end, same unit.
        vcd_before: Viable cells at the start [1e6 cells/mL].
        vcd_after: Viable cells at the end [1e6 cells/mL].
        days: Time between them [day], > 0.
        inlet: Concentration in the inflow.
        dilution: D, the solute's loss rate by flows [1/day].

    Returns:
        q [pmol/cell/day from mmol/L, pg/cell/day from mg/L].
    """
    growth = np.log(vcd_after / vcd_before) / days
    kept = np.exp(-dilution * days)
    washed_in = -np.expm1(-dilution * days) * inlet
    cell_days = vcd_before * kept * _expm1_ratio((growth + dilution) * days) * days
    return (after - before * kept - washed_in) / cell_days


def _expm1_ratio(x: Array) -> Array:
    """(exp(x) - 1) / x, 1 at x = 0."""
    z = np.asarray(x, dtype=float) + 1e-300
    return np.asarray(np.expm1(z) / z)
