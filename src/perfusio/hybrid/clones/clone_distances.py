"""How alike clones are, by their calibrated rates: distances, and a map on which these are kept as far as they can be.

A rate counts as different by MOST_APART of its usual spread between cell lines at most. The logarithm of a rate near
zero (uptake of lactate in a clone that never takes it up) has no end, and alone it would say who is like whom.

Letters: K clones, P parameters, d directions.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from perfusio.state import FloatArray

MOST_APART = 1.0
"""Of 0.25 to 3, where rates of Random600 to 609 and 700 to 719 order these clones most as their true constants do."""
MOST_DIRECTIONS = 3
_CUT = MOST_APART / np.sqrt(2.0)
_BELOW = 2.0 * ndtr(_CUT) - 1.0 - 2.0 * _CUT * np.exp(-0.5 * _CUT**2) / np.sqrt(2.0 * np.pi)
USUAL = float(np.sqrt(2.0 * _BELOW + 2.0 * MOST_APART**2 * ndtr(-_CUT)))
"""RMS of what counts of a normal difference with twice the usual variance: of two cell lines drawn at random."""


def distances(log_factors: FloatArray, log_sd: FloatArray) -> FloatArray:
    """Return how far apart clones with log parameters (K, P) are, (K, K): 0 = the same, 1 = as far as is usual.

    Args:
        log_factors: Calibrated (K, P).
        log_sd: How much each differs between cell lines in general (P,).
    """
    z = log_factors / log_sd
    different = np.minimum(np.abs(z[:, None] - z[None]), MOST_APART)
    apart: FloatArray = np.sqrt((different**2).mean(axis=2)) / USUAL
    return apart


def places(apart: FloatArray) -> FloatArray:
    """Return places (K, d) whose distances are near `apart` (K, K); directions in which they differ most come first.

    Classical scaling (Torgerson, Psychometrika 17:401, 1952); d < K, at most MOST_DIRECTIONS.
    """
    k = len(apart)
    centred = np.eye(k) - 1.0 / k
    values, vectors = np.linalg.eigh(-0.5 * centred @ apart**2 @ centred)
    first = np.argsort(-values)[: min(MOST_DIRECTIONS, k - 1)]
    found: FloatArray = vectors[:, first] * np.sqrt(np.maximum(values[first], 0.0))
    return found
