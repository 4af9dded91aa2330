"""Observer: whoever watches a run is told of each event once it is durable, and not before."""

from __future__ import annotations

from collections.abc import Callable

from perfusio.events import Event

Observer = Callable[[Event], None]
