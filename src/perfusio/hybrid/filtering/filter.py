"""The filter: what is believed of many vessels, all of them side by side, after each of their samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perfusio.hybrid.filtering.belief import Belief, Process, Step, least_freedom
from perfusio.hybrid.filtering.prediction import predict
from perfusio.hybrid.filtering.update import initial_belief, taken_in
from perfusio.state import FloatArray
from perfusio.trajectory import Trajectory


def filter_runs(
    process: Process | Sequence[Process], trajectories: Sequence[Trajectory], beliefs: Sequence[Belief | None]
) -> tuple[list[Belief], list[list[Step]]]:
    """Take the samples of many vessels in, all vessels side by side.

    Args:
        process: How beliefs move; or one for each vessel, where all have the same rates (`log_factors`).
        trajectories: One per vessel, each with at least one state.
        beliefs: Where to go on, or None to start at the first sample.

    Returns:
        The belief after the last sample of each vessel, and its filter steps (the first one is the start).

    Raises:
        ModelError: a vessel is of another process.
    """
    each = [process] * len(trajectories) if isinstance(process, Process) else list(process)
    for t, own in zip(trajectories, each, strict=True):
        own.layout.check(t.panel)
    noise = {id(own.residual): own.residual.noise_factor for own in each}
    media = [own.layout.medium_of(t) for t, own in zip(trajectories, each, strict=True)]
    steps = [[_first(own, t, belief)] for own, t, belief in zip(each, trajectories, beliefs, strict=True)]
    at = [0 if belief is None else len(belief.trajectory.states) - 1 for belief in beliefs]
    while active := [i for i, t in enumerate(trajectories) if at[i] < len(t.states) - 1]:
        now = [trajectories[i].states[at[i]] for i in active]
        after = [trajectories[i].states[at[i] + 1] for i in active]
        inputs = np.array([trajectories[i].setpoints[at[i]].vector() for i in active])
        day = np.array([s.day for s in now])
        hours = np.array([b.time_h - a.time_h for a, b in zip(now, after, strict=True)])
        feeds, last = [trajectories[i].fed[at[i]] for i in active], [steps[i][-1] for i in active]
        mean, cov, freedom = (np.array([getattr(s, name) for s in last]) for name in ("mean", "cov", "freedom"))
        medium = together([media[i] for i in active])
        these, factors = [each[i] for i in active], np.array([noise[id(each[i].residual)] for i in active])
        moved = predict(these, mean, cov, inputs, day, hours, medium, feeds, freedom)
        for i, taken in zip(active, taken_in(these, last, after, *moved, hours, factors), strict=True):
            steps[i].append(taken)
            at[i] += 1
    return [run[-1].belief(t) for run, t in zip(steps, trajectories, strict=True)], steps


def together(media: Sequence[FloatArray]) -> FloatArray:
    """Return media (Q,) of B vessels as one array (B, Q), or as (Q,) where all are the same."""
    first = media[0]
    if all(m is first or (m == first).all() for m in media):
        return first
    return np.array(media)


def _first(process: Process, trajectory: Trajectory, belief: Belief | None) -> Step:
    """Return where a filter starts: at the first sample, or at what is believed already."""
    if belief is None:
        mean, cov = initial_belief(trajectory.states[0], process)
        freedom, latest = least_freedom(process), np.zeros(process.layout.n_species)
    else:
        mean, cov, freedom, latest = belief.mean, belief.cov, belief.freedom, belief.latest
    nothing = np.full(process.layout.n_species, np.nan)
    return Step(
        mean=mean, cov=cov, freedom=freedom, latest=latest,
        predicted_mean=mean, predicted_cov=cov, jacobian=cov, innovation=nothing,
    )  # fmt: skip
