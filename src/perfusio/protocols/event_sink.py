"""EventSink: where the facts of a run go."""

from __future__ import annotations

from typing import Protocol

from perfusio.events import Event


class EventSink(Protocol):
    """Where the facts of a run go, before they are acted upon."""

    def append(self, event: Event) -> int:
        """Write one event durably and return its sequence number; only then is it a fact.

        Raises:
            AuditError: it could not be made durable; nothing may be actuated.
        """
        ...
