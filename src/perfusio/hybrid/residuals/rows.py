"""Training rows of the residual processes, from differences of readings.

A row is the difference of two readings, and the reading in the middle of two rows is in both: their errors are
correlated. Rows that know this use the whole course of a run, where rows that start from a smoothed state learn the
smoother's bias (ADR 0006). Letters as in `gp` and `layout`; T transitions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfusio.hybrid.features import IndexedData
from perfusio.hybrid.layout import Layout
from perfusio.hybrid.residuals.transitions import Indices, Transitions
from perfusio.state import FloatArray

OUTLIER_SD = 5.0
OFTEN, MORE_THAN_OFTEN = 0.9, 1.5
_NUDGE = 0.01
_LEAST_GAIN = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualRows:
    """Training rows of one species: inputs (N, D), residuals (N,), their noise (2, N) as in `gp`, run of each (N,)."""

    x: FloatArray
    residual: FloatArray
    noise: FloatArray
    run: Indices

    def unit(self, usual: float) -> float:
        """Return the unit of the process: the usual residual, or half the sd that the rows show beyond their noise."""
        shown = float(np.mean(self.residual**2) - np.mean(self.noise[0]))
        return float(max(usual, 0.5 * np.sqrt(max(shown, 0.0))))


def residual_rows(
    data: IndexedData, transitions: Transitions, log_factors: FloatArray, at: FloatArray, q: int
) -> ResidualRows:
    """Return the rows of species `q`: what its residual must have been, to first order around `at`.

    A reading z and the one before it, z0, say that  z - f(z0) = gain * residual + e - slope * e0,  with f the model's
    step, linear around the state that the row starts from. Where z0 was not read the estimate stands in for it.

    Args:
        data: Transitions in the indexed format.
        transitions: `Transitions.of(data)`.
        log_factors: Parameters of the prior (P,).
        at: Residuals of all species around which to linearise, at the transitions, (Q, T).
        q: Index of the species.
    """
    layout, usual = data.layout, data.layout.usual[q]
    nudged, moved = transitions.latent.copy(), at.copy()
    nudged[q] += _NUDGE
    moved[q] += _NUDGE * usual
    three = transitions.repeated(3).predicted(  # in one call: of few transitions that costs as much as each alone
        log_factors, np.hstack([at, at, moved]), np.hstack([transitions.latent, nudged, transitions.latent])
    )
    predicted, of_nudged, of_moved = np.split(three, 3, axis=1)
    slope = (of_nudged[q] - predicted[q]) / _NUDGE
    gain = (of_moved[q] - predicted[q]) / (_NUDGE * usual)
    gain = np.copysign(np.maximum(np.abs(gain), _LEAST_GAIN), gain)
    rows = np.flatnonzero(data.task == q)
    t = transitions.place[rows]
    z, z0 = _latent_of(layout, q, data.y[rows]), _latent_of(layout, q, data.read[rows])
    is_read = np.isfinite(z0)
    sd = layout.noise_sd(layout.from_latent(predicted))[q, t]
    sd0 = layout.noise_sd(layout.from_latent(transitions.latent))[q, t] * np.where(is_read, 1.0, 0.5)
    off = z - predicted[q, t] - slope[t] * np.where(is_read, z0 - transitions.latent[q, t], 0.0)
    total = np.hypot(sd, slope[t] * sd0)
    # one reading far off is an outlier; where one in ten is, cultures do so
    often = MORE_THAN_OFTEN * float(np.quantile(np.abs(off), OFTEN)) if len(off) else 0.0
    most = np.maximum(OUTLIER_SD * total + 0.5, often)
    off = np.clip(off, -most, most)
    day, follows = data.x[rows, -2], np.zeros(len(rows), dtype=bool)
    same_time = np.isclose(day[:-1] + data.hours[rows][:-1] / 24.0, day[1:], atol=1e-6)
    follows[1:] = same_time & (data.read[rows][1:] == data.y[rows][:-1])
    shared = np.zeros(len(rows))
    (i,) = np.nonzero(follows[1:])
    shared[i] = -slope[t[i + 1]] * sd0[i + 1] * sd[i] / (gain[t[i]] * gain[t[i + 1]])
    return ResidualRows(
        x=transitions.x[t],
        residual=at[q, t] + off / gain[t],
        noise=np.stack([(total / gain[t]) ** 2, shared]),
        run=np.cumsum(np.concatenate([[True], day[1:] < day[:-1]])[: len(rows)]) - 1,
    )


def _latent_of(layout: Layout, q: int, values: FloatArray) -> FloatArray:
    species = np.zeros((layout.n_species, len(values)))
    species[q] = values
    latent: FloatArray = layout.to_latent(species)[q]
    return latent
