"""Verify a record: every line in canonical form, of the published shape, tied to the line before, true to its State."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from perfusio.errors import AuditError, ChainBroken
from perfusio.events import Json
from perfusio.process.panel import Panel
from perfusio.record.line import GENESIS, Record, digest, encode
from perfusio.record.line_ends import Tally, named
from perfusio.record.verification.schema import Names, misfit, names_on_record, strangers
from perfusio.record.verification.signed_heads import Head, faults
from perfusio.record.verification.site_key import PublicKey
from perfusio.record.vessel_history import process_of

NOT_CHECKED = (
    "whether lines were cut off at the end: the chain up to a cut is intact. Compare the number of records and the "
    "head hash with ones that were kept elsewhere.",
    "whether somebody who may write the file replaced all of it and computed every hash anew: compare the head hash.",
    "whether what was recorded is true: clock, samples and acknowledgements are taken as the twin was told them.",
)
"""What a chain without an outside anchor cannot see."""
_EMPTY = "is not there: the file is empty, and a record begins with RunStarted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with one line (from 1)."""

    line: int
    what: str

    def __str__(self) -> str:
        """Say where and what."""
        return f"line {self.line} {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What was found in a record.

    Attributes:
        n_records: Lines that could be read as records.
        run_id: Run of the first readable record.
        head: `hash` of the last readable record, the one number that stands for all before it.
        first_ts: Wall time of the first readable record.
        last_ts: Wall time of the last readable record.
        outcome: Outcome in RunEnded; None while the run is unfinished (or was cut).
        problems: What is wrong, in order of lines; empty for an intact record.
        not_checked: What this check cannot see, one sentence each.
        n_heads: Heads that the record was held against.
        cause: What explains many problems at once, and the way back (line ends that were changed); else empty.
    """

    n_records: int
    run_id: str | None
    head: str | None
    first_ts: str | None
    last_ts: str | None
    outcome: str | None
    problems: tuple[Problem, ...]
    not_checked: tuple[str, ...] = NOT_CHECKED
    n_heads: int = 0
    cause: str = ""

    @property
    def is_intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def is_finished(self) -> bool:
        """Whether the record is closed by RunEnded."""
        return self.outcome is not None


Look = Callable[[bytes], tuple[Record | None, tuple[str, ...]]]
"""Looks at one line by itself, as `looked_at` does."""


def looked_at(line: bytes) -> tuple[Record | None, tuple[str, ...]]:
    """Return a line as a Record if it has that shape, and all that is wrong with it but for its place in the chain.

    It depends on nothing but the line: who verifies many copies of one record may remember what was found.
    """
    bare, changed = named(line)
    if changed:  # what the line says once its ends are put back counts for the lines after it; it is wrong all the same
        record, inner = looked_at(bare) if bare else (None, ())
        return record, (*changed, *inner)
    data, wrong = _read(line)
    if data is None:
        return None, tuple(wrong)
    record = Record.of_fields(data)
    wrong += _untrue(record)
    if digest(without_hash(line)) != record.hash:
        wrong.append("was changed: its hash is not the hash of its content")
    return record, tuple(wrong)


class _Chain:
    """Follows a record line by line and remembers what the next line must fit."""

    def __init__(self, look: Look = looked_at) -> None:
        self._look = look
        self.n_lines = 0
        self.n_records = 0
        self.ends = Tally()
        self.first: Record | None = None
        self.last: Record | None = None
        self._prev: str | None = GENESIS  # None: the line before was unreadable, so nothing to compare with
        self._seq = 0
        self._names: Names = names_on_record({})
        self._process: Panel | None = None

    def goes_on(self, first: Record, last: Record) -> None:
        """Take the records from the first to this last one as read."""
        self.n_lines = self.n_records = last.seq
        self.first, self.last = first, last
        self._belongs_to(first)
        self._prev, self._seq = last.hash, last.seq

    def follow(self, line: bytes) -> tuple[Record | None, list[str]]:
        """Take the next line; return it as a Record if it has that shape, and what is wrong with it."""
        self.n_lines += 1
        record, found = self._look(line)
        bare, changed = named(line)
        if not bare:
            self.ends = self.ends.with_line(changed, is_good=True)
            return None, list(found)  # the lines around a blank one may still follow from each other
        self._seq += 1
        if record is None:
            self.ends = self.ends.with_line(changed, is_good=False)
            self._prev = None
            return None, list(found)
        misplaced = self._misplaced(record)
        self.ends = self.ends.with_line(changed, is_good=not misplaced and len(found) == len(changed))
        if self.first is None:
            self.first = record
            self._belongs_to(record)
        wrong = [*changed, *misplaced, *found[len(changed) :], *self._of_another_process(record)]
        self.n_records += 1
        self.last, self._prev, self._seq = record, record.hash, record.seq
        return record, wrong

    def _belongs_to(self, first: Record) -> None:
        """Know the process of the run from its first record; one that cannot be read here is known by its names."""
        config = first.payload.get("config", {})
        self._names = names_on_record(config)
        try:
            self._process = process_of(config)
        except AuditError:
            self._process = None

    def _of_another_process(self, record: Record) -> list[str]:
        """Return which quantities are none of the run's process, and whether the event can be made."""
        if unknown := strangers(record.event, record.payload, self._names):
            return [f"names {', '.join(unknown)}, which the process of its run does not have"]
        if self._process is None:
            return []
        try:
            record.of_process(self._process).to_event()
        except AuditError as error:
            return [f"cannot be read back as an event: {error}"]
        return []

    def _misplaced(self, record: Record) -> list[str]:
        wrong = []
        if self._prev not in (None, record.prev):
            wrong.append("does not follow from the line before: a line was changed, removed, added or moved")
        if record.seq != self._seq:
            wrong.append(f"has seq {record.seq}, expected {self._seq}")
        first = self.first or record
        if (record.event == "RunStarted") != (self.n_lines - self.ends.n_blank == 1):
            wrong.append(f"is {record.event}: RunStarted must be the first line, and only the first")
        if self.last and self.last.event == "RunEnded":
            wrong.append("comes after RunEnded, which closed the record")
        if (record.run, record.config_sha256) != (first.run, first.config_sha256):
            wrong.append(f"belongs to run {record.run}, or to another configuration than the first line's")
        return wrong


