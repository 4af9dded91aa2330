"""A text file that got further rows at its end: only these are parsed, and the result is that of the whole file.

Decisions on whole columns (decimal mark, fractions, culture time zero) is taken from the rows that are known.
Wherever the added rows alone could be read otherwise than within the whole file, nothing is returned: then the whole
file is parsed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from perfusio.errors import UnreadableSource
from perfusio.tables.cells.file_kind import Kind, kind_of
from perfusio.tables.columns.culture_times import SAME_TIME_H, Group
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.columns.no_samples import names_lines
from perfusio.tables.rows.samples import TableRow
from perfusio.tables.rows.table import Table
from perfusio.tables.table import parse_table


@dataclass(frozen=True, slots=True)
class Parsed:
    """A text file and its rows so far, with the state to read on.

    Attributes:
        content: The bytes, up to the last line break.
        table: Their content.
        digest: SHA-256 of the bytes, to be continued.
        n_lines: Lines of the bytes.
        head: The lines above the first sample; None where the file cannot be read on.
        last_line: The line that the last sample stands in.
        latest: Time of the last sample of each vessel [h].
    """

    content: bytes
    table: Table
    digest: Any
    n_lines: int
    head: bytes | None
    last_line: bytes
    latest: Mapping[Group, float]


def parsed(content: bytes, table: Table) -> Parsed:
    """Return a file that was read as a whole, ready to be read on."""
    latest: dict[Group, float] = {}
    for row in table.rows:
        group = row.run, row.reactor
        latest[group] = max(row.state.time_h, latest.get(group, row.state.time_h))
    head, last = _framed(content, table) if kind_of(content) is Kind.TEXT else (None, b"")
    return Parsed(content, table, sha256(content), content.count(b"\n"), head, last, latest)


def _framed(content: bytes, table: Table) -> tuple[bytes | None, bytes]:
    """Return the lines above the first sample, and the line of the last one."""
    is_plain = table.rows and not (table.profile or table.signals or table.has_feeds)
    if not is_plain or b'"' in content or b"\r" in content.replace(b"\r\n", b"") or b"\x00" in content:
        return None, b""
    lines = content.splitlines(keepends=True)
    first, last = min(row.line for row in table.rows), table.rows[-1].line
    if first < 2 or last != max(row.line for row in table.rows) or last > len(lines):
        return None, b""
    return b"".join(lines[: first - 1]), lines[last - 1]


def read_on(before: Parsed, content: bytes, options: ReadOptions) -> Parsed | None:
    """Return the file with the rows that were added to it; None if it must be read as a whole.

    Args:
        before: The file as it was.
        content: All of it now.
        options: As for the whole file.
    """
    table, head = before.table, before.head
    if head is None or not content.startswith(before.content) or names_lines(options):
        return None
    added = content[len(before.content) :]
    if not added.isascii() or b'"' in added or (b"%" in added and table.has_fractions):
        return None
    if b"\x00" in added or b"\r" in added.replace(b"\r\n", b""):
        return None
    starts = _starts(table)
    if starts is None:
        return None
    known = replace(
        options, decimal=table.decimal, fractions=table.has_fractions, inoculated={**starts, **options.inoculated}
    )
    try:
        found = parse_table(head + before.last_line + added, table.name, known, may_be_short=True, has_started=True)
    except UnreadableSource:
        return None  # the whole file says it with the right lines
    return _joined(before, found, content, added)


def _starts(table: Table) -> dict[str, datetime] | None:
    """Return culture time zero by reactor; None where two runs share a reactor."""
    found: dict[str, datetime] = {}
    for (_, reactor), start in table.starts.items():
        if found.setdefault(reactor, start) != start:
            return None
    return found


def _joined(before: Parsed, found: Table, content: bytes, added: bytes) -> Parsed | None:
    table = before.table
    if dict(found.columns) != dict(table.columns) or not found.rows or found.has_feeds or found.profile:
        return None
    if not set(found.warnings) <= set(table.warnings):
        return None  # few rows may raise a doubt that all of them do not
    overlap, last = found.rows[0], table.rows[-1]
    if (repr(overlap.state), repr(overlap.setpoints)) != (repr(last.state), repr(last.setpoints)):
        return None  # the same line is read otherwise among fewer rows
    n_head = (before.head or b"").count(b"\n")
    rows, latest = list[TableRow](), dict(before.latest)
    for row in found.rows[1:]:
        group = row.run, row.reactor
        if row.state.time_h <= latest.get(group, -1.0) + SAME_TIME_H:
            return None
        latest[group] = row.state.time_h
        rows.append(replace(row, line=row.line - n_head - 1 + before.n_lines))
    if any(table.clones.get(group, clone) != clone for group, clone in found.clones.items()):
        return None
    if any(table.media.get(group, medium) != medium for group, medium in found.media.items()):
        return None
    if any(table.starts.get(group, start) != start for group, start in found.starts.items()):
        return None
    digest = before.digest.copy()
    digest.update(added)
    result = replace(
        table,
        sha256=digest.hexdigest(),
        n_bytes=len(content),
        rows=(*table.rows, *rows),
        clones=MappingProxyType({**table.clones, **found.clones}),
        media=MappingProxyType({**table.media, **found.media}),
        starts=MappingProxyType({**table.starts, **found.starts}),
        assumed_starts=table.assumed_starts | found.assumed_starts,
    )
    lines = added.splitlines(keepends=True)
    last_line = lines[rows[-1].line - before.n_lines - 1] if rows else before.last_line
    return Parsed(content, result, digest, before.n_lines + added.count(b"\n"), before.head, last_line, latest)
