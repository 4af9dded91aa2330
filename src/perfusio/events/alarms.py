"""Events of alarms: raised, changed, delivered."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

from perfusio.events.base import Event


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
