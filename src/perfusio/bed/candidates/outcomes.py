"""Outcomes of candidates, and the assumptions of all acquisition functions about them."""

from __future__ import annotations

from collections.abc import Callable

from perfusio.state import FloatArray

UCB_BETA = 0.25
"""Half a standard deviation of optimism: a vessel is not a place for bold exploration."""
REFERENCE = -3.0
"""A candidate that loses more than 30 % on any objective against holding adds nothing to a hypervolume."""
Outcomes = Callable[[FloatArray], FloatArray]
"""From candidates (G, D) to outcomes (G, S, M)."""
