"""One vessel: all quantities of its panel, setpoints, forecasts, earlier forecasts against samples, events."""

from __future__ import annotations

from datetime import datetime

from perfusio.dashboard.runs.followed import FollowedRun
from perfusio.dashboard.runs.indexed import Row
from perfusio.dashboard.views.alarms import alarms
from perfusio.dashboard.views.hindsight import LEADS, calibration, earlier_chart, kept, latest
from perfusio.dashboard.views.numbers import tidied, tidy
from perfusio.dashboard.views.quantities import described
from perfusio.dashboard.views.rig import head, tile
from perfusio.events import Json
from perfusio.process.species import Setpoint

MARKED = {
    "SetpointsWritten": "write", "WriteRefused": "fault", "WritePartial": "fault", "WriteUnknown": "fault",
    "WriteRestored": "fault", "OverrideDetected": "override", "ModeChanged": "mode", "OperatorActed": "note",
    "DeciderChanged": "mode",
    "AlarmRaised": "alarm", "ModelFitted": "model", "SampleCorrected": "sample", "SampleAccepted": "sample",
    "SampleQuarantined": "sample", "SampleMissing": "sample", "RunResumed": "run",
}  # fmt: skip
MOST_MARKERS = 400


def vessel_page(run: FollowedRun, vessel: str, now: datetime) -> Json:
    """Return everything that the page of one vessel shows."""
    some = kept(run, vessel)
    right = {lead: calibration(run, vessel, lead) for lead in LEADS}
    last = latest(run, vessel)
    states = run.state.trajectories[vessel].states
    limits = {
        s.name: [[c.low, c.high] for c in run.config.constraints if c.quantity == s.name] for s in run.panel.species
    }
    targets = {o.quantity: o.target for o in run.config.objectives if o.target is not None}
    levels = {a.quantity: {"warn": tidy(a.warn), "act": tidy(a.act)} for a in run.config.alarms}
    charts = []
    for species in run.panel.species:
        chart: Json = {
            "name": species.name, "label": species.label, "unit": species.unit,
            "day": tidied(s.day for s in states), "value": tidied(getattr(s, species.name) for s in states),
            "remarks": {str(i): s.quality[species.name] for i, s in enumerate(states) if species.name in s.quality},
            "limits": limits[species.name], "target": targets.get(species.name), "levels": levels.get(species.name),
            "ahead": None, "unchanged": None, "earlier": {}, "calibration": {},
        }  # fmt: skip
        if species.is_modelled and last is not None:
            place = run.panel.index(species.name)
            days = tidied(last.times_h / 24.0)
            for key, bands in (("ahead", last.chosen), ("unchanged", last.unchanged)):
                low, mid, high = (tidied(row) for row in bands[:, :, place])
                chart[key] = {"day": days, "low": low, "mid": mid, "high": high}
            chart["earlier"] = {str(lead): earlier_chart(some, species.name, lead) for lead in LEADS}
            chart["calibration"] = {str(lead): right[lead][species.name] for lead in LEADS}
        charts.append(chart)
    return {
        **head(run), **described(run), "tile": tile(run, vessel, alarms(run), now), "charts": charts,
        "setpoint_charts": _setpoints(run, vessel), "markers": markers(run, vessel), "leads": LEADS,
        "interval_h": run.config.sampling_interval_hours, "duration_days": run.config.duration_days,
    }  # fmt: skip


def _setpoints(run: FollowedRun, vessel: str) -> list[Json]:
    """Return the setpoints in force from sample to sample, and the plan."""
    known, space = run.state, run.space(vessel)
    one = known.trajectories[vessel]
    in_force = [*one.setpoints, known.in_force[vessel]][: len(one.states)]
    days = tidied(s.day for s in one.states)
    planned = getattr(known.forecasts.get(vessel), "planned", ()) if not run.has_ended else ()
    last = latest(run, vessel)
    ahead = [one.states[-1].day, *(last.times_h[:-1] / 24.0)] if planned and last and one.states else []
    assumed = known.assumed.get(vessel, ())
    out = []
    for setpoint in run.panel.setpoints:
        name = setpoint.name
        bounds = space.bounds[name]
        out.append({
            "name": name, "label": setpoint.label, "unit": setpoint.unit, "day": days,
            "value": tidied(getattr(s, name) for s in in_force), "is_assumed": name in assumed,
            "plan": {"day": tidied(ahead), "value": tidied(
                getattr(planned[min(i, len(planned) - 1)], name) for i in range(len(ahead)))},
            "low": bounds.low, "high": bounds.high, "max_step": bounds.max_step,
        } if isinstance(setpoint, Setpoint) else {})  # fmt: skip
    return out


def markers(run: FollowedRun, vessel: str) -> list[Json]:
    """Return the events on the time axis of a vessel, those of the whole run with the day of its last sample then."""
    out, day = [], 0.0
    for row in run.rows:
        if row.reactor == vessel and row.event == "SampleRead" and row.day is not None:
            day = row.day
        if row.event not in MARKED or row.reactor not in (vessel, ""):
            continue
        out.append({
            "seq": row.seq, "ts": row.ts, "day": tidy(row.day if row.day is not None else day), "event": row.event,
            "kind": MARKED[row.event], "who": row.who, "words": in_words(row),
        })  # fmt: skip
    return out[-MOST_MARKERS:]


def in_words(row: Row) -> str:
    """Return an event in words: its reason, else its name as words."""
    name = "".join(f" {c.lower()}" if c.isupper() else c for c in row.event).strip().capitalize()
    return row.reason or name
