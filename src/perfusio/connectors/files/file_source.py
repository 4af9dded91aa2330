"""One file as a source of samples, shared by the vessels in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from perfusio.connectors.following import told
from perfusio.errors import UnreadableSource
from perfusio.tables.cells.file_kind import Kind, kind_of
from perfusio.tables.cells.sheets import EXCEL, existing_file, read_bytes, whole_lines
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.columns.questions import refusal
from perfusio.tables.excel import is_whole_workbook
from perfusio.tables.grown_table import Parsed, parsed, read_on
from perfusio.tables.merging import merged
from perfusio.tables.read_any import table_of
from perfusio.tables.rows.table import Table
from perfusio.tables.table import parse_table


@dataclass(frozen=True, slots=True)
class Look:
    """Result of one look at a growing file; two equal ones in a row mean that it is stable."""

    inode: int
    size: int
    mtime_ns: int
    content: bytes

    @property
    def unfinished_line(self) -> str:
        """The text behind the last line break: it may be half written."""
        if kind_of(self.content) is not Kind.TEXT:
            return ""
        return self.content[len(whole_lines(self.content)) :].decode("utf-8", "replace").strip()


@dataclass(frozen=True, slots=True)
class Refused:
    """Refused content of a file at rest, the part of it that could be read all the same, and why."""

    content: bytes
    part: Table | None
    error: UnreadableSource


class Source:
    """A file that is parsed once for all of its vessels.

    Attributes:
        path: Where it is.
        options: Declarations about it.
        grows: Whether it is followed.
        stable: Content when it was last at rest; None before that.
    """

    def __init__(self, path: Path, options: ReadOptions, *, grows: bool) -> None:
        """Refer to `path`; a file that `grows` may still be empty, and a text is read up to its last line break."""
        self.path, self.options, self.grows = path, options, grows
        self.stable: Table | None = None
        self._parsed: Parsed | None = None
        self._has_started = False  # rows were handed out, so a file without rows, or a doubt, is no beginning
        self._refused: Refused | None = None

    def table(self) -> Table:
        """Return the content of the file, as last read; it is read now if that has not happened.

        Raises:
            UnreadableSource: the file is refused.
        """
        if self._parsed is not None:
            return self._parsed.table
        with told(self.path.name, "read"):
            return self._parse(read_bytes(existing_file(self.path)))

    def goes_on(self, starts: Mapping[str, datetime]) -> None:
        """Know that rows were handed out by an earlier program, and when culture time 0 was by reactor, if it was said.

        Rows that are gone must not move the time of those that are left.
        """
        inoculated = {**starts, **self.options.inoculated}
        if self._has_started and inoculated == self.options.inoculated:
            return  # another vessel of the file has said so
        self._has_started, self.options = True, replace(self.options, inoculated=inoculated)
        self.stable = self._parsed = self._refused = None

    def watch(self) -> Watch:
        """Return the wait for the file to rest."""
        return Watch(self)

    def look(self) -> Look | None:
        """Return the content of the file, or None if it is not there (a program may be replacing it)."""
        return look_at(self.path)

    def settle(self, look: Look) -> None:
        """Take a look that was found twice for the file's content; its faults are told by `trouble`.

        Once rows were handed out, a row that is wrong keeps back itself and the rows after it, not those before.
        """
        if self._refused is None or self._refused.content != look.content:
            self._refused = None
            try:
                self.stable = self._parse(look.content)
            except UnreadableSource as error:  # of what it says; what the system refuses may be over with the next look
                self._refused = Refused(look.content, self._before(look.content), error)
        if self._refused is not None and self._refused.part is not None:
            self.stable = self._refused.part
        self._has_started |= self.stable is not None and bool(self.stable.rows)

    def is_half_written(self, content: bytes) -> bool:
        """Whether a workbook is not there as a whole."""
        is_workbook = self.path.suffix.lower() in EXCEL.endings
        return is_workbook and not (content and is_whole_workbook(content))

    def trouble(self) -> UnreadableSource | None:
        """Return the faults of the file as it was last at rest, if there are any."""
        if self._refused is None:
            return None
        error = self._refused.error
        return refusal(
            error.problems, error.questions, connector=error.connector, operation="read_sample"
        )

    def _parse(self, content: bytes) -> Table:
        content = whole_lines(content) if self.grows and kind_of(content) is Kind.TEXT else content
        if self._parsed is None or self._parsed.content != content:
            grown = read_on(self._parsed, content, self.options) if self.grows and self._parsed is not None else None
            self._parsed = grown or parsed(content, self._read(content))
        return self._parsed.table

    def _read(self, content: bytes) -> Table:
        if not self.grows:
            return merged([table_of(content, self.path, self.options)])
        if kind_of(content) is not Kind.TEXT:
            whole = table_of(content, self.path, self.options, may_be_short=True, has_started=self._has_started)
            return merged([whole])
        n_lines = content.count(b"\n")  # what is declared of a line that is not there yet waits for it
        there = tuple(value for value in self.options.set_missing if value.line <= n_lines)
        options = replace(self.options, set_missing=there) if self.options.set_missing else self.options
        return parse_table(content, self.path.name, options, may_be_short=True, has_started=self._has_started)

    def _before(self, content: bytes) -> Table | None:
        """Return the rows before the wrong line; None before anything was handed out."""
        if not self._has_started or kind_of(content) is not Kind.TEXT or b"\x00" in content:
            return None
        lines = whole_lines(content).splitlines(keepends=True)
        low, high, best = 0, len(lines), self.stable
        known = self._parsed
        if known is not None and b"".join(lines).startswith(known.content):
            low = known.content.count(b"\n")
        else:
            best = None
        while low < high - 1:  # so many can be read, and so many cannot
            middle = (low + high) // 2
            try:
                best, low = self._parse(b"".join(lines[:middle])), middle
            except UnreadableSource:
                high = middle
        return best


HALF_WRITTEN_LOOKS = 8
"""So many looks that agree tell of a workbook that is empty or cut off: until then a program may be writing it."""


class Watch:
    """One wait for a growing file: it is read when two looks of this wait, one after the other, agree.

    A workbook is saved as a whole, under another name and then renamed, or in place: one that is not whole is waited
    for. The lock file that Excel puts beside it is another file.
    """

    def __init__(self, source: Source) -> None:
        """Begin with no look."""
        self._source = source
        self._last: Look | None = None
        self._n_absent = 0
        self._n_same = 0

    def poll(self) -> bool:
        """Look at the file; return whether it rests, and was read.

        Raises:
            UnreadableSource: it was not there twice, or cannot be opened.
            NotConnected: the system refused the look.
        """
        with told(self._source.path.name, "read_sample"):
            look, last = self._source.look(), self._last
            self._n_absent = self._n_absent + 1 if look is None else 0
            if self._n_absent > 1:
                existing_file(self._source.path)  # it says so
        self._last = look
        if look is None or look != last:
            self._n_same = 0
            return False
        self._n_same += 1
        if self._n_same < HALF_WRITTEN_LOOKS and self._source.is_half_written(look.content):
            return False
        self._source.settle(look)
        return True

    @property
    def unfinished_line(self) -> str:
        """The text behind the last line break, as last seen."""
        return self._last.unfinished_line if self._last else ""


def look_at(path: Path) -> Look | None:
    """Return the content of a file, or None if it is not there."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return Look(status.st_ino, status.st_size, status.st_mtime_ns, read_bytes(existing_file(path)))
