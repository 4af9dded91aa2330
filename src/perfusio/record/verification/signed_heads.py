"""Heads: signed notes of how far a record had come, in a file beside it; kept elsewhere, they are its anchor.

A chain of hashes cannot see that its end was cut off, or that all of it was written anew. A head, signed when record
`seq` had become durable, can. Heads are taken of the first record, of the first of each turn, of each intent to write
and each word from the vessel about it, every EVERY records, and of the last.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

from perfusio.errors import AuditError
from perfusio.events import (
    Event,
    Json,
    OverrideDetected,
    RunEnded,
    RunStarted,
    SetpointsWritten,
    WriteIntended,
    WritePartial,
    WriteRefused,
    WriteRestored,
    WriteUnknown,
)
from perfusio.record.journal import Disk, Journal
from perfusio.record.line import RunId, Sha256, Utc, encode
from perfusio.record.line_ends import lines_of, named
from perfusio.record.verification.schema import kind
from perfusio.record.verification.site_key import PublicKey, SiteKey

EVERY = 500
SUFFIX = ".heads"
HEAD_VERSION = 1
_FROM_THE_VESSEL = (SetpointsWritten, WriteRefused, WritePartial, WriteRestored, WriteUnknown, OverrideDetected)
_ALWAYS = (RunStarted, WriteIntended, *_FROM_THE_VESSEL, RunEnded)
Signature = str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Record `seq` of a run had this hash at this time, says the holder of a key."""

    v: int
    run: RunId
    seq: int
    head: Sha256
    ts: Utc
    key: str
    signature: Signature

    def signed_bytes(self) -> bytes:
        """Return the signed text: the canonical JSON of all other fields."""
        return _message(_said(self))


_KINDS = {f.name: kind(str(f.type)) for f in fields(Head)}
_USUAL = re.compile(
    rb'{"head":"([0-9a-f]{64})","key":"([A-Za-z0-9]*)","run":"([A-Za-z0-9][A-Za-z0-9._-]{0,99})","seq":(0|[1-9][0-9]*),'
    rb'"signature":"([0-9a-f]{128})","ts":"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)","v":%d}\n'
    % HEAD_VERSION
).fullmatch
"""A head as it is written: weeks have a hundred thousand, and most need no parser. Any other line is parsed."""


class Heads:
    """Writes the heads of one run."""

    def __init__(
        self, log: Path, run: str, key: SiteKey, disk: Disk, earlier: Sequence[Head] = (), n_bytes: int = 0
    ) -> None:
        """Open the file of heads of the record at `log`.

        Args:
            log: The record.
            run: Identifier of its run.
            key: Signs.
            disk: How the file is reached.
            earlier: The heads that are in the file already; nothing else may be.
            n_bytes: Length of their lines.

        Raises:
            AuditError: it cannot be created, or holds something else.
        """
        self._run, self._key, self._name = run, key, key.public.name
        self._seq, self._turn = (earlier[-1].seq if earlier else 0), -1
        self._journal = Journal(heads_of(log), disk, committed=n_bytes)

    def saw(self, event: Event, seq: int, head: str, ts: str) -> None:
        """Take note of a durable record, and sign if it is time.

        Raises:
            AuditError: the head could not be made durable.
        """
        is_new_turn = event.turn is not None and event.turn > self._turn
        if is_new_turn and event.turn is not None:
            self._turn = event.turn
        if not (is_new_turn or isinstance(event, _ALWAYS) or seq - self._seq >= EVERY):
            return
        said: Json = {"v": HEAD_VERSION, "run": self._run, "seq": seq, "head": head, "ts": ts, "key": self._name}
        self._journal.append(_line(said | {"signature": self._key.sign(_message(said)).hex()}))
        self._seq = seq

    def close(self) -> None:
        """Close the file."""
        self._journal.close()


def heads_of(log: Path) -> Path:
    """Return where the heads of a record are: beside it."""
    return log.with_suffix(SUFFIX)


