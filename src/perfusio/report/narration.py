"""Narrator: a run told to a person, a line per day and a line for each thing that needs attention.

It sees the events only, so it tells the record and nothing else. Lines fit 120 columns, in a terminal or a log file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from perfusio.events import (
    AimDoubted,
    AlarmRaised,
    ClockStepped,
    Decided,
    Event,
    Forecasted,
    ModeChanged,
    ModelFitted,
    ModelRejected,
    ModelWaiting,
    RunEnded,
    RunStarted,
    SampleMissing,
    SampleRead,
    SetpointsWritten,
    Withheld,
    WriteIntended,
)
from perfusio.objective import of_record
from perfusio.process.document import panel_of
from perfusio.report.attention import WRITE_ENDED_BADLY, attention, is_about_waiting
from perfusio.report.lines import COLD, Line, Tone, counted, note, on_terminal, without_support
from perfusio.report.lines import WIDTH as LINE
from perfusio.report.telling.day_table import DayRow, DayTable
from perfusio.report.telling.opening import never_measured, opening
from perfusio.report.wording import effect_in, held_in_words, moves
from perfusio.state import Setpoints


@dataclass(slots=True, kw_only=True)
class _Today:
    """One vessel's day so far."""

    row: DayRow
    is_told: bool = False
    is_mode_told: bool = False
    decided: Decided | None = None
    notes: list[Line] = field(default_factory=list)


