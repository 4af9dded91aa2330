"""How much wider or narrower the spread of forecasts must be for stated intervals to hold, learnt from runs left out.

Each run is forecast by processes that have not seen it, from every few of its samples, and held against its smoothed
states: a reading says little of a forecast that is better than the analyzer. The spread is then multiplied, for each
species and span of days ahead, so that these states scatter as the intervals and their own uncertainty together say. A
run left out of a design lies at its edge, where the spread is widened for its distance from the data (`rollout`): what
is learnt is what must be done beside that. Idea: split conformal prediction (Angelopoulos and Bates, Foundations and
Trends in Machine Learning 16:494, 2023) with whole runs left out, because days of one run are not exchangeable; a
likelihood in place of quantiles, because the truth is not known.

Letters: N forecast values, K spans of days ahead, Q species, H days ahead, S paths.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize_scalar

from perfusio.hybrid.layout import Layout
from perfusio.hybrid.left_out import Errors
from perfusio.hybrid.rollout import SPANS_DAYS, WIDER_AFAR, span_of, widened
from perfusio.state import FloatArray

CLIP_SD = 3.0
# Chosen so that the truth of simulated runs is covered (Random11, 12, 31-33, 41-46 and 61-100; 6 and 27 runs), by span;
# the last one was lowered from 0.9 since, as intervals weeks ahead were too narrow, and is not yet measured in full:
UNCERTAINTY_SHARE = np.array([-0.2, 0.25, 0.5, 0.1])
"""Of the variance of smoothed states: what they add to the scatter. Next day's state is smoothed from what the forecast
knew, too, and scatters less about it than the truth does: a share below zero is what must be added."""
ROWS_PER_FACT = np.array([1.0, 10.0, 12.0, 20.0])  # forecasts of one run overlap: so many say as much as one alone
USUAL_MULTIPLIER = np.array([0.62, 0.64, 0.56, 0.9])
LOG_PRIOR_SD = 0.3
_LEAST, _MOST = 0.1, 4.0
LEAST_SD = 1e-4
"""Latent spread of paths below which they are one path."""


def multipliers(layout: Layout, collected: Sequence[Errors]) -> FloatArray:
    """Return multipliers of the spread of the forecasts of runs left out, (K, Q).

    Viability is left as it is drawn: its drift is free, so the filter itself says how sure it is, and readings with a
    noise of a point or two tell nothing of errors of a quarter of a point. What was learnt from them was far below 1 or
    far above it where 1 was right, and decisions live at that limit.
    """
    span = span_of(np.concatenate([e.days for e in collected]))
    off, sd = np.concatenate([e.off for e in collected]), np.concatenate([e.sd for e in collected])
    uncertainty, far = np.concatenate([e.uncertainty for e in collected]), np.concatenate([e.far for e in collected])
    out = np.ones((len(SPANS_DAYS) + 1, layout.n_species))
    for k in range(len(out)):
        for q in (q for q in range(layout.n_species) if q != layout.alive):
            # paths that all end at zero, or at what is possible at most, say nothing of a factor on their spread
            rows = (span == k) & np.isfinite(off[:, q]) & (sd[:, q] > LEAST_SD)
            if rows.any():
                # variance of the error = (factor sd)^2 + share u^2; a negative share is added to the error instead
                share = UNCERTAINTY_SHARE[k] * uncertainty[rows, q] ** 2
                error = np.sqrt(off[rows, q] ** 2 + np.maximum(-share, 0.0))
                hidden = np.maximum(share, 0.0)
                out[k, q] = multiplier(k, USUAL_MULTIPLIER[k], error, sd[rows, q], hidden, far[rows])
    return out


def multiplier(k: int, usual: float, off: FloatArray, sd: FloatArray, hidden: FloatArray, far: FloatArray) -> float:
    """Return the most probable factor on `sd` (N,) in span k, given that `off` (N,) has variance widened^2 + hidden.

    Where the doubt about the states hides the error of the forecast, the factor stays at what is usual.
    """
    limit = CLIP_SD * np.sqrt((_MOST * sd) ** 2 + hidden)

    def loss(log_factor: float) -> float:
        # -log p(errors | factor) - log p(factor): normal errors, clipped; log-normal prior around the usual factor
        variance = (widened(np.exp(log_factor), far, WIDER_AFAR[k]) * sd) ** 2 + hidden
        misfit = np.log(variance) + np.minimum(off, limit) ** 2 / variance
        unusual = (log_factor - np.log(usual)) / LOG_PRIOR_SD
        return float(0.5 * misfit.sum() / ROWS_PER_FACT[k] + 0.5 * unusual**2)

    found = minimize_scalar(loss, bounds=(np.log(_LEAST), np.log(_MOST)), method="bounded", options={"xatol": 0.01})
    return float(np.exp(found.x))
