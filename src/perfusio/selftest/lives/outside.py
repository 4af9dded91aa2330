"""Vessels outside of perfusio that bear witness: an analyzer and a controller behind a file, a table or a server.

Each is a process of its own. It gives the next sample once the twin is done with the one before, carries out the
requests of it the way that its kind of link does, and writes down each change of its setpoints before it shows: by
whom, and on which day of the culture. A person can reach past the twin.
"""

from __future__ import annotations

import json
import os
import select
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.connectors.database.samples import SqlSample, add_samples
from perfusio.connectors.filesystem import FilesystemStore
from perfusio.connectors.opc_ua.access import Timing
from perfusio.connectors.opcua import OpcUaConnector
from perfusio.connectors.sql import SqlStore
from perfusio.process.roles import CELLS
from perfusio.protocols import Connector
from perfusio.selftest.quiet_vessel import sample_of
from perfusio.state import SETPOINT_QUANTITIES, SETPOINTS, STATE_QUANTITIES, Setpoints, State
from perfusio.tables.cells.csv_files import csv_bytes
from perfusio.testing.opcua_server import FaultyOpcUaServer

LOOKS_EVERY_S = 0.002
DONE_WITH = ("SetpointsWritten", "Withheld", "WriteRefused", "WritePartial", "WriteRestored", "WriteUnknown",
             "DayMissed", "Forecasted")  # fmt: skip
"""Events after which the turn of a vessel is over, but for a refit."""
IMPOSSIBLE = replace(sample_of(1).with_values(**{CELLS: 300.0}), time_h=30.0)
"""A sample between two others that no culture can give; every admission must refuse it."""
REACTOR = "PB-104"
Json = dict[str, Any]


