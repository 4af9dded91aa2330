"""Feeds: what a bolus does to a culture. Volumes add, amounts add, and nothing has had time to react.

    c' = (c + f c_feed) / (1 + f),   f = volume added / volume of the culture before

Cells and product are diluted, since a feed holds none; viability, a ratio, stays. Letters: Q species, B vessels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perfusio.process.roles import VIABILITY
from perfusio.state import SPECIES, SPECIES_INDEX, FloatArray
from perfusio.trajectory import Feed

_VIABILITY = SPECIES_INDEX[VIABILITY]


def feed_arrays(feeds: Sequence[Feed | None]) -> tuple[FloatArray, FloatArray]:
    """Return fractions (B,) and concentrations (Q, B) of what each of B vessels is fed; 0 where it is not."""
    fractions = np.array([0.0 if f is None else f.fraction for f in feeds])
    held = np.array([np.zeros(len(SPECIES)) if f is None else f.vector() for f in feeds])
    return fractions, held.reshape(-1, len(SPECIES)).T


def mixed(species: FloatArray, fractions: FloatArray, held: FloatArray) -> FloatArray:
    """Return the species right after a feed.

    Args:
        species: Before, canonical units, shape (Q, B); what is NaN stays NaN.
        fractions: Volume added over volume before, shape (B,), >= 0.
        held: Concentrations in what is added, shape (Q, B).

    Returns:
        Shape (Q, B).
    """
    after: FloatArray = (species + fractions * held) / (1.0 + fractions)
    after[_VIABILITY] = species[_VIABILITY]
    return after


def after_feeds(species: FloatArray, feeds: Sequence[Feed | None]) -> FloatArray:
    """Return species (N, Q) at N samples as they were right after what was fed there; the same array if nothing was."""
    if not any(feeds):
        return species
    return mixed(species.T, *feed_arrays(feeds)).T
