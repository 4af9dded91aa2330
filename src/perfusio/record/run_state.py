"""The twin's knowledge of its vessels. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from perfusio.config import Mode
from perfusio.errors import OutOfRange
from perfusio.events import (
    Decided,
    DeciderChanged,
    Event,
    Forecasted,
    ModeChanged,
    OperatorActed,
    WaitBegan,
    WriteIntended,
)
from perfusio.frozen import changed
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.protocols import ConnectorKind
from perfusio.record.vessel_history import VesselHistory
from perfusio.state import Setpoints, State
from perfusio.trajectory import Trajectory

READ = "read_sample"  # the operation of a connector by which samples come, as events name it


@dataclass(frozen=True, kw_only=True)  # no slots: `changed` copies it with each event
class Today:
    """The record of the present turn.

    Attributes:
        turn: Its number.
        sampled: Vessels whose sample of the turn is there.
        missed: Vessels of which it is on record that it is not.
        is_conditioned: Whether the model has taken in the samples.
        decided: Decisions by vessel.
        settled: Vessels with which the turn is done: held, advised, or written to.
        is_fitted: Whether the refit at its end is done.
        is_corrected: Whether earlier values have changed, so that a refit is due whatever the day.
    """

    turn: int = 0
    sampled: frozenset[str] = frozenset()
    missed: frozenset[str] = frozenset()
    is_conditioned: bool = False
    decided: Mapping[str, Decided] = field(default_factory=dict)
    settled: frozenset[str] = frozenset()
    is_fitted: bool = False
    is_corrected: bool = False


@dataclass(frozen=True, kw_only=True)  # no slots: `changed` copies it with each event
class RunState:
    """State of all vessels, by reactor id.

    Attributes:
        run_id: Of the run.
        process: Whose quantities are measured and set.
        trajectories: Samples and setpoints so far.
        in_force: Setpoints in force since the latest sample.
        assumed: Setpoints among them that nobody confirmed.
        shown: Setpoints in force as the vessel itself last showed them, NaN where it never did.
        kinds: Kind of source behind the connector.
        modes: Who may write, a hold left aside.
        noted: The mode last put on record, holds included.
        stuck: Vessels whose last write ended so that a person has to look.
        done: Setpoints that our last write put in force; empty where somebody else has changed it since.
        pending: Writes of which it is not known how they ended.
        quarantined: Samples that were refused and may be accepted, by vessel and time [h].
        advised: The advice that a person can still approve.
        left: Vessels that take no part any more.
        starts: Turn and time [h] of the first sample.
        alarms: Alarms that are active: (reactor, quantity, level).
        delayed: Alarms that are raised if they last, with the turn since which they have.
        shelved: Alarms that a person has put off, with the turn and the hours.
        forecasts: The latest forecast of each vessel, as on record.
        former_forecasts: That of the turn before: without the latest sample, should it be the doubtful one.
        held: Turn since which nothing usable was decided, where no person ordered that.
        failing: Vessels whose samples could not be read when that was last on record.
        said: Who changed the mode of each vessel last, and why.
        deciders: Who decides for each vessel, as it changed last; a vessel that is not named is decided by the twin.
        waits: The wait for a sample of each vessel that has gone on for longer than a minute.
        answered: Orders that were answered, by the name under which they are on record.
        owed: Approvals on record whose write has not begun, by vessel.
        today: The turn that is going on.
        n_samples: Expected samples that came.
        n_decisions: Decisions made.
    """

    run_id: str = ""
    process: Panel = CHO_PERFUSION
    trajectories: Mapping[str, Trajectory] = field(default_factory=dict)
    in_force: Mapping[str, Setpoints] = field(default_factory=dict)
    assumed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shown: Mapping[str, Setpoints] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    modes: Mapping[str, Mode] = field(default_factory=dict)
    noted: Mapping[str, Mode] = field(default_factory=dict)
    stuck: frozenset[str] = frozenset()
    done: Mapping[str, Setpoints] = field(default_factory=dict)
    pending: Mapping[str, WriteIntended] = field(default_factory=dict)
    quarantined: Mapping[tuple[str, float], State] = field(default_factory=dict)
    advised: Mapping[str, Decided] = field(default_factory=dict)
    left: frozenset[str] = frozenset()
    starts: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    alarms: frozenset[tuple[str, str, str]] = frozenset()
    delayed: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    shelved: Mapping[tuple[str, str, str], tuple[int, float]] = field(default_factory=dict)
    forecasts: Mapping[str, Decided | Forecasted] = field(default_factory=dict)
    former_forecasts: Mapping[str, Decided | Forecasted] = field(default_factory=dict)
    held: Mapping[str, int] = field(default_factory=dict)
    failing: frozenset[str] = frozenset()
    said: Mapping[str, ModeChanged] = field(default_factory=dict)
    deciders: Mapping[str, DeciderChanged] = field(default_factory=dict)
    waits: Mapping[str, WaitBegan] = field(default_factory=dict)
    answered: frozenset[str] = frozenset()
    owed: Mapping[str, OperatorActed] = field(default_factory=dict)
    today: Today = Today()
    n_samples: int = 0
    n_decisions: int = 0


def with_history(run_state: RunState, reactor: str, history: VesselHistory) -> RunState:
    """Return the run state in which this is known of one vessel."""
    values = (history.trajectory, history.in_force, history.assumed, history.shown)
    before = (run_state.trajectories, run_state.in_force, run_state.assumed, run_state.shown)
    new: dict[str, Mapping[str, Any]] = {
        name: {**of, reactor: value}
        for name, of, value in zip(_OF_HISTORY, before, values, strict=True)
        if of.get(reactor, _NOT_KNOWN) is not value
    }
    return changed(run_state, **new)


_OF_HISTORY = ("trajectories", "in_force", "assumed", "shown")
_NOT_KNOWN = object()


def history_of(run_state: RunState, reactor: str) -> VesselHistory:
    """Return the samples of one vessel and its setpoints in force."""
    return VesselHistory(
        trajectory=run_state.trajectories[reactor],
        in_force=run_state.in_force[reactor],
        assumed=run_state.assumed[reactor],
        shown=run_state.shown.get(reactor, Setpoints(panel=run_state.in_force[reactor].panel)),  # a person took over
        is_replay=run_state.kinds.get(reactor) == ConnectorKind.REPLAY,
    )


def not_acceptable(sample: State | None, trajectory: Trajectory) -> str:
    """Return why a person cannot take a quarantined sample into use, or nothing."""
    if sample is None:
        return "No such sample of this vessel is quarantined."
    try:
        for quantity in sample.panel.species:
            quantity.check(getattr(sample, quantity.name))
    except OutOfRange as error:
        return f"It cannot be so: {error} Give the sample again with the right value."
    if trajectory.states and sample.time_h < trajectory.states[0].time_h:
        return "There is no sample of this vessel before it: give it again as the first one."
    if trajectory.at(sample.time_h) is not None:
        return "There is a sample of that time already: give it again with other values, which corrects it."
    return ""


def culture_day(run_state: RunState, event: Event, interval_hours: float) -> float | None:
    """Return how many days after inoculation an event of a vessel happens; None where that is not known.

    That is the time of its sample, else of the sample of its turn: as taken, or as expected.

    Args:
        run_state: State before the event.
        event: With its vessel and its turn.
        interval_hours: Between two samples [h].
    """
    sample, reactor = getattr(event, "state", None), event.reactor or ""
    if isinstance(sample, State):
        return sample.time_h / 24.0 if np.isfinite(sample.time_h) else None
    if reactor not in run_state.starts or event.turn is None:
        return None
    turn, first_h = run_state.starts[reactor]
    expected_h = first_h + (event.turn - turn) * interval_hours
    last_h = run_state.trajectories[reactor].states[-1].time_h
    is_its_own = event.turn == run_state.today.turn and reactor in run_state.today.sampled
    if is_its_own or abs(last_h - expected_h) < interval_hours / 2.0:
        return last_h / 24.0
    return expected_h / 24.0


def is_medium_due(trajectory: Trajectory, *, first_days: float) -> bool:
    """Whether a vessel's medium is to be checked: with its first sample of each of its first days.

    Args:
        trajectory: Of the vessel.
        first_days: How long samples tell of the medium [day].
    """
    states = trajectory.states
    if len(states) < 2 or states[-1].day - states[0].day > first_days + 1.0:
        return False
    return int(states[-1].day) > int(states[-2].day)


def is_fit_due(turn: int, retrain_every: int) -> bool:
    """Whether the model is refitted at the end of this turn (turns count from 0)."""
    return turn > 0 and turn % retrain_every == 0
