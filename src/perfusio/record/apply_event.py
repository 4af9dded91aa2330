"""The state of a run as a fold of its record: each event, once it is durable, changes the twin's knowledge.

A run that goes on after a crash folds the same events that the run before it folded one by one, so both know the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any

from perfusio.errors import AuditError
from perfusio.events import (
    EVENTS,
    AimDoubted,
    AlarmChanged,
    AlarmDelivered,
    AlarmRaised,
    ClockStepped,
    ConnectorFailed,
    ConnectorRecovered,
    DayMissed,
    Decided,
    DeciderChanged,
    Event,
    Forecasted,
    JournalRecovered,
    ModeChanged,
    ModelConditioned,
    ModelFitted,
    ModelRejected,
    ModelSaved,
    ModelWaiting,
    OperatorActed,
    OverrideDetected,
    RunEnded,
    RunInterrupted,
    RunResumed,
    RunStarted,
    SampleAccepted,
    SampleCorrected,
    SampleMissing,
    SampleQuarantined,
    SampleRead,
    SetpointsWritten,
    VesselJoined,
    VesselLeft,
    WaitBegan,
    Withheld,
    WriteIntended,
    WritePartial,
    WriteRefused,
    WriteRestored,
    WriteUnknown,
)
from perfusio.frozen import changed as replace
from perfusio.record.changes import operators, samples, vessels, writes
from perfusio.record.run_state import RunState, Today, history_of, with_history
from perfusio.record.vessel_history import CHANGES as HISTORY
from perfusio.record.vessel_history import after as history_after


def folded(events: Iterable[Event], run_id: str) -> RunState:
    """Return the state after these events of a run.

    Args:
        events: Of its record, from the first on.
        run_id: Of the run.
    """
    return reduce(after, events, RunState(run_id=run_id))


def after(run_state: RunState, event: Event) -> RunState:
    """Return the state once this event is a fact.

    Raises:
        AuditError: no rule says how such an event changes the state.
    """
    run_state = begun(run_state, event.turn)
    if type(event) in HISTORY and event.reactor is not None:
        history = history_after(history_of(run_state, event.reactor), event)
        run_state = with_history(run_state, event.reactor, history)
    change = _CHANGES.get(type(event))
    if change is None and type(event) not in _WITHOUT_CHANGE:
        raise AuditError(
            f"{type(event).__name__} is none of the events whose effect is known: expected one of "
            f"{', '.join(EVENTS)}. Was this record written by a newer perfusio?"
        )
    return run_state if change is None else change(run_state, event)


def begun(run_state: RunState, turn: int | None) -> RunState:
    """Return the state once something is on record of this turn, None where it is of none."""
    if turn is None or turn <= run_state.today.turn:
        return run_state
    return replace(run_state, today=Today(turn=turn))


_CHANGES: dict[type[Event], Callable[[RunState, Any], RunState]] = {
    RunStarted: vessels.started,
    WaitBegan: samples.waits,
    VesselJoined: vessels.joined,
    VesselLeft: vessels.left,
    SampleRead: samples.read,
    SampleQuarantined: samples.quarantined,
    SampleAccepted: samples.accepted,
    SampleCorrected: samples.corrected,
    SampleMissing: samples.missing,
    DayMissed: samples.missing,
    ConnectorFailed: samples.failed,
    ConnectorRecovered: samples.recovered,
    ModelConditioned: samples.conditioned,
    ModelFitted: samples.fitted,
    ModelWaiting: samples.fitted,
    ModelRejected: samples.rejected,
    Decided: writes.decided,
    Forecasted: writes.forecasted,
    DeciderChanged: writes.decider_changed,
    Withheld: writes.withheld,
    WriteIntended: writes.intended,
    SetpointsWritten: writes.written,
    WriteRefused: writes.ended,
    OverrideDetected: writes.overridden,
    WriteRestored: writes.stuck,
    WritePartial: writes.stuck,
    WriteUnknown: writes.unknown,
    ModeChanged: operators.mode_changed,
    OperatorActed: operators.acted,
    AlarmRaised: operators.raised,
    AlarmChanged: operators.alarm_changed,
}
OF_NO_EFFECT: tuple[type[Event], ...] = (
    AimDoubted,  # a word to people
    AlarmDelivered,  # that people were told changes no alarm
    ModelSaved,  # the file is looked for by its hash, not by what is known
    ClockStepped,  # the alarm and the mode that follow from it are events of their own
    JournalRecovered,  # what was torn off was never known
    RunResumed,
    RunInterrupted,
    RunEnded,
)
"""Events that are read and change nothing but the turn."""
_WITHOUT_CHANGE = frozenset((*HISTORY, *OF_NO_EFFECT))
CHANGING = frozenset(cls.__name__ for cls in (*_CHANGES, *HISTORY))
"""Names of the events that change more than the turn."""
