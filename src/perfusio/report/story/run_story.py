"""RunStory: a run as its record tells it: vessels with their forecasts, decisions, alarms, acts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perfusio.config import RunConfig
from perfusio.errors import ConfigError
from perfusio.events import Decided, Event, RunEnded, RunStarted
from perfusio.process.panel import Panel
from perfusio.quantities import closest
from perfusio.record.apply_event import after
from perfusio.record.line import Record
from perfusio.record.run_state import RunState
from perfusio.record.verification.verify import read_records
from perfusio.report.story.diary import Diary
from perfusio.report.story.kept_forecasts import ForecastKeeper, KeptForecast
from perfusio.report.story.rows import ActRow, AlarmRow, DecisionRow, ModelRow, Place, TroubleRow
from perfusio.state import Setpoints
from perfusio.trajectory import Trajectory


@dataclass(frozen=True, slots=True, kw_only=True)
class VesselStory:
    """One vessel.

    Attributes:
        name: In the record.
        known: Samples, corrected and completed, and the setpoints in force between them.
        in_force: Setpoints since the last sample.
        kept: Forecasts in order of time, each under the setpoints that were then in force, as far as known; those of
            turns without a sample knew no more than the one before.
        asked: Recommended setpoints with the time of the sample that they answer [h].
        mode: Who may write.
        source: Its source, as recorded.
        has_left: Whether it takes part no more.
    """

    name: str
    known: Trajectory
    in_force: Setpoints
    kept: tuple[KeptForecast, ...]
    asked: tuple[tuple[float, Setpoints], ...]
    mode: str = ""
    source: Mapping[str, Any] = field(default_factory=dict)
    has_left: bool = False

    @property
    def panel(self) -> Panel:
        """The process."""
        return self.known.panel

    @property
    def now_h(self) -> float:
        """Time of the last sample [h]; NaN before the first."""
        return self.known.states[-1].time_h if self.known.states else float("nan")

    @property
    def latest(self) -> KeptForecast | None:
        """The latest forecast, None if there is none."""
        return self.kept[-1] if self.kept else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStory:
    """A run up to the last of its records.

    Attributes:
        run_id: Of the run.
        config: As recorded in RunStarted: ``run``, ``design_space``, ``modes``.
        state: State of the twin, folded from the record.
        vessels: By name.
        decisions: In order of the record, as are all that follow.
        alarms: Alarms.
        acts: Acts of persons.
        models: Steps of the model.
        troubles: Troubles of samples, links and writes.
        started: The first event; None = the run has not begun.
        ended: The last event, None while the run may go on.
        first_ts: Wall time of the first record, ISO 8601 in UTC; empty where only events are known.
        last_ts: The same of the last one.
    """

    run_id: str
    config: Mapping[str, Any]
    state: RunState
    vessels: Mapping[str, VesselStory]
    decisions: tuple[DecisionRow, ...]
    alarms: tuple[AlarmRow, ...]
    acts: tuple[ActRow, ...]
    models: tuple[ModelRow, ...]
    troubles: tuple[TroubleRow, ...]
    started: RunStarted | None
    ended: RunEnded | None
    first_ts: str = ""
    last_ts: str = ""

    @property
    def panel(self) -> Panel:
        """The process."""
        return self.state.process

    @property
    def interval_h(self) -> float:
        """Expected time between samples [h]."""
        return float(self.config.get("run", {}).get("sampling_interval_hours", 24.0))

    @property
    def days(self) -> float:
        """Planned length [day]."""
        return float(self.config.get("run", {}).get("duration_days", 0.0))

    def end_h(self, vessel: VesselStory) -> float:
        """Return how far figures of a vessel reach [h]: to its last sample once the run is over, else to its plan."""
        if self.ended is not None or vessel.has_left or not vessel.known.states:
            return vessel.now_h
        return max(vessel.known.states[0].time_h + 24.0 * self.days, vessel.now_h)

    def vessel(self, name: str | None = None) -> VesselStory:
        """Return a vessel by its name, the first one without a name.

        Raises:
            ConfigError: the run has none of that name.
        """
        if name is None and self.vessels:
            return next(iter(self.vessels.values()))
        if name is None or name not in self.vessels:
            known = ", ".join(self.vessels) or "none yet"
            raise ConfigError(f"{name} is not in this run; it has {known}.{closest(str(name), tuple(self.vessels))}")
        return self.vessels[name]

    def settings(self) -> RunConfig:
        """Return the settings of the run.

        Raises:
            ConfigError: this version refuses them.
        """
        return RunConfig.model_validate({**self.config["run"], "run_dir": Path()})


class StoryTeller:
    """Takes in the records of a run one after another; `story` tells them so far. Each record is taken once."""

    def __init__(self, run_id: str = "") -> None:
        self._state, self._config = RunState(run_id=run_id), dict[str, Any]()
        self._keeper = ForecastKeeper()
        self._asked, self._sources = dict[str, list[tuple[float, Setpoints]]](), dict[str, Mapping[str, Any]]()
        self._diary = Diary()
        self._started: RunStarted | None = None
        self._ended: RunEnded | None = None
        self._first_ts = self._last_ts = ""

    def take(self, record: Record) -> None:
        """Take in a verified record."""
        if not self._first_ts:
            self._first_ts = record.ts
            self._state = RunState(run_id=record.run)
        self._last_ts = record.ts
        self.take_event(record.to_event(), seq=record.seq, ts=record.ts)

    def take_event(self, event: Event, *, seq: int = 0, ts: str = "") -> None:
        """Take in an event; number and wall time of its record where they are known."""
        before, self._state = self._state, after(self._state, event)
        name = event.reactor or ""
        if isinstance(event, RunStarted):
            self._started, self._config, self._ended = event, dict(event.config), None
            self._sources = {r: dict(s) for r, s in event.sources.items()}
        elif isinstance(event, RunEnded):
            self._ended = event
        elif isinstance(event, Decided) and name in self._state.trajectories:
            self._note_asked(event, name)
        self._keeper.take(event, self._state)
        self._diary.take(event, self._place(event, seq, ts), before)

    def _note_asked(self, event: Decided, name: str) -> None:
        if states := self._state.trajectories[name].states:
            self._asked.setdefault(name, []).append((states[-1].time_h, event.setpoints))

    def _place(self, event: Event, seq: int, ts: str) -> Place:
        name, day = event.reactor or "", event.culture_day
        if day is None and name in self._state.trajectories and self._state.trajectories[name].states:
            day = self._state.trajectories[name].states[-1].day  # records of version 1 do not say it
        return Place(seq=seq, ts=ts, reactor=name, turn=event.turn, culture_day=float("nan") if day is None else day)

    def story(self) -> RunStory:
        """Return the run as told so far."""
        state, vessels = self._state, dict[str, VesselStory]()
        for name, known in state.trajectories.items():
            mode = str(state.noted[name].value) if name in state.noted else ""
            vessels[name] = VesselStory(
                name=name, known=known, in_force=state.in_force[name], kept=self._keeper.of(name, state),
                asked=tuple(self._asked.get(name, ())), mode=mode,
                source=self._sources.get(name, {}), has_left=name in state.left,
            )  # fmt: skip
        return RunStory(
            run_id=state.run_id, config=self._config, state=state, vessels=vessels,
            decisions=tuple(self._diary.decisions), alarms=tuple(self._diary.alarms), acts=tuple(self._diary.acts),
            models=tuple(self._diary.models), troubles=tuple(self._diary.troubles), started=self._started,
            ended=self._ended, first_ts=self._first_ts, last_ts=self._last_ts,
        )  # fmt: skip


def story_of_events(events: Iterable[Event]) -> RunStory:
    """Return the run that events tell, without numbers and wall times of records."""
    teller = StoryTeller()
    for event in events:
        teller.take_event(event)
    return teller.story()


def story_of(record: str | Path) -> RunStory:
    """Return the run in a record, which is verified line by line while it is read.

    Raises:
        AuditError: the record cannot be read.
        ChainBroken: the record was changed.
    """
    teller = StoryTeller()
    for one in read_records(record):
        teller.take(one)
    return teller.story()
