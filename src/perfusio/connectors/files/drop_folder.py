"""A drop folder: instruments put files into it, one per sample or one that they replace, in any order.

Each file is read once it rests, texts up to their last line break, and its rows are joined to the rest by vessel
and sample time. Rows that were read stay known when their file is replaced or taken away. A file that is refused is
told once and then left out until it changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from perfusio.connectors.files.file_source import Look, look_at
from perfusio.connectors.following import told
from perfusio.errors import ConnectorError, UnreadableSource
from perfusio.tables.cells.file_kind import Kind, kind_of
from perfusio.tables.cells.sheets import TABLES, read_bytes, whole_lines
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.merging import merged
from perfusio.tables.read_any import table_of
from perfusio.tables.rows.table import Table, empty_table

_TEMPORARY = ("~", ".")
"""Names that begin so are of programs that are still writing."""
_CLOSED = b"\0cannot be opened"


class Folder:
    """All tables of a folder as one source of samples."""

    def __init__(self, path: Path, options: ReadOptions, *, grows: bool) -> None:
        """Refer to a folder; one that `grows` may still be empty."""
        self.path, self.grows = path, grows
        self.options = replace(options, is_part=True)
        self.stable: Table | None = None
        self._tables: dict[tuple[str, str], Table] = {}  # by name and hash, in the order of reading
        self._refused: dict[str, bytes] = {}
        self._now: Table | None = None
        self._untold: list[str] = []
        self._has_started = False

    def table(self) -> Table:
        """Return the content of the folder, as last read; it is read now if that has not happened.

        Raises:
            UnreadableSource: a file is refused; the problems of all files are listed.
        """
        if self._now is None:
            with told(self.path.name, "read"):
                self._take({p.name: read_bytes(p) for p in self.files()})
            if not self._has_started and (trouble := self.trouble()) is not None:
                raise trouble
        if self._now is None or not (self._now.rows or self.grows):
            text = f"{self.path} holds no file with samples, expected CSV, Excel or Parquet files. Check the folder."
            raise UnreadableSource((text,), connector=self.path.name)
        return self._now

    def files(self) -> list[Path]:
        """Return the files that can hold samples, in order of their names; our own setpoints are none of them."""
        return sorted(
            p for p in self.path.iterdir()
            if p.suffix.lower() in TABLES.endings and not p.name.startswith(_TEMPORARY)
            and ".setpoints" not in p.stem and p.is_file()
        )  # fmt: skip

    def watch(self) -> FolderWatch:
        """Return the wait for files to rest."""
        return FolderWatch(self)

    def goes_on(self, starts: Mapping[str, datetime]) -> None:
        """Know that files were read by an earlier program, and when culture time 0 was by reactor, if it was said.

        Files that were taken away since must not move the time of those that are left.
        """
        self._has_started = True
        inoculated = {**starts, **self.options.inoculated}
        if inoculated != self.options.inoculated:
            self.options = replace(self.options, inoculated=inoculated)
            self.stable = self._now = None
            self._tables.clear()
            self._refused.clear()

    def settle(self, contents: dict[str, bytes]) -> None:
        """Read files that rest; a fault of one is told by `trouble`, and it is left out."""
        self._take(contents)
        self.stable = self._now

    def refuse(self, name: str, error: ConnectorError) -> None:
        """Leave a file out that cannot be opened, until it can."""
        if self._refused.get(name) != _CLOSED:
            self._refused[name] = _CLOSED
            self._untold += getattr(error, "problems", (str(error),))

    def trouble(self) -> UnreadableSource | None:
        """Return, once, the faults of files that were left out since the last call."""
        untold, self._untold = self._untold, []
        return UnreadableSource(tuple(untold), connector=self.path.name, operation="read_sample") if untold else None

    def _take(self, contents: dict[str, bytes]) -> None:
        for name, found in contents.items():
            is_text = kind_of(found) is Kind.TEXT
            content = whole_lines(found) if self.grows and is_text else found
            if not content.strip():
                continue
            key = name, sha256(content).hexdigest()
            if key in self._tables or self._refused.get(name) == content:
                continue
            try:
                with told(name, "read_sample"):
                    table = table_of(content, self.path / name, self.options)
                    self._join({**self._tables, key: table})
            except UnreadableSource as error:
                self._refused[name] = content
                self._untold += error.problems
                continue
            self._refused.pop(name, None)
            self._forget_older(key, table)
        if self._now is None:
            self._now = empty_table(self.path.name, b"", self.options.panel)

    def _join(self, tables: dict[tuple[str, str], Table]) -> None:
        joined = merged(list(tables.values()), keep_times=True, are_clocks_told=True)
        digest = sha256("".join(key[1] for key in tables).encode()).hexdigest()
        self._now = replace(joined, name=self.path.name, sha256=digest)
        self._tables = tables

    def _forget_older(self, key: tuple[str, str], table: Table) -> None:
        """Drop earlier versions of a file that the new one repeats."""
        if table.starts or table.signals:
            return  # their times count from their own first row
        held = {(r.run, r.reactor, r.state.time_h) for r in table.rows}
        older = [k for k in self._tables if k[0] == key[0] and k != key]
        for k in older:
            if {(r.run, r.reactor, r.state.time_h) for r in self._tables[k].rows} <= held:
                del self._tables[k]


class FolderWatch:
    """One wait for files of a folder: each is read when two looks of this wait at it agree."""

    def __init__(self, folder: Folder) -> None:
        """Begin with no look."""
        self._folder = folder
        self._last: dict[str, Look] = {}
        self._has_looked = False

    def poll(self) -> bool:
        """Look at all files, and read those that rest; return whether any had the time to.

        Raises:
            UnreadableSource: the folder is gone.
        """
        looks: dict[str, Look] = {}
        try:
            files = self._folder.files()
        except OSError as error:
            text = f"{self._folder.path} cannot be listed: {error.strerror}. Put the folder back."
            raise UnreadableSource((text,), connector=self._folder.path.name, operation="read_sample") from error
        for path in files:
            try:
                with told(path.name, "read_sample"):
                    look = look_at(path)
            except ConnectorError as error:
                self._folder.refuse(path.name, error)
                continue
            if look is not None:
                looks[path.name] = look
        resting = {name: look.content for name, look in looks.items() if look == self._last.get(name) and look.content}
        is_second = self._has_looked
        self._last, self._has_looked = looks, True
        if resting or self._folder.stable is None:
            self._folder.settle(resting)
        return is_second

    @property
    def unfinished_line(self) -> str:
        """The text behind the last line break of a file, as last seen."""
        texts = (look for look in self._last.values() if kind_of(look.content) is Kind.TEXT)
        return next((look.unfinished_line for look in texts if look.unfinished_line), "")
