"""The rows of one vessel of a file or folder: which of them were handed out, and which are news."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from perfusio.connectors.files.drop_folder import Folder, FolderWatch
from perfusio.connectors.files.file_source import Source, Watch
from perfusio.connectors.handed_out import HandedOut
from perfusio.errors import SampleOverdue, UnreadableSource
from perfusio.process.panel import Panel
from perfusio.protocols import Standing
from perfusio.state import State
from perfusio.tables.columns.header_names import is_flow_of_volume, names_of
from perfusio.tables.rows.samples import TableRow
from perfusio.tables.rows.table import Table
from perfusio.tables.taken_for_granted import granted
from perfusio.tables.vessel_rows import rows_of


class VesselRows:
    """One vessel's rows in a source that may hold others.

    Args:
        source: The file or folder.
        run: Which run, if it holds several.
        reactor: Which vessel, if it holds several.

    Attributes:
        run: As asked for.
        reactor: As asked for.
        handed_out: The samples that were.
        read_before: The row of the latest sample that an earlier program has read.
    """

    def __init__(self, source: Source | Folder, run: str | None, reactor: str | None) -> None:
        self._source, self.run, self.reactor = source, run, reactor
        self._reactors: set[str] = set()  # of all vessels that were seen
        self._named_in: Table | None = None  # the table that they were last seen in
        self.forget()

    def forget(self) -> None:
        """Begin before the first sample."""
        self.handed_out = self._nothing_handed_out()
        self._taken: Table | None = None  # the read that agrees with what was handed out
        self._tried: Table | None = None  # the one that was last held against it
        self.read_before: TableRow | None = None

    def goes_on(self, standing: Standing) -> None:
        """Begin where an earlier program stood; the file's present rows are held against it by `hold_against`."""
        self.forget()
        self.handed_out.goes_on(standing)

    def asked_for(self, table: Table) -> list[TableRow]:
        """Return the rows of the vessel as it was asked for.

        Raises:
            UnreadableSource: the table has none, and none may come.
        """
        return rows_of(table, self.run, self.reactor, may_come=self._source.grows)

    def hold_against(self, standing: Standing, name: str, rows: list[TableRow]) -> None:
        """Know the row of the latest sample that an earlier program has read, among the rows of the file of this name.

        Raises:
            UnreadableSource: rows that were read are not there any more.
        """
        trial = self._nothing_handed_out()
        trial.goes_on(standing)
        trial.hold_against(name, rows)
        self.read_before = trial.last

    @property
    def last(self) -> TableRow | None:
        """The row of the latest sample that was read, by this program or an earlier one."""
        return self.handed_out.last or self.read_before

    def _nothing_handed_out(self) -> HandedOut[TableRow]:
        return HandedOut(may_forget=isinstance(self._source, Folder))

    def now(self) -> Table:
        """Return the known rows of the file; a growing file is only trusted when stable."""
        return self._source.stable if self._source.grows and self._source.stable else self._source.table()

    def rows(self, table: Table) -> list[TableRow]:
        """Return the rows of our vessel."""
        last = self.last
        run, reactor = (last.run, last.reactor) if last else (self.run, self.reactor)
        return rows_of(table, run, reactor, may_come=self._source.grows)

    def group(self) -> tuple[str, str]:
        """Return run and reactor as the rows name them, as asked for where there is none yet; empty: no column."""
        last = self.last
        if last is None:
            last = next(iter(self.rows(self.now())), None)
        return (last.run, last.reactor) if last else (self.run or "", self.reactor or "")

    async def look(self, watch: Watch | FolderWatch) -> State | None:
        """Return the next news, after a look if there is none; a refused file is told when all else was."""
        if (state := self._news(self._tried)) is not None:
            return state
        is_read = watch.poll()
        try:
            state = self._news(None if is_read else self._tried)
        except UnreadableSource:
            if (trouble := self._source.trouble()) is not None:  # only a part of the file could be read: that is why
                raise trouble from None
            raise
        if state is None and is_read and (trouble := self._source.trouble()) is not None:
            raise trouble
        return state

    def _news(self, tried: Table | None) -> State | None:
        """Return the news of the last stable read, ours or that of another vessel of the file.

        Args:
            tried: A read that was refused before, and is no news.
        """
        stable = self._source.stable
        if stable is not self._taken and stable is not None:
            if stable is tried:
                return None
            self._tried = stable
            self.take(stable)
        return self.handed_out.next()

    def take(self, table: Table) -> None:
        """Hold the rows of a read against those handed out.

        Raises:
            UnreadableSource: it does not agree.
        """
        if table is not self._taken:
            added = self._added(table)
            known = self.handed_out.rows
            rows = self.rows(table) if added is None else [*known, *added]
            self.handed_out.hold_against(table.name, rows, n_same=0 if added is None else len(known))
            self._taken = table

    def _added(self, table: Table) -> list[TableRow] | None:
        """Return the rows of our vessel that were added since the last read; None where all must be read again."""
        before, last = self._taken, self.handed_out.last
        if before is None or last is None or table.lineage is not before.lineage or table.n_rows < before.n_rows:
            return None
        return [row for row in table.rows[before.n_rows :] if (row.run, row.reactor) == (last.run, last.reactor)]

    def overdue(self, waited: float, unfinished: str) -> SampleOverdue:
        """Return the error that no sample came within so many seconds; `unfinished` is a last line without its end."""
        name, n, last_h = self._source.path.name, self.handed_out.n, self.handed_out.latest_h
        text = f"{name}: no new sample within {waited:g} s, after {n} so far"
        text += f" (the last at {last_h:g} h)." if last_h is not None else "."
        if unfinished:
            text += f" Its last line, {unfinished[:60]!r}, has no line break yet, so it may be unfinished."
        return SampleOverdue(f"{text} Check what writes the file.", connector=name, operation="read_sample")

    async def has_rows(self, watch: Watch | FolderWatch) -> bool | None:
        """Return True once a stable read has a row that may be meant, None before.

        Raises:
            UnreadableSource: the file is refused.
        """
        is_read = watch.poll()
        if is_read and (trouble := self._source.trouble()) is not None:
            raise trouble
        return True if self._source.stable is not None and self.fitting(self._source.stable) else None

    def names(self, table: Table) -> list[str]:
        """Return the names of the vessels that may be meant.

        Raises:
            UnreadableSource: the table has no such column, or no row yet.
        """
        names = list(dict.fromkeys(reactor for _, reactor in self.fitting(table) if reactor))
        if not names and self.reactor and self._source.grows:
            names = [self.reactor]  # chosen before its first row
        if not names:
            text = "has no column 'reactor'. Add one, or use the store itself as the connector of its one vessel."
            if not table.rows:
                text = "has no rows yet, so its vessels are not known. Wait for the first row of each."
            raise UnreadableSource((f"{table.name} {text}",), connector=table.name)
        return names

    def reactors(self) -> set[str]:
        """Return the names of all vessels of the run in the file, as last read."""
        table, before = self.now(), self._named_in
        is_longer = before is not None and table.lineage is before.lineage and table.n_rows >= before.n_rows
        rows = table.rows[before.n_rows :] if before is not None and is_longer else table.rows
        self._reactors |= {row.reactor for row in rows if row.reactor and self.run in (None, row.run)}
        self._named_in = table
        return set(self._reactors)

    def fitting(self, table: Table) -> list[tuple[str, str]]:
        """Return the pairs of run and reactor in a table that may be meant."""
        return [g for g in table.groups if self.run in (None, g[0]) and self.reactor in (None, g[1])]

    def remarks(self, table: Table, panel: Panel) -> tuple[str, ...]:
        """Return conversions, joins, assumptions and omissions of a read, in sentences.

        A run of the twin takes the medium of its process: that a file says another one is among them.
        """
        fed = "what was fed is left unread: a run of the twin knows perfusion and no boluses."
        name = table.media.get(self.group(), "")
        other = (
            f"{table.name} says medium {name!r}; a run of the twin takes the medium of its process. If this one flows "
            "in, make it the medium of process.toml."
        )
        is_other = bool(name) and panel.medium_named(name) != panel.medium
        return (*table.warnings, *((fed,) if table.has_feeds else ()), *((other,) if is_other else ()))

    def taken_for_granted(self, table: Table) -> dict[str, Any]:
        """Return what a read took for granted, as plain data for the record: all of the file, and of this vessel."""
        group = self.group()
        own = replace(table, rows=tuple(row for row in table.rows if (row.run, row.reactor) == group))
        found = granted([table], own)
        names = {"", *(vessel["vessel"] for vessel in found["vessels"])}
        return {
            "units_assumed": [header for file in found["files"] for header in file["units_assumed"]],
            "unread": [header for file in found["files"] for header in file["unread"]],
            "files": found["files"],
            "vessels": found["vessels"],
            "joins": [join for join in found["joins"] if join["vessel"] in names],
            "start": "first date" if self.group() in table.assumed_starts else "declared or in the file",
        }

    def flow_units(self, panel: Panel) -> dict[str, tuple[str, float]]:
        """Return the flows that the file gives as a volume per time: unit, and the factor from it, by setpoint."""
        names = names_of(panel)
        read = {r.meaning: r.unit for r in self.now().reads if names.is_flow(r.meaning)}
        units = {name: (unit, names.factor(name, unit)) for name, unit in read.items()}
        return {name: said for name, said in units.items() if is_flow_of_volume(said[0])}
