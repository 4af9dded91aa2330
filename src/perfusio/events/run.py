"""Events of a run as a whole: begun, gone on with, interrupted, ended; its clock, its journal, its vessels."""

from __future__ import annotations

from dataclasses import dataclass, field

from perfusio.events.base import Event, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    """First record: the settings, with which versions, from which sources."""

    config: Json
    versions: Json
    sources: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class VesselJoined(Event):
    """One more vessel takes part from the next turn on; `config` holds its settings that differ from those of all."""

    mode: str
    source: Json
    config: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VesselLeft(Event):
    """A vessel is neither read nor written any more; its data stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStepped(Event):
    """The wall clock moved by `step_s` seconds against the monotonic clock since the record before."""

    step_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRecovered(Event):
    """A line that was torn by a crash was moved to another file; every record before it is good."""

    moved_to: str
    n_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResumed(Event):
    """The run goes on after a stop, from the record; `after` is the number of the last record before."""

    after: int
    model_id: str
    versions: Json
    sources: Json
    decided_by: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayMissed(Event):
    """A day passed while no twin was running: it is not decided and never acted upon afterwards."""

    expected_h: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInterrupted(Event):
    """The program ended before the run did: by an error, Ctrl-C or a signal. The run can go on.

    A kill or a power cut leaves no such record, and it is not needed.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded(Event):
    """Last record."""

    outcome: str
    n_samples: int
    n_decisions: int
