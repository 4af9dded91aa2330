"""Trajectory and Transition: what happened in one vessel, in order, never edited."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from perfusio.errors import ConfigError
from perfusio.state import SETPOINTS, SPECIES, FloatArray, Setpoints, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One interval: the state before, the setpoints in force between the two, the state after."""

    before: State
    setpoints: Setpoints
    after: State

    @property
    def hours(self) -> float:
        """Length of the interval [h]."""
        return self.after.time_h - self.before.time_h


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """Samples of one vessel and the setpoints in force between them.

    Attributes:
        reactor_id: Vessel, e.g. ``"R01"``.
        run_id: Run, one inoculation of that vessel.
        clone: Cell line, if known.
        states: N samples in order of time.
        setpoints: N - 1 setpoints; `setpoints[i]` was in force from `states[i]` to `states[i + 1]`.
    """

    reactor_id: str
    run_id: str = ""
    clone: str = ""
    states: tuple[State, ...] = ()
    setpoints: tuple[Setpoints, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is not a sequence of intervals."""
        if len(self.setpoints) != max(len(self.states) - 1, 0):
            raise ConfigError(
                f"{self.reactor_id}: {len(self.states)} states need {max(len(self.states) - 1, 0)} setpoints between "
                f"them, found {len(self.setpoints)}. Use Trajectory.observe() to extend a trajectory."
            )
        times = [s.time_h for s in self.states]
        if any(b <= a for a, b in pairwise(times)):
            raise ConfigError(f"{self.reactor_id}: sample times must increase, found {times}.")

    def observe(self, state: State, in_force: Setpoints) -> Trajectory:
        """Return a longer trajectory: `in_force` held since the last sample, `state` was found.

        For the first sample `in_force` does not matter: nothing came before it.
        """
        before = (*self.setpoints, in_force) if self.states else ()
        return replace(self, states=(*self.states, state), setpoints=before)

    def transitions(self) -> tuple[Transition, ...]:
        """Return the N - 1 intervals."""
        return tuple(
            Transition(before=self.states[i], setpoints=u, after=self.states[i + 1])
            for i, u in enumerate(self.setpoints)
        )

    @property
    def times_h(self) -> FloatArray:
        """Sample times [h], shape (N,)."""
        return np.array([s.time_h for s in self.states])

    @property
    def values(self) -> FloatArray:
        """Measured species, shape (N, Q), NaN where not measured."""
        return np.array([s.vector() for s in self.states]).reshape(-1, len(SPECIES))

    @property
    def inputs(self) -> FloatArray:
        """Setpoints in force, shape (N - 1, U)."""
        return np.array([u.vector() for u in self.setpoints]).reshape(-1, len(SETPOINTS))
