"""A fleet told to a person: each vessel now, a line a day for all of them, and whatever needs attention.

Like `Narrator` it sees the events only; from MANY vessels on a row per vessel and day would be more than anyone reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import nan

import numpy as np

from perfusio.events import (
    AimDoubted,
    AlarmRaised,
    ClockStepped,
    DayMissed,
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
    VesselJoined,
    VesselLeft,
    Withheld,
    WriteUnknown,
)
from perfusio.objective import in_words, of_record
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.declared import is_fraction
from perfusio.process.document import panel_of
from perfusio.process.panel import Panel
from perfusio.report.about_process import about
from perfusio.report.attention import WRITE_ENDED_BADLY, attention
from perfusio.report.columns import headed, narrow
from perfusio.report.lines import Line, Tone, counted, note
from perfusio.report.wording import number
from perfusio.state import Setpoints, State

MANY = 5
"""From so many vessels on a run is told as a fleet."""


@dataclass(slots=True, kw_only=True)
class Row:
    """One vessel now.

    Attributes:
        clone: Cell line, if known.
        sample: The latest one.
        in_force: Setpoints from it on, as far as is known.
        word: Its result in this turn, in a word or two.
        tone: How much that wants to be seen.
        is_settled: Whether this turn is over for it.
        is_held: Whether nothing may be written to it, by the word of a person or after a write that ended badly.
    """

    clone: str = ""
    sample: State | None = None
    in_force: Setpoints = field(default_factory=Setpoints)
    word: str = ""
    tone: Tone = Tone.PLAIN
    is_settled: bool = False
    is_held: bool = False


class Fleet:
    """Folds the events of a run into a row per vessel and lines for a person; hand it each event once, in order.

    Attributes:
        rows: By reactor id.
        turn: The present one.
        aim: In words.
        panel: The process of the run.
    """

    def __init__(self) -> None:
        self.panel: Panel = CHO_PERFUSION
        self.rows: dict[str, Row] = {}
        self.turn, self.aim = 0, ""
        self._told = -1

    def lines(self, event: Event) -> list[Line]:
        """Take in an event and return the lines on it; often none."""
        if isinstance(event, RunStarted):
            return self._started(event)
        said = self._at_the_end_of_a_turn(event)
        if event.reactor is not None:
            said += self._of_a_vessel(event, event.reactor)
        else:
            said += _of_the_experiment(event)
        if isinstance(event, RunEnded):
            counts = f"{counted(event.n_samples, 'sample')}, {counted(event.n_decisions, 'decision')}."
            said += note("End:", f"{event.reason} {counts}", Tone.HEAD)
        return said

    def _started(self, event: RunStarted) -> list[Line]:
        run, modes = event.config["run"], event.config["modes"]
        self.panel = panel_of(run.get("process"))
        self.aim = in_words(of_record(run["objective"], self.panel))
        self.rows = {r: self._row(str(event.sources.get(r, {}).get("clone", ""))) for r in modes}
        length = counted(run["duration_days"], "day")
        by_mode = {mode: [r for r in modes if modes[r] == mode] for mode in dict.fromkeys(modes.values())}
        told = "; ".join(f"{len(names)} {mode} ({_named(names)})" for mode, names in by_mode.items())
        said = [
            *note("Aim:", f"{self.aim}, {length}, {run['acquisition']}, seed {run['seed']}."),
            *note("Fleet:", f"{told}."),
        ]
        for own, asked in event.config.get("vessels", {}).items():
            aims = of_record(asked.get("objective", ()), self.panel)
            aim = in_words(aims) if aims else "limits of its own"
            said += note("", f"{own}: {aim}.")
        said += about(self.panel)
        warnings = dict.fromkeys(w for source in event.sources.values() for w in source.get("warnings", ()))
        return said + [line for warning in warnings for line in note("Note:", warning, Tone.WARN)]

    def _row(self, clone: str = "") -> Row:
        return Row(clone=clone, in_force=Setpoints(panel=self.panel))

    # -- one turn ----------------------------------------------------------------------------------------------------

    def _at_the_end_of_a_turn(self, event: Event) -> list[Line]:
        """Tell the turn before once something of a later one comes, or the run ends."""
        is_later = event.turn is not None and event.turn > self.turn
        said = self._turn_told() if is_later or isinstance(event, RunEnded) else []
        if is_later:
            self.turn = event.turn or 0
            for row in self.rows.values():
                row.is_settled = row.word == "left"
        return said

    def _turn_told(self) -> list[Line]:
        """Return the line of this turn, once."""
        if self._told >= self.turn or not any(row.word for row in self.rows.values()):
            return []
        self._told = self.turn
        here = [row for row in self.rows.values() if row.sample is not None and row.word != "left"]
        words = [row.word for row in self.rows.values()]
        counts = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words) if word)
        cells, panel = self.panel.the("cells"), self.panel
        summed = [panel[name] for name in panel.species_names if name == cells or is_fraction(name, panel)]
        means = "  ".join(f"{headed(q)} {_spread(_measured(here, q.name))} {narrow(q)}" for q in summed)
        when = _culture_days(here, self.turn)
        return [Line(f"{when:<7}  {counted(len(here), 'vessel')}  {means}  {counts}".rstrip())]

    def _of_a_vessel(self, event: Event, reactor: str) -> list[Line]:
        if isinstance(event, SampleRead):
            self.panel = event.state.panel  # a run that goes on says it nowhere else
        row, said = self.rows.setdefault(reactor, self._row()), []
        if isinstance(event, SampleRead) and not event.extra:
            row.sample, row.in_force = event.state, event.in_force
            row.word, row.tone = "read", Tone.PLAIN
        elif isinstance(event, SampleMissing | DayMissed):
            row.word, row.tone = "no sample", Tone.WARN
        elif isinstance(event, ModeChanged):
            row.is_held = event.mode == "hold"
        elif isinstance(event, Forecasted):
            row.is_settled = True
            if row.is_held and row.word == "read":
                row.word = "held"  # by a person: no fault, so quiet
        elif isinstance(event, Decided):
            row.word, row.tone = "decided", Tone.PLAIN
        elif isinstance(event, SetpointsWritten):
            row.word, row.tone, row.in_force, row.is_settled = "written", Tone.PLAIN, event.acknowledged, True
        elif isinstance(event, Withheld):
            is_advice = event.action == "advise"
            row.word, row.tone = ("advised", Tone.PLAIN) if is_advice else ("held", Tone.WARN)
            row.is_settled = True
            said = [] if is_advice else self._about(reactor, "HOLD:", event.reason, Tone.WARN)
        elif isinstance(event, WRITE_ENDED_BADLY):
            row.word, row.tone, row.is_settled = "unknown" if isinstance(event, WriteUnknown) else "old", Tone.ACT, True
        elif isinstance(event, VesselJoined):
            row.clone, row.word = str(event.source.get("clone", "")), "joined"
        elif isinstance(event, VesselLeft):
            row.word, row.tone, row.is_settled = "left", Tone.QUIET, True
        elif isinstance(event, AlarmRaised):
            tone = Tone.ACT if event.level == "act" else Tone.WARN
            said = self._about(reactor, f"ALARM ({event.level}):", f"{event.reason} {event.response}", tone)
        if (told := attention(event)) is not None:
            said = self._about(reactor, *told)
        have_begun = [r for r in self.rows.values() if r.sample is not None]
        if row.is_settled and have_begun and all(r.is_settled for r in have_begun):
            said = said + self._turn_told()
        return said

    def _about(self, reactor: str, label: str, text: str, tone: Tone) -> list[Line]:
        return note(f"{reactor} {label}", text, tone, indent=True)


def _of_the_experiment(event: Event) -> list[Line]:
    if isinstance(event, AimDoubted):
        return note("Doubt:", event.reason, Tone.WARN)
    if isinstance(event, ModelFitted):
        told = f"one-step error {event.holdout_error:.3g}, {event.previous_error:.3g} with the parameters before."
        return note("refit:", told, Tone.QUIET, indent=True)
    if isinstance(event, ModelWaiting):
        return note("refit waits:", event.reason, Tone.WARN, indent=True)
    if isinstance(event, AlarmRaised):
        return note(f"ALARM ({event.level}):", f"{event.reason} {event.response}", Tone.ACT, indent=True)
    if isinstance(event, ModelRejected):
        return note("MODEL KEPT:", event.reason, Tone.WARN, indent=True)
    if isinstance(event, ClockStepped):
        return note("CLOCK:", f"The clock of this machine was moved by {event.step_s:+.1f} s.", Tone.WARN, indent=True)
    seen = attention(event)
    return [] if seen is None else note(*seen)


def _culture_days(rows: list[Row], turn: int) -> str:
    """Return the culture day that the vessels have in common, else the turn: they were not inoculated together."""
    days = {round(row.sample.time_h / 24.0) for row in rows if row.sample is not None}
    return f"day {days.pop():>3}" if len(days) == 1 else f"turn {turn:>3}"


def _named(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def _measured(rows: list[Row], name: str) -> list[float]:
    found = [getattr(row.sample, name) for row in rows]
    return [value for value in found if value == value]


def _spread(values: list[float]) -> str:
    """Median and range."""
    middle, low, high = (float(np.median(values)), min(values), max(values)) if values else (nan, nan, nan)
    return f"{number(middle):>5} ({number(low)} to {number(high)})"
