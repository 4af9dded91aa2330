"""How a process is learnt from runs: smooth them with what is known, search, condition; cheaply where most are known.

Runs that were learnt from are kept as **courses**: their species, smoothed. Up to SEARCHED_AGAIN transitions, the first
time up to MANY_TRANSITIONS, everything is done with every run. Of more, parameters and hyperparameters are searched on
some runs, chosen by the seed, and the processes are conditioned on all rows (`sparse`). Where courses are at hand, runs
that have no new sample are not smoothed again, and a search needs one round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from types import MappingProxyType

import numpy as np

from perfusio.errors import NotEnoughData
from perfusio.hybrid.calibration import calibrate, uncalibrated
from perfusio.hybrid.features import IndexedData, indexed
from perfusio.hybrid.filtering.belief import Process, Step
from perfusio.hybrid.filtering.filter import filter_runs
from perfusio.hybrid.filtering.smoother import smoothed
from perfusio.hybrid.filtering.update import log_density
from perfusio.hybrid.layout import Layout, layout_of
from perfusio.hybrid.residuals.residual import Residual
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.process.sound_numbers import refuse_outside
from perfusio.state import FloatArray
from perfusio.trajectory import Trajectory, refuse_impossible_runs

MIN_TRANSITIONS = 3
FREEDOMS = (1.0, 0.5, 0.25, 0.1, 0.03)
MIN_RUNS_FOR_FREEDOM = 6
MANY_TRANSITIONS = 1000
TELLING = 4
"""So many runs show which setpoints were varied and which were not."""
SEARCHED_AGAIN = 500
"""Transitions for a search that starts from what was found before."""


Filtered = Mapping[int, Sequence[Step]]
"""Filter steps of runs, by the identity of the trajectory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A run and its species smoothed, canonical units, (N, Q)."""

    trajectory: Trajectory
    species: FloatArray

    def goes_on_as(self, trajectory: Trajectory) -> bool:
        """Whether `trajectory` is the same run, perhaps with more samples."""
        ours, theirs = self.trajectory, trajectory
        return (
            (ours.reactor_id, ours.run_id) == (theirs.reactor_id, theirs.run_id)
            and ours.times_h[:1] == theirs.times_h[:1]
            and np.array_equal(ours.values[:1], theirs.values[:1], equal_nan=True)
        )

    def is_of(self, trajectory: Trajectory) -> bool:
        """Whether `trajectory` has just these samples."""
        seen = self.trajectory.states
        return len(seen) == len(trajectory.states) and all(a is b for a, b in zip(seen, trajectory.states, strict=True))


def runs_in_words(courses: Sequence[Course], process: Process) -> str:
    """Return the runs behind a process in words, e.g. ``"4 past runs of CloneX, CloneY"``; empty for the prior."""
    n, clones = len(courses), sorted({c.trajectory.clone for c in courses if c.trajectory.clone})
    if n:
        return f"{n} past run{'' if n == 1 else 's'}{' of ' if clones else ''}{', '.join(clones)}"
    return "past runs of other clones" if any(p is not None for p in process.residual.processes) else ""


def tried_in(courses: Sequence[Course]) -> tuple[FloatArray, FloatArray] | None:
    """Return the least and the largest value of each setpoint in runs (U,); None where these are fewer than TELLING."""
    if len(courses) < TELLING:
        return None
    inputs = np.concatenate([c.trajectory.inputs for c in courses])
    return inputs.min(axis=0), inputs.max(axis=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """Its result.

    Attributes:
        process: Conditioned on all rows.
        searched: As it was before it saw the rows held out.
        courses: Of all runs.
    """

    process: Process
    searched: Process
    courses: tuple[Course, ...]


def unlearnt(panel: Panel = CHO_PERFUSION) -> Process:
    """Return the process of a panel before any data.

    Raises:
        ConfigError: the rate laws cannot be bound to it.
    """
    layout = layout_of(panel)
    log_factors, rate_cov = uncalibrated(layout)
    return Process(log_factors=log_factors, rate_cov=rate_cov, residual=Residual(layout=layout))


def from_rows(data: IndexedData, before: Process, seed: int) -> Process:
    """Learn parameters, hyperparameters and residual processes from rows.

    Raises:
        NotEnoughData: fewer than MIN_TRANSITIONS rows.
        FitFailed: no usable optimum.
    """
    if len(data.y) < MIN_TRANSITIONS:
        raise NotEnoughData(
            f"{len(data.y)} usable rows (species x intervals) are too few to learn from: expected at least "
            f"{MIN_TRANSITIONS}. The model before stays in use; wait for more samples."
        )
    rates = calibrate(data, before.log_factors, before.residual.expected_rates)
    residual = Residual.fit(data, rates.log_factors, before.residual, seed)
    return Process(
        log_factors=rates.log_factors, rate_cov=rates.rate_cov, doubt_left=rates.doubt_left, residual=residual
    )


def from_runs(
    before: Process,
    trajectories: Sequence[Trajectory],
    *,
    courses: Sequence[Course],
    held_out: Sequence[int],
    seed: int,
    filtered: Filtered = MappingProxyType({}),
) -> Learnt:
    """Learn from runs.

    Args:
        before: Where to start.
        trajectories: Runs.
        courses: Of runs that `before` was learnt from; those among `trajectories` as they are need not be smoothed.
        held_out: Latest transitions of each run that the search is not to see.
        seed: Of every random choice.
        filtered: Runs that were filtered with `before` already.

    Raises:
        NotEnoughData: fewer than MIN_TRANSITIONS usable rows.
        FitFailed: no usable optimum.
        ConfigError: a sample or a setpoint is one that no culture can have; the seed is no whole number.
    """
    refuse_impossible_runs(trajectories)
    refuse_outside("seed", seed, 0, inf, is_whole=True)
    n_transitions = sum(len(t.setpoints) for t in trajectories)
    if courses and n_transitions > SEARCHED_AGAIN:
        return _again(before, trajectories, courses=courses, held_out=held_out, seed=seed, filtered=filtered)
    some = list(range(len(trajectories)))
    if is_many := n_transitions > MANY_TRANSITIONS:
        some = _chosen(some, trajectories, MANY_TRANSITIONS, seed)
    searched = process = before
    for _ in range(2):
        now = smoothed_courses(process, [trajectories[i] for i in some], filtered if process is before else {})
        seen, held = _rows(before.layout, now, [held_out[i] for i in some])
        searched = from_rows(seen, process, seed)
        process = _with(searched, held)
    if is_many:
        now = smoothed_courses(process, trajectories)
        seen, held = _rows(before.layout, now, held_out)
        searched = replace(searched, residual=searched.residual.conditioned(seen, searched.log_factors))
        process = _with(searched, held)
    process = _with_freedom(process, trajectories)
    searched = replace(searched, freedom=process.freedom, rate_cov=process.rate_cov)
    return Learnt(process=process, searched=searched, courses=tuple(now))


def _again(
    before: Process,
    trajectories: Sequence[Trajectory],
    *,
    courses: Sequence[Course],
    held_out: Sequence[int],
    seed: int,
    filtered: Filtered,
) -> Learnt:
    """Smooth runs with new samples and those of the search, and search in one round; the freedom stays."""
    known = {i: c for i, t in enumerate(trajectories) if (c := _course_of(t, courses)) is not None}
    fresh = [i for i in range(len(trajectories)) if i not in known]
    chosen = _chosen(fresh, trajectories, SEARCHED_AGAIN // 2, seed)
    left = SEARCHED_AGAIN - sum(len(trajectories[i].setpoints) for i in chosen)
    chosen = sorted(chosen + _chosen(list(known), trajectories, left, seed))
    anew = sorted({*fresh, *chosen})
    now = known | dict(zip(anew, smoothed_courses(before, [trajectories[i] for i in anew], filtered), strict=True))
    searched = from_rows(_rows(before.layout, [now[i] for i in chosen], [held_out[i] for i in chosen])[0], before, seed)
    seen, held = _rows(before.layout, [now[i] for i in range(len(trajectories))], held_out)
    searched = replace(
        searched,
        residual=searched.residual.conditioned(seen, searched.log_factors),
        freedom=before.freedom,
        rate_cov=searched.rate_cov * before.freedom**2,
    )
    return Learnt(
        process=_with(searched, held), searched=searched, courses=tuple(now[i] for i in range(len(trajectories)))
    )


def _course_of(trajectory: Trajectory, courses: Sequence[Course]) -> Course | None:
    return next((c for c in courses if c.trajectory is trajectory), None)


def _chosen(among: Sequence[int], trajectories: Sequence[Trajectory], n_transitions: int, seed: int) -> list[int]:
    """Choose runs at random with at most `n_transitions`, at least one."""
    chosen: list[int] = []
    for i in np.random.default_rng(seed).permutation(among):
        n_transitions -= len(trajectories[i].setpoints)
        if chosen and n_transitions < 0:
            break
        chosen.append(int(i))
    return sorted(chosen)


def smoothed_courses(
    process: Process, trajectories: Sequence[Trajectory], filtered: Filtered = MappingProxyType({})
) -> list[Course]:
    """Smooth runs with what a process knows; those that it has `filtered` need only the way back."""
    anew = [t for t in trajectories if id(t) not in filtered]
    of = {id(t): s for t, s in zip(anew, filter_runs(process, anew, [None] * len(anew))[1], strict=True)} | {**filtered}
    at = process.layout
    species = [at.from_latent(smoothed(at, of[id(t)])[0].T).T for t in trajectories]
    return [Course(trajectory=t, species=x) for t, x in zip(trajectories, species, strict=True)]


def _rows(layout: Layout, courses: Sequence[Course], held: Sequence[int]) -> tuple[IndexedData, IndexedData | None]:
    """Return rows from smoothed states, without the latest transitions of each run, and those that were left out."""
    trajectories, inputs = [c.trajectory for c in courses], [c.species for c in courses]
    seen = indexed(
        [t.until(len(t.states) - n) for t, n in zip(trajectories, held, strict=True)],
        [x[: len(x) - n] for x, n in zip(inputs, held, strict=True)],
        layout=layout,
    )
    if not any(held):
        return seen, None
    first_held = [max(len(t.setpoints) - n, 0) for t, n in zip(trajectories, held, strict=True)]
    return seen, indexed(trajectories, inputs, from_transition=first_held, layout=layout)


def _with(process: Process, rows: IndexedData | None) -> Process:
    if rows is None:
        return process
    return replace(process, residual=process.residual.extended(rows, process.log_factors))


def _with_freedom(process: Process, trajectories: Sequence[Trajectory]) -> Process:
    """Choose how far a vessel may differ from the model: the freedom under which these runs are most probable."""
    if len(trajectories) < MIN_RUNS_FOR_FREEDOM:
        usual = process.residual.usual_freedom
        return replace(process, freedom=usual, rate_cov=process.rate_cov * usual**2)
    some = trajectories[:: max(1, len(trajectories) // MIN_RUNS_FOR_FREEDOM)]
    candidates = [replace(process, freedom=f, rate_cov=process.rate_cov * f**2) for f in FREEDOMS]

    each = [candidate for candidate in candidates for _ in some]  # all side by side: each alone would cost half of all
    runs = filter_runs(each, list(some) * len(candidates), [None] * len(each))[1]
    densities = [
        sum(log_density(steps, t, candidate) for steps, t in zip(runs[i * len(some) :], some, strict=False))
        for i, candidate in enumerate(candidates)
    ]
    return candidates[int(np.argmax(densities))]