def _read(line: bytes) -> tuple[Json | None, list[str]]:
    """Parse one line strictly; None where it is no record at all."""
    if not line.endswith(b"\n"):
        return None, ["is cut off: it has no line break at its end"]
    try:
        data = json.loads(line.decode("ascii"))
        canonical = encode(data) + b"\n"
    except (ValueError, RecursionError) as error:
        return None, [f"is not JSON in canonical form: {error}"]
    except AuditError as error:
        return None, [f"is not in canonical form: {error}"]
    if wrong := misfit(data):
        return None, [wrong]
    return data, [] if canonical == line else [_respelled(line)]


def _respelled(line: bytes) -> str:
    repeated: list[str] = []

    def note(pairs: list[tuple[str, Any]]) -> Json:
        repeated.extend(key for key, n in Counter(key for key, _ in pairs).items() if n > 1)
        return dict(pairs)

    json.loads(line, object_pairs_hook=note)
    if repeated:
        return f"has the key {repeated[0]!a} more than once"
    return "is not in canonical form (sorted keys, no blanks, one spelling of each number): it was written anew"


def without_hash(line: bytes) -> bytes:
    """Cut `hash` out of a canonical line: what the hash was computed from.

    A quotation mark inside a JSON text is always escaped, and all keys before "hash" hold single values, so the first
    match is the key of the record itself.
    """
    start = line.find(b',"hash":"')
    return line[:start] + line[start + len(b',"hash":""') + 64 : -1]


def _untrue(record: Record) -> list[str]:
    """What contradicts itself within one record."""
    wrong = []
    state = record.payload.get("state")
    if record.state_sha256 != (None if state is None else digest(encode(state))):
        wrong.append("has a state_sha256 that is not the hash of its State")
    if record.model_sha256 != record.payload.get("model_id"):
        wrong.append("names one model in model_sha256 and another in its payload")
    if record.event == "RunStarted" and record.config_sha256 != digest(encode(record.payload["config"])):
        wrong.append("has a config_sha256 that is not the hash of its config")
    return wrong


