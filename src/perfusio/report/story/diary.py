"""Diary: the rows of a run's story, written as its events come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from perfusio.events import (
    AlarmChanged,
    AlarmRaised,
    ClockStepped,
    ConnectorFailed,
    ConnectorRecovered,
    DayMissed,
    Decided,
    DeciderChanged,
    Event,
    JournalRecovered,
    ModeChanged,
    ModelFitted,
    ModelRejected,
    ModelWaiting,
    OperatorActed,
    OverrideDetected,
    RunInterrupted,
    RunResumed,
    SampleAccepted,
    SampleCorrected,
    SampleMissing,
    SampleQuarantined,
    SetpointsWritten,
    VesselJoined,
    VesselLeft,
    Withheld,
    WriteIntended,
    WritePartial,
    WriteRefused,
    WriteRestored,
    WriteUnknown,
)
from perfusio.record.run_state import RunState
from perfusio.report.story.rows import ActRow, AlarmRow, DecisionRow, ModelRow, Place, TroubleRow

TWIN = "the twin"

_ENDS: dict[type[Event], str] = {
    SetpointsWritten: "written",
    WriteIntended: "write under way",
    WriteRefused: "not written",
    WritePartial: "written in part",
    WriteRestored: "put back",
    WriteUnknown: "write unknown",
    OverrideDetected: "changed by hand",
}
_TROUBLES: dict[type[Event], str] = {
    SampleMissing: "no sample",
    DayMissed: "day missed",
    SampleQuarantined: "sample refused",
    ConnectorFailed: "link failed",
    ConnectorRecovered: "link is back",
    WriteRefused: "not written",
    WritePartial: "written in part",
    WriteRestored: "put back",
    WriteUnknown: "write unknown",
    OverrideDetected: "changed by hand",
    ClockStepped: "clock moved",
    JournalRecovered: "record recovered",
    RunInterrupted: "interrupted",
}


class Diary:
    """Rows so far, in order of the record; each event is taken once.

    Attributes:
        decisions: Decisions.
        alarms: Alarms.
        acts: Acts of persons, and of the twin where it took itself back.
        models: Steps of the model.
        troubles: Troubles of samples, links and writes.
    """

    def __init__(self) -> None:
        self.decisions, self.alarms = list[DecisionRow](), list[AlarmRow]()
        self.acts, self.models, self.troubles = list[ActRow](), list[ModelRow](), list[TroubleRow]()
        self._latest = dict[str, int]()
        self._active = dict[tuple[str, str], int]()

    def take(self, event: Event, place: Place, before: RunState) -> None:
        """Take in an event.

        Args:
            event: A fact.
            place: Of its record.
            before: State of the run before it.
        """
        self._decision(event, place, before)
        self._alarm(event, place)
        self._model(event, place)
        if type(event) in _TROUBLES:
            self.troubles.append(TroubleRow(place=place, trouble=_TROUBLES[type(event)], why=event.reason))
        if (told := _ACTS.get(type(event))) is not None and (row := told(event, place)) is not None:
            self.acts.append(row)

    def _decision(self, event: Event, place: Place, before: RunState) -> None:
        name = place.reactor
        if isinstance(event, Decided):
            self._latest[name] = len(self.decisions)
            in_force = before.in_force.get(name, event.setpoints)
            self.decisions.append(
                DecisionRow(place=place, before=in_force, asked=event.setpoints, why=event.reason)
            )
            return
        at = self._latest.get(name)
        if at is None:
            return
        if isinstance(event, Withheld):
            ended = "advised" if event.action == "advise" else "held"
            remark = "" if ended == "advised" else event.reason
            self.decisions[at] = replace(self.decisions[at], ended=ended, remark=remark)
        elif type(event) in _ENDS:
            is_good = isinstance(event, SetpointsWritten | WriteIntended)
            remark = "" if is_good else event.reason
            self.decisions[at] = replace(self.decisions[at], ended=_ENDS[type(event)], remark=remark)
        elif isinstance(event, OperatorActed) and event.act == "reject" and event.is_done:
            remark = f"by {event.who}: {event.reason}"
            self.decisions[at] = replace(self.decisions[at], ended="rejected", remark=remark)

    def _alarm(self, event: Event, place: Place) -> None:
        if isinstance(event, AlarmRaised):
            name = f"{event.quantity}:{event.level}"
            self._active[place.reactor, name] = len(self.alarms)
            self.alarms.append(
                AlarmRow(
                    place=place, name=name, level=event.level, value=event.value, limit=event.limit,
                    lead_days=event.lead_days, text=event.reason, response=event.response,
                )
            )  # fmt: skip
        elif isinstance(event, AlarmChanged) and (at := self._active.get((place.reactor, event.alarm))) is not None:
            if event.status == "cleared":
                self.alarms[at] = replace(self.alarms[at], ended=place.ts, ended_day=place.culture_day)
                del self._active[place.reactor, event.alarm]
            elif event.who:
                said = f"{event.status} by {event.who}: {event.reason}"
                self.alarms[at] = replace(self.alarms[at], acknowledged=said)

    def _model(self, event: Event, place: Place) -> None:
        if isinstance(event, ModelFitted | ModelWaiting):
            step = "refitted" if isinstance(event, ModelFitted) else "waits for a person"
            self.models.append(
                ModelRow(
                    place=place, step=step, model_id=event.model_id, error=event.holdout_error,
                    before=event.previous_error, why=event.reason,
                )
            )  # fmt: skip
        elif isinstance(event, ModelRejected):
            self.models.append(ModelRow(place=place, step="refused", model_id=event.model_id, why=event.reason))


def _acted(event: OperatorActed, place: Place) -> ActRow:
    answer = "" if event.is_done else f", NOT done: {event.answer}"
    return ActRow(place=place, who=event.who, act=f"{event.act}{answer}", why=event.reason)


def _mode(event: ModeChanged, place: Place) -> ActRow:
    return ActRow(place=place, who=event.who or TWIN, act=f"mode {event.before} to {event.mode}", why=event.reason)


def _decider(event: DeciderChanged, place: Place) -> ActRow:
    return ActRow(
        place=place, who=event.who or TWIN, act=f"decides now: {event.decider}, before {event.before}", why=event.reason
    )


def _alarm_changed(event: AlarmChanged, place: Place) -> ActRow | None:
    if not event.who:
        return None
    return ActRow(place=place, who=event.who, act=f"{event.status} {event.alarm}", why=event.reason)


def _corrected(event: SampleCorrected, place: Place) -> ActRow:
    act = f"corrected record {event.corrects}"
    return ActRow(place=place, who=event.who or "the source", act=act, why=event.reason)


def _accepted(event: SampleAccepted, place: Place) -> ActRow:
    act = f"accepted the sample of hour {event.state.time_h:g}"
    return ActRow(place=place, who=event.who, act=act, why=event.reason)


def _as(act: str) -> Callable[[Event, Place], ActRow]:
    return lambda event, place: ActRow(place=place, who=TWIN, act=act, why=event.reason)


_ACTS: dict[type[Event], Callable[..., ActRow | None]] = {
    OperatorActed: _acted,
    ModeChanged: _mode,
    DeciderChanged: _decider,
    AlarmChanged: _alarm_changed,
    SampleCorrected: _corrected,
    SampleAccepted: _accepted,
    RunResumed: _as("resumed the run"),
    VesselJoined: _as("took a vessel in"),
    VesselLeft: _as("let a vessel go"),
}
