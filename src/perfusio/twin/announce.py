"""Tell whoever watches a run of each event, once it is durable and not before."""

from __future__ import annotations

from collections.abc import Callable

from perfusio.events import Event
from perfusio.protocols import EventSink

Observer = Callable[[Event], None]


class Announcing:
    """An EventSink that tells observers of an event once it is durable."""

    def __init__(self, sink: EventSink, observers: tuple[Observer, ...]) -> None:
        self._sink, self._observers = sink, observers

    def append(self, event: Event) -> int:
        """Write the event durably, then tell the observers; return its sequence number."""
        seq = self._sink.append(event)
        for observer in self._observers:
            observer(event)
        return seq
