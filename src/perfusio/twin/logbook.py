"""Logbook: what the twin knows, and the record it stands in; what is not on record is not known."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from perfusio.config import DesignSpace, Mode, RunConfig
from perfusio.errors import PerfusioError
from perfusio.events import (
    AlarmChanged,
    ClockStepped,
    ConnectorFailed,
    Event,
    ModeChanged,
    RunEnded,
    RunResumed,
    SampleRead,
    SetpointsFound,
)
from perfusio.protocols import ConnectorKind, Ending, EventSink, Reporting, able, is_fresh, is_live, shows_at_once
from perfusio.record.apply_event import after
from perfusio.record.run_state import RunState, Today, culture_day
from perfusio.state import Setpoints
from perfusio.twin.alarms.levels import CLOCK, HOLD, WRITE, badly_written, misnamed, set_back
from perfusio.twin.announce import Observer
from perfusio.twin.operators.hold import Hold, Word, hold_on, holds
from perfusio.twin.vessels import Vessel

_LOG = logging.getLogger(__name__)


class Logbook:
    """The one place where the state of a run changes: an event is recorded, then folded into it.

    Args:
        config: Settings of the run.
        design_space: What may be written.
        vessels: The vessels by reactor id; the twin adds to it.
        observers: Called with each event once it is durable.

    Attributes:
        run_state: What is known.
        sink: Where events go; set before the first is told.
        seen: Vessels that have shown what is in force since this program began, or since a person released them.
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
        """Know which vessels have shown what is in force; what a person left in a vessel is looked at anew.

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
        """Return what may be written to a vessel."""
        return self.vessels[reactor].design_space or self.design_space

    def is_replay(self, reactor: str) -> bool:
        """Whether what was in force in a vessel is history, and our own writes never count."""
        return self.vessels[reactor].connector.kind is ConnectorKind.REPLAY

    def expected(self, reactor: str) -> Setpoints:
        """Return what must be found in force before a write: what our last one left, else what was shown last.

        It is NaN where the vessel never said.
        """
        known = self.run_state
        return known.done.get(reactor) or known.shown.get(reactor, Setpoints(panel=known.process))

    # -- alarms about writes ------------------------------------------------------------------------------------------

    def write_ended(self, reactor: str, turn: int, ending: Ending) -> None:
        """Raise an alarm if a person has to look at how a write ended, and end it if it ended well."""
        if ending.stops_writing:
            if (reactor, WRITE, "act") not in self.run_state.alarms:
                self.append(badly_written(ending, reactor=reactor, turn=turn))
            self.note_modes(turn)
        elif ending is Ending.DONE:
            self.write_seen_to(reactor, turn)

    def write_seen_to(self, reactor: str, turn: int, who: str = "") -> None:
        """End the alarm about a write, if there is one: by a person's word, or by a write that ended well.

        The word of a person also ends that about the clock: whoever lets the twin write has looked at it.
        """
        for alarm in (WRITE, CLOCK) if who else (WRITE,):
            if (reactor, alarm, "act") in self.run_state.alarms:
                self.append(
                    AlarmChanged(reactor=reactor, turn=turn, alarm=f"{alarm}:act", status="cleared", who=who)
                )

    def clock_set_back(self, seconds: float, turn: int) -> None:
        """Put on record that the clock was set back [s]: no live vessel is written to until a person says so."""
        words = f"The wall clock stands {seconds:.1f} s before the last record: it was set while no twin was running."
        self.append(ClockStepped(step_s=-seconds, reason=words))
        for reactor in sorted(self.aboard):
            if not is_live(self.vessels[reactor].connector):
                continue
            if (reactor, CLOCK, "act") not in self.run_state.alarms:
                self.append(set_back(seconds, reactor=reactor, turn=turn))
            if self.base_mode(reactor) is Mode.AUTOMATIC and self.run_state.noted.get(reactor) is not Mode.HOLD:
                why = "The clock was set back: a person lets the twin write again."
                self.change_mode(reactor, turn, Mode.ADVISORY, Word(who="perfusio", why=why))

    # -- modes -------------------------------------------------------------------------------------------------------

    def mode(self, reactor: str) -> Mode:
        """Return who may write to a vessel: nobody while a person holds it, or its last write wants looking after."""
        return self._mode(reactor, self.holds())

    def _mode(self, reactor: str, found: Sequence[Hold]) -> Mode:
        is_held = reactor in self.run_state.stuck or hold_on(found, reactor) is not None
        return Mode.HOLD if is_held else self.base_mode(reactor)

    def holds(self) -> tuple[Hold, ...]:
        """Return what holds vessels now: a look into the folder of the run."""
        return holds(self.config.run_dir, self.vessels)

    def held(self, reactor: str) -> Hold | None:
        """Return the hold on a vessel, None if no person holds it."""
        return hold_on(self.holds(), reactor)

    def base_mode(self, reactor: str) -> Mode:
        """Return who may write to a vessel when nothing holds it: as configured, until it was changed."""
        return self.run_state.modes.get(reactor) or self.vessels[reactor].mode_within(self.config)

    def note_modes(self, turn: int, by: Word | None = None) -> None:
        """Put on record where the mode of a vessel is another than it was: a person's word, or how a write ended.

        Args:
            turn: Of the loop.
            by: Who has ended a hold, if that is known.
        """
        found = self.holds()
        self._note_slips(turn, found)
        for reactor, before in self.run_state.noted.items():
            if reactor not in self.aboard or (now := self._mode(reactor, found)) is before:
                continue
            if (hold := hold_on(found, reactor)) is not None:
                word = hold.word
            elif before is Mode.HOLD and now is not Mode.HOLD:
                word = by or Word()
            else:  # nobody said so
                word = Word(who="perfusio", why="A write ended so that a person has to decide.")
            self.change_mode(reactor, turn, now, word)
        for reactor in sorted(self.run_state.stuck & self.aboard):  # a kill may have come between a write and its alarm
            if (reactor, WRITE, "act") not in self.run_state.alarms:
                self.append(badly_written(Ending.UNKNOWN, reactor=reactor, turn=turn))

    def _note_slips(self, turn: int, found: Sequence[Hold]) -> None:
        """Raise an alarm about a hold that names no vessel of the run: it holds all, which may not be meant."""
        slips = [hold for hold in found if not hold.is_understood]
        is_told = ("", HOLD, "act") in self.run_state.alarms
        if slips and not is_told:
            self.append(misnamed([hold.name for hold in slips], sorted(self.aboard), turn=turn))
        elif is_told and not slips:
            self.append(AlarmChanged(turn=turn, alarm=f"{HOLD}:act", status="cleared"))

    def change_mode(self, reactor: str, turn: int, mode: Mode, word: Word) -> None:
        """Record a change of mode; one that ends a hold, or is towards automatic, lets a connector write again."""
        before = self.run_state.noted.get(reactor, mode)
        self.append(
            ModeChanged(
                reactor=reactor, turn=turn, before=before.value, mode=mode.value, who=word.who, reason=word.why
            )
        )  # fmt: skip
        reporting = able(self.vessels[reactor].connector, Reporting)
        if (before is Mode.HOLD or mode is Mode.AUTOMATIC) and reporting is not None:
            reporting.allow_writing(who=word.who or "a person", why=word.why or "The hold was taken away by hand.")


def _trouble_with(observer: Observer, event: Event) -> str:
    """Tell an observer; return what it failed with. A bug in one must not cost a run that has gone on for weeks."""
    try:
        observer(event)
    except PerfusioError:
        raise  # it says in words why the run cannot go on
    except Exception as error:  # noqa: BLE001 - whatever it fails with
        _LOG.warning("An observer failed on %s.", type(event).__name__, exc_info=True)
        return f"{type(error).__name__}: {error}"
    return ""
