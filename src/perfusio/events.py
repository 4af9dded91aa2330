"""The closed list of event types: one run is the sequence of these, and `audit.jsonl` is nothing else.

Every event is a frozen dataclass; `to_json` makes its payload, `from_json` reads it back. `reactor` and `culture_day`
are empty for events that concern the whole experiment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from math import isfinite, nan
from typing import Any

from perfusio.errors import AuditError
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.state import Setpoints, State

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events: vessel, turn of the loop, days since inoculation, and why (one sentence, may be empty)."""

    reactor: str | None = None
    turn: int | None = None
    culture_day: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    """First record: what was asked, with which versions, from which sources."""

    config: Json
    versions: Json
    sources: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class AimDoubted(Event):
    """At the start: the model sees no way to hold the target for long. The run goes on; `remedies` would help."""

    binding: str
    remedies: tuple[str, ...]
    growth: Json
    window: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRead(Event):
    """A sample was taken; `in_force` held since the one before, `assumed` of it is not confirmed; `next_` holds now."""

    state: State
    in_force: Setpoints
    assumed: tuple[str, ...] = ()
    next_in_force: Setpoints | None = None
    next_assumed: tuple[str, ...] = ()
    extra: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleMissing(Event):
    """An expected sample did not come (`expected_h` hours after the start)."""

    expected_h: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleQuarantined(Event):
    """A sample came and was refused; nothing was learnt from it."""

    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleCorrected(Event):
    """A known sample has other values now: what it was counts no more. `corrects` is the number of its record."""

    state: State
    corrects: int
    who: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleAccepted(Event):
    """A person took a sample into use that was quarantined; it counts from the next update of the model."""

    state: State
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConditioned(Event):
    """The model took in this turn's samples."""

    model_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFitted(Event):
    """A refit was accepted."""

    model_id: str
    holdout_error: float
    previous_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelWaiting(Event):
    """A refit was as good, was saved (`file`, empty for a model that cannot be) and waits for a person; not in use."""

    model_id: str
    holdout_error: float
    previous_error: float
    file: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRejected(Event):
    """A refit or an update was refused; the model before stays in use."""

    model_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided(Event):
    """Setpoints were proposed; both forecasts as mean, sd and intervals (never samples). `key` names the decision.

    `plan` holds each setpoint in the intervals to come, under which `chosen` was made; its last value stays.
    """

    key: str
    setpoints: Setpoints
    chosen: Json
    hold: Json
    why: Json
    acquisition: str
    score: float
    model_id: str
    plan: Json = field(default_factory=dict)

    @property
    def planned(self) -> tuple[Setpoints, ...]:
        """Setpoints of the intervals to come, at least one; the last one stays."""
        rows = [dict(zip(self.plan, row, strict=True)) for row in zip(*self.plan.values(), strict=True)]
        return tuple(Setpoints.of_values(self.setpoints.panel, row) for row in rows) or (self.setpoints,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecasted(Event):
    """A forecast without a decision (a missing sample, or the last day), under the setpoints in force."""

    hold: Json
    model_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRaised(Event):
    """A level was passed, measured or forecast."""

    quantity: str
    level: str
    value: float
    limit: float
    lead_days: float
    response: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmChanged(Event):
    """An alarm was acknowledged, shelved or cleared; or it waits until it lasts (delayed), and did not (passed)."""

    alarm: str
    status: str
    who: str = ""
    shelved_h: float = nan


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmDelivered(Event):
    """One channel told people (`subject` is the first line), or could not after `n_tries`; the reason says why."""

    channel: str
    subject: str
    is_delivered: bool
    n_tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld(Event):
    """Nothing was written this turn: ADVISE (shown only) or HOLD (unusable), with the reasons."""

    action: str
    because: tuple[str, ...]
    setpoints: Setpoints | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteIntended(Event):
    """Durable before the first byte goes to the vessel, which is not written any more after `not_after`."""

    key: str
    old: Setpoints
    new: Setpoints
    not_after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetpointsWritten(Event):
    """The vessel acknowledged, and the read-back agreed."""

    key: str
    asked: Setpoints
    acknowledged: Setpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRefused(Event):
    """Nothing has changed: the write was not sent, or the vessel refused all of it, and the old values hold."""

    key: str
    asked: Setpoints
    read_back: Setpoints | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WritePartial(Event):
    """Only a part of what was asked is in force; `failed` says which setpoints are not, and why."""

    key: str
    asked: Setpoints
    read_back: Setpoints
    failed: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRestored(Event):
    """After a write that went through in part only, the old values are back, and were read back."""

    key: str
    restored: Setpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideDetected(Event):
    """Somebody else changed a setpoint: nothing was written over it, and the vessel is advisory from now on."""

    key: str
    expected: Setpoints
    found: Setpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class SetpointsFound(Event):
    """A program looked at a vessel for the first time: this is in force, whoever put it there; steps count from it."""

    found: Setpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteUnknown(Event):
    """A write failed or its read-back disagrees: what is in force must be read, not assumed."""

    key: str
    asked: Setpoints
    read_back: Setpoints | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorFailed(Event):
    """One vessel's link or source failed; the others go on."""

    operation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorRecovered(Event):
    """What failed works again, after `seconds`; nothing was lost if the reason does not say so."""

    operation: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitBegan(Event):
    """A sample has been waited for longer than a minute: since when, when it was due, when its turn ends without it.

    Times are ISO 8601 in UTC; empty where there is none. The end of the wait is the record of the sample.
    """

    reactors: tuple[str, ...]
    since: str
    due: str
    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VesselJoined(Event):
    """One more vessel takes part from the next turn on; `config` is what is asked of it that is not asked of all."""

    mode: str
    source: Json
    config: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VesselLeft(Event):
    """A vessel is neither read nor written any more; its data stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStepped(Event):
    """The wall clock moved by `step_s` seconds against the monotonic clock since the record before."""

    step_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeChanged(Event):
    """Who may write to a vessel has changed, by a person (`who`) or, towards less, by the twin itself."""

    before: str
    mode: str
    who: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorActed(Event):
    """A person asked for something, and whether it was done; `order` names the file. Why is the record's reason."""

    act: str
    who: str
    key: str = ""
    is_done: bool = True
    answer: str = ""
    order: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRecovered(Event):
    """A line that was torn by a crash was moved to another file; every record before it is good."""

    moved_to: str
    n_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResumed(Event):
    """The run goes on after a stop, from what the record says; `after` is the number of the last record before."""

    after: int
    model_id: str
    versions: Json
    sources: Json
    decided_by: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayMissed(Event):
    """A day passed while no twin was running: it is not decided and never acted upon afterwards."""

    expected_h: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSaved(Event):
    """The model in use was saved beside the record, with the SHA-256 of its file."""

    model_id: str
    file: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInterrupted(Event):
    """The program ended before the run did: by an error, Ctrl-C or a signal. The run can go on.

    A kill or a power cut leaves no such record, and it is not needed.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded(Event):
    """Last record."""

    outcome: str
    n_samples: int
    n_decisions: int


EVENTS: dict[str, type[Event]] = {
    cls.__name__: cls
    for cls in (
        RunStarted, AimDoubted, SampleRead, SampleMissing, SampleQuarantined, SampleCorrected, SampleAccepted,
        ModelConditioned, ModelFitted, ModelWaiting, ModelRejected, Decided, Forecasted, AlarmRaised, AlarmChanged,
        AlarmDelivered, Withheld, WriteIntended, SetpointsWritten, WriteRefused, WritePartial, WriteRestored,
        OverrideDetected, SetpointsFound, WriteUnknown, ConnectorFailed, ConnectorRecovered, WaitBegan, VesselJoined,
        VesselLeft, ClockStepped, ModeChanged, OperatorActed, JournalRecovered, RunResumed, DayMissed, ModelSaved,
        RunInterrupted, RunEnded,
    )
}  # fmt: skip

_HEADER = tuple(f.name for f in fields(Event))


_NEEDED = {
    name: {f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING}
    for name, cls in EVENTS.items()
}
_OWN = {name: {f.name for f in fields(cls)} - set(_HEADER) for name, cls in EVENTS.items()}


def is_payload(name: str, payload: Json) -> bool:
    """Whether an event of that name has these fields, known without making it."""
    return name in EVENTS and _NEEDED[name] <= payload.keys() <= _OWN[name]


def to_json(event: Event) -> Json:
    """Return the payload of an event: its own fields, NaN as None, nothing that JSON does not know.

    Raises:
        AuditError: a value cannot be written as JSON; the event must not be acted upon.
    """
    return {f.name: plain(getattr(event, f.name)) for f in fields(event) if f.name not in _HEADER}


def from_json(
    name: str,
    payload: Json,
    *,
    reactor: str | None,
    turn: int | None,
    reason: str,
    culture_day: float | None = None,
    panel: Panel = CHO_PERFUSION,
) -> Event:
    """Rebuild the event that `to_json` wrote; `panel` is that of its run.

    Raises:
        AuditError: no event has that name or those fields.
    """
    cls = EVENTS.get(name)
    if cls is None:
        raise AuditError(
            f"No event is called {name!r}. Known: {', '.join(EVENTS)}. Was this written by a newer perfusio?"
        )
    values = dict(payload)
    for key, read in _READ[name]:
        if key in values:
            values[key] = read(values[key], panel)
    try:
        return cls(reactor=reactor, turn=turn, culture_day=culture_day, reason=reason, **values)
    except TypeError as error:
        raise AuditError(f"The payload of {name} does not fit: {error}.") from error


def state_to_json(state: State) -> Json:
    """Return a State as data: unmeasured values are None."""
    values = {s.name: plain(getattr(state, s.name)) for s in state.panel.species}
    return {"time_h": plain(state.time_h), **values, "quality": dict(state.quality)}


def state_from_json(data: Json, panel: Panel = CHO_PERFUSION) -> State:
    """Rebuild the State of that process that `state_to_json` wrote."""
    values: Json = {k: nan if v is None else v for k, v in data.items()}
    if panel is CHO_PERFUSION:
        return State(**values)
    return State.of_values(panel, values.pop("time_h"), quality=values.pop("quality"), values=values)


def setpoints_from_json(data: Json, panel: Panel = CHO_PERFUSION) -> Setpoints:
    """Rebuild Setpoints of that process from names and numbers; None becomes NaN."""
    values: Json = {k: nan if v is None else v for k, v in data.items()}
    return Setpoints(**values) if panel is CHO_PERFUSION else Setpoints.of_values(panel, values)


_OTHERWISE: dict[str, Callable[[Any, Panel], Any]] = {
    "State": state_from_json,
    "Setpoints": lambda value, panel: None if value is None else setpoints_from_json(value, panel),
    "tuple": lambda value, _: tuple(value),
    "float": lambda value, _: nan if value is None else value,
}
_READ = {
    name: [
        (f.name, read)
        for f in fields(cls)
        for kind, read in _OTHERWISE.items()
        if (f.type == kind if kind == "float" else str(f.type).startswith(kind))
    ]
    for name, cls in EVENTS.items()
}
"""By event: the fields that JSON holds in another form, and how each is read."""


def plain(value: Any) -> Any:
    """Return `value` as plain JSON data; NaN becomes None.

    Raises:
        AuditError: infinite, or of a type that JSON cannot hold.
    """
    kind = type(value)
    if kind is float and isfinite(value):  # most of what is recorded: the numbers of forecasts
        return value
    if value is None or isinstance(value, str | bool):
        return value
    if kind is list or kind is tuple:
        return [plain(v) for v in value]
    if isinstance(value, State):
        return state_to_json(value)
    if isinstance(value, Setpoints):
        return {name: plain(v) for name, v in value.by_name().items()}
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if hasattr(value, "tolist"):  # numpy and torch scalars and arrays
        return plain(value.tolist())
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        if value != value:
            return None
        if isfinite(value):
            return value
    raise AuditError(f"{value!r} of type {type(value).__name__} cannot be recorded: expected finite plain data.")
