"""One CSV file as a source of samples, shared by the vessels in it; and what changed in it since it was read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from perfusio.connectors.grids import ReadOptions
from perfusio.connectors.names import amount
from perfusio.connectors.sheets import existing_file, read_bytes, whole_lines
from perfusio.connectors.tables import Table, TableRow, parse_table
from perfusio.errors import UnreadableSource
from perfusio.quantities import closest
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
    """A CSV file that is parsed once for all of its vessels."""

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

    def look(self) -> Look | None:
        """Return what is in the file now, or None if it is not there (a program may be replacing it)."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        return Look(status.st_ino, status.st_size, status.st_mtime_ns, read_bytes(existing_file(self.path)))

    def settle(self, look: Look) -> Table:
        """Take a look that was found twice for what the file says.

        Raises:
            UnreadableSource: the file is refused.
        """
        self.stable = self._parse(look.content)
        return self.stable

    def _parse(self, content: bytes) -> Table:
        content = whole_lines(content) if self.grows else content
        if self._parsed is None or self._parsed[0] != content:
            has_started = self.stable is not None and bool(self.stable.rows)
            table = parse_table(
                content, self.path.name, self.options, may_be_short=self.grows, has_started=has_started
            )
            self._parsed = content, table
        return self._parsed[1]


def rows_of(table: Table, run: str | None, reactor: str | None, *, may_come: bool = False) -> list[TableRow]:
    """Return the rows of one vessel.

    Args:
        table: The file.
        run: Its run; None if there is only one.
        reactor: Its reactor; None if there is only one.
        may_come: A run or reactor that is not there may come later.

    Raises:
        UnreadableSource: several vessels fit, or none; the message lists what there is.
    """
    fitting = [g for g in table.groups if run in (None, g[0]) and reactor in (None, g[1])]
    if len(fitting) > 1:
        raise UnreadableSource((_which(table.name, fitting),), connector=table.name)
    if not fitting and table.rows:
        for what, wanted, names in (("run", run, _names(r for r, _ in table.groups)),
                                    ("reactor", reactor, _names(r for _, r in table.groups))):  # fmt: skip
            if wanted is not None and wanted not in names and not (names and may_come):
                holds = f"It holds {', '.join(names)}." if names else f"It has no column {what!r}: leave {what}= away."
                text = f"{table.name} has no {what} {wanted!r}.{closest(wanted, names)} {holds}"
                raise UnreadableSource((text,), connector=table.name)
    return [row for row in table.rows if (row.run, row.reactor) in fitting]


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))


def _which(name: str, groups: Sequence[tuple[str, str]]) -> str:
    runs, reactors = _names(run for run, _ in groups), _names(reactor for _, reactor in groups)
    if len(reactors) > 1 and len(reactors) >= len(runs):
        return (
            f"{name} holds {len(reactors)} vessels: {', '.join(reactors)}. Hand all of them to the twin, "
            f'FilesystemStore(...).vessels(), or choose one: FilesystemStore(..., reactor="{reactors[0]}").'
        )
    return f'{name} holds {len(runs)} runs: {", ".join(runs)}. Choose one: FilesystemStore(..., run="{runs[0]}").'


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
