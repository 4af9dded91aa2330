"""Samples of a vessel that were refused and that no later one has put out of date. Pure."""

from __future__ import annotations

from perfusio.record.run_state import RunState
from perfusio.state import State

WITHDRAWN = "a later sample contradicts it"
AWAY = "sd from the forecast"
"""Words of remarks on values that stand on record."""


def refused_lately(known: RunState, reactor: str) -> tuple[State, ...]:
    """Return the samples of a vessel that were refused since the latest one that was not, in order of time."""
    trajectory = known.trajectories.get(reactor)
    last_h = trajectory.states[-1].time_h if trajectory is not None and trajectory.states else float("-inf")
    found = (s for (name, time_h), s in known.quarantined.items() if name == reactor and time_h > last_h)
    return tuple(sorted(found, key=lambda s: s.time_h))


def is_in_doubt(known: RunState, reactor: str) -> bool:
    """Whether a person still has to say which of the latest samples of a vessel is right."""
    states = known.trajectories[reactor].states
    just_withdrawn = any(WITHDRAWN in remark for s in states[-2:-1] for remark in s.quality.values())
    return just_withdrawn or bool(refused_lately(known, reactor))
