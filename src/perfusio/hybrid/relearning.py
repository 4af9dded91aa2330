"""How a process is learnt again from vessels that go on, and whether that made it better.

Both processes are compared on the latest new transitions of each vessel, which neither has learnt from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perfusio.errors import FitFailed, NotEnoughData
from perfusio.hybrid.filtering.belief import Process, Step
from perfusio.hybrid.filtering.filter import filter_runs
from perfusio.hybrid.learning import MIN_TRANSITIONS, Course, Learnt, from_runs
from perfusio.trajectory import Trajectory

HELD_OUT = 2
"""New transitions of each vessel, the latest, on which a refit is compared with the model before it."""
SURPRISED = 2.0
"""A one-step error so large (measurement alone makes 1) says that what was learnt is not right for these vessels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relearnt:
    """What was learnt, and the one-step errors (`one_step_error`) of it and of the process before."""

    learnt: Learnt
    error: float
    previous_error: float


def from_vessels(
    process: Process,
    courses: Sequence[Course],
    trajectories: Sequence[Trajectory],
    *,
    seed: int,
    start: Process | None = None,
) -> Relearnt:
    """Learn again from vessels, and from whatever the process was learnt from that they do not go on.

    Args:
        process: The one before.
        courses: Of the runs that it was learnt from; those of another equipment do not count.
        trajectories: The vessels, samples only.
        seed: Of every random choice.
        start: Where to start learning, if not from `process`.

    Raises:
        NotEnoughData: fewer than MIN_TRANSITIONS usable rows, or nothing new.
        FitFailed: no usable optimum.
    """
    alike = [c for c in courses if process.layout.has_equipment_of(c.trajectory.panel)]
    earlier = [c.trajectory for c in alike if not any(c.goes_on_as(t) for t in trajectories)]
    new = [min(HELD_OUT, n_unseen(t, courses)) for t in trajectories]
    if not any(new):
        raise NotEnoughData("No vessel has a sample that the model was not learnt from: there is nothing to learn.")
    steps = filter_runs(process, trajectories, [None] * len(trajectories))[1]
    previous_error = _error_of(steps, new)
    held_out = [n if len(t.setpoints) >= MIN_TRANSITIONS + n else 0 for t, n in zip(trajectories, new, strict=True)]
    learnt = from_runs(
        process if start is None else start,
        [*earlier, *trajectories],
        courses=alike if previous_error < SURPRISED else (),
        held_out=[0] * len(earlier) + held_out,
        seed=seed,
        filtered={id(t): s for t, s in zip(trajectories, steps, strict=True)} if start is None else {},
    )
    error = one_step_error(learnt.searched, trajectories, new)
    return Relearnt(learnt=learnt, error=error, previous_error=previous_error)


def n_unseen(trajectory: Trajectory, courses: Sequence[Course]) -> int:
    """Return how many transitions of a run are not among courses."""
    known = [len(c.trajectory.setpoints) for c in courses if c.goes_on_as(trajectory)]
    return max(0, len(trajectory.setpoints) - max(known, default=0))


def one_step_error(process: Process, trajectories: Sequence[Trajectory], n_last: Sequence[int]) -> float:
    """Return the RMS of the latest innovations over the measurement sd, each at most 5.

    Args:
        process: With which the runs are filtered.
        trajectories: Runs.
        n_last: How many transitions of each count; not all 0.

    Raises:
        FitFailed: it is not finite.
    """
    return _error_of(filter_runs(process, trajectories, [None] * len(trajectories))[1], n_last)


def _error_of(steps: Sequence[Sequence[Step]], n_last: Sequence[int]) -> float:
    latest = [run[max(len(run) - n, 1) :] for run, n in zip(steps, n_last, strict=True)]  # the first sample has none
    innovations = np.array([s.innovation for run in latest for s in run])
    error = float(np.sqrt(np.nanmean(np.clip(innovations, -5.0, 5.0) ** 2)))
    if not np.isfinite(error):
        raise FitFailed("The fitted model does not predict finite values; the old model stays in use.")
    return error
