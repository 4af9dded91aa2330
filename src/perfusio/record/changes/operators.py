"""Changes by orders of people, and by alarms."""

from __future__ import annotations

from perfusio.config import Mode
from perfusio.events import (
    AlarmChanged,
    AlarmRaised,
    ModeChanged,
    OperatorActed,
)
from perfusio.frozen import changed as replace
from perfusio.record.changes.mappings import without
from perfusio.record.changes.writes import NOBODY_WRITES
from perfusio.record.run_state import RunState

WRITING = ("approve", "modify")
"""Acts after which a write is due."""


def mode_changed(run_state: RunState, event: ModeChanged) -> RunState:
    """Another may write now; setpoints left by a person are wanted, and the end of a hold frees a stuck vessel."""
    reactor, mode = str(event.reactor), Mode(event.mode)
    said = {**run_state.said, reactor: event}
    run_state = replace(run_state, noted={**run_state.noted, reactor: mode}, said=said)
    if mode in NOBODY_WRITES:
        run_state = replace(run_state, held=without(run_state.held, reactor))
    if mode is Mode.HOLD:
        return run_state
    goes_on = event.before == Mode.HOLD or mode is Mode.AUTOMATIC  # what the person left in the vessel is wanted
    return replace(
        run_state,
        modes={**run_state.modes, reactor: mode},
        stuck=run_state.stuck - {reactor},
        done=without(run_state.done, reactor) if goes_on else run_state.done,
        shown=without(run_state.shown, reactor) if goes_on else run_state.shown,
    )


def acted(run_state: RunState, event: OperatorActed) -> RunState:
    """An order is answered once; advice that was rejected waits no more; approved advice is to be written."""
    if event.order:
        run_state = replace(run_state, answered=run_state.answered | {event.order})
    if event.act in WRITING:
        before = without(run_state.owed, str(event.reactor))
        run_state = replace(run_state, owed={**before, str(event.reactor): event} if event.is_done else before)
    if event.act != "reject" or not event.is_done:
        return run_state
    return replace(run_state, advised=without(run_state.advised, str(event.reactor)))


def raised(run_state: RunState, event: AlarmRaised) -> RunState:
    """An alarm lasts until it is cleared; one that was shelved or delayed is so no more."""
    alarm = (event.reactor or "", event.quantity, event.level)
    return replace(
        run_state,
        alarms=run_state.alarms | {alarm},
        delayed=without(run_state.delayed, alarm),
        shelved=without(run_state.shelved, alarm),
    )


def alarm_changed(run_state: RunState, event: AlarmChanged) -> RunState:
    """An alarm is over, shelved, delayed until it lasts, or did not last."""
    quantity, _, level = event.alarm.rpartition(":")
    alarm, turn = (event.reactor or "", quantity, level), event.turn or 0
    match event.status:
        case "cleared":
            shelved = without(run_state.shelved, alarm)
            return replace(run_state, alarms=run_state.alarms - {alarm}, shelved=shelved)
        case "shelved":
            return replace(run_state, shelved={**run_state.shelved, alarm: (turn, event.shelved_h)})
        case "delayed":
            return replace(run_state, delayed={**run_state.delayed, alarm: turn})
        case "passed":
            return replace(run_state, delayed=without(run_state.delayed, alarm))
    return run_state
