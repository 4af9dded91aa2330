"""What changed since a record number: by vessel, the gravest first."""

from __future__ import annotations

from perfusio.dashboard.runs.followed import FollowedRun
from perfusio.dashboard.runs.indexed import Row
from perfusio.dashboard.views.numbers import tidy
from perfusio.dashboard.views.quantities import described
from perfusio.dashboard.views.record import as_data
from perfusio.dashboard.views.rig import head
from perfusio.events import Json

GRAVE = frozenset({
    "AlarmRaised", "WriteRefused", "WritePartial", "WriteUnknown", "WriteRestored", "OverrideDetected", "SampleMissing",
    "SampleQuarantined", "SampleCorrected", "ConnectorFailed", "DayMissed", "ClockStepped", "RunInterrupted",
    "RunResumed", "JournalRecovered", "ModelRejected", "DeciderChanged",
})  # fmt: skip
ACTS = frozenset({"OperatorActed", "ModeChanged", "SampleAccepted", "VesselJoined", "VesselLeft"})
NOTED = GRAVE | ACTS | {"ModelFitted", "ModelWaiting", "AlarmChanged", "RunEnded", "RunStarted"}
MOST_NOTED = 300


def overnight(run: FollowedRun, since: int, at: str) -> Json:
    """Return what has changed.

    Args:
        run: The run.
        since: Number of the last record that was seen; 0 = none.
        at: When that was, ISO 8601 in UTC; empty = never.
    """
    new = [row for row in run.rows if row.seq > since]
    by_vessel: dict[str, list[Row]] = {}
    for row in new:
        by_vessel.setdefault(row.reactor, []).append(row)
    vessels = [_of_vessel(run, name, by_vessel.get(name, [])) for name in run.state.trajectories]
    vessels.sort(key=lambda v: (-v["n_grave"], v["vessel"]))
    noted = [row for row in new if row.event in NOTED]
    return {
        **head(run), **described(run), "since": since, "at": at, "n_new": len(new), "vessels": vessels,
        "noted": [as_data(row) | {"is_grave": row.event in GRAVE} for row in reversed(noted[-MOST_NOTED:])],
        "n_noted": len(noted),
    }  # fmt: skip


def _of_vessel(run: FollowedRun, name: str, new: list[Row]) -> Json:
    count = {event: sum(row.event == event for row in new) for event in {row.event for row in new}}
    intents = [row for row in new if row.event == "WriteIntended"]
    moves = []
    if intents:
        old, now = run.record(intents[0])["payload"]["old"], run.state.in_force[name].by_name()
        moves = [
            {"name": s.name, "label": s.label, "unit": s.unit, "before": tidy(old[s.name]), "now": tidy(now[s.name])}
            for s in run.panel.setpoints
            if old.get(s.name) is not None and abs(old[s.name] - now[s.name]) > 1e-9
        ]
    states, cells = run.state.trajectories[name].states, run.panel.the("cells")
    n_samples = count.get("SampleRead", 0)
    measured = [getattr(s, cells) for s in states[-n_samples - 1 :]]
    measured = [value for value in measured if value == value]
    return {
        "vessel": name, "n_samples": n_samples, "n_written": count.get("SetpointsWritten", 0), "moves": moves,
        "n_alarms": count.get("AlarmRaised", 0), "n_grave": sum(n for event, n in count.items() if event in GRAVE),
        "n_acts": sum(n for event, n in count.items() if event in ACTS),
        "cells": [tidy(measured[0]), tidy(measured[-1])] if n_samples and measured else None,
    }  # fmt: skip