class Narrator:
    """Turns the events of a run into lines, as they come; hand its `lines` each event once, in order.

    Args:
        run_dir: Folder of the run, from which its record sees places; None = places are told as they stand there.
        width: Of the terminal, in characters; where it has no room for columns of setpoints, moves get a line.
    """

    def __init__(self, run_dir: Path | None = None, *, width: int = LINE) -> None:
        self._run_dir, self._width = run_dir, width
        self._table = DayTable(width=width)
        self._is_cold = False
        self._today: dict[str, _Today] = {}
        self._in_force: dict[str, Setpoints] = {}
        self._intended: dict[str, WriteIntended] = {}
        self._held: dict[str, ModeChanged] = {}
        self._never: dict[str, frozenset[str]] = {}
        self._is_headed = True

    def lines(self, event: Event) -> list[Line]:
        """Return the lines due now that this event is on record; often none."""
        return on_terminal(self._lines(event), self._width)

    def _lines(self, event: Event) -> list[Line]:
        if isinstance(event, RunStarted):
            return self._started(event)
        if isinstance(event, RunEnded):
            said = [line for reactor in list(self._today) for line in self._told(reactor)]
            counts = f"{counted(event.n_samples, 'sample')}, {counted(event.n_decisions, 'decision')}."
            return [*said, *note("End:", f"{event.reason} {counts}", Tone.HEAD)]
        if event.reactor is None:
            return self._of_the_experiment(event)
        if is_about_waiting(event):
            return self._told_at_once(event)
        return self._of_a_vessel(event, event.reactor)

    def _told_at_once(self, event: Event) -> list[Line]:
        """Return the line of something that does not come: it may be hours before the turn has a row."""
        if isinstance(event, AlarmRaised):
            return note(f"ALARM ({event.level}):", f"{event.reason} {event.response}", Tone.ACT, indent=True)
        label, words, tone = attention(event) or ("", event.reason, Tone.WARN)
        is_named = self._table.is_one or event.reason.startswith(("Waiting", str(event.reactor)))
        where = "" if is_named else f"{event.reactor}: "
        return note(label, f"{where}{words}", tone, indent=True)

    # -- the experiment ----------------------------------------------------------------------------------------------

    def _started(self, event: RunStarted) -> list[Line]:
        run, table = event.config["run"], self._table
        table.panel = panel_of(run.get("process"))
        table.objectives = of_record(run["objective"], table.panel)
        table.days, table.interval_h = float(run["duration_days"]), float(run["sampling_interval_hours"])
        table.is_one, self._is_headed = len(event.config["modes"]) == 1, False
        self._never = {r: frozenset(never_measured(source, table.panel)) for r, source in event.sources.items()}
        return opening(event, table.panel, table.objectives, self._run_dir)

    def _of_the_experiment(self, event: Event) -> list[Line]:
        if (seen := attention(event)) is not None:
            return note(*seen)
        if isinstance(event, AlarmRaised):
            return note(f"ALARM ({event.level}):", f"{event.reason} {event.response}", Tone.ACT, indent=True)
        if isinstance(event, AimDoubted):
            return note("Doubt:", event.reason, Tone.WARN)
        if isinstance(event, ModelFitted):
            now, before = event.holdout_error, event.previous_error
            told = f"one-step error {now:.3g}, {before:.3g} with the parameters before."
            return note("refit:", told, Tone.QUIET, indent=True)
        if isinstance(event, ModelWaiting):
            return note("refit waits:", event.reason, Tone.WARN, indent=True)
        if isinstance(event, ModelRejected):
            return note("MODEL KEPT:", event.reason, Tone.WARN, indent=True)
        if isinstance(event, ClockStepped):
            return note(
                "CLOCK:", f"The clock of this machine was moved by {event.step_s:+.1f} s.", Tone.WARN, indent=True
            )
        return []

    # -- one vessel --------------------------------------------------------------------------------------------------

    def _of_a_vessel(self, event: Event, reactor: str) -> list[Line]:
        said = []
        today = self._today.get(reactor)
        if today is None or (event.turn is not None and event.turn > today.row.turn):  # an older one is a late remark
            said = self._told(reactor)
            today = self._today[reactor] = _Today(row=DayRow(turn=event.turn or 0))
        self._note_down(event, reactor, today)
        is_settled = isinstance(event, Forecasted | Withheld | SetpointsWritten | WRITE_ENDED_BADLY)
        return said + (self._told(reactor) if is_settled or today.is_told else [])

    def _note_down(self, event: Event, reactor: str, today: _Today) -> None:
        say, row, table = today.notes.extend, today.row, self._table
        if isinstance(event, SampleRead):
            table.panel = event.state.panel  # a run that goes on says it nowhere else
            table.end_h.setdefault(reactor, event.state.time_h + 24.0 * table.days)
            self._in_force[reactor] = event.in_force
            if event.extra:
                what = ", ".join(event.state.measured())
                say(note("also read:", f"{what} of culture day {event.state.day:g}", Tone.QUIET, indent=True))
            else:
                row.sample = event.state
                absent = [n for n in event.state.missing() if n not in self._never.get(reactor, ())]
                if absent:
                    say(note("missing:", f"{', '.join(absent)}.", Tone.WARN, indent=True))
        elif isinstance(event, SampleMissing):
            row.expected_h = event.expected_h
            say(note("NO SAMPLE:", event.reason, Tone.WARN, indent=True))
        elif isinstance(event, Decided):
            today.decided, row.asked, row.forecast = event, event.setpoints, (event.chosen, event.planned)
            words, is_cold = without_support(effect_in(event.reason))
            say(note("why:", words, Tone.QUIET, indent=True))
            if is_cold and not self._is_cold:
                self._is_cold = True
                say(note("cold start:", COLD, Tone.QUIET, indent=True))
        elif isinstance(event, Forecasted):
            row.forecast = event.hold, (self._known(reactor),)
        elif isinstance(event, WriteIntended):
            self._intended[reactor], self._in_force[reactor] = event, event.old
            if event.turn == row.turn:
                row.before = event.old
        elif isinstance(event, SetpointsWritten):
            if today.is_told or event.turn != row.turn:  # its row was told as advice, which a person has approved
                words = f"{moves(event, self._intended.get(reactor))}, as approved."
                say(note("WRITTEN:", words, Tone.HEAD, indent=True))
        elif isinstance(event, AlarmRaised):
            tone = Tone.ACT if event.level == "act" else Tone.WARN
            say(note(f"ALARM ({event.level}):", f"{event.reason} {event.response}", tone, indent=True))
        elif isinstance(event, Withheld):
            row.is_held = event.action != "advise"
            if row.is_held and today.decided is not None:
                row.forecast = today.decided.hold, (self._known(reactor),)
            say(note(f"{event.action.upper()}:", event.reason, Tone.WARN, indent=True))
        elif (told := attention(event)) is not None:
            say(note(*told, indent=True))
        if isinstance(event, ModeChanged):
            today.is_mode_told = True
            self._held.pop(reactor, None)
            if event.mode == "hold":
                self._held[reactor] = event

    def _known(self, reactor: str) -> Setpoints:
        """Return the setpoints in force, as far as they are known."""
        return self._in_force.get(reactor, Setpoints(panel=self._table.panel))

    def _told(self, reactor: str) -> list[Line]:
        """Tell the day of a vessel as far as it was not told: its row once, and the notes so far."""
        today = self._today.get(reactor)
        if today is None:
            return []
        said = []
        if not today.is_told:
            if not self._is_headed:
                said += [Line("", Tone.PLAIN), *(Line(text, Tone.HEAD) for text in self._table.header())]
                self._is_headed = True
            said.append(Line(self._table.row(reactor, today.row)))
            if self._table.is_narrow and (moves_ := self._table.moves(today.row)):
                said += note("set:", moves_, indent=True)
            if reactor in self._held and not today.is_mode_told:
                said += note("held", held_in_words(self._held[reactor]), Tone.QUIET, indent=True)
            today.is_told = True
        said += today.notes
        today.notes = []
        return said
