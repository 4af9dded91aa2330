"""Changes by decisions and by writes."""

from __future__ import annotations

from perfusio.config import Mode
from perfusio.events import (
    Decided,
    DeciderChanged,
    Event,
    Forecasted,
    OverrideDetected,
    SetpointsWritten,
    Withheld,
    WriteIntended,
    WritePartial,
    WriteRestored,
    WriteUnknown,
)
from perfusio.frozen import changed as replace
from perfusio.protocols import ConnectorKind
from perfusio.record.changes.mappings import without
from perfusio.record.run_state import RunState, Today

NOBODY_WRITES = (Mode.HOLD, Mode.MANUAL)
"""Modes that a person ordered, or for which there is an alarm already: that nothing is decided then is no fault."""


def decided(run_state: RunState, event: Decided) -> RunState:
    """A vessel has its decision of this turn."""
    today = replace(run_state.today, decided={**run_state.today.decided, str(event.reactor): event})
    return replace(forecasted(run_state, event), today=today, n_decisions=run_state.n_decisions + 1)


def forecasted(run_state: RunState, event: Decided | Forecasted) -> RunState:
    """This is the latest forecast of a vessel; that of an earlier turn is kept beside it."""
    reactor = str(event.reactor)
    last, former = run_state.forecasts.get(reactor), run_state.former_forecasts
    if last is not None and last.turn != event.turn:
        former = {**former, reactor: last}
    return replace(run_state, forecasts={**run_state.forecasts, reactor: event}, former_forecasts=former)


def decider_changed(run_state: RunState, event: DeciderChanged) -> RunState:
    """Another decides for a vessel."""
    return replace(run_state, deciders={**run_state.deciders, str(event.reactor): event})


def withheld(run_state: RunState, event: Withheld) -> RunState:
    """Nothing is written this turn: advice waits for a person, or nothing usable was decided."""
    reactor, decided = str(event.reactor), run_state.today.decided.get(str(event.reactor))
    if event.action == "advise" and decided is not None:
        run_state = replace(run_state, advised={**run_state.advised, reactor: decided})
    held = without(run_state.held, reactor)
    if event.action == "hold" and run_state.noted.get(reactor) not in NOBODY_WRITES:
        held = {reactor: event.turn or 0, **run_state.held}
    return replace(run_state, held=held, today=_settled(run_state, event))


def intended(run_state: RunState, event: WriteIntended) -> RunState:
    """A write is under way until its end is on record."""
    reactor = str(event.reactor)
    return replace(
        run_state,
        today=_settled(run_state, event),
        pending={**run_state.pending, reactor: event},
        held=without(run_state.held, reactor),
        advised=without(run_state.advised, reactor),
        owed=without(run_state.owed, reactor),
    )


def written(run_state: RunState, event: SetpointsWritten) -> RunState:
    """Our values are in force, and are expected from now on; in a replay they never are."""
    reactor = str(event.reactor)
    run_state = ended(run_state, event)
    if run_state.kinds.get(reactor) == ConnectorKind.REPLAY:
        return run_state
    return replace(run_state, done={**run_state.done, reactor: run_state.in_force[reactor]})


def overridden(run_state: RunState, event: OverrideDetected) -> RunState:
    """Somebody else's values are in force: nothing is expected, and the vessel is advisory."""
    reactor = str(event.reactor)
    run_state = ended(run_state, event)
    return replace(run_state, done=without(run_state.done, reactor), modes={**run_state.modes, reactor: Mode.ADVISORY})


def stuck(run_state: RunState, event: WriteRestored | WritePartial) -> RunState:
    """A write ended so that a person has to look before the next one."""
    run_state = ended(run_state, event)
    return replace(run_state, stuck=run_state.stuck | {str(event.reactor)})


def unknown(run_state: RunState, event: WriteUnknown) -> RunState:
    """The request of the write may still come about: it stays pending until the vessel is read."""
    if event.read_back is not None:
        return ended(run_state, event)
    return replace(run_state, done=without(run_state.done, str(event.reactor)))


def ended(run_state: RunState, event: Event) -> RunState:
    """A write has ended; the setpoints in force now are part of the history of its vessel."""
    reactor = str(event.reactor)
    return replace(run_state, pending=without(run_state.pending, reactor), owed=without(run_state.owed, reactor))


def _settled(run_state: RunState, event: Withheld | WriteIntended) -> Today:
    """The turn of this event is done with; a person may act on the advice of a turn when the next one has begun."""
    today = run_state.today
    if event.turn != today.turn:
        return today
    return replace(today, settled=today.settled | {str(event.reactor)})
