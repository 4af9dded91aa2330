"""Index of a record: a few words on each line, and where it stands in the file; the line itself is read when asked for.

Forecasts are kept as arrays, since the page holds earlier ones against the samples that came.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from perfusio.events import AlarmChanged, AlarmRaised, Decided, Event, Forecasted, Json, RunStarted, SampleRead
from perfusio.record.run_state import RunState
from perfusio.report.story.kept_forecasts import ForecastKeeper

OF_ALARMS = (RunStarted, AlarmRaised, AlarmChanged)
FORECASTS = (Decided, Forecasted, SampleRead)
"""Events by which forecasts are kept: the sample after one says which setpoints were in force."""


class Row(NamedTuple):
    """One record.

    Attributes:
        seq: Its number.
        ts: Wall time, ISO 8601 in UTC.
        event: Name of the event.
        reactor: Vessel, empty for the run.
        turn: Turn of the loop, -1 for none.
        day: Culture day, None where it is not known.
        who: Person who acted, else the actor.
        reason: In words, as on record.
        start: First byte in the file.
        n_bytes: Length of the line.
    """

    seq: int
    ts: str
    event: str
    reactor: str
    turn: int
    day: float | None
    who: str
    reason: str
    start: int
    n_bytes: int


@dataclass(slots=True)
class Index:
    """What the page keeps of a record beside the state of its run.

    Attributes:
        rows: Of all lines.
        keeper: Forecasts of all vessels.
        decisions: Number of the record of each decision, by key.
        alarm_events: Events that make the list of alarms, with their wall times.
    """

    rows: list[Row] = field(default_factory=list)
    keeper: ForecastKeeper = field(default_factory=ForecastKeeper)
    decisions: dict[str, int] = field(default_factory=dict)
    alarm_events: list[tuple[str, Event]] = field(default_factory=list)

    def take(self, fields: Json, made: Event | None, start: int, n_bytes: int, known: RunState) -> Row:
        """Take in the next line.

        Args:
            fields: Of it.
            made: Its event, where it changed the state of the run.
            start: Its first byte in the file.
            n_bytes: Its length.
            known: State of the run after it.
        """
        payload, name, reactor = fields["payload"], fields["event"], fields["reactor"] or ""
        turn = fields["day"] if fields["v"] == 1 else fields["turn"]
        row = Row(
            fields["seq"], fields["ts"], name, reactor, -1 if turn is None else turn, fields.get("culture_day"),
            payload.get("who") or fields["actor"], fields["reason"], start, n_bytes,
        )  # fmt: skip
        self.rows.append(row)
        if isinstance(made, OF_ALARMS):
            self.alarm_events.append((row.ts, made))
        elif isinstance(made, FORECASTS):
            self.keeper.take(made, known)
            if isinstance(made, Decided):
                self.decisions[made.key] = row.seq
        return row
