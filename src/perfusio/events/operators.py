"""Events of operators: orders, and who may write."""

from __future__ import annotations

from dataclasses import dataclass, field

from perfusio.events.base import Event, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeChanged(Event):
    """Who may write to a vessel has changed, by a person (`who`) or, towards less, by the twin itself."""

    before: str
    mode: str
    who: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorActed(Event):
    """A person asked for something, and whether it was done; `order` names the file. Why is the record's reason.

    `user` and `meaning` stand where it was signed with a password; `given` holds setpoints that a person gave
    instead of advised ones.
    """

    act: str
    who: str
    key: str = ""
    is_done: bool = True
    answer: str = ""
    order: str = ""
    user: str = ""
    meaning: str = ""
    given: Json = field(default_factory=dict)
