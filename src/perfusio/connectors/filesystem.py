"""FilesystemStore: replay a file sample by sample, or follow one that grows, or a folder, while the vessel runs.

Which interval a row's setpoints describe: **from its sample to the next one**. A growing file shows, in each row, what
is in force when the row is written; a change that we asked for is confirmed by the first row that shows it.
"""

from __future__ import annotations

import asyncio
import copy
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from perfusio.connectors.folders import Folder
from perfusio.connectors.grids import ReadOptions
from perfusio.connectors.samples import TableRow
from perfusio.connectors.setpoints_file import SetpointsFile, default_path
from perfusio.connectors.sheets import existing_file
from perfusio.connectors.sources import Source, late_values
from perfusio.connectors.stamps import ORDERS
from perfusio.connectors.tables import Table
from perfusio.connectors.vessel_rows import rows_of
from perfusio.errors import ConfigError, EndOfRun, SampleOverdue, UnreadableSource, WriteRejected
from perfusio.protocols import ConnectorKind, Holder
from perfusio.state import Setpoints, State
from perfusio.verified_write import refuse_impossible


class FilesystemStore:
    """One vessel, seen through a file with one row per sample, or through a folder of such files.

    Args:
        source_path: CSV, Excel or Parquet, somebody's own or an instrument's; or a folder into which instruments drop
            files, which are joined by vessel and sample time. A relative path starts at the working directory.
        run: Which run, if the file holds several.
        reactor: Which vessel, if the file holds several; or take all of them with `vessels()`.
        setpoints_path: Where setpoints are written. Default: beside the source, ``my_data.setpoints.csv`` for
            ``my_data.csv``; a chosen run or reactor becomes part of the name.
        follow: Wait for new rows of a growing file instead of ending after the last row. Default: as `actuates`.
        actuates: A controller acts on the setpoints file. The store then counts as HARDWARE.
        poll_seconds: How often a growing file is looked at; it is read when two looks agree in every byte [s].
        timeout_seconds: How long a sample of a growing file is waited for; None = for ever [s].
        ignore: Headers to leave unread.
        columns: Meaning of headers that the file leaves open, e.g. ``{"Glu": "glutamate"}``.
        encoding: Of the file, if it is not UTF-8, e.g. ``"cp1252"``.
        decimal: Decimal mark, if the file leaves it open: ``"."`` or ``","``.
        date_order: ``"dmy"``, ``"mdy"`` or ``"ymd"``, if dates like 05/06/2024 leave it open.
        sleep: What waits between two looks; a test can bring its own.

    Attributes:
        kind: REPLAY, or HARDWARE with `actuates`.

    Raises:
        UnreadableSource: there is no such file. (What is in it is checked at the first read.)
        ConfigError: the options contradict each other.
    """

    def __init__(
        self,
        source_path: str | Path,
        *,
        run: str | None = None,
        reactor: str | None = None,
        setpoints_path: str | Path | None = None,
        follow: bool | None = None,
        actuates: bool = False,
        poll_seconds: float = 2.0,
        timeout_seconds: float | None = None,
        ignore: Iterable[str] = (),
        columns: Mapping[str, str] | None = None,
        encoding: str | None = None,
        decimal: str | None = None,
        date_order: str | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        if follow is False and actuates:
            raise ConfigError(
                "actuates=True with follow=False: a finished file is history and must not move a vessel. Leave follow "
                "away, so that new rows are waited for."
            )
        if decimal not in (None, ".", ","):
            raise ConfigError(f"decimal={decimal!r}: expected '.' or ','.")
        if date_order not in (None, *ORDERS):
            raise ConfigError(f"date_order={date_order!r}: expected {' or '.join(map(repr, ORDERS))}.")
        if not poll_seconds > 0:
            raise ConfigError(f"poll_seconds={poll_seconds!r}: expected a time above 0 s.")
        given = Path(source_path).expanduser()
        is_folder = given.is_dir()
        path = given.resolve() if is_folder else existing_file(given)
        options = ReadOptions(
            columns=dict(columns or {}),
            ignore=(ignore,) if isinstance(ignore, str) else tuple(ignore),
            encoding=encoding,
            decimal=decimal,
            date_order=date_order,
        )
        self.kind = ConnectorKind.HARDWARE if actuates else ConnectorKind.REPLAY
        self.confirms_at_once = False  # the file says so with its next rows, if it says so at all
        grows = actuates if follow is None else follow
        self._source: Source | Folder = (Folder if is_folder else Source)(path, options, grows=grows)
        self._poll_seconds, self._timeout_seconds, self._sleep = poll_seconds, timeout_seconds, sleep
        self._run, self._reactor, self._is_one_of_several = run, reactor, False
        self._setpoints_file = SetpointsFile(default_path(path, run, reactor, chosen=setpoints_path))
        self._forget()

    # -- the Connector protocol --------------------------------------------------------------------------------------

    async def read_sample(self) -> State:
        """Return the next sample; in a growing file, wait for it.

        A value that is filled in later for a sample already read comes as a state of its own, with the time of that
        sample and only the new values.

        Raises:
            EndOfRun: a replay is over.
            SampleOverdue: a growing file did not grow in time.
            UnreadableSource: the file is refused, or rows that were already read have changed.
        """
        if self._source.grows:
            await self._wait_for_news()
        if self._late:
            return self._late.popleft()
        rows = self._rows()
        if len(rows) == len(self._known):
            raise EndOfRun(f"{self._source.path.name} has no sample after its {len(rows)}.")
        self._known.append(rows[len(self._known)])
        return self._known[-1].state

    async def read_setpoints(self) -> Setpoints:
        """Return the setpoint columns of the sample last read: in force from it on; NaN where the file does not say."""
        return self._known[-1].setpoints if self._known else Setpoints()

    async def write_setpoints(self, setpoints: Setpoints) -> Setpoints:
        """Append one row to the setpoints file, for the time of the sample last read, and return what was written.

        In a replay this changes nothing but that file: what was in force is history.

        Raises:
            WriteRejected: not written; the message says why and what to do.
        """
        where = {"connector": self._source.path.name, "operation": "write_setpoints"}
        if not self._known:
            raise WriteRejected("No sample was read yet, so the setpoints have no time. Read a sample first.", **where)
        refuse_impossible(setpoints, **where)
        written = Setpoints.of(setpoints.vector())
        reactor = self._known[-1].reactor if self._is_one_of_several else ""
        acts = self.kind is ConnectorKind.HARDWARE
        self._setpoints_file.append(self._known[-1].state.time_h, written, reactor=reactor, acts=acts)
        return written

    async def take(self, holder: Holder) -> None:
        """Take the setpoints file for one twin; the vessels of one file share it.

        Raises:
            VesselTaken: another twin writes to it.
        """
        self._setpoints_file.lease.take(holder)

    async def give_back(self) -> None:
        """Let another twin write to the setpoints file."""
        self._setpoints_file.lease.give_back()

    # -- what the file holds -----------------------------------------------------------------------------------------

    def vessels(self) -> dict[str, Self]:
        """Return one store per vessel of a file with a column ``reactor``; they share its reader and setpoints file.

        Raises:
            UnreadableSource: the file is refused, or has no such column, or holds no row yet.
        """
        table = self._source.table()
        fitting = [r for run, r in table.groups if self._run in (None, run) and self._reactor in (None, r)]
        names = dict.fromkeys(r for r in fitting if r)
        if not names:
            text = "has no column 'reactor'. Add one, or use the store itself as the connector of its one vessel."
            if not table.rows:
                text = "has no rows yet, so its vessels are not known. Wait for the first row of each."
            raise UnreadableSource((f"{table.name} {text}",), connector=table.name)
        return {name: self._narrowed(name) for name in names}

    @property
    def run(self) -> str:
        """Run that this store reads; empty where the file has no such column."""
        return self._group()[0]

    @property
    def reactor(self) -> str:
        """Vessel that this store reads; empty where the file has no such column."""
        return self._group()[1]

    @property
    def clone(self) -> str:
        """Cell line, empty where the file does not say."""
        return self._source.table().clones.get(self._group(), "")

    @property
    def follows(self) -> bool:
        """Whether new rows are waited for."""
        return self._source.grows

    @property
    def began(self) -> datetime | None:
        """Date of culture time 0, where a growing file has dates; those of a finished file are history."""
        if not self._source.grows:
            return None
        table = self._source.stable or self._source.table()
        return table.starts.get(self._group())

    @property
    def is_fresh(self) -> bool:
        """Whether the sample last read had come since the file was first looked at."""
        return self._n_at_first is not None and len(self._known) > self._n_at_first

    @property
    def setpoints_path(self) -> Path:
        """Where setpoints are written."""
        return self._setpoints_file.path

    @property
    def source_sha256(self) -> str:
        """SHA-256 of the bytes that were read last."""
        return self._source.table().sha256

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was converted, joined, assumed, left out or moved aside so far, in sentences."""
        fed = "what was fed is left unread: a run of the twin knows perfusion and no boluses."
        table = self._source.table()
        return (*table.warnings, *((fed,) if table.has_feeds else ()), *self._setpoints_file.warnings)

    def describe(self) -> dict[str, Any]:
        """Return where the samples come from, as plain data for the record.

        Raises:
            UnreadableSource: the file is refused; a run that describes its sources before it starts is told in time.
        """
        table = self._source.table()
        return {
            "connector": type(self).__name__,
            "kind": str(self.kind),
            "path": str(self._source.path),
            "sha256": table.sha256,
            "n_bytes": table.n_bytes,
            "n_rows": len(self._rows()),
            "columns": dict(table.columns),
            "ignored": list(self._source.options.ignore),
            **{name: getattr(self, name) for name in ("run", "reactor", "clone")},
            "follow": self._source.grows,
            "setpoints_path": str(self.setpoints_path),
            "warnings": list(self.warnings),
        }

    # -- reading -----------------------------------------------------------------------------------------------------

    def _narrowed(self, reactor: str) -> Self:
        store = copy.copy(self)
        store._reactor, store._is_one_of_several = reactor, True
        store._forget()
        return store

    def _forget(self) -> None:
        """Begin before the first sample."""
        self._known: list[TableRow] = []
        self._n_at_first: int | None = None
        self._late: deque[State] = deque()
        self._compared: Table | None = None  # the stable read that agrees with what was handed out
        self._tried: Table | None = None  # the one that was last held against it
        self._selected: tuple[Table, list[TableRow]] | None = None

    def _rows(self) -> list[TableRow]:
        """Return all rows of our vessel that the file is known to hold; a growing file is only trusted when stable."""
        table = self._source.stable if self._source.grows and self._source.stable else self._source.table()
        if self._selected is None or self._selected[0] is not table:
            run, reactor = (self._known[0].run, self._known[0].reactor) if self._known else (self._run, self._reactor)
            self._selected = table, rows_of(table, run, reactor, may_come=self._source.grows)
        return self._selected[1]

    def _group(self) -> tuple[str, str]:
        rows = self._rows()
        return (rows[0].run, rows[0].reactor) if rows else (self._run or "", self._reactor or "")

    def _compare(self) -> None:
        """Hold what a stable read found, ours or that of another vessel of the file, against what was handed out."""
        stable = self._source.stable
        if stable is not None and stable is not self._compared:
            self._tried = stable
            rows = self._rows()
            self._n_at_first = len(rows) if self._n_at_first is None else self._n_at_first
            self._late.extend(late_values(self._source.path.name, self._known, rows))
            self._known, self._compared = rows[: len(self._known)], stable

    def _has_news(self) -> bool:
        """Whether the last stable read found more than was handed out."""
        if self._source.stable is not self._tried:
            self._compare()
        is_compared = self._compared is not None and self._compared is self._source.stable
        return is_compared and (bool(self._late) or len(self._rows()) > len(self._known))

    async def _wait_for_news(self) -> None:
        """Wait until a growing file has a further row, or a blank filled in.

        The file is read when two looks in a row agree (same inode, size, modification time and bytes), and only up to
        its last line break: a row is seen whole or not at all.
        """
        waited = 0.0
        watch = self._source.watch()
        while not self._has_news():
            if watch.poll():
                self._compare()
                if self._has_news():
                    return
            if self._timeout_seconds is not None and waited >= self._timeout_seconds:
                raise self._overdue(waited, watch.unfinished_line)
            await self._sleep(self._poll_seconds)
            waited += self._poll_seconds

    def _overdue(self, waited: float, unfinished: str) -> SampleOverdue:
        name, n = self._source.path.name, len(self._known)
        text = f"{name}: no new sample within {waited:g} s, after {n} so far"
        text += f" (the last at {self._known[-1].state.time_h:g} h)." if n else "."
        if unfinished:
            text += f" Its last line, {unfinished[:60]!r}, has no line break yet, so it may be unfinished."
        return SampleOverdue(f"{text} Check what writes the file.", connector=name, operation="read_sample")
