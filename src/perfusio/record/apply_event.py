"""The state of a run as a fold of its record: each event, once it is durable, changes what the twin knows.

A run that goes on after a crash folds the same events that the run before it folded one by one, so both know the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from math import isfinite
from typing import Any

from perfusio.config import Mode
from perfusio.events import (
    AlarmChanged,
    AlarmRaised,
    ConnectorFailed,
    ConnectorRecovered,
    DayMissed,
    Decided,
    Event,
    Forecasted,
    ModeChanged,
    ModelConditioned,
    ModelFitted,
    ModelRejected,
    ModelWaiting,
    OperatorActed,
    OverrideDetected,
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
from perfusio.protocols import ConnectorKind
from perfusio.record.run_state import READ, RunState, Today, history_of, with_history
from perfusio.record.vessel_history import CHANGES as HISTORY
from perfusio.record.vessel_history import after as history_after
from perfusio.record.vessel_history import begun as vessels_begun
from perfusio.record.vessel_history import process_of

NOBODY_WRITES = (Mode.HOLD, Mode.MANUAL)
"""Modes that a person ordered, or for which there is an alarm already: that nothing is decided then is no fault."""


def folded(events: Iterable[Event], run_id: str) -> RunState:
    """Return what is known after these events of a run.

    Args:
        events: Of its record, from the first on.
        run_id: Of the run.
    """
    return reduce(after, events, RunState(run_id=run_id))


def after(run_state: RunState, event: Event) -> RunState:
    """Return what is known once this event is a fact."""
    run_state = begun(run_state, event.turn)
    if type(event) in HISTORY and event.reactor is not None:
        history = history_after(history_of(run_state, event.reactor), event)
        run_state = with_history(run_state, event.reactor, history)
    change = _CHANGES.get(type(event))
    return run_state if change is None else change(run_state, event)


def begun(run_state: RunState, turn: int | None) -> RunState:
    """Return what is known once something is on record of this turn, None where it is of none."""
    if turn is None or turn <= run_state.today.turn:
        return run_state
    return replace(run_state, today=Today(turn=turn))


# -- vessels ---------------------------------------------------------------------------------------------------------


def _started(run_state: RunState, event: RunStarted) -> RunState:
    run_state = replace(run_state, process=process_of(event.config))
    modes = event.config["modes"]
    return _seated(run_state, event, {reactor: (source, modes[reactor]) for reactor, source in event.sources.items()})


def _joined(run_state: RunState, event: VesselJoined) -> RunState:
    return _seated(run_state, event, {str(event.reactor): (event.source, event.mode)})


def _seated(run_state: RunState, event: Event, asked: Mapping[str, tuple[Any, str]]) -> RunState:
    for reactor, history in vessels_begun(event, run_state.run_id, run_state.process).items():
        source, mode = asked[reactor]
        run_state = replace(
            with_history(run_state, reactor, history),
            kinds={**run_state.kinds, reactor: str(source["kind"])},
            modes={**run_state.modes, reactor: Mode(mode)},
            noted={**run_state.noted, reactor: Mode(mode)},
        )
    return run_state


def _left(run_state: RunState, event: VesselLeft) -> RunState:
    return replace(run_state, left=run_state.left | {str(event.reactor)})


# -- samples and model -----------------------------------------------------------------------------------------------


def _read(run_state: RunState, event: SampleRead) -> RunState:
    reactor = str(event.reactor)
    run_state = _waits_no_more(run_state, str(event.reactor)) if not event.extra else run_state
    starts = {reactor: (event.turn or 0, event.state.time_h), **run_state.starts}
    if event.extra:
        return replace(run_state, starts=starts)
    today = replace(run_state.today, sampled=run_state.today.sampled | {reactor})
    return replace(
        run_state, starts=starts, today=today, n_samples=run_state.n_samples + 1,
        advised=_without(run_state.advised, reactor),
    )  # fmt: skip


def _corrected(run_state: RunState, _: Event) -> RunState:
    return replace(run_state, today=replace(run_state.today, is_corrected=True))


def _quarantined(run_state: RunState, event: SampleQuarantined) -> RunState:
    name = (str(event.reactor), event.state.time_h)
    if not isfinite(event.state.time_h):
        return run_state
    return replace(run_state, quarantined={**run_state.quarantined, name: event.state})


def _accepted(run_state: RunState, event: SampleAccepted) -> RunState:
    name = (str(event.reactor), event.state.time_h)
    waiting = _without(run_state.quarantined, name)
    today = replace(run_state.today, is_corrected=True)
    return replace(run_state, quarantined=waiting, today=today)


def _waits(run_state: RunState, event: WaitBegan) -> RunState:
    return replace(run_state, waits={**run_state.waits, **dict.fromkeys(event.reactors, event)})


def _waits_no_more(run_state: RunState, reactor: str) -> RunState:
    """A turn has its sample, or has ended without it."""
    return replace(run_state, waits=_without(run_state.waits, reactor)) if reactor in run_state.waits else run_state


def _missing(run_state: RunState, event: Event) -> RunState:
    run_state = _waits_no_more(run_state, str(event.reactor))
    return replace(run_state, today=replace(run_state.today, missed=run_state.today.missed | {str(event.reactor)}))


def _conditioned(run_state: RunState, _: Event) -> RunState:
    return replace(run_state, today=replace(run_state.today, is_conditioned=True))


def _rejected(run_state: RunState, event: Event) -> RunState:
    """An update that failed is over, too: it is not tried again for that turn."""
    return (_fitted if run_state.today.is_conditioned else _conditioned)(run_state, event)


def _fitted(run_state: RunState, _: Event) -> RunState:
    return replace(run_state, today=replace(run_state.today, is_fitted=True))


def _failed(run_state: RunState, event: ConnectorFailed) -> RunState:
    if event.operation != READ:
        return run_state
    return replace(run_state, failing=run_state.failing | {str(event.reactor)})


def _recovered(run_state: RunState, event: ConnectorRecovered) -> RunState:
    if event.operation != READ:
        return run_state
    return replace(run_state, failing=run_state.failing - {str(event.reactor)})


# -- decisions and writes --------------------------------------------------------------------------------------------


def _decided(run_state: RunState, event: Decided) -> RunState:
    today = replace(run_state.today, decided={**run_state.today.decided, str(event.reactor): event})
    return replace(_forecasted(run_state, event), today=today, n_decisions=run_state.n_decisions + 1)


def _forecasted(run_state: RunState, event: Decided | Forecasted) -> RunState:
    return replace(run_state, forecasts={**run_state.forecasts, str(event.reactor): event})


def _withheld(run_state: RunState, event: Withheld) -> RunState:
    reactor, decided = str(event.reactor), run_state.today.decided.get(str(event.reactor))
    if event.action == "advise" and decided is not None:
        run_state = replace(run_state, advised={**run_state.advised, reactor: decided})
    held = _without(run_state.held, reactor)
    if event.action == "hold" and run_state.noted.get(reactor) not in NOBODY_WRITES:
        held = {reactor: event.turn or 0, **run_state.held}
    return replace(_settled(run_state, event), held=held)


def _intended(run_state: RunState, event: WriteIntended) -> RunState:
    reactor = str(event.reactor)
    return replace(
        _settled(run_state, event),
        pending={**run_state.pending, reactor: event},
        held=_without(run_state.held, reactor),
        advised=_without(run_state.advised, reactor),
    )


def _written(run_state: RunState, event: SetpointsWritten) -> RunState:
    reactor = str(event.reactor)
    run_state = _ended(run_state, event)
    if run_state.kinds.get(reactor) == ConnectorKind.REPLAY:
        return run_state
    return replace(run_state, done={**run_state.done, reactor: run_state.in_force[reactor]})


def _overridden(run_state: RunState, event: OverrideDetected) -> RunState:
    reactor = str(event.reactor)
    run_state = _ended(run_state, event)
    return replace(run_state, done=_without(run_state.done, reactor), modes={**run_state.modes, reactor: Mode.ADVISORY})


def _stuck(run_state: RunState, event: WriteRestored | WritePartial) -> RunState:
    run_state = _ended(run_state, event)
    return replace(run_state, stuck=run_state.stuck | {str(event.reactor)})


def _unknown(run_state: RunState, event: WriteUnknown) -> RunState:
    """What the write asked for may still come about: it stays pending until the vessel is read."""
    if event.read_back is not None:
        return _ended(run_state, event)
    return replace(run_state, done=_without(run_state.done, str(event.reactor)))


def _ended(run_state: RunState, event: Event) -> RunState:
    """A write has ended; what is in force now is part of the history of its vessel."""
    return replace(run_state, pending=_without(run_state.pending, str(event.reactor)))


def _settled(run_state: RunState, event: Withheld | WriteIntended) -> RunState:
    """The turn of this event is done with; a person may act on the advice of a turn when the next one has begun."""
    today = run_state.today
    if event.turn != today.turn:
        return run_state
    return replace(run_state, today=replace(today, settled=today.settled | {str(event.reactor)}))


# -- people and alarms -----------------------------------------------------------------------------------------------


def _mode_changed(run_state: RunState, event: ModeChanged) -> RunState:
    reactor, mode = str(event.reactor), Mode(event.mode)
    said = {**run_state.said, reactor: event}
    run_state = replace(run_state, noted={**run_state.noted, reactor: mode}, said=said)
    if mode in NOBODY_WRITES:
        run_state = replace(run_state, held=_without(run_state.held, reactor))
    if mode is Mode.HOLD:
        return run_state
    goes_on = event.before == Mode.HOLD or mode is Mode.AUTOMATIC  # what the person left in the vessel is wanted
    return replace(
        run_state,
        modes={**run_state.modes, reactor: mode},
        stuck=run_state.stuck - {reactor},
        done=_without(run_state.done, reactor) if goes_on else run_state.done,
        shown=_without(run_state.shown, reactor) if goes_on else run_state.shown,
    )


def _acted(run_state: RunState, event: OperatorActed) -> RunState:
    if event.order:
        run_state = replace(run_state, answered=run_state.answered | {event.order})
    if event.act != "reject" or not event.is_done:
        return run_state
    return replace(run_state, advised=_without(run_state.advised, str(event.reactor)))


def _raised(run_state: RunState, event: AlarmRaised) -> RunState:
    alarm = (event.reactor or "", event.quantity, event.level)
    return replace(
        run_state,
        alarms=run_state.alarms | {alarm},
        delayed=_without(run_state.delayed, alarm),
        shelved=_without(run_state.shelved, alarm),
    )


def _alarm_changed(run_state: RunState, event: AlarmChanged) -> RunState:
    quantity, _, level = event.alarm.rpartition(":")
    alarm, turn = (event.reactor or "", quantity, level), event.turn or 0
    match event.status:
        case "cleared":
            shelved = _without(run_state.shelved, alarm)
            return replace(run_state, alarms=run_state.alarms - {alarm}, shelved=shelved)
        case "shelved":
            return replace(run_state, shelved={**run_state.shelved, alarm: (turn, event.shelved_h)})
        case "delayed":
            return replace(run_state, delayed={**run_state.delayed, alarm: turn})
        case "passed":
            return replace(run_state, delayed=_without(run_state.delayed, alarm))
    return run_state


def _without(of: Any, key: Any) -> Any:
    return {k: value for k, value in of.items() if k != key}


_CHANGES: dict[type[Event], Callable[[RunState, Any], RunState]] = {
    RunStarted: _started,
    WaitBegan: _waits,
    VesselJoined: _joined,
    VesselLeft: _left,
    SampleRead: _read,
    SampleQuarantined: _quarantined,
    SampleAccepted: _accepted,
    SampleCorrected: _corrected,
    SampleMissing: _missing,
    DayMissed: _missing,
    ConnectorFailed: _failed,
    ConnectorRecovered: _recovered,
    ModelConditioned: _conditioned,
    ModelFitted: _fitted,
    ModelWaiting: _fitted,
    ModelRejected: _rejected,
    Decided: _decided,
    Forecasted: _forecasted,
    Withheld: _withheld,
    WriteIntended: _intended,
    SetpointsWritten: _written,
    WriteRefused: _ended,
    OverrideDetected: _overridden,
    WriteRestored: _stuck,
    WritePartial: _stuck,
    WriteUnknown: _unknown,
    ModeChanged: _mode_changed,
    OperatorActed: _acted,
    AlarmRaised: _raised,
    AlarmChanged: _alarm_changed,
}
CHANGING = frozenset(cls.__name__ for cls in (*_CHANGES, *HISTORY))
"""Names of the events that change more than the turn."""
