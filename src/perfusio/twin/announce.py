"""Observer: whoever watches a run is told of each event once it is durable, and not before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from perfusio.events import Event

Observer = Callable[[Event], None]


@runtime_checkable
class Delivers(Protocol):
    """An observer that has something to say for the record: deliveries to people, and failures."""

    def __call__(self, event: Event) -> None:
        """Take an event."""
        ...

    def news(self) -> Sequence[Event]:
        """Return the news since it was last asked; it does not wait for anything."""
        ...
