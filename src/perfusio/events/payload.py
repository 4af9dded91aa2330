"""Payloads: an event as JSON data, and back."""

from __future__ import annotations

from dataclasses import MISSING, fields

from perfusio.errors import AuditError
from perfusio.events.base import Event, Json
from perfusio.events.catalogue import EVENTS
from perfusio.events.json_values import READ_BACK, plain
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel

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


_READ = {
    name: [
        (f.name, read)
        for f in fields(cls)
        for kind, read in READ_BACK.items()
        if (f.type == kind if kind == "float" else str(f.type).startswith(kind))
    ]
    for name, cls in EVENTS.items()
}
"""By event: the fields that JSON holds in another form, and how each is read."""
