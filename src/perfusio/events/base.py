"""The base of all events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events: vessel, turn of the loop, days since inoculation, and why (one sentence, may be empty)."""

    reactor: str | None = None
    turn: int | None = None
    culture_day: float | None = None
    reason: str = ""
