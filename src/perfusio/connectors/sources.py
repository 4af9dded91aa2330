"""One CSV file as a source of samples, shared by the vessels in it; and what changed in it since it was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from perfusio.connectors.grids import ReadOptions
from perfusio.connectors.kinds import Kind, kind_of
from perfusio.connectors.merging import merged
from perfusio.connectors.names import amount
from perfusio.connectors.readers import table_of
from perfusio.connectors.samples import TableRow
from perfusio.connectors.sheets import existing_file, read_bytes, whole_lines
from perfusio.connectors.tables import Table, parse_table
from perfusio.errors import UnreadableSource
from perfusio.state import QUANTITIES, SETPOINTS, STATE_QUANTITIES, State


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a growing file found; two equal ones in a row mean that it is stable."""

    inode: int
    size: int
    mtime_ns: int
    content: bytes

    @property
    def unfinished_line(self) -> str:
        """What follows the last line break: it may be half written."""
        return self.content[len(whole_lines(self.content)) :].decode("utf-8", "replace").strip()


class Source:
    """A file that is parsed once for all of its vessels."""

    def __init__(self, path: Path, options: ReadOptions, *, grows: bool) -> None:
        """Refer to `path`; a file that `grows` may still be empty, and is read up to its last line break."""
        self.path, self.options, self.grows = path, options, grows
        self.stable: Table | None = None
        self._parsed: tuple[bytes, Table] | None = None

    def table(self) -> Table:
        """Return what the file holds, as last read; it is read now if that has not happened.

        Raises:
            UnreadableSource: the file is refused.
        """
        return self._parsed[1] if self._parsed else self._parse(read_bytes(existing_file(self.path)))

    def watch(self) -> Watch:
        """Return what waits for the file to rest."""
        return Watch(self)

    def look(self) -> Look | None:
        """Return what is in the file now, or None if it is not there (a program may be replacing it)."""
        return look_at(self.path)

    def settle(self, look: Look) -> Table:
        """Take a look that was found twice for what the file says.

        Raises:
            UnreadableSource: the file is refused.
        """
        self.stable = self._parse(look.content)
        return self.stable

    def _parse(self, content: bytes) -> Table:
        if self.grows and kind_of(content) is not Kind.TEXT:
            text = (
                f"{self.path.name} is a {kind_of(content)}, which cannot be followed row by row. Export it as CSV, or "
                "put each new workbook into a folder and follow the folder."
            )
            raise UnreadableSource((text,), connector=self.path.name)
        content = whole_lines(content) if self.grows else content
        if self._parsed is None or self._parsed[0] != content:
            has_started = self.stable is not None and bool(self.stable.rows)
            if self.grows:
                table = parse_table(content, self.path.name, self.options, may_be_short=True, has_started=has_started)
            else:
                table = merged([table_of(content, self.path, self.options)])
            self._parsed = content, table
        return self._parsed[1]


class Watch:
    """One wait for a growing file: it is read when two looks of this wait, one after the other, agree."""

    def __init__(self, source: Source) -> None:
        """Begin with no look."""
        self._source = source
        self._last: Look | None = None
        self._n_absent = 0

    def poll(self) -> bool:
        """Look at the file; return whether it rests, and was read.

        Raises:
            UnreadableSource: the file is refused, or was not there twice.
        """
        look, last = self._source.look(), self._last
        self._n_absent = self._n_absent + 1 if look is None else 0
        if self._n_absent > 1:
            existing_file(self._source.path)  # it says so
        self._last = look
        if look is None or look != last:
            return False
        self._source.settle(look)
        return True

    @property
    def unfinished_line(self) -> str:
        """What stands behind the last line break, as last seen."""
        return self._last.unfinished_line if self._last else ""


def look_at(path: Path) -> Look | None:
    """Return what is in a file now, or None if it is not there."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return Look(status.st_ino, status.st_size, status.st_mtime_ns, read_bytes(existing_file(path)))


def late_values(name: str, known: Sequence[TableRow], rows: Sequence[TableRow]) -> list[State]:
    """Compare the rows that were handed out with what the file says now.

    Args:
        name: File name, for messages.
        known: Rows handed out, in order.
        rows: Rows of the same vessel now.

    Returns:
        One state per sample of which blanks were filled in, with its time and only the new values.

    Raises:
        UnreadableSource: a row vanished, was put in between, or says something else; all of them are named.
    """
    now = {row.state.time_h: row for row in rows}
    before = {row.state.time_h for row in known}
    problems, late = [], []
    for row in rows:
        if known and row.state.time_h < known[-1].state.time_h and row.state.time_h not in before:
            problems.append(
                f"{name}, line {row.line}: a sample at {row.state.time_h:g} h was put in before the one at "
                f"{known[-1].state.time_h:g} h, which was already read. Take it out; add it when the run is over."
            )
    for old in known:
        new = now.get(old.state.time_h)
        if new is None:
            problems.append(
                f"{name}: the sample at {old.state.time_h:g} h (line {old.line} when it was read) has vanished. Put it "
                "back."
            )
            continue
        problems += _changes(name, old, new)
        filled = {n: getattr(new.state, n) for n in STATE_QUANTITIES if _is_filled(old.state, new.state, n)}
        if filled:
            quality = {n: remark for n, remark in new.state.quality.items() if n in filled}
            late.append(State(time_h=old.state.time_h, quality=quality, **filled))
    if problems:
        raise UnreadableSource(tuple(problems), connector=name)
    return late


def _is_filled(old: State, new: State, name: str) -> bool:
    a, b = getattr(old, name), getattr(new, name)
    return bool(a != a and b == b)


def _changes(name: str, old: TableRow, new: TableRow) -> list[str]:
    pairs = [(n, getattr(old.state, n), getattr(new.state, n)) for n in STATE_QUANTITIES]
    pairs += [(n, getattr(old.setpoints, n), getattr(new.setpoints, n)) for n in SETPOINTS]
    return [
        f"{name}, line {new.line}: {n} of the sample at {old.state.time_h:g} h was {amount(a, QUANTITIES[n])} "
        f"when it was read and is now {'empty' if b != b else format(b, 'g')}. Put the old value back; a corrected "
        "file is for a new run."
        for n, a, b in pairs
        if a == a and a != b
    ]
