"""Recovery: the torn end of a record after a crash is moved aside, so that the run can go on behind good lines."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from perfusio.errors import AuditError, ChainBroken
from perfusio.record.good_prefix import prefix_of
from perfusio.record.journal import Disk, sync_directory
from perfusio.record.line import digest, encode
from perfusio.record.line_ends import lines_of
from perfusio.record.summary import Summary
from perfusio.record.verification.signed_heads import SUFFIX, Head, faults, heads_and_length, heads_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """A record that may be written on.

    Attributes:
        records: Summary of it, verified.
        n_bytes: Length of the file.
        heads: Of it, as they lie beside it.
        n_head_bytes: Length of their lines.
        torn: Bytes that were moved aside, 0 if none.
        moved_to: Name of the file that holds them.
    """

    records: Summary
    n_bytes: int
    heads: tuple[Head, ...] = ()
    n_head_bytes: int = 0
    torn: int = 0
    moved_to: str = ""


def recover(path: Path, disk: Disk) -> Recovered:
    """Keep the longest good prefix of an unfinished record and move the rest to `<name>.torn-<seq>`.

    Call it under the writer's lock. Only remains of a crash are moved: bytes among which no record is whole.

    Raises:
        AuditError: there is no record, it is finished, or the disk fails.
        ChainBroken: more than a torn end is wrong: it is left as it is.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AuditError(f"{path} cannot be read: {error.strerror}. Give the folder of an unfinished run.") from error
    records = prefix_of(path, data)
    n_bytes, wrong = records.n_bytes, records.wrong
    rest = data[n_bytes:]
    is_a_record_behind = any(map(_is_whole, lines_of(rest)))
    if not records and not is_a_record_behind:
        raise AuditError(f"{path} holds no record: that run never began. Start a new one here with --fresh.")
    if not records or is_a_record_behind:
        raise ChainBroken(
            f"{path}, line {len(records) + 1} {wrong or 'is not there'}, and this is not what a crash leaves. It is "
            f"kept as it is, and nothing goes on from it; perfusio verify {path} lists all that is wrong.",
            line=len(records) + 1,
        )
    if records.last.event == "RunEnded":
        raise AuditError(
            f"{path} holds run {records.first.run}, which is finished: nothing to resume. Start a new run."
        )
    heads, n_head_bytes = _checked_heads(path, records)
    if not rest:
        return Recovered(records=records, n_bytes=n_bytes, heads=heads, n_head_bytes=n_head_bytes)
    aside = _moved_aside(path, rest, len(records) + 1, disk)
    _cut(path, n_bytes, disk)
    return Recovered(
        records=records, n_bytes=n_bytes, heads=heads, n_head_bytes=n_head_bytes, torn=len(rest), moved_to=aside.name
    )  # fmt: skip


def recover_heads(log: Path, found: Recovered, disk: Disk) -> None:
    """Cut off a head that a crash tore, as the next one will say more.

    Raises:
        AuditError: the disk fails.
    """
    path = heads_of(log)
    if path.exists() and found.n_head_bytes < path.stat().st_size:
        _cut(path, found.n_head_bytes, disk)


def _cut(path: Path, n_bytes: int, disk: Disk) -> None:
    try:
        fd = os.open(path, os.O_WRONLY)
        try:
            disk.truncate(fd, n_bytes)
            disk.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise AuditError(f"{path} could not be cut to its good lines: {error.strerror}. Mend the disk.") from error


def _checked_heads(path: Path, records: Summary) -> tuple[tuple[Head, ...], int]:
    if not heads_of(path).exists():
        return (), 0
    heads, n_bytes = heads_and_length(heads_of(path))
    wrong = faults(heads, records.hashes, records.first.run, None)
    if wrong:
        line, what = wrong[0]
        raise ChainBroken(
            f"{path}, line {line} {what}. A head is signed after its record is on the disk, so no crash leaves this: "
            f"records were removed, or {path.stem}{SUFFIX} is not theirs. Nothing goes on from here.",
            line=line,
        )
    return heads, n_bytes


def _is_whole(line: bytes) -> bool:
    """Whether a line is a record whose own hash is right, wherever it may belong, and was written to its end."""
    if not line.endswith(b"\n"):
        return False
    try:
        data = json.loads(line)
        return isinstance(data, dict) and data.pop("hash", None) == digest(encode(data))
    except (ValueError, RecursionError, AuditError):
        return False


def _moved_aside(path: Path, rest: bytes, seq: int, disk: Disk) -> Path:
    aside, n = path.with_name(f"{path.name}.torn-{seq}"), 2
    while aside.exists():
        aside, n = path.with_name(f"{path.name}.torn-{seq}-{n}"), n + 1
    try:
        fd = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            if disk.write(fd, rest) != len(rest):
                raise OSError(0, "not all of it was taken (is the disk full?)")
            disk.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise AuditError(f"The torn end of {path} cannot be kept in {aside}: {error.strerror}.") from error
    sync_directory(path.parent, disk)
    return aside
