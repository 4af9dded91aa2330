"""The good beginning of a record, read once for all who ask when a run goes on: weeks of it take seconds to verify.

The task of the run, where it can be written on, its state: each is a look at the same bytes. And most of
them need no second thought: the last head that this site signed names the hash of a line, that line names the hash of
the one before, and so on to the first. Where this chain of hashes holds, these are the very bytes that were checked
against the schema when they were written; only lines behind that head are looked at field by field.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import islice
from pathlib import Path

from pydantic_core import from_json

from perfusio.errors import AuditError
from perfusio.record.line import GENESIS, Record, digest, is_record
from perfusio.record.summary import Summary
from perfusio.record.verification.chain import without_hash
from perfusio.record.verification.signed_heads import heads_of, last_head
from perfusio.record.verification.site_key import SiteKey
from perfusio.record.verification.verify import read_prefix

MANY_OBJECTS = 200_000
_last_read: dict[str, Summary] = {}


def prefix_of(path: Path, data: bytes) -> Summary:
    """Return the summary of the good beginning of a record; the last one is remembered, by the hash of all its bytes.

    Args:
        path: Of the record; its heads lie beside it.
        data: All of it.
    """
    name = digest(data)
    if name not in _last_read:
        with no_cycles():
            found = _read(path, data)
        _last_read.clear()
        _last_read[name] = found
    return _last_read[name]


def forget() -> None:
    """Remember no record any more: once its run goes on nobody asks again."""
    _last_read.clear()


def _read(path: Path, data: bytes) -> Summary:
    lines = BytesIO(data)  # which ends a line at a line feed alone, as `lines_of` does
    known = _sealed(lines, *_last_own_head(path))
    if known is None:
        lines.seek(0)
    found = known or Summary()

    def take(record: Record, line: bytes) -> None:
        found.take(record.fields(), len(line), record)

    found.wrong = read_prefix(lines, take, (known.first, known.last) if known is not None else None)
    return found


def _last_own_head(path: Path) -> tuple[int, str]:
    """Return line and hash of the last head that this site signed; (0, "") if there is none."""
    try:
        last = last_head(heads_of(path)) if heads_of(path).exists() else None
        if last is None:
            return 0, ""
        key = SiteKey.of_site().public
    except AuditError:
        return 0, ""
    is_ours = last.key == key.name and key.has_signed(bytes.fromhex(last.signature), last.signed_bytes())
    return (last.seq, last.head) if is_ours else (0, "")


def _sealed(lines: Iterable[bytes], n: int, head: str) -> Summary | None:
    """Return the summary up to line `n` if the hashes of the bytes lead to its hash `head`, None if they do not."""
    found, prev = Summary(), GENESIS
    try:
        for line in islice(lines, n):
            fields = from_json(line)  # twice as fast as json.loads, and equal to it for what we wrote
            seal = digest(without_hash(line))
            if (fields["prev"], fields["hash"]) != (prev, seal) or not is_record(fields):
                return None
            found.take(fields, len(line))
            prev = seal
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return found if 0 < len(found) == n and prev == head else None


@contextmanager
def no_cycles() -> Iterator[None]:
    """Look for no cycles meanwhile: there are none in a record, and each look goes through all that is kept.

    Nor afterwards, where it was a long one: a single look at weeks of records takes as long as half of their parsing.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if gc.get_count()[0] > MANY_OBJECTS:
            gc.freeze()
        if was_on:
            gc.enable()