class Outside(ABC):
    """A vessel outside.

    Args:
        folder: Place of its log and its display.
        n_days: Of the culture; so many samples after the first.
    """

    def __init__(self, folder: Path, n_days: int) -> None:
        self.folder, self.n_days = folder, n_days
        self.in_force = DEFAULT_AMBR250_DESIGN_SPACE.nominal
        self.day, self._is_sane, self._read_to = -1, True, 0
        self._done_with = self._intended = -1
        self._log = os.open(folder / "witness.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.give_next()

    @abstractmethod
    def show(self, sample: State) -> None:
        """Put a sample where the twin looks for it."""

    @abstractmethod
    def obey(self) -> None:
        """Carry out the requests since the last time."""

    @abstractmethod
    def show_in_force(self) -> None:
        """Let a change by hand be seen where this kind of vessel shows it."""

    @property
    def is_seen(self) -> bool:
        """Whether the next sample would not take the place of one that nobody has seen."""
        return True

    def serve(self, commands: int, answers: int) -> None:
        """Live for ever; call it in a process of its own.

        Args:
            commands: Pipe from which one JSON line a command comes.
            answers: Pipe for one line each, once it is done and nothing that was asked is left.
        """
        waiting = b""
        while True:
            self.obey()
            self._follow()
            if select.select([commands], [], [], LOOKS_EVERY_S)[0]:
                waiting += os.read(commands, 4096)
                *lines, waiting = waiting.split(b"\n")
                for line in lines:
                    self.obey()
                    if by_hand := json.loads(line):
                        self.change(replace(self.in_force, **by_hand), by="person")
                        self.show_in_force()
                    os.write(answers, b"done\n")

    def change(self, setpoints: Setpoints, *, by: str, at: float | None = None) -> None:
        """Put setpoints in force; that they are goes into the log first."""
        self.note(what="change", by=by, at=at, setpoints=setpoints.vector().tolist())
        self.in_force = setpoints

    def note(self, **entry: Any) -> None:
        """Write an entry of the log; it is on the disk before anything of it shows."""
        os.write(self._log, json.dumps({**entry, "day": self.day}).encode() + b"\n")

    def give_next(self) -> None:
        """Show the next sample."""
        self._is_sane = not (self.day == 1 and self._is_sane)  # after the second day's comes one that cannot be
        self.day += self._is_sane
        self.show(sample_of(self.day) if self._is_sane else IMPOSSIBLE)

    def _follow(self) -> None:
        """Give the next sample if the twin's record says that it is done with the one before."""
        for event in self._news():
            if event["event"] in DONE_WITH:
                self._done_with = max(self._done_with, event["turn"])
            elif event["event"] == "WriteIntended":
                self._intended = event["turn"]
            elif event["event"] == "RunResumed":  # the next sample may have to show how a write ended
                self._done_with = max(self._done_with, self._intended)
        if self.day < self.n_days and self._done_with >= self.day and self.is_seen:
            self.give_next()

    def _news(self) -> Iterator[Json]:
        record = self.folder / "run" / "audit.jsonl"
        if record.exists():
            with record.open("rb") as file:
                file.seek(self._read_to)
                for line in file:
                    if not line.endswith(b"\n"):
                        return
                    self._read_to += len(line)
                    yield json.loads(line)


class BehindFile(Outside):
    """A sheet to which an analyzer adds rows, and a controller that takes the last row of the setpoints file."""

    _HEADER = ("reactor", "time [h]", *(q.header for q in STATE_QUANTITIES.values()),
               *(q.header for q in SETPOINT_QUANTITIES.values()))  # fmt: skip

    def __init__(self, folder: Path, n_days: int) -> None:
        (folder / "sheet.csv").write_bytes(csv_bytes([self._HEADER]))
        self._taken = b""
        super().__init__(folder, n_days)

    @staticmethod
    def connector(folder: Path) -> Connector:
        """Return the connector by which a twin reaches it."""
        return FilesystemStore(folder / "sheet.csv", actuates=True, poll_seconds=LOOKS_EVERY_S)

    def show(self, sample: State) -> None:
        """Add a row; it has the setpoints in force when it is written."""
        measured = [repr(getattr(sample, name)) for name in STATE_QUANTITIES]
        held = [repr(getattr(self.in_force, name)) for name in SETPOINTS]
        with (self.folder / "sheet.csv").open("ab") as file:
            file.write(csv_bytes([[REACTOR, repr(sample.time_h), *measured, *held]]))

    def obey(self) -> None:
        """Take the last row."""
        try:
            content = (self.folder / "sheet.setpoints.csv").read_bytes()
        except FileNotFoundError:
            return
        if content == self._taken:
            return
        known = self._taken.count(b"\n") or 1
        self._taken = content
        for line in content.decode().splitlines()[known:]:
            cells = line.split(",")
            asked = Setpoints.of(np.array(cells[-len(SETPOINTS) :], dtype=float))
            self.change(asked, by="twin", at=float(cells[-len(SETPOINTS) - 1]))

    def show_in_force(self) -> None:
        """Only the next row shows it."""


class BehindTable(Outside):
    """A table of samples, and a controller that acknowledges requests."""

    def __init__(self, folder: Path, n_days: int) -> None:
        super().__init__(folder, n_days)
        self._base = sqlite3.connect(folder / "lab.sqlite", timeout=10.0, isolation_level=None)

    @staticmethod
    def connector(folder: Path) -> Connector:
        """Return the connector by which a twin reaches it."""
        return SqlStore(folder / "lab.sqlite", actuates=True, poll_seconds=LOOKS_EVERY_S, acknowledge_seconds=20.0)

    def show(self, sample: State) -> None:
        """Put a row in."""
        add_samples(self.folder / "lab.sqlite", [SqlSample(state=sample, setpoints=self.in_force, reactor=REACTOR)])

    def obey(self) -> None:
        """Acknowledge open requests."""
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
        names = ", ".join(f"asked_{name}" for name in SETPOINTS)
        asked = f"SELECT key, time_h, {names} FROM setpoints WHERE status = 'asked' AND not_after > ?"
        for key, time_h, *values in self._base.execute(asked, (now,)).fetchall():
            self.change(Setpoints(**dict(zip(SETPOINTS, values, strict=True))), by="twin", at=time_h)
            sets = ", ".join(f"acknowledged_{name} = asked_{name}" for name in SETPOINTS)
            done = f"UPDATE setpoints SET status = 'acknowledged', answered_at = ?, {sets} WHERE key = ?"
            self._base.execute(done, (now, key))

    def show_in_force(self) -> None:
        """The latest sample's row says it, as if a controller wrote the setpoints in force beside each sample."""
        sets = ", ".join(f"acknowledged_{name} = ?" for name in SETPOINTS)
        last = "SELECT key FROM setpoints WHERE status = 'acknowledged' ORDER BY time_h DESC LIMIT 1"
        with closing(self._base.execute(last)) as found:
            row = found.fetchone()
        if row is not None:
            self._base.execute(f"UPDATE setpoints SET {sets} WHERE key = ?", (*self.in_force.vector().tolist(), row[0]))


class BehindServer(Outside):
    """The nodes of an OPC UA server; values written to them hold at once."""

    def __init__(self, folder: Path, n_days: int, server: FaultyOpcUaServer) -> None:
        self._server, self._is_seen = server, False
        server.on_second_look = self._seen
        server.start()
        super().__init__(folder, n_days)
        (folder / "endpoint.txt").write_text(server.endpoint)

    @staticmethod
    def connector(folder: Path) -> Connector:
        """Return the connector by which a twin reaches it."""
        timing = Timing(request=2.0, keepalive=0.5, session=3.0, write=20.0, retry=0.05, backoff=(0.02, 0.2),
                        poll=LOOKS_EVERY_S, sample=None)  # fmt: skip
        whole = OpcUaConnector(
            (folder / "endpoint.txt").read_text(), folder / "nodes.toml", certificates=folder / "certificates",
            allow_insecure=True, timing=timing,
        )  # fmt: skip
        vessel: Any = whole.vessels()[REACTOR]
        return cast(Connector, vessel)

    def show(self, sample: State) -> None:
        """Publish it."""
        self._is_seen = False
        self._server.publish(REACTOR, sample)

    @property
    def is_seen(self) -> bool:
        """Whether a client looked for another one since."""
        return self._is_seen

    def _seen(self, _: str) -> None:
        self._is_seen = True

    def obey(self) -> None:
        """Notice written values; they are in force by the time that it is noticed."""
        found = self._server.setpoints(REACTOR)
        if found != self.in_force:
            self.change(found, by="twin")

    def show_in_force(self) -> None:
        """The nodes hold it."""
        for name in SETPOINTS:
            self._server.set_value(f"{REACTOR}.{name}", getattr(self.in_force, name))


def witnessed(folder: Path) -> list[Json]:
    """Return the changes that a vessel's log tells of, in order."""
    entries = [json.loads(line) for line in (folder / "witness.jsonl").read_text().splitlines()]
    return [entry for entry in entries if entry["what"] == "change"]


def wait_for(pipe: int, seconds: float = 30.0) -> bool:
    """Return whether an answer came."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if select.select([pipe], [], [], 0.2)[0]:
            return bool(os.read(pipe, 64))
    return False
