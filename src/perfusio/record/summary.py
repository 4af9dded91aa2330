"""Summary: the part of a record that a resumed run needs. Each line is taken in once and dropped.

Weeks of records are gigabytes once they are parsed. Whoever goes on with a run asks for little of them: all that the
twin knows after them, the first and the last, the hashes, when which sample came, and the latest record of each kind.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from perfusio.events import (
    Event,
    Json,
    RunResumed,
    RunStarted,
    SampleAccepted,
    SampleCorrected,
    SampleRead,
    from_json,
    is_payload,
)
from perfusio.process.panel import Panel
from perfusio.record.apply_event import CHANGING, after, begun
from perfusio.record.line import Record
from perfusio.record.run_state import RunState
from perfusio.record.vessel_history import process_of

SAMPLES = (SampleRead.__name__, SampleCorrected.__name__, SampleAccepted.__name__)


class SampleSeen(NamedTuple):
    """When a sample was read.

    Attributes:
        reactor: Vessel.
        turn: Of the loop.
        time_h: Culture time [h].
        ts: Wall time of its record, ISO 8601 in UTC.
        is_extra: Whether it is another one than that of the turn.
    """

    reactor: str
    turn: int
    time_h: float
    ts: str
    is_extra: bool


@dataclass(slots=True)
class Summary:
    """Summary of the records taken in so far, in their order.

    Attributes:
        n_bytes: Length of their lines.
        hashes: `hash` of each.
        samples: Samples read.
        numbers: Number of the record that holds the sample of a vessel and time [h] now.
        decided_by: Identity of policy and model, as on record last; None in records of before that was kept.
        wrong: Fault of the line behind them; "" if none.
    """

    n_bytes: int = 0
    hashes: list[str] = field(default_factory=list)
    samples: list[SampleSeen] = field(default_factory=list)
    numbers: dict[tuple[str, Any], int] = field(default_factory=dict)
    decided_by: Json | None = None
    wrong: str = ""
    _first: Json | None = None
    _last: Json | None = None
    _latest: dict[str, Json] = field(default_factory=dict)
    _run_state: RunState = field(default_factory=RunState)
    _why_unknown: Exception | None = None
    _process: Panel | None = None

    @classmethod
    def of(cls, records: Iterable[Record]) -> Self:
        """Return the summary of records that are known to be good."""
        new = cls()
        for record in records:
            new.take(record.fields(), 0, record)
        return new

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.hashes)

    @property
    def first(self) -> Record:
        """The first record; there must be one."""
        assert self._first is not None
        return self._record(self._first)

    @property
    def last(self) -> Record:
        """The last record; there must be one."""
        assert self._last is not None
        return self._record(self._last)

    @property
    def process(self) -> Panel:
        """The process of the run; there must be a first record.

        Raises:
            AuditError: it is one that this version cannot read.
        """
        assert self._first is not None
        if self._process is None:
            self._process = process_of(self._first["payload"].get("config", {}))
        return self._process

    @property
    def run_state(self) -> RunState:
        """State of the twin after these records.

        Raises:
            AuditError: a record is of a kind, or has fields, that this version does not know.
            ConfigError: its settings are refused by this version.
        """
        if self._why_unknown is not None:
            raise self._why_unknown
        return self._run_state

    @property
    def known(self) -> RunState:
        """The same, up to the first record that this version does not understand."""
        return self._run_state

    def latest(self, kind: type[Event]) -> Record | None:
        """Return the last record of an event of this kind, None if there is none."""
        fields = self._latest.get(kind.__name__)
        return None if fields is None else self._record(fields)

    def _record(self, fields: Json) -> Record:
        return Record.of_fields(fields).of_process(self.process)

    def take(self, fields: Json, n_bytes: int, record: Record | None = None) -> Event | None:
        """Take in the next record; return its event if it changed more than the turn.

        Args:
            fields: Of it, as its line holds them.
            n_bytes: Length of its line.
            record: The same, where it was made already: with its event, which is costly to make.
        """
        name, payload = fields["event"], fields["payload"]
        turn = fields["day"] if fields["v"] == 1 else fields["turn"]
        self.n_bytes += n_bytes
        self.hashes.append(fields["hash"])
        if self._first is None:
            self._first = fields
            self._run_state = RunState(run_id=fields["run"])
        self._last = self._latest[name] = fields
        if name in SAMPLES:
            time_h = payload["state"]["time_h"]
            self.numbers[str(fields["reactor"]), time_h] = fields["seq"]
            if name == SampleRead.__name__:
                is_extra = bool(payload.get("extra"))
                self.samples.append(SampleSeen(str(fields["reactor"]), turn or 0, time_h, fields["ts"], is_extra))
        if name == RunStarted.__name__:
            self.decided_by = payload["config"].get("decided_by")
        elif name == RunResumed.__name__:
            self.decided_by = payload.get("decided_by") or self.decided_by
        if self._why_unknown is None:
            try:
                return self._fold(name, turn, fields, record)
            except Exception as error:  # noqa: BLE001 - said to whoever asks for it; the rest is known all the same
                self._why_unknown = error
        return None

    def _fold(self, name: str, turn: int | None, fields: Json, record: Record | None) -> Event | None:
        """Change the state; an event that changes nothing but the turn is not made."""
        if name not in CHANGING and is_payload(name, fields["payload"]):
            self._run_state = begun(self._run_state, turn)
            return None
        event = record.to_event() if record is not None else from_json(
            name, fields["payload"], reactor=fields["reactor"], turn=turn, culture_day=fields.get("culture_day"),
            reason=fields["reason"], panel=self.process,
        )  # fmt: skip
        self._run_state = after(self._run_state, event)
        return event
