"""FollowedRun: the record of one run, read as it grows. Many readers, one thread that takes new lines in."""

from __future__ import annotations

import json
from pathlib import Path
from threading import RLock

from pydantic_core import from_json

from perfusio.config import DesignSpace, RunConfig
from perfusio.dashboard.runs.indexed import Index, Row
from perfusio.errors import AuditError, PerfusioError
from perfusio.events import Json, RunStarted
from perfusio.process.panel import Panel
from perfusio.record.good_prefix import no_cycles
from perfusio.record.journal import writer_of
from perfusio.record.line import GENESIS
from perfusio.record.run_state import RunState
from perfusio.record.summary import Summary
from perfusio.twin.state.hold import Hold, holds

RECORD = "audit.jsonl"
READ_AT_ONCE = 1_000_000
"""Bytes of a record that are asked for in one call; a long one is read line by line, so that it is never held whole."""


class FollowedRun:
    """One run.

    Args:
        run_dir: Its folder.
        name: By which the page calls it.
    """

    def __init__(self, run_dir: Path, name: str) -> None:
        self.run_dir, self.name, self.path = run_dir, name, run_dir / RECORD
        self.lock = RLock()
        self.fault = ""
        self.writer: int | None = None
        self.holds: tuple[Hold, ...] = ()
        self._forget()

    def _forget(self) -> None:
        self.summary, self.index = Summary(), Index()
        self._config: RunConfig | None = None
        self._space: DesignSpace | None = None
        self._started: Json = {}
        self._identity: tuple[int, int] | None = None
        self._offset = 0  # of the first line that was not taken in
        self._prev = GENESIS
        self.fault = ""

    # -- reading -----------------------------------------------------------------------------------------------------

    def look(self) -> list[Row]:
        """Take in new lines, who writes, and which holds there are; return the rows of the new lines.

        A record that was exchanged for another is read from its beginning.
        """
        try:
            about = self.path.stat()
        except OSError as error:
            with self.lock:
                self.fault = f"{RECORD} cannot be looked at: {error.strerror}."
            return []
        identity = (about.st_dev, about.st_ino)
        with self.lock:
            if self._identity not in (None, identity) or about.st_size < self._offset:
                self._forget()
            self._identity = identity
        new = self._read() if about.st_size > self._offset and not self.fault else []
        writer = writer_of(self.path)
        found = holds(self.run_dir, self.vessels) if not self.has_ended else ()
        with self.lock:
            self.writer, self.holds = writer, found
        return new

    def _read(self) -> list[Row]:
        with self.lock, no_cycles(), self.path.open("rb", buffering=READ_AT_ONCE) as record:
            record.seek(self._offset)
            first = len(self.index.rows)
            for line in record:
                if not line.endswith(b"\n"):  # it is being written: read again when it is whole
                    break
                try:
                    self._take(line)
                except (PerfusioError, ValueError, KeyError, TypeError) as error:
                    self.fault = f"Line {len(self.index.rows) + 1} of the record is damaged: {error}"
                    break
                self._offset += len(line)
            return self.index.rows[first:]

    def _take(self, line: bytes) -> None:
        fields = from_json(line)
        if fields["prev"] != self._prev:
            raise AuditError("it does not follow the line before it. perfusio verify says more.")
        self._prev = fields["hash"]
        event = self.summary.take(fields, len(line))
        if fields["event"] == RunStarted.__name__:
            self._started = fields["payload"]
        self.index.take(fields, event, self._offset, len(line), self.summary.known)

    def record(self, row: Row) -> Json:
        """Return all fields of a record."""
        with self.path.open("rb") as file:
            file.seek(row.start)
            found: Json = json.loads(file.read(row.n_bytes))
        return found

    # -- what is known -----------------------------------------------------------------------------------------------

    @property
    def rows(self) -> list[Row]:
        """All records, shortly."""
        return self.index.rows

    @property
    def last_seq(self) -> int:
        """Number of the last record, 0 before the first."""
        return self.index.rows[-1].seq if self.index.rows else 0

    def row(self, seq: int) -> Row | None:
        """Return a record by its number."""
        place = seq - self.index.rows[0].seq if self.index.rows else -1
        return self.index.rows[place] if 0 <= place < len(self.index.rows) else None

    @property
    def has_begun(self) -> bool:
        """Whether there is a first record."""
        return bool(self._started)

    @property
    def has_ended(self) -> bool:
        """Whether it cannot go on."""
        return bool(self.index.rows) and self.index.rows[-1].event == "RunEnded"

    @property
    def is_stale(self) -> bool:
        """Whether nobody runs it though it has not ended."""
        return self.writer is None and not self.has_ended

    @property
    def why_unusable(self) -> str:
        """Why nothing but its lines can be shown, in words; empty for a run that can."""
        try:
            _ = self.state, self.config
        except Exception as error:  # noqa: BLE001 - whatever a record of another version holds, the page says so
            return f"This record cannot be shown: {type(error).__name__}: {error}"
        return ""

    @property
    def state(self) -> RunState:
        """State of the run, as its record says.

        Raises:
            AuditError: a record is of a kind that this version does not know.
        """
        return self.summary.run_state

    @property
    def panel(self) -> Panel:
        """Process of the run."""
        return self.summary.process

    @property
    def config(self) -> RunConfig:
        """Settings of the run."""
        if self._config is None:
            from perfusio.twin.deciding.extensions import stand_in

            stand_in(self.summary.decided_by or {})
            self._config = RunConfig.model_validate({**self._started["config"]["run"], "run_dir": self.run_dir})
        return self._config

    def space(self, reactor: str) -> DesignSpace:
        """Return the setpoints that may be written to a vessel."""
        config = self._started["config"]
        own = config.get("vessels", {}).get(reactor, {})
        return DesignSpace(**{**config, **own}["design_space"], process=self.panel)

    @property
    def vessels(self) -> tuple[str, ...]:
        """Names of those that take part."""
        if not self.has_begun:
            return ()
        known = self.state
        return tuple(r for r in known.trajectories if r not in known.left)
