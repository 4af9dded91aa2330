"""Events that need a person's attention beside the rows of a run: a label, the words on record, and how loud."""

from __future__ import annotations

from perfusio.events import (
    AlarmRaised,
    ConnectorFailed,
    ConnectorRecovered,
    DayMissed,
    DeciderChanged,
    Event,
    JournalRecovered,
    ModeChanged,
    OperatorActed,
    OverrideDetected,
    RunInterrupted,
    RunResumed,
    SampleAccepted,
    SampleQuarantined,
    VesselJoined,
    VesselLeft,
    WaitBegan,
    WritePartial,
    WriteRefused,
    WriteRestored,
    WriteUnknown,
)
from perfusio.report.lines import Tone

WRITE_ENDED_BADLY = WriteRefused | WritePartial | WriteRestored | OverrideDetected | WriteUnknown

_AWAITED = ("source", "sample")
_LABELS: dict[type[Event], tuple[str, Tone]] = {
    SampleQuarantined: ("REFUSED:", Tone.WARN),
    SampleAccepted: ("ACCEPTED:", Tone.HEAD),
    DayMissed: ("DAY MISSED:", Tone.WARN),
    ConnectorFailed: ("LINK:", Tone.ACT),
    ConnectorRecovered: ("LINK IS BACK:", Tone.HEAD),
    WaitBegan: ("waiting:", Tone.QUIET),
    RunInterrupted: ("INTERRUPTED:", Tone.ACT),
    WriteRefused: ("NOT WRITTEN:", Tone.WARN),
    WritePartial: ("WRITTEN IN PART:", Tone.ACT),
    WriteRestored: ("PUT BACK:", Tone.ACT),
    OverrideDetected: ("CHANGED BY HAND:", Tone.ACT),
    WriteUnknown: ("WRITE UNKNOWN:", Tone.ACT),
    ModeChanged: ("MODE:", Tone.HEAD),
    DeciderChanged: ("DECIDES NOW:", Tone.HEAD),
    OperatorActed: ("ORDER:", Tone.HEAD),
    VesselJoined: ("JOINED:", Tone.HEAD),
    VesselLeft: ("LEFT:", Tone.HEAD),
    RunResumed: ("RESUMED:", Tone.HEAD),
    JournalRecovered: ("RECOVERED:", Tone.WARN),
}


def is_about_waiting(event: Event) -> bool:
    """Whether an event tells that something does not come: a person sees it at once, not with the row of the turn."""
    if isinstance(event, AlarmRaised):
        return event.quantity in _AWAITED
    return isinstance(event, WaitBegan | ConnectorRecovered | RunInterrupted) or (
        isinstance(event, ConnectorFailed) and event.operation == "read_sample"
    )


def attention(event: Event) -> tuple[str, str, Tone] | None:
    """Return label, words and tone of an event that a person should see; None for one that is told otherwise."""
    if type(event) not in _LABELS:
        return None
    label, tone = _LABELS[type(event)]
    return label, _words(event), tone


def _words(event: Event) -> str:
    match event:
        case WaitBegan():
            return event.reason.removeprefix("Waiting ")
        case ConnectorFailed():
            return f"{event.operation}: {event.reason}"
        case SampleAccepted():
            return f"the sample of hour {event.state.time_h:g}, by {event.who}: {event.reason}"
        case ModeChanged():
            return f"{event.before} -> {event.mode}, {event.who or 'by a file'}: {event.reason}"
        case DeciderChanged():
            return f"{event.before} -> {event.decider}{f', {event.who}' if event.who else ''}: {event.reason}"
        case OperatorActed():
            answer = "done" if event.is_done else f"NOT done. {event.answer}"
            return f"{event.act} by {event.who} ({event.reason}): {answer}"
    return event.reason
