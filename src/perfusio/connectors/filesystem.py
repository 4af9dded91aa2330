"""FilesystemStore: replay a file sample by sample, or follow one that grows, or a folder, while the vessel runs.

Which interval a row's setpoints describe: **from its sample to the next one**. A growing file shows, in each row, the
setpoints that is in force when the row is written; a change that we asked for is confirmed by the first row that shows
it.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from perfusio.connectors.files.drop_folder import Folder
from perfusio.connectors.files.file_source import Source
from perfusio.connectors.files.one_vessel import VesselRows
from perfusio.connectors.files.read_options import options_of
from perfusio.connectors.files.setpoints_file import SetpointsFile, default_path
from perfusio.connectors.following import Polling, told
from perfusio.errors import ConfigError, EndOfRun, NotConnected, UnreadableSource, WriteRejected
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.protocols import ConnectorKind, Holder, Standing
from perfusio.state import Setpoints, State
from perfusio.tables.cells.sheets import existing_file
from perfusio.tables.columns.column_map import ColumnMap
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
        instrument: Name of the instrument reader of another package that reads it, if one is to.
        mapping: What the columns mean: a mapping.toml, as `perfusio import --save-mapping` writes it, or a ColumnMap.
        sample_pattern: How names of samples say vessel and day: a regular expression with groups reactor, run, day.
        inoculated: Date of culture time 0 by vessel, ``""`` for all; else it counts from the first date.
        keep: Rows to read as samples, as values by header, or as lines by ``"line"``.
        leave_out: Rows that are no samples, in the same way.
        set_missing: Single values that do not count, e.g. ``"line 12: glucose"``; in a folder with the file before it.
        panel: The process whose quantities the columns hold.
        sleep: Wait between two looks; a test can bring its own.

    Attributes:
        kind: REPLAY, or HARDWARE with `actuates`.

    Raises:
        UnreadableSource: there is no such file. (Its content is checked at the first read.)
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
        instrument: str = "",
        mapping: str | Path | ColumnMap | None = None,
        sample_pattern: str = "",
        inoculated: Mapping[str, datetime] | None = None,
        keep: Mapping[str, Sequence[str]] | None = None,
        leave_out: Mapping[str, Sequence[str]] | None = None,
        set_missing: Iterable[str] = (),
        panel: Panel = CHO_PERFUSION,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        if follow is False and actuates:
            raise ConfigError(
                "actuates=True with follow=False: a finished file is history and must not move a vessel. Leave follow "
                "away, so that new rows are waited for."
            )
        given = Path(source_path).expanduser()
        is_folder = given.is_dir()
        path = given.resolve() if is_folder else existing_file(given)
        options = options_of(
            columns=columns, ignore=ignore, encoding=encoding, decimal=decimal, date_order=date_order,
            instrument=instrument, mapping=mapping, sample_pattern=sample_pattern, inoculated=inoculated, keep=keep,
            leave_out=leave_out, set_missing=set_missing, reactor=reactor, panel=panel,
            names=[] if is_folder else [path.name],
        )  # fmt: skip
        self.kind = ConnectorKind.HARDWARE if actuates else ConnectorKind.REPLAY
        self.confirms_at_once = False  # the file says so with its next rows, if it says so at all
        grows = actuates if follow is None else follow
        self._source: Source | Folder = (Folder if is_folder else Source)(path, options, grows=grows)
        self._pace = Polling(poll_seconds=poll_seconds, timeout_seconds=timeout_seconds, sleep=sleep)
        self._vessel, self._is_one_of_several = VesselRows(self._source, run, reactor), False
        self.panel = panel
        self._setpoints_file = SetpointsFile(default_path(path, run, reactor, chosen=setpoints_path), panel)

    # -- the Connector protocol --------------------------------------------------------------------------------------

    async def read_sample(self) -> State:
        """Return the next sample; in a growing file, wait for it.

        A value that is filled in later for a sample already read comes as a state of its own, with the time of that
        sample and only the new values; a value that is another one now is a correction, and comes with its whole row.

        A read that fails loses nothing: the next call goes on as soon as the file is well again.

        Raises:
            EndOfRun: a replay is over.
            SampleOverdue: a growing file did not grow in time.
            UnreadableSource: the file is refused for now, or rows that were read are not there any more.
            NotConnected: the system does not let us read it now.
        """
        with told(self._source.path.name, "read_sample"):
            if self._source.grows:
                watch = self._source.watch()
                return await self._pace.until_news(
                    lambda: self._vessel.look(watch), lambda waited: self._vessel.overdue(waited, watch.unfinished_line)
                )
            self._vessel.take(self._source.table())
            state = self._vessel.handed_out.next()
            if state is None:
                raise EndOfRun(f"{self._source.path.name} has no sample after its {self._vessel.handed_out.n}.")
            return state

    async def read_setpoints(self) -> Setpoints:
        """Return the setpoint columns of the sample last read: in force from it on; NaN where the file does not say."""
        last = self._vessel.last
        return last.setpoints if last else Setpoints(panel=self.panel)

    async def write_setpoints(self, setpoints: Setpoints) -> Setpoints:
        """Append one row to the setpoints file, for the time of the sample last read, and return the written setpoints.

        In a replay this changes nothing but that file: the setpoints in force are history.

        Raises:
            WriteRejected: not written; the message says why, and the remedy.
        """
        where = {"connector": self._source.path.name, "operation": "write_setpoints"}
        time_h = self._vessel.handed_out.latest_h
        if time_h is None:
            raise WriteRejected("No sample was read yet, so the setpoints have no time. Read a sample first.", **where)
        refuse_impossible(setpoints, **where)
        written = Setpoints.of(setpoints.vector(), self.panel)
        self._setpoints_file.written_in(self._vessel.flow_units(self.panel))
        acts = self.kind is ConnectorKind.HARDWARE
        self._setpoints_file.append(time_h, written, reactor=self._name_in_setpoints_file, acts=acts)
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

    def goes_on(self, standing: Standing) -> None:
        """Go on where an earlier program stood; see `perfusio.protocols.Resumable`.

        A file that cannot be read at this moment is held against the rows that were read as soon as it can be.

        Raises:
            UnreadableSource: rows that were read are not there any more, or the file is another one.
        """
        self._vessel.goes_on(standing)
        if self._vessel.handed_out.latest_h is None:
            return
        zero = str(standing.source.get("time_zero") or "")
        self._source.goes_on({self._vessel.reactor or "": datetime.fromisoformat(zero)} if zero else {})
        with suppress(UnreadableSource, NotConnected):
            self._setpoints_file.written_in(self._vessel.flow_units(self.panel))
        self._setpoints_file.goes_on(self._vessel.handed_out.latest_h, reactor=self._name_in_setpoints_file)
        try:
            with told(self._source.path.name, "read_sample"):
                table = self._source.table()
                rows = self._vessel.asked_for(table)
        except (UnreadableSource, NotConnected):
            return
        self._vessel.hold_against(standing, table.name, rows)

    # -- what the file holds -----------------------------------------------------------------------------------------

    def vessels(self) -> dict[str, Self]:
        """Return one store per vessel of a file with a column ``reactor``; they share its reader and setpoints file.

        Raises:
            UnreadableSource: the file is refused, or has no such column, or holds no row yet.
        """
        return {name: self.called(name) for name in self._vessel.names(self._source.table())}

    @property
    def name(self) -> str:
        """Name of the file or folder."""
        return self._source.path.name

    async def first_rows(self) -> None:
        """Return once the file has a row: it may name the vessels. No sample is handed out.

        Raises:
            SampleOverdue: a growing file got none in time.
            UnreadableSource: the file is refused.
            NotConnected: the system does not let us read it now.
        """
        if not self._source.grows:
            return
        with told(self.name, "read_sample"):
            if self._vessel.fitting(self._source.table()):
                return
            watch = self._source.watch()
            await self._pace.until_news(
                lambda: self._vessel.has_rows(watch), lambda waited: self._vessel.overdue(waited, watch.unfinished_line)
            )

    async def reactors(self) -> set[str]:
        """Return the names of all vessels of the run in the file, as last read."""
        return self._vessel.reactors()

    @property
    def run(self) -> str:
        """Run that this store reads; empty where the file has no such column."""
        return self._vessel.group()[0]

    @property
    def reactor(self) -> str:
        """Vessel that this store reads; empty where the file has no such column."""
        return self._vessel.group()[1]

    @property
    def clone(self) -> str:
        """Cell line, empty where the file does not say."""
        return self._source.table().clones.get(self._vessel.group(), "")

    @property
    def untold_units(self) -> Collection[str]:
        """None: the columns of a file are judged as a whole when it is read."""
        return ()

    @property
    def looks_every_s(self) -> float:
        """Time between two looks for new rows [s]."""
        return self._pace.poll_seconds

    @property
    def follows(self) -> bool:
        """Whether new rows are waited for."""
        return self._source.grows

    @property
    def began(self) -> datetime | None:
        """Date of culture time 0, where a growing file has dates; those of a finished file are history."""
        if not self._source.grows:
            return None
        return self._vessel.now().starts.get(self._vessel.group())

    @property
    def is_fresh(self) -> bool:
        """Whether the sample last read had come since the file was first looked at."""
        return self._vessel.handed_out.is_fresh

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
        """Conversions, joins, assumptions and omissions so far, in sentences."""
        return (*self._vessel.remarks(self._source.table(), self.panel), *self._setpoints_file.warnings)

    def describe(self) -> dict[str, Any]:
        """Return where the samples come from, as plain data for the record.

        Raises:
            UnreadableSource: the file is refused; a run that describes its sources before it starts is told in time.
        """
        table = self._source.table()
        return {
            "connector": type(self).__name__, "kind": str(self.kind), "path": str(self._source.path),
            "sha256": table.sha256, "n_bytes": table.n_bytes, "n_rows": len(self._vessel.rows(table)),
            "columns": dict(table.columns), "ignored": list(self._source.options.ignore),
            **{name: getattr(self, name) for name in ("run", "reactor", "clone")},
            "time_zero": zero.isoformat() if (zero := table.starts.get(self._vessel.group())) else "",
            "follow": self._source.grows, "setpoints_path": str(self.setpoints_path), "warnings": list(self.warnings),
            "taken_for_granted": self._vessel.taken_for_granted(table),
        }  # fmt: skip

    # -- reading -----------------------------------------------------------------------------------------------------

    @property
    def _name_in_setpoints_file(self) -> str:
        return (self._vessel.reactor or "") if self._is_one_of_several else ""

    def called(self, reactor: str) -> Self:
        """Return the store of one vessel, whether a row of it has come or not; it shares reader and setpoints file."""
        store = copy.copy(self)
        store._vessel, store._is_one_of_several = VesselRows(self._source, self._vessel.run, reactor), True
        return store
