"""Index of a record: a few words on each line, and where it stands in the file; the line itself is read when asked for.

Forecasts are kept as arrays, since the page holds earlier ones against what came.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from perfusio.events import AlarmChanged, AlarmRaised, Event, Json, RunStarted
from perfusio.process.panel import Panel
from perfusio.state import FloatArray

BANDS = ("q10", "mean", "q90")
OF_ALARMS = (RunStarted, AlarmRaised, AlarmChanged)
FORECASTS = ("Decided", "Forecasted")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """One forecast as it was issued.

    Attributes:
        seq: Number of its record.
        turn: Of the loop.
        key: Of its decision; empty for a forecast without one.
        times_h: Culture times (H,) [h].
        chosen: 10 % quantile, mean and 90 % quantile under the plan, shape (3, H, Q).
        unchanged: The same under the setpoints in force.
    """

    seq: int
    turn: int
    key: str
    times_h: FloatArray
    chosen: FloatArray
    unchanged: FloatArray


@dataclass(slots=True)
class Index:
    """What the page keeps of a record beside the state of its run.

    Attributes:
        rows: Of all lines.
        forecasts: By vessel, in order.
        written: Keys of the decisions whose setpoints the vessel acknowledged.
        decisions: Number of the record of each decision, by key.
        alarm_events: Events that make the list of alarms, with their wall times.
    """

    rows: list[Row] = field(default_factory=list)
    forecasts: dict[str, list[Issued]] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    decisions: dict[str, int] = field(default_factory=dict)
    alarm_events: list[tuple[str, Event]] = field(default_factory=list)

    def take(self, fields: Json, made: Event | None, start: int, n_bytes: int, panel: Panel) -> Row:
        """Take in the next line.

        Args:
            fields: Of it.
            made: Its event, where it changed the state of the run.
            start: Its first byte in the file.
            n_bytes: Its length.
            panel: Process of the run.
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
        elif name == "SetpointsWritten":
            self.written.add(payload["key"])
        elif name in FORECASTS:
            self._take_forecast(payload, row, panel.species_names)
        return row

    def _take_forecast(self, payload: Json, row: Row, species: tuple[str, ...]) -> None:
        key = payload.get("key", "")
        if key:
            self.decisions[key] = row.seq
        unchanged = _bands(payload["hold"], species)
        chosen = _bands(payload["chosen"], species) if "chosen" in payload else unchanged
        times = np.array(payload["hold"]["times_h"], dtype=float)
        issued = Issued(
            seq=row.seq, turn=row.turn, key=key, times_h=times, chosen=chosen, unchanged=unchanged
        )
        self.forecasts.setdefault(row.reactor, []).append(issued)


def _bands(forecast: Json, species: tuple[str, ...]) -> FloatArray:
    bands: FloatArray = np.array([[forecast[band][s] for s in species] for band in BANDS], dtype=float)
    return bands.transpose(0, 2, 1)