def read_heads(path: str | Path) -> tuple[Head, ...]:
    """Read all heads of a file, to hold a record against them; a torn end says nothing.

    Raises:
        AuditError: the file cannot be read, or a whole line of it is no head.
    """
    lines = _lines(path)
    if lines and not lines[-1].endswith(b"\n"):  # torn, or a head that lost its line break alone
        lines[-1:] = [lines[-1] + b"\n"] if lines[-1].endswith(b"}") else []
    heads = [_head(line) for line in lines]
    if None in heads:
        raise _no_head(path, heads.index(None) + 1, lines)
    return tuple(h for h in heads if h)


def heads_and_length(path: str | Path) -> tuple[tuple[Head, ...], int]:
    """Return the heads in a file and the length of their lines [bytes]; the rest was torn by a crash.

    Raises:
        AuditError: the file cannot be read, or a line before the last head is no head.
    """
    lines = _lines(path)
    heads = [_head(line) for line in lines]
    n = heads.index(None) if None in heads else len(heads)
    if any(heads[n:]):
        raise _no_head(path, n + 1, lines)
    return tuple(h for h in heads[:n] if h), sum(map(len, lines[:n]))


def last_head(path: str | Path) -> Head | None:
    """Return the last head in a file, None if there is none.

    Raises:
        AuditError: the file cannot be read.
    """
    return next((h for line in reversed(_lines(path)) if (h := _head(line)) is not None), None)


def _lines(path: str | Path) -> list[bytes]:
    try:
        return lines_of(Path(path).read_bytes())
    except OSError as error:
        raise AuditError(f"{path} cannot be read: {error.strerror}. Expected the heads of a record.") from error


def faults(
    heads: Sequence[Head], hashes: Sequence[str], run: str | None, key: PublicKey | None
) -> list[tuple[int, str]]:
    """Hold a record against its heads.

    Args:
        heads: Of this record, as kept elsewhere.
        hashes: `hash` of each record, in order.
        run: Its run.
        key: Of the site; None = signatures are not looked at.

    Returns:
        Line of the record and its fault, in words.
    """
    wrong = []
    for h in heads:
        if key is not None and not _is_signed(h, key):
            wrong.append((h.seq, f"has a head of {h.ts} that this key has not signed: the heads are not this site's"))
        elif h.run != run:
            wrong.append((1, f"is of run {run}, and the heads are of run {h.run}: another record, or an older one"))
        elif not 0 < h.seq <= len(hashes):
            wrong.append((h.seq, f"is missing: it was there on {h.ts}, the record ends with line {len(hashes)}"))
        elif hashes[h.seq - 1] != h.head:
            wrong.append((h.seq, f"is not the one that was signed on {h.ts}: the record was written anew"))
    return wrong


@lru_cache(maxsize=1024)
def _is_signed(head: Head, key: PublicKey) -> bool:
    """Whether a head is this key's; that is costly, and says the same each time that it is asked."""
    return head.key == key.name and key.has_signed(bytes.fromhex(head.signature), head.signed_bytes())


def _no_head(path: str | Path, line: int, lines: Sequence[bytes]) -> AuditError:
    _, changed = named(lines[line - 1])
    why = f" It {' and '.join(changed)}: put the line ends back as they were." if changed else ""
    return AuditError(
        f"{path}, line {line} is no head.{why} Expected {', '.join(_KINDS)} as JSON in canonical form; give the heads "
        "of a record, as they were copied."
    )


def _head(line: bytes) -> Head | None:
    if (said := _USUAL(line)) is not None:
        head, key, run, seq, signature, ts = said.groups()
        return Head(
            v=HEAD_VERSION, run=run.decode(), seq=int(seq), head=head.decode(), ts=ts.decode(), key=key.decode(),
            signature=signature.decode(),
        )  # fmt: skip
    try:
        data = json.loads(line.decode("ascii"))
        is_whole = data.keys() == _KINDS.keys() and line == _line(data)
    except (ValueError, AttributeError, RecursionError, AuditError):
        return None
    is_head = is_whole and all(_KINDS[name].fits(value) for name, value in data.items()) and data["v"] == HEAD_VERSION
    return Head(**data) if is_head else None


def _said(head: Head) -> Json:
    return {name: getattr(head, name) for name in _KINDS}


def _message(said: Json) -> bytes:
    return encode({name: value for name, value in said.items() if name != "signature"})


def _line(said: Json) -> bytes:
    return encode(said) + b"\n"
