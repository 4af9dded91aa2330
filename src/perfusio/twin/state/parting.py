"""Whether readings and forecasts of a vessel have parted. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from perfusio.state import State
from perfusio.twin.state.refused_samples import AWAY

PARTED, OF_LAST = 3, 6
"""So many of the last samples far from their forecast: readings and forecasts have parted."""


def n_away(states: Sequence[State], name: str) -> int:
    """Return how many of the last samples were far from what was forecast of a species."""
    return sum(AWAY in s.quality.get(name, "") for s in states[-OF_LAST:])


def parted(states: Sequence[State], names: Collection[str]) -> tuple[str, ...]:
    """Return those of some species whose readings and forecasts have parted."""
    return tuple(name for name in names if n_away(states, name) >= PARTED)
