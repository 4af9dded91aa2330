"""Histories: the samples of each vessel by the lines in a database, folded as the twin folds them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite

from sqlalchemy import Connection, select

from perfusio.connectors.database.schema import events
from perfusio.events import RunStarted, VesselJoined
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.record.line import Record
from perfusio.record.vessel_history import CHANGES, VesselHistory, after, begun, process_of
from perfusio.state import Setpoints
from perfusio.trajectory import Trajectory

TOLD_BY = {kind.__name__ for kind in (RunStarted, VesselJoined, *CHANGES)}
"""Names of the events that change samples or setpoints in force."""


@dataclass(slots=True)
class _Run:
    """A run as known: its process, and the history of each vessel."""

    last: str = ""
    process: Panel = CHO_PERFUSION
    vessels: dict[str, VesselHistory] = field(default_factory=dict)

    def take_in(self, record: Record) -> tuple[VesselHistory, float] | None:
        """Take one more record in; return the history of its vessel and the time of its sample [h], if it tells one."""
        self.last = record.hash
        if record.event not in TOLD_BY:
            return None
        if record.event == RunStarted.__name__:
            self.process = process_of(record.payload["config"])
        event = record.of_process(self.process).to_event()
        self.vessels |= begun(event, record.run, self.process)
        if event.reactor is None or type(event) not in CHANGES:
            return None
        state = getattr(event, "state", None)
        if state is not None and not isfinite(state.time_h):  # of no time, so it has no row
            return None
        empty = VesselHistory(
            trajectory=Trajectory(reactor_id=event.reactor, run_id=record.run),
            in_force=Setpoints(panel=self.process),
        )
        history = self.vessels[event.reactor] = after(self.vessels.get(event.reactor, empty), event)
        return None if state is None else (history, state.time_h)


class Histories:
    """State of the vessels of each run after its last line.

    It is kept with the hash of that line, which stands for all lines up to it; where another program added lines since,
    they are folded anew from the database.
    """

    def __init__(self) -> None:
        self._known: dict[str, _Run] = {}

    def after(self, connection: Connection, record: Record) -> tuple[VesselHistory, float] | None:
        """Take one more record in; return the history of its vessel and the time of its sample [h], if it tells one.

        Args:
            connection: Where the lines before it are.
            record: Of the run.

        Raises:
            AuditError: the record is of an event that this perfusio does not know so.
        """
        known = self._until(connection, record)
        del self._known[record.run]  # until it is taken in whole
        changed = known.take_in(record)
        self._known[record.run] = known
        return changed

    def latest_h(self, connection: Connection, record: Record) -> float | None:
        """Return the time of the last sample of the vessel of a record before it [h].

        Args:
            connection: Where the lines before it are.
            record: Of one vessel.
        """
        history = self._until(connection, record).vessels.get(str(record.reactor))
        return history.trajectory.states[-1].time_h if history is not None and history.trajectory.states else None

    def _until(self, connection: Connection, record: Record) -> _Run:
        """Return the run of a record as it stood before it."""
        known = self._known.get(record.run)
        if known is None or known.last != record.prev:
            known = self._known[record.run] = _folded(connection, record.run, record.seq)
            known.last = record.prev
        return known


def lines_of(connection: Connection, run: str) -> Iterator[str]:
    """Yield the lines of a run in order, without their line breaks."""
    yield from connection.execute(select(events.c.record).where(events.c.run == run).order_by(events.c.seq)).scalars()


def _folded(connection: Connection, run: str, before: int) -> _Run:
    known = _Run()
    query = select(events.c.record).where(events.c.run == run, events.c.seq < before, events.c.event.in_(TOLD_BY))
    for line in connection.execute(query.order_by(events.c.seq)).scalars():
        known.take_in(Record.of_fields(json.loads(line)))
    return known
