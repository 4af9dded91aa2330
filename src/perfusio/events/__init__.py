"""The closed list of event types: one run is the sequence of these, and `audit.jsonl` is nothing else.

Every event is a frozen dataclass; `to_json` makes its payload, `from_json` reads it back. `reactor` and `culture_day`
are empty for events that concern the whole experiment. One module per family; all names can be had from here.
"""

from perfusio.events.alarms import AlarmChanged, AlarmDelivered, AlarmRaised
from perfusio.events.base import Event, Json
from perfusio.events.catalogue import EVENTS
from perfusio.events.decisions import AimDoubted, Decided, DeciderChanged, Forecasted, Withheld
from perfusio.events.json_values import plain, setpoints_from_json, state_from_json, state_to_json
from perfusio.events.models import ModelConditioned, ModelFitted, ModelRejected, ModelSaved, ModelWaiting
from perfusio.events.operators import ModeChanged, OperatorActed
from perfusio.events.payload import from_json, is_payload, to_json
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

__all__ = [
    "EVENTS",
    "AimDoubted",
    "AlarmChanged",
    "AlarmDelivered",
    "AlarmRaised",
    "ClockStepped",
    "ConnectorFailed",
    "ConnectorRecovered",
    "DayMissed",
    "Decided",
    "DeciderChanged",
    "Event",
    "Forecasted",
    "JournalRecovered",
    "Json",
    "ModeChanged",
    "ModelConditioned",
    "ModelFitted",
    "ModelRejected",
    "ModelSaved",
    "ModelWaiting",
    "OperatorActed",
    "OverrideDetected",
    "RunEnded",
    "RunInterrupted",
    "RunResumed",
    "RunStarted",
    "SampleAccepted",
    "SampleCorrected",
    "SampleMissing",
    "SampleQuarantined",
    "SampleRead",
    "SetpointsFound",
    "SetpointsWritten",
    "VesselJoined",
    "VesselLeft",
    "WaitBegan",
    "Withheld",
    "WriteIntended",
    "WritePartial",
    "WriteRefused",
    "WriteRestored",
    "WriteUnknown",
    "from_json",
    "is_payload",
    "plain",
    "setpoints_from_json",
    "state_from_json",
    "state_to_json",
    "to_json",
]
