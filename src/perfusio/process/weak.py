"""Weak priors of a quantity of which only name, unit and role were declared: wide ones.

Relative numbers are those of any species of that role in the default panel; scales are taken from the medium,
or else from the unit. All of them are where learning starts, never where it ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import NamedTuple

USUAL_AMOUNT: Mapping[str, float] = {
    "mmol/L": 1.0, "g/L": 1.0, "mg/L": 50.0, "1e6 cells/mL": 3.0, "%": 50.0, "umol/L": 50.0,
}  # fmt: skip
"""An amount by which nobody would be surprised, by unit."""
SIGNAL_NOISE = 0.1
"""Relative error of an on-line signal of which nothing is known, twice that of a usual analyzer."""
PRIOR_SD = 1.5
"""On the logarithmic scale: within a factor of 4.5."""
SHARES = {"absolute": 0.01, "floor": 0.05}
"""Of the usual amount: the noise that does not depend on the value, and the least that an analyzer sees."""
SPANS_PER_UNIT = 5.0
"""A change of a fifth of the range is one that a scientist would call clear."""


class Weak(NamedTuple):
    """Numbers of one species: noise, prior, and the error of balances (latent scale, per day)."""

    relative: float
    absolute: float
    floor: float
    mean: float
    sd: float
    drift_sd: float
    drift_walk: float
    white_sd: float
    usual: float
    limit: float
    clear_change: float


def weak(unit: str, role: str, in_medium: float = 0.0) -> Weak:
    """Return the weak prior of a species.

    Args:
        unit: Canonical unit.
        role: As in `species.SpeciesRole`.
        in_medium: Concentration in the inflow, canonical unit; 0 = unknown or none.
    """
    amount = in_medium / 2.0 if in_medium > 0.0 else USUAL_AMOUNT.get(unit, 1.0)
    if role == "viability":
        return Weak(0.0, 1.2, 0.0, 95.0, 0.2, 0.012, 0.003, 0.004, 0.01, 0.2, 0.3)
    grows = role == "cells"
    return Weak(
        relative=0.06, absolute=SHARES["absolute"] * amount, floor=SHARES["floor"] * amount, mean=amount, sd=PRIOR_SD,
        drift_sd=0.10, drift_walk=0.04, white_sd=0.05, usual=0.15, limit=0.35 if grows else 0.6, clear_change=0.5,
    )  # fmt: skip


def usual_change(low: float, high: float) -> float:
    """Return one clear change of a setpoint with that range, canonical unit."""
    return (high - low) / SPANS_PER_UNIT if isfinite(high - low) and high > low else 1.0
