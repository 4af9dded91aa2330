"""Narrator: a run told to a person, a line per day and a line for each thing that needs attention.

It sees the events only, so it tells the record and nothing else. Lines fit 120 columns, in a terminal or a log file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perfusio.config import Objective, in_words
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
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.derived import forecast_names, forecast_quantity
from perfusio.process.document import panel_of
from perfusio.process.needs import NEEDS
from perfusio.process.panel import Panel
from perfusio.record.places import whole_source
from perfusio.report.about_process import about
from perfusio.report.attention import WRITE_ENDED_BADLY, attention, is_about_waiting
from perfusio.report.columns import WIDTH, narrow, short, shown
from perfusio.report.lines import COLD, Line, Tone, counted, note, on_terminal, without_support
from perfusio.report.lines import WIDTH as LINE
from perfusio.report.recorded_forecast import outlook
from perfusio.report.wording import (
    ABBREVIATED,
    UNCHANGED,
    another_aim,
    effect_in,
    held_in_words,
    in_columns,
    moved_to,
    moves,
    number,
)
from perfusio.state import Setpoints, State


@dataclass(slots=True, kw_only=True)
class _Today:
    """One vessel's day so far."""

    turn: int
    is_told: bool = False
    is_held: bool = False
    is_mode_told: bool = False
    sample: State | None = None
    expected_h: float | None = None
    decided: Decided | None = None
    intended: WriteIntended | None = None
    forecast: tuple[dict[str, Any], Sequence[Setpoints]] | None = None
    notes: list[Line] = field(default_factory=list)


