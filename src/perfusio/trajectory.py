"""Trajectory and Transition: the course of one vessel, in order, never edited."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from math import isfinite, nan
from typing import TypeVar

import numpy as np

from perfusio import labelled
from perfusio.errors import ConfigError
from perfusio.frames import DataFrame, data_frame
from perfusio.growing import Growing
from perfusio.labelled import Dataset
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.feed import Feed
from perfusio.process.medium import Medium
from perfusio.process.panel import Panel
from perfusio.process.sound_numbers import MOST_DAYS, refuse_outside
from perfusio.quantities import Quantity
from perfusio.state import FloatArray, Setpoints, State

__all__ = ["Feed", "Trajectory", "Transition"]

T = TypeVar("T")


def _longer(items: Sequence[T], item: T) -> Growing[T]:
    return (items if isinstance(items, Growing) else Growing(items)).and_then(item)


def _time_h(state: State) -> float:
    return state.time_h


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One interval: the state before, the feed given then, the setpoints in force until the state after."""

    before: State
    setpoints: Setpoints
    after: State
    feed: Feed | None = None

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
        feeds: Empty for a vessel that was never fed, else N - 1 entries: `feeds[i]` was given right after the sample
            `states[i]`; None = nothing.
        medium: Medium of the perfusion; None = the medium of the panel.
    """

    reactor_id: str
    run_id: str = ""
    clone: str = ""
    states: Sequence[State] = ()
    setpoints: Sequence[Setpoints] = ()
    feeds: tuple[Feed | None, ...] = ()
    medium: Medium | None = None

    def __post_init__(self) -> None:
        """Refuse anything but a sequence of intervals."""
        if len(self.setpoints) != max(len(self.states) - 1, 0):
            raise ConfigError(
                f"{self.reactor_id}: {len(self.states)} states need {max(len(self.states) - 1, 0)} setpoints between "
                f"them, found {len(self.setpoints)}. Use Trajectory.observe() to extend a trajectory."
            )
        if self.feeds and len(self.feeds) != len(self.setpoints):
            raise ConfigError(
                f"{self.reactor_id}: {len(self.states)} states need {len(self.setpoints)} feeds between them (None "
                f"where nothing was fed) or none at all, found {len(self.feeds)}. Use Trajectory.observe(feed=...)."
            )
        times = [s.time_h for s in self.states]
        if not all(map(isfinite, times)):
            raise ConfigError(f"{self.reactor_id}: sample times must be finite hours, found {times}.")
        if any(b <= a for a, b in pairwise(times)):
            raise ConfigError(f"{self.reactor_id}: sample times must increase, found {times}.")
        for state in self.states:
            self._refuse_other_process(state)

    def _refuse_other_process(self, state: State) -> None:
        if state.panel is not self.panel and state.panel != self.panel:
            raise ConfigError(
                f"{self.reactor_id}: the sample of {state.time_h:g} h is one of {state.panel.name}, those before are "
                f"of {self.panel.name}, expected one process for a vessel. Read all with the same process.toml."
            )

    def __repr__(self) -> str:
        """Say which vessel, and how many samples of which days."""
        n, clone = len(self.states), f", clone {self.clone}" if self.clone else ""
        days = f" over days {self.states[0].day:g} to {self.states[-1].day:g}" if n else ""
        return f"<Trajectory {self.reactor_id}: {n} sample{'s' * (n != 1)}{days}{clone}>"

    def to_frame(self) -> DataFrame:
        """Return the samples as a pandas data frame, one row each; `read_runs` makes the trajectory of it again.

        Columns: ``run``, ``clone`` and ``medium`` where known, ``day``, every species and setpoint of the process by
        name in its canonical unit, and ``feed_fraction``, ``feed_...`` where it was fed. Setpoints and feed of a row
        hold from its sample to the next, so those of the last row are NaN. Units: ``frame.attrs["units"]``.

        Raises:
            ConfigError: pandas is not installed, or the medium is none that the process names.
        """
        n, panel = len(self.states), self.panel
        columns: dict[str, Sequence[object]] = {"run": [self.reactor_id] * n}
        if self.clone:
            columns["clone"] = [self.clone] * n
        if self.medium is not None and self.medium != panel.medium:
            columns["medium"] = [self._medium_name(self.medium)] * n
        columns["day"] = [s.day for s in self.states]
        columns |= {q.name: [getattr(s, q.name) for s in self.states] for q in panel.species}
        columns |= {q: [*(getattr(u, q) for u in self.setpoints), *[nan] * min(n, 1)] for q in panel.setpoint_names}
        units = {"day": "day"} | {q.name: q.unit for q in panel.quantities}
        if any(self.feeds):
            given = [{} if f is None else {"fraction": f.fraction, **f.concentrations()} for f in (*self.fed, None)]
            for name in dict.fromkeys(name for one in given for name in one):
                columns[f"feed_{name}"] = [one.get(name, nan) for one in given]
                units[f"feed_{name}"] = "-" if name == "fraction" else panel[name].unit
        return data_frame(columns, units=units)

    def to_xarray(self) -> Dataset:
        """Return the samples as an `xarray.Dataset` over the coordinate ``day``.

        A variable for each species and setpoint, by name, with its unit in ``attrs["units"]``. Setpoints hold from
        their sample to the next, so the last is NaN. `perfusio.labelled.netcdf_bytes` makes a file of it.

        Raises:
            ConfigError: xarray is not installed.
        """
        after, panel = [nan] * min(len(self.states), 1), self.panel
        species = {q.name: labelled.of(q, ("day",), [getattr(s, q.name) for s in self.states]) for q in panel.species}
        asked = {
            q.name: labelled.of(q, ("day",), [*(getattr(u, q.name) for u in self.setpoints), *after])
            for q in panel.setpoints
        }
        about = {"vessel": self.reactor_id, "run": self.run_id, "clone": self.clone, "process": self.panel.name}
        return labelled.dataset(species | asked, {"day": labelled.culture_day(self.times_h)}, about)

    def _medium_name(self, medium: Medium) -> str:
        for name, known in self.panel.media:
            if known == medium:
                return name
        raise ConfigError(
            f"{self.reactor_id}: its medium is none that {self.panel.name} names, so a data frame cannot name it. "
            "Declare it under media of the process."
        )

    def observe(self, state: State, in_force: Setpoints, feed: Feed | None = None) -> Trajectory:
        """Return a longer trajectory: after the last sample `feed` was given, `in_force` held, `state` was found.

        For the first sample neither matters: nothing came before it.
        """
        if not self.states:
            return replace(self, states=(state,))
        self._refuse_other_process(state)
        if not state.time_h > self.states[-1].time_h:
            raise ConfigError(
                f"{self.reactor_id}: sample times must increase, found {state.time_h:g} h after "
                f"{self.states[-1].time_h:g} h. A late sample goes in with Trajectory.insert()."
            )
        feeds = (*self.fed, feed) if self.feeds or feed else ()
        return self._like(_longer(self.states, state), _longer(self.setpoints, in_force), feeds)

    def insert(self, state: State) -> Trajectory:
        """Return the trajectory with a sample that is known late, in order of time.

        The setpoints of the interval that it divides held before and after it; a feed was given at its start.

        Raises:
            ConfigError: it is not between two samples, or there is one of its time.
        """
        i = self.n_before(state.time_h)
        if not 0 < i < len(self.states) or self.states[i].time_h == state.time_h:
            times = [s.time_h for s in self.states]
            raise ConfigError(f"{self.reactor_id}: {state.time_h:g} h is not between two samples, found {times}.")
        feeds = (*self.feeds[:i], None, *self.feeds[i:]) if self.feeds else ()
        setpoints = (*self.setpoints[:i], self.setpoints[i - 1], *self.setpoints[i:])
        return self._like((*self.states[:i], state, *self.states[i:]), setpoints, feeds)

    def with_state(self, state: State) -> Trajectory:
        """Return the trajectory with another state in the place of the one of its time; all between samples stays.

        Raises:
            ConfigError: there is no sample of that time.
        """
        i = self.n_before(state.time_h)
        if i == len(self.states) or self.states[i].time_h != state.time_h:
            raise ConfigError(f"{self.reactor_id}: there is no sample of {state.time_h:g} h to put another one for.")
        return self._like((*self.states[:i], state, *self.states[i + 1 :]), self.setpoints, self.feeds)

    def _like(
        self, states: Sequence[State], setpoints: Sequence[Setpoints], feeds: tuple[Feed | None, ...]
    ) -> Trajectory:
        """Return a trajectory of this vessel whose samples are known to be in order: they are not all checked anew."""
        new = object.__new__(Trajectory)
        values = {"states": states, "setpoints": setpoints, "feeds": feeds}
        for name in _FIELDS:
            object.__setattr__(new, name, values[name] if name in values else getattr(self, name))
        return new

    # A run of weeks has tens of thousands of samples: what is asked with each new one must not look at all of them.

    def n_before(self, time_h: float) -> int:
        """Return how many samples were taken before a time [h]."""
        if not self.states or time_h > self.states[-1].time_h:
            return len(self.states)
        return bisect_left(self.states, time_h, key=_time_h)

    def at(self, time_h: float) -> State | None:
        """Return the sample of a time [h], None if there is none."""
        i = self.n_before(time_h)
        return self.states[i] if i < len(self.states) and self.states[i].time_h == time_h else None

    def last_measured(self, name: str) -> State | None:
        """Return the last sample in which a quantity was measured, None if it never was."""
        return next((s for s in reversed(self.states) if (value := getattr(s, name)) == value), None)

    def until(self, n_samples: int) -> Trajectory:
        """Return the trajectory up to the first `n_samples` samples."""
        n = max(n_samples - 1, 0)
        return replace(self, states=self.states[:n_samples], setpoints=self.setpoints[:n], feeds=self.feeds[:n])

    def of_samples(self) -> Trajectory:
        """Return the run without readings in which nothing but on-line signals was read; itself if there are none.

        Setpoints of intervals that become one are averaged over time; feeds given within it are given at its start.
        """
        if not self.panel.of_role("signal"):
            return self
        kept = [i for i, s in enumerate(self.states) if not s.is_signal]
        if len(kept) == len(self.states):
            return self
        hours, fed = np.diff(self.times_h), self.fed
        spans = [slice(a, b) for a, b in pairwise(kept)]
        setpoints = tuple(
            self.setpoints[at.start]
            if len(set(self.setpoints[at])) == 1
            else Setpoints.of(np.average(self.inputs[at], axis=0, weights=hours[at]), self.panel)
            for at in spans
        )
        given = tuple([f for f in fed[at] if f is not None] for at in spans)
        feeds = tuple(Feed.together(some) if some else None for some in given) if self.feeds else ()
        return replace(self, states=tuple(self.states[i] for i in kept), setpoints=setpoints, feeds=feeds)

    def transitions(self) -> tuple[Transition, ...]:
        """Return the N - 1 intervals."""
        return tuple(
            Transition(before=self.states[i], setpoints=u, after=self.states[i + 1], feed=feed)
            for i, (u, feed) in enumerate(zip(self.setpoints, self.fed, strict=True))
        )

    @property
    def panel(self) -> Panel:
        """The process whose quantities were measured; the default one before the first sample."""
        return self.states[0].panel if self.states else CHO_PERFUSION

    @property
    def flows_in(self) -> Medium:
        """Medium of the perfusion."""
        return self.panel.medium if self.medium is None else self.medium

    @property
    def fed(self) -> tuple[Feed | None, ...]:
        """Feeds at the start of each of the N - 1 intervals, None where nothing."""
        return self.feeds or (None,) * len(self.setpoints)

    @property
    def times_h(self) -> FloatArray:
        """Sample times [h], shape (N,)."""
        return np.array([s.time_h for s in self.states])

    @property
    def values(self) -> FloatArray:
        """Measured species, shape (N, Q), NaN where not measured."""
        n = len(self.panel.species_names)
        return np.array([s.vector() for s in self.states]).reshape(len(self.states), n)

    @property
    def inputs(self) -> FloatArray:
        """Setpoints in force, shape (N - 1, U)."""
        n = len(self.panel.setpoint_names)
        return np.array([u.vector() for u in self.setpoints]).reshape(len(self.setpoints), n)


def refuse_impossible_runs(runs: Sequence[Trajectory]) -> None:
    """Refuse runs with a value that no culture and no pump can have: a model would learn from it.

    Args:
        runs: Of any processes; NaN is not measured.

    Raises:
        ConfigError: with vessel, day, quantity and the possible range.
    """
    for run in runs:
        for state in run.states:
            refuse_outside(f"{run.reactor_id}: time_h of a sample", state.time_h, -_ROUNDING, LONGEST_H, unit="h")
            _refuse_values(f"{run.reactor_id}, day {state.day:g}", state, run.panel.species)
        for state, setpoints in zip(run.states, run.setpoints, strict=False):
            _refuse_values(f"{run.reactor_id}, from day {state.day:g} on", setpoints, run.panel.setpoints)


def _refuse_values(where: str, values: State | Setpoints, quantities: Sequence[Quantity]) -> None:
    for quantity in quantities:
        value = getattr(values, quantity.name)
        if value != value:
            continue
        if not (isfinite(value) and quantity.low - _ROUNDING <= value <= quantity.high * (1.0 + _ROUNDING)):
            raise ConfigError(
                f"{where}: {quantity.name} = {value:g} {quantity.unit} is not possible: expected {quantity.low:g} to "
                f"{quantity.high:g}. Correct the value or its unit, or leave it out (NaN)."
            )


_ROUNDING = 1e-9
LONGEST_H = 24.0 * (MOST_DAYS + 1)
_FIELDS = tuple(f.name for f in fields(Trajectory))
