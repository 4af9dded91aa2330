"""Rows of a run's story: a decision, an alarm, an act of a person, a step of the model, a trouble of samples."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

from perfusio.state import Setpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a row stands in the record.

    Attributes:
        seq: Number of its record.
        ts: Wall time of its record, ISO 8601 in UTC; empty where only events are known.
        reactor: Vessel; empty = the experiment.
        turn: Turn of the loop, None if of none.
        culture_day: Days since inoculation; NaN where not known.
    """

    seq: int = 0
    ts: str = ""
    reactor: str = ""
    turn: int | None = None
    culture_day: float = nan


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    """A decision, and how it ended.

    Attributes:
        place: Of the decision.
        before: Setpoints in force when it was made.
        asked: Recommended setpoints.
        why: Its reason, as recorded.
        ended: ``"written"``, ``"advised"``, ``"held"`` and so on; empty while it is open.
        remark: Why it ended otherwise than written; may be empty.
    """

    place: Place
    before: Setpoints
    asked: Setpoints
    why: str
    ended: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRow:
    """An alarm from its begin to its end.

    Attributes:
        place: Of its begin.
        name: E.g. ``"viability:act"``.
        level: ``"warn"``, ``"act"`` or another word of the record.
        value: Value that raised it, canonical unit; NaN if none.
        limit: Level that was passed; NaN if none.
        lead_days: How far ahead it was forecast; 0 = measured.
        text: In words, as recorded.
        response: What to do, as recorded.
        ended: Wall time of its end; empty while it is active.
        ended_day: Culture day of its end; NaN while active or not known.
        acknowledged: Who acknowledged or shelved it, and why; may be empty.
    """

    place: Place
    name: str
    level: str
    value: float
    limit: float
    lead_days: float
    text: str
    response: str
    ended: str = ""
    ended_day: float = nan
    acknowledged: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActRow:
    """An act of a person, or of the program towards one: who did what, and why.

    Attributes:
        place: In the record.
        who: Person; ``"the twin"`` where no person did it.
        act: In a few words.
        why: Reason that was given.
    """

    place: Place
    who: str
    act: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """A step of the model: refitted, refused, waiting for a person.

    Attributes:
        place: In the record.
        step: In a word.
        model_id: Of the model.
        error: One-step error on held-out samples; NaN where it was not measured.
        before: The same with the parameters before.
        why: Reason, as recorded; may be empty.
    """

    place: Place
    step: str
    model_id: str
    error: float = nan
    before: float = nan
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubleRow:
    """A sample that did not come, was refused or corrected; a link, a source or a write that failed."""

    place: Place
    trouble: str
    why: str