class Narrator:
    """Turns the events of a run into lines, as they come; hand its `lines` each event once, in order.

    Args:
        run_dir: Folder of the run, from which its record sees places; None = places are told as they stand there.
        width: Of the terminal, in characters; where it has no room for columns of setpoints, moves get a line.
    """

    def __init__(self, run_dir: Path | None = None, *, width: int = LINE) -> None:
        self._run_dir, self._width = run_dir, width
        self._is_cold = False
        self._today: dict[str, _Today] = {}
        self._panel: Panel = CHO_PERFUSION
        self._objectives: tuple[Objective, ...] = of_record(
            {"kind": "track", "quantity": self._panel.the("cells"), "target": 30.0}
        )
        self._days, self._interval = 0.0, 24.0
        self._end_h: dict[str, float] = {}
        self._in_force: dict[str, Setpoints] = {}
        self._intended: dict[str, WriteIntended] = {}
        self._held: dict[str, ModeChanged] = {}
        self._never: dict[str, frozenset[str]] = {}
        self._is_headed = self._is_one = True

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
        where = "" if self._is_one or event.reason.startswith(("Waiting", str(event.reactor))) else f"{event.reactor}: "
        return note(label, f"{where}{words}", tone, indent=True)

    # -- the experiment ----------------------------------------------------------------------------------------------

    def _started(self, event: RunStarted) -> list[Line]:
        run = event.config["run"]
        self._panel = panel_of(run.get("process"))
        self._objectives = of_record(run["objective"], self._panel)
        self._days, self._interval = float(run["duration_days"]), float(run["sampling_interval_hours"])
        modes = event.config["modes"]
        self._is_one, self._is_headed = len(modes) == 1, False
        length = counted(run["duration_days"], "day")
        said = [
            *note("Aim:", f"{in_words(self._objectives)}, {length}, {run['acquisition']}, seed {run['seed']}."),
            *note("", another_aim(self._panel)),
            *about(self._panel),
        ]
        for reactor, source in event.sources.items():
            told = [] if self._is_one else note("Vessel:", reactor)
            said += told + self._source(reactor, source, modes[reactor], event.config["design_space"]["bounds"])
        return said

    def _source(self, reactor: str, source: dict[str, Any], mode: str, bounds: dict[str, Any]) -> list[Line]:
        said = []
        if self._run_dir is not None:
            source = whole_source(source, self._run_dir)
        if where := source.get("path") or source.get("url"):
            said += note("Source:", f"{where}, {source.get('n_rows', '?')} samples, {source['kind']}.")
        if columns := source.get("columns"):
            known = {meaning.split(" ")[0] for meaning in columns.values()}
            species = self._panel.species_names
            self._never[reactor] = frozenset(species) - known
            if absent := [name for name in species if name not in known]:
                said += note("", f"Never measured, no such column: {', '.join(absent)}. They are estimated.")
            if assumed := [name for name in self._panel.setpoint_names if name not in known]:
                values = ", ".join(f"{n} {bounds[n]['nominal']:g} {self._panel[n].unit}" for n in assumed)
                said += note("", f"Assumed in force, no such column: {values}.")
        for warning in source.get("warnings", ()):
            said += note("Note:", warning, Tone.WARN)
        if mode == "automatic" and source.get("kind") == "replay":
            to = source.get("setpoints_path", "the database")
            told = f"A replay: decisions go to {to}; what was in force is what the source says."
            said += note("Mode:", told)
        else:
            said += note("Mode:", f"{mode}.")
        return said

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
        if today is None or (event.turn is not None and event.turn > today.turn):  # an older one is a late remark
            said = self._told(reactor)
            today = self._today[reactor] = _Today(turn=event.turn or 0)
        self._note_down(event, reactor, today)
        is_settled = isinstance(event, Forecasted | Withheld | SetpointsWritten | WRITE_ENDED_BADLY)
        return said + (self._told(reactor) if is_settled or today.is_told else [])

    def _note_down(self, event: Event, reactor: str, today: _Today) -> None:
        say = today.notes.extend
        if isinstance(event, SampleRead):
            self._panel = event.state.panel  # a run that goes on says it nowhere else
            self._end_h.setdefault(reactor, event.state.time_h + 24.0 * self._days)
            self._in_force[reactor] = event.in_force
            if event.extra:
                what = ", ".join(event.state.measured())
                say(note("also read:", f"{what} of culture day {event.state.day:g}", Tone.QUIET, indent=True))
            else:
                today.sample = event.state
                absent = [n for n in event.state.missing() if n not in self._never.get(reactor, ())]
                if absent:
                    say(note("missing:", f"{', '.join(absent)}.", Tone.WARN, indent=True))
        elif isinstance(event, SampleMissing):
            today.expected_h = event.expected_h
            say(note("NO SAMPLE:", event.reason, Tone.WARN, indent=True))
        elif isinstance(event, Decided):
            today.decided, today.forecast = event, (event.chosen, event.planned)
            words, is_cold = without_support(effect_in(event.reason))
            say(note("why:", words, Tone.QUIET, indent=True))
            if is_cold and not self._is_cold:
                self._is_cold = True
                say(note("cold start:", COLD, Tone.QUIET, indent=True))
        elif isinstance(event, Forecasted):
            today.forecast = event.hold, (self._known(reactor),)
        elif isinstance(event, WriteIntended):
            self._intended[reactor], self._in_force[reactor] = event, event.old
            if event.turn == today.turn:
                today.intended = event
        elif isinstance(event, SetpointsWritten):
            if today.is_told or event.turn != today.turn:  # its row was told as advice, which a person has approved
                words = f"{moves(event, self._intended.get(reactor))}, as approved."
                say(note("WRITTEN:", words, Tone.HEAD, indent=True))
        elif isinstance(event, AlarmRaised):
            tone = Tone.ACT if event.level == "act" else Tone.WARN
            say(note(f"ALARM ({event.level}):", f"{event.reason} {event.response}", tone, indent=True))
        elif isinstance(event, Withheld):
            today.is_held = event.action != "advise"
            if today.is_held and today.decided is not None:
                today.forecast = today.decided.hold, (self._known(reactor),)
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
        return self._in_force.get(reactor, Setpoints(panel=self._panel))

    def _told(self, reactor: str) -> list[Line]:
        """Tell the day of a vessel as far as it was not told: its row once, and the notes so far."""
        today = self._today.get(reactor)
        if today is None:
            return []
        said = []
        if not today.is_told:
            if not self._is_headed:
                said += [Line("", Tone.PLAIN), *(Line(text, Tone.HEAD) for text in self._header())]
                self._is_headed = True
            said.append(Line(self._row(reactor, today)))
            if self._is_narrow and (moves_ := self._setpoints_in_words(today)):
                said += note("set:", moves_, indent=True)
            if reactor in self._held and not today.is_mode_told:
                said += note("held", held_in_words(self._held[reactor]), Tone.QUIET, indent=True)
            today.is_told = True
        said += today.notes
        today.notes = []
        return said

    @property
    def _is_narrow(self) -> bool:
        return self._width < LINE

    def _setpoints_in_words(self, today: _Today) -> str:
        """Return the setpoints that move, e.g. ``"perf. 1.30 1/day, bleed 0.12 1/day"``."""
        asked = zip(short(self._panel).items(), self._setpoints(today), strict=False)
        moved = [f"{label} {text} {narrow(self._panel[n])}" for (n, label), text in asked if text != UNCHANGED]
        return ", ".join(moved)

    @property
    def _shown_ahead(self) -> str:
        """The quantity in the forecast's column: that of the first objective; for a volume or a composed one, cells."""
        name = self._objectives[0].quantity
        is_forecast = name in forecast_names(self._panel) and "size" not in NEEDS.get(name, ())
        return name if is_forecast else self._panel.the("cells")

    def _header(self) -> tuple[str, str, str]:
        name, panel = self._shown_ahead, self._panel
        measured, asked = shown(panel), short(panel)
        unit = narrow(forecast_quantity(name, panel))
        end = max(self._end_h.values(), default=24.0 * self._days) / 24.0
        vessel = "" if self._is_one else f"{'vessel':<7}"
        label = measured.get(name) or (name if name in panel.by_name else ABBREVIATED.get(name, name))
        over = (
            f"{'measured':<{(WIDTH + 1) * len(measured) + 1}}{f'{label} on day {end:g}':<24}"
            f"{'' if self._is_narrow else f'setpoints from now on ({UNCHANGED} = as before)'}"
        )
        asked = {} if self._is_narrow else asked
        names = in_columns(measured.values()), in_columns(asked.values())
        units = in_columns(narrow(panel[n]) for n in measured), in_columns(narrow(panel[n]) for n in asked)
        blank = " " * len(vessel)
        return (
            f"{blank}      {over}".rstrip(),
            f"{vessel}{'day':>5} {names[0]}  {'mean':>7} {'80 % interval':^15} {names[1]}".rstrip(),
            f"{blank}{'':5} {units[0]}  {unit:>7} {'':15} {units[1]}".rstrip(),
        )

    def _row(self, reactor: str, today: _Today) -> str:
        sample = today.sample
        start = self._end_h.get(reactor, 24.0 * self._days) - 24.0 * self._days
        time_h = sample.time_h if sample else today.expected_h
        day = (start + today.turn * self._interval if time_h is None else time_h) / 24.0
        values = [number(getattr(sample, name)) if sample else "-" for name in shown(self._panel)]
        vessel = "" if self._is_one else f"{reactor:<7}"
        measured, setpoints = in_columns(values), "" if self._is_narrow else in_columns(self._setpoints(today))
        return f"{vessel}{round(day, 2):>5g} {measured}  {self._ahead(reactor, today)} {setpoints}".rstrip()

    def _ahead(self, reactor: str, today: _Today) -> str:
        if today.forecast is not None:
            end_h = self._end_h.get(reactor, 24.0 * self._days)  # a run that goes on has not shown its first sample
            there = outlook(today.forecast[0], self._shown_ahead, today.forecast[1]).at(end_h)
            if there is not None:
                mean, low, high = (number(v) for v in there)
                return f"{mean:>7} {f'{low} to {high}':^15}"
        return f"{'-':>7} {'':15}"

    def _setpoints(self, today: _Today) -> list[str]:
        if today.is_held:
            return [UNCHANGED] * len(self._panel.setpoints)
        if today.decided is None:
            return []
        old = today.intended.old if today.intended else None
        return [moved_to(old, today.decided.setpoints, name) for name in self._panel.setpoint_names]
