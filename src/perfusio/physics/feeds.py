"""Feeds: the effect of a bolus on a culture. Volumes add, amounts add, and nothing has had time to react.

    c' = (c + f c_feed) / (1 + f),   f = volume added / volume of the culture before

Cells and product are diluted, since a feed holds none; viability, a ratio, stays. Letters: Q species, B vessels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perfusio.process.panel import Panel
from perfusio.state import FloatArray
from perfusio.trajectory import Feed


def feed_arrays(feeds: Sequence[Feed | None], panel: Panel) -> tuple[FloatArray, FloatArray]:
    """Return fractions (B,) and concentrations (Q, B) of the feed of each of B vessels; 0 where there is none."""
    q = len(panel.species_names)
    fractions = np.array([0.0 if f is None else f.fraction for f in feeds])
    held = np.array([np.zeros(q) if f is None else f.vector(panel) for f in feeds])
    return fractions, held.reshape(-1, q).T


def mixed(species: FloatArray, fractions: FloatArray, held: FloatArray, alive: int | None) -> FloatArray:
    """Return the species right after a feed.

    Args:
        species: Before, canonical units, shape (Q, B); NaN stays NaN.
        fractions: Volume added over volume before, shape (B,), >= 0.
        held: Concentrations in the feed, shape (Q, B).
        alive: Place of viability, which a feed does not change; None where there is none.

    Returns:
        Shape (Q, B).
    """
    after: FloatArray = (species + fractions * held) / (1.0 + fractions)
    if alive is not None:
        after[alive] = species[alive]
    return after


def after_feeds(species: FloatArray, feeds: Sequence[Feed | None], panel: Panel) -> FloatArray:
    """Return species (N, Q) at N samples as they were right after the feed; the same array without any."""
    if not any(feeds):
        return species
    return mixed(species.T, *feed_arrays(feeds, panel), panel.alive).T
