"""Events of operators: orders, and who may write."""

from __future__ import annotations

from dataclasses import dataclass

from perfusio.events.base import Event


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
