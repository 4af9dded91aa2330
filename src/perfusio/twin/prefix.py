"""The good beginning of a record, read once for all who ask when a run goes on: weeks of it take seconds to verify.

What was the run asked to do, where can it be written on, what was known: each is a look at the same bytes. And most of
them need no second thought: the last head that this site signed names the hash of a line, that line names the hash of
the one before, and so on to the first. Where this chain of hashes holds, these are the very bytes that were checked
against the schema when they were written; only what stands behind that head is looked at field by field.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perfusio.errors import AuditError
from perfusio.twin.heads import heads_of, last_head
from perfusio.twin.line_ends import lines_of
from perfusio.twin.record import GENESIS, Record, digest
from perfusio.twin.site_key import SiteKey
from perfusio.twin.verify import read_prefix, without_hash


@dataclass(slots=True)
class Prefix:
    """The good beginning of a record.

    Attributes:
        records: All that are good.
        wrong: What is wrong with the line behind them; "" if nothing.
        run_state: What was known after them, once somebody has worked it out.
    """

    records: tuple[Record, ...]
    wrong: str
    run_state: Any = None


_last_read: dict[str, Prefix] = {}


def prefix_of(path: Path, data: bytes) -> Prefix:
    """Return the good beginning of a record; the last one is remembered, by the hash of all its bytes.

    Args:
        path: Of the record; its heads lie beside it.
        data: All of it.
    """
    name = digest(data)
    if name not in _last_read:
        lines = lines_of(data)
        with no_cycles():
            sealed = _sealed(lines, *_last_own_head(path))
            records, wrong = read_prefix(lines, sealed)
        _last_read.clear()
        _last_read[name] = Prefix(records, wrong)
    return _last_read[name]


def forget() -> None:
    """Remember no record any more: it may be large, and once its run goes on nobody asks again."""
    _last_read.clear()


def remembered(records: Sequence[Record]) -> Prefix | None:
    """Return the prefix with these very records, if it is the last that was read."""
    return next((p for p in _last_read.values() if p.records is records), None)


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


def _sealed(lines: Sequence[bytes], n: int, head: str) -> tuple[Record, ...]:
    """Return the records up to line `n` if the hashes of their bytes lead to its hash `head`; none of them if not."""
    records, prev = list[Record](), GENESIS
    try:
        for line in lines[:n]:
            fields = json.loads(line)
            seal = digest(without_hash(line))
            if (fields["prev"], fields["hash"]) != (prev, seal):
                return ()
            records.append(Record.of_fields(fields))
            prev = seal
    except (ValueError, KeyError, TypeError, RecursionError):
        return ()
    return tuple(records) if len(records) == n and prev == head else ()


@contextmanager
def no_cycles() -> Iterator[None]:
    """Look for no cycles meanwhile: there are none among a hundred thousand records, and each look goes through all."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
