"""Samples of a run: values with their remarks, the quarantined ones, corrections."""

from __future__ import annotations

from perfusio.dashboard.runs.followed import FollowedRun
from perfusio.dashboard.views.numbers import tidied, tidy
from perfusio.dashboard.views.quantities import described
from perfusio.dashboard.views.record import as_data
from perfusio.dashboard.views.rig import head
from perfusio.events import Json
from perfusio.record.run_state import not_acceptable

CHANGES = ("SampleCorrected", "SampleAccepted", "SampleQuarantined", "SampleMissing", "DayMissed")


def samples(run: FollowedRun, vessel: str = "") -> Json:
    """Return the samples of a vessel, or of all."""
    known = run.state
    names = [vessel] if vessel else list(known.trajectories)
    rows = [
        {"vessel": name, "hour": tidy(s.time_h), "day": tidy(s.day), "quality": dict(s.quality),
         "values": tidied(getattr(s, q.name) for q in run.panel.species)}
        for name in names
        for s in known.trajectories[name].states
    ]  # fmt: skip
    reasons = {
        (row.reactor, row.day): row.reason for row in run.rows if row.event == "SampleQuarantined"
    }
    quarantined = [
        {"vessel": name, "hour": hour, "day": tidy(hour / 24.0), "reason": _reason(reasons, name, hour),
         "values": tidied(getattr(s, q.name) for q in run.panel.species),
         "why_not": not_acceptable(s, known.trajectories[name])}
        for (name, hour), s in known.quarantined.items()
        if name in names
    ]  # fmt: skip
    changes = [as_data(row) for row in run.rows if row.event in CHANGES and row.reactor in names]
    return {**head(run), **described(run), "rows": rows, "quarantined": quarantined, "changes": changes[::-1][:200],
            "vessels": list(known.trajectories)}  # fmt: skip


def _reason(reasons: dict[tuple[str, float | None], str], name: str, hour: float) -> str:
    own = ((day, text) for (of, day), text in reasons.items() if of == name and day is not None)
    near = [text for day, text in own if abs(day * 24.0 - hour) < 1e-3]
    return near[-1] if near else ""