def verify(path: str | Path, *, heads: Sequence[Head] = (), key: PublicKey | None = None) -> VerifyReport:
    """Check the record in a file.

    Args:
        path: The file.
        heads: Signed heads of it that were kept elsewhere, its anchor.
        key: Of the site that signed them; None = signatures are not looked at.

    Raises:
        AuditError: the file cannot be read; a broken record is not an error here, it is reported.
    """
    with _opened(path) as lines:
        return verify_lines(lines, heads=heads, key=key)


def verify_lines(
    lines: Iterable[bytes], *, heads: Sequence[Head] = (), key: PublicKey | None = None, look: Look = looked_at
) -> VerifyReport:
    """Check a record given line by line, each with its line break.

    Args:
        lines: Of the record.
        heads: As for `verify`.
        key: As for `verify`.
        look: Looks at one line by itself.
    """
    chain, problems, hashes = _Chain(look), list[Problem](), list[str]()
    for line in lines:
        record, wrong = chain.follow(line)
        problems += [Problem(line=chain.n_lines, what=what) for what in wrong]
        if line.strip():
            hashes.append(record.hash if record else "")
    if chain.n_lines == 0:
        problems.append(Problem(line=1, what=_EMPTY))
    first, last = chain.first, chain.last
    problems += [Problem(line=i, what=what) for i, what in faults(heads, hashes, first.run if first else None, key)]
    return VerifyReport(
        n_records=chain.n_records,
        run_id=first.run if first else None,
        head=last.hash if last else None,
        first_ts=first.ts if first else None,
        last_ts=last.ts if last else None,
        outcome=str(last.payload["outcome"]) if last and last.event == "RunEnded" else None,
        problems=tuple(problems),
        not_checked=_unseen(heads, key),
        n_heads=len(heads),
        cause=chain.ends.cause(),
    )


def _unseen(heads: Sequence[Head], key: PublicKey | None) -> tuple[str, ...]:
    """Return what heads leave unseen, given as many as there are."""
    if not heads:
        return NOT_CHECKED
    seq = max(h.seq for h in heads)
    kept = (
        f"whether lines after {seq} were cut off: the last head is of that line.",
        f"whether lines after {seq} were written anew by somebody who may write the file.",
        NOT_CHECKED[-1],
    )
    return kept if key else (*kept, "whether the heads are this site's: give its public key (--key site.pub).")


def read_prefix(
    lines: Iterable[bytes], take: Callable[[Record, bytes], None], sealed: tuple[Record, Record] | None = None
) -> str:
    """Hand out records up to the first line that is not what was written; return what is wrong with it, "" if none.

    Args:
        lines: Of the record, each with its line break.
        take: Is given each record and its line.
        sealed: First and last of the records before these lines, which are known to be what was written.
    """
    chain = _Chain()
    if sealed is not None:
        chain.goes_on(*sealed)
    for line in lines:
        record, wrong = chain.follow(line)
        if record is None or wrong:
            return wrong[0]
        take(record, line)
    return ""


def read_records(path: str | Path) -> Iterator[Record]:
    """Yield the records of a file in order, each verified before it is handed out.

    Raises:
        AuditError: the file cannot be read.
        ChainBroken: a line is not what was written; the records before it were handed out and are good.
    """
    with _opened(path) as lines:
        yield from read_lines(lines, source=str(path))


def read_lines(lines: Iterable[bytes], *, source: str) -> Iterator[Record]:
    """Yield verified records from lines, each with its line break; `source` names them in the error.

    Raises:
        ChainBroken: a line is not what was written.
    """
    chain = _Chain()
    for line in lines:
        record, wrong = chain.follow(line)
        if record is None or wrong:
            raise ChainBroken(
                f"{source}, line {chain.n_lines} {wrong[0]}. The lines before it are intact. "
                f"Keep it as it is; perfusio verify {source} lists all that is wrong.",
                line=chain.n_lines,
            )
        yield record
    if chain.n_lines == 0:
        raise ChainBroken(f"{source}, line 1 {_EMPTY}.", line=1)


@contextmanager
def _opened(path: str | Path) -> Iterator[BinaryIO]:
    try:
        with open(path, "rb") as file:
            yield file
    except OSError as error:
        raise AuditError(
            f"{path} cannot be read: {error.strerror}. Expected the audit.jsonl of a run; give its path."
        ) from error
