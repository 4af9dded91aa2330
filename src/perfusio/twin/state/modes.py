"""Modes: who may write to each vessel, as configured, ordered, held by a file, or taken away by how a write ended."""

from __future__ import annotations

from collections.abc import Sequence

from perfusio.config import Mode
from perfusio.events import AlarmChanged, ClockStepped, ModeChanged
from perfusio.protocols import Ending, Reporting, able, is_live
from perfusio.twin.state.hold import Hold, Word, hold_on, holds
from perfusio.twin.state.logbook import Logbook
from perfusio.twin.state.standing_alarms import CLOCK, HOLD, WRITE, badly_written, misnamed, set_back


class Modes:
    """Tells and changes who may write to the vessels of a run, and raises the alarms that go with it.

    It has no state of its own: all that it knows stands in the logbook and in the folder of the run.

    Args:
        book: State of the run, and its record.
    """

    def __init__(self, book: Logbook) -> None:
        self._book = book

    def write_ended(self, reactor: str, turn: int, ending: Ending) -> None:
        """Raise an alarm if a person has to look at how a write ended, and end it if it ended well."""
        if ending.stops_writing:
            if (reactor, WRITE, "act") not in self._book.run_state.alarms:
                self._book.append(badly_written(ending, reactor=reactor, turn=turn))
            self.note_modes(turn)
        elif ending is Ending.DONE:
            self.write_seen_to(reactor, turn)

    def write_seen_to(self, reactor: str, turn: int, who: str = "") -> None:
        """End the alarm about a write, if there is one: by a person's word, or by a write that ended well.

        The word of a person also ends that about the clock: whoever lets the twin write has looked at it.
        """
        for alarm in (WRITE, CLOCK) if who else (WRITE,):
            if (reactor, alarm, "act") in self._book.run_state.alarms:
                self._book.append(
                    AlarmChanged(reactor=reactor, turn=turn, alarm=f"{alarm}:act", status="cleared", who=who)
                )

    def clock_set_back(self, seconds: float, turn: int) -> None:
        """Put on record that the clock was set back [s]: no live vessel is written to until a person says so."""
        words = f"The wall clock stands {seconds:.1f} s before the last record: it was set while no twin was running."
        self._book.append(ClockStepped(step_s=-seconds, reason=words))
        for reactor in sorted(self._book.aboard):
            if not is_live(self._book.vessels[reactor].connector):
                continue
            if (reactor, CLOCK, "act") not in self._book.run_state.alarms:
                self._book.append(set_back(seconds, reactor=reactor, turn=turn))
            if self.base_mode(reactor) is Mode.AUTOMATIC and self._book.run_state.noted.get(reactor) is not Mode.HOLD:
                why = "The clock was set back: a person lets the twin write again."
                self.change_mode(reactor, turn, Mode.ADVISORY, Word(who="perfusio", why=why))

    def mode(self, reactor: str) -> Mode:
        """Return who may write to a vessel: nobody while a person holds it, or its last write wants looking after."""
        return self._mode(reactor, self.holds())

    def _mode(self, reactor: str, found: Sequence[Hold]) -> Mode:
        is_held = reactor in self._book.run_state.stuck or hold_on(found, reactor) is not None
        return Mode.HOLD if is_held else self.base_mode(reactor)

    def holds(self) -> tuple[Hold, ...]:
        """Return the present holds: a look into the folder of the run."""
        return holds(self._book.config.run_dir, self._book.vessels)

    def held(self, reactor: str) -> Hold | None:
        """Return the hold on a vessel, None if no person holds it."""
        return hold_on(self.holds(), reactor)

    def base_mode(self, reactor: str) -> Mode:
        """Return who may write to a vessel when nothing holds it: as configured, until it was changed."""
        return self._book.run_state.modes.get(reactor) or self._book.vessels[reactor].mode_within(self._book.config)

    def note_modes(self, turn: int, by: Word | None = None) -> None:
        """Put on record where the mode of a vessel is another than it was: a person's word, or how a write ended.

        Args:
            turn: Of the loop.
            by: Who has ended a hold, if that is known.
        """
        found = self.holds()
        self._note_slips(turn, found)
        for reactor, before in self._book.run_state.noted.items():
            if reactor not in self._book.aboard or (now := self._mode(reactor, found)) is before:
                continue
            if (hold := hold_on(found, reactor)) is not None:
                word = hold.word
            elif before is Mode.HOLD and now is not Mode.HOLD:
                word = by or Word()
            else:  # nobody said so
                word = Word(who="perfusio", why="A write ended so that a person has to decide.")
            self.change_mode(reactor, turn, now, word)
        # a kill may have come between a write and its alarm
        for reactor in sorted(self._book.run_state.stuck & self._book.aboard):
            if (reactor, WRITE, "act") not in self._book.run_state.alarms:
                self._book.append(badly_written(Ending.UNKNOWN, reactor=reactor, turn=turn))

    def _note_slips(self, turn: int, found: Sequence[Hold]) -> None:
        """Raise an alarm about a hold that names no vessel of the run: it holds all, which may not be meant."""
        slips = [hold for hold in found if not hold.is_understood]
        is_told = ("", HOLD, "act") in self._book.run_state.alarms
        if slips and not is_told:
            self._book.append(misnamed([hold.name for hold in slips], sorted(self._book.aboard), turn=turn))
        elif is_told and not slips:
            self._book.append(AlarmChanged(turn=turn, alarm=f"{HOLD}:act", status="cleared"))

    def change_mode(self, reactor: str, turn: int, mode: Mode, word: Word) -> None:
        """Record a change of mode; one that ends a hold, or is towards automatic, lets a connector write again."""
        before = self._book.run_state.noted.get(reactor, mode)
        self._book.append(
            ModeChanged(
                reactor=reactor, turn=turn, before=before.value, mode=mode.value, who=word.who, reason=word.why
            )
        )  # fmt: skip
        reporting = able(self._book.vessels[reactor].connector, Reporting)
        if (before is Mode.HOLD or mode is Mode.AUTOMATIC) and reporting is not None:
            reporting.allow_writing(who=word.who or "a person", why=word.why or "The hold was taken away by hand.")
