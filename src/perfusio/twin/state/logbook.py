"""Logbook: the twin's state, and its record; nothing is known that is not on record."""

from __future__ import annotations

import logging
from dataclasses import replace

from perfusio.config import DesignSpace, RunConfig
from perfusio.errors import PerfusioError
from perfusio.events import (
    ConnectorFailed,
    Event,
    ModeChanged,
    RunEnded,
    RunResumed,
    SampleRead,
    SetpointsFound,
)
from perfusio.protocols import ConnectorKind, EventSink, is_fresh, shows_at_once
from perfusio.record.apply_event import after
from perfusio.record.run_state import RunState, Today, culture_day
from perfusio.state import Setpoints
from perfusio.twin.announce import Observer
from perfusio.twin.vessels import Vessel

_LOG = logging.getLogger(__name__)


class Logbook:
    """The one place where the state of a run changes: an event is recorded, then folded into it.

    Args:
        config: Settings of the run.
        design_space: Allowed setpoints.
        vessels: The vessels by reactor id; the twin adds to it.
        observers: Called with each event once it is durable.

    Attributes:
        run_state: State of the run.
        sink: Where events go; set before the first is told.
        seen: Vessels that have shown the setpoints in force since this program began, or since a person released them.
    """

    def __init__(
        self,
        config: RunConfig,
        design_space: DesignSpace,
        vessels: dict[str, Vessel],
        observers: tuple[Observer, ...] = (),
    ) -> None:
        self.config, self.design_space, self.vessels = config, design_space, vessels
        self._observers = observers
        self.run_state = RunState(process=config.process)
        self.sink: EventSink | None = None
        self.seen: set[str] = set()
        self._goes_on = False

    @property
    def is_open(self) -> bool:
        """Whether there is a record to write to."""
        return self.sink is not None

    def append(self, event: Event) -> int:
        """Put an event on record; then, and only then, it is known and told. Return its sequence number."""
        assert self.sink is not None, "the run has not begun"
        if event.reactor is not None and event.culture_day is None:
            day = culture_day(self.run_state, event, self.config.sampling_interval_hours)
            event = event if day is None else replace(event, culture_day=day)
        seq = self.sink.append(event)
        self.run_state = after(self.run_state, event)
        self._note_seen(event)
        self.tell(event)
        return seq

    def _note_seen(self, event: Event) -> None:
        """Know which vessels have shown the setpoints in force; those left by a person are looked at anew.

        Where only samples show it, one that had waited since before a restart does not.
        """
        self._goes_on = self._goes_on or isinstance(event, RunResumed)
        reactor = event.reactor or ""
        if reactor not in self.vessels:
            return
        connector = self.vessels[reactor].connector
        shows = shows_at_once(connector)
        if isinstance(event, SampleRead) and not event.extra and not shows:
            if is_fresh(connector) or not self._goes_on:
                self.seen.add(reactor)
        elif isinstance(event, SetpointsFound):
            self.seen.add(reactor)
        elif isinstance(event, ModeChanged) and shows and reactor not in self.run_state.shown:
            self.seen.discard(reactor)

    def tell(self, event: Event) -> None:
        """Tell all observers of a fact; one that fails is told no more, which is on record."""
        heard = [(observer, _trouble_with(observer, event)) for observer in self._observers]
        self._observers = tuple(observer for observer, trouble in heard if not trouble)
        if isinstance(event, RunEnded) or not self.is_open:
            return  # there is no record to say so in
        for observer, trouble in heard:
            if trouble:
                words = f"{trouble}. {type(observer).__name__} is told no more of this run."
                self.append(ConnectorFailed(turn=self.run_state.today.turn, operation="observer", reason=words))

    def turn_to(self, turn: int) -> None:
        """Begin a turn of the loop, or go on with the one that is on record."""
        if turn > self.run_state.today.turn:
            self.run_state = replace(self.run_state, today=Today(turn=turn))

    @property
    def aboard(self) -> set[str]:
        """The vessels that take part."""
        return set(self.vessels) - self.run_state.left

    def key(self, reactor: str, turn: int) -> str:
        """Return the name of the decision of a turn."""
        return f"{self.run_state.run_id}:{reactor}:{turn}:0"

    def expected_day(self, reactor: str, turn: int) -> float | None:
        """Return the culture day of the sample of a turn, None before the vessel's first one."""
        return culture_day(self.run_state, Event(reactor=reactor, turn=turn), self.config.sampling_interval_hours)

    def space(self, reactor: str) -> DesignSpace:
        """Return the allowed setpoints of a vessel."""
        return self.vessels[reactor].design_space or self.design_space

    def is_replay(self, reactor: str) -> bool:
        """Whether setpoints in force in a vessel are history, and our own writes never count."""
        return self.vessels[reactor].connector.kind is ConnectorKind.REPLAY

    def expected(self, reactor: str) -> Setpoints:
        """Return the setpoints required before a write: those of our last one, else those shown last.

        It is NaN where the vessel never said.
        """
        known = self.run_state
        return known.done.get(reactor) or known.shown.get(reactor, Setpoints(panel=known.process))


def _trouble_with(observer: Observer, event: Event) -> str:
    """Tell an observer; return its error. A bug in one must not cost a run that has gone on for weeks."""
    try:
        observer(event)
    except PerfusioError:
        raise  # it says in words why the run cannot go on
    except Exception as error:  # noqa: BLE001 - whatever it fails with
        _LOG.warning("An observer failed on %s.", type(event).__name__, exc_info=True)
        return f"{type(error).__name__}: {error}"
    return ""
