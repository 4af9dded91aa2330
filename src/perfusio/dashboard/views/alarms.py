"""Alarms of a run: cause, consequence, response, state; forecast ones told apart from measured ones."""

from __future__ import annotations

from datetime import datetime, timedelta

from perfusio.dashboard.runs.followed import FollowedRun
from perfusio.dashboard.views.numbers import tidy
from perfusio.events import AlarmChanged, AlarmRaised, Event, Json
from perfusio.twin.alarms.alarm_list import AlarmState, alarm_states

ALARM_EVENTS = ("RunStarted", "AlarmRaised", "AlarmChanged")


def alarms(run: FollowedRun) -> list[Json]:
    """Return every alarm that was ever raised, the gravest that are not over first."""
    raised, shelved = {}, {}
    stamped = run.index.alarm_events
    for ts, event in stamped:
        if isinstance(event, AlarmRaised):
            raised[event.reactor or "", f"{event.quantity}:{event.level}"] = (ts, event)
        elif isinstance(event, AlarmChanged) and event.status == "shelved":
            shelved[event.reactor or "", event.alarm] = (ts, event.shelved_h)
    states = alarm_states(event for _, event in stamped)
    return [_as_data(one, *raised[one.reactor, one.id], shelved.get((one.reactor, one.id))) for one in states]


def _as_data(one: AlarmState, ts: str, event: Event, shelved: tuple[str, float] | None) -> Json:
    assert isinstance(event, AlarmRaised)
    is_shelved = one.status == "shelved" and shelved is not None
    return {
        "vessel": one.reactor, "id": one.id, "status": one.status, "priority": one.priority, "since": one.since,
        "raised": ts, "turn": one.turn, "day": tidy(one.culture_day), "times": one.n_times, "cause": one.cause,
        "consequence": one.consequence, "response": one.response, "who": one.who,
        "is_forecast": event.lead_days > 0.0, "lead_days": tidy(event.lead_days), "value": tidy(event.value),
        "limit": tidy(event.limit), "shelved_until": _until(*shelved) if is_shelved and shelved else None,
    }  # fmt: skip


def _until(ts: str, hours: float) -> str | None:
    if hours != hours:
        return None
    return (datetime.fromisoformat(ts) + timedelta(hours=hours)).isoformat(timespec="seconds").replace("+00:00", "Z")


def open_ones(found: list[Json], vessel: str) -> list[Json]:
    """Return the alarms of a vessel that are not over; an empty name means those of the run."""
    return [a for a in found if a["vessel"] == vessel and a["status"] != "cleared"]
