"""The closed list of event types, by name."""

from __future__ import annotations

from perfusio.events.alarms import AlarmChanged, AlarmDelivered, AlarmRaised
from perfusio.events.base import Event
from perfusio.events.decisions import AimDoubted, Decided, DeciderChanged, Forecasted, Withheld
from perfusio.events.models import ModelConditioned, ModelFitted, ModelRejected, ModelSaved, ModelWaiting
from perfusio.events.operators import ModeChanged, OperatorActed
from perfusio.events.run import (
    ClockStepped,
    DayMissed,
    JournalRecovered,
    RunEnded,
    RunInterrupted,
    RunResumed,
    RunStarted,
    VesselJoined,
    VesselLeft,
)
from perfusio.events.samples import (
    ConnectorFailed,
    ConnectorRecovered,
    SampleAccepted,
    SampleCorrected,
    SampleMissing,
    SampleQuarantined,
    SampleRead,
    WaitBegan,
)
from perfusio.events.writes import (
    OverrideDetected,
    SetpointsFound,
    SetpointsWritten,
    WriteIntended,
    WritePartial,
    WriteRefused,
    WriteRestored,
    WriteUnknown,
)

EVENTS: dict[str, type[Event]] = {
    cls.__name__: cls
    for cls in (
        RunStarted, AimDoubted, SampleRead, SampleMissing, SampleQuarantined, SampleCorrected, SampleAccepted,
        ModelConditioned, ModelFitted, ModelWaiting, ModelRejected, Decided, Forecasted, AlarmRaised, AlarmChanged,
        AlarmDelivered, Withheld, WriteIntended, SetpointsWritten, WriteRefused, WritePartial, WriteRestored,
        OverrideDetected, SetpointsFound, WriteUnknown, ConnectorFailed, ConnectorRecovered, WaitBegan, VesselJoined,
        VesselLeft, ClockStepped, ModeChanged, OperatorActed, JournalRecovered, RunResumed, DayMissed, ModelSaved,
        RunInterrupted, DeciderChanged, RunEnded,
    )
}  # fmt: skip
