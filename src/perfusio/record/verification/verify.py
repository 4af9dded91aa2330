"""Verify a record: every line in canonical form, of the published shape, tied to the line before, true to its State."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from perfusio.errors import ChainBroken, UnreadableRecord
from perfusio.record.line import Record
from perfusio.record.verification.chain import Chain, Look, looked_at
from perfusio.record.verification.signed_heads import Head, faults
from perfusio.record.verification.site_key import PublicKey

NOT_CHECKED = (
    "whether lines were cut off at the end: the chain up to a cut is intact. Compare the number of records and the "
    "head hash with ones that were kept elsewhere.",
    "whether somebody who may write the file replaced all of it and computed every hash anew: compare the head hash.",
    "whether what was recorded is true: clock, samples and acknowledgements are taken as the twin was told them.",
)
"""Blind spots of a chain without an outside anchor."""
_EMPTY = "is not there: the file is empty, and a record begins with RunStarted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with one line (from 1)."""

    line: int
    what: str

    def __str__(self) -> str:
        """Say the place and the fault."""
        return f"line {self.line} {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """Findings in a record.

    Attributes:
        n_records: Lines that could be read as records.
        run_id: Run of the first readable record.
        head: `hash` of the last readable record, the one number that stands for all before it.
        first_ts: Wall time of the first readable record.
        last_ts: Wall time of the last readable record.
        outcome: Outcome in RunEnded; None while the run is unfinished (or was cut).
        problems: Faults, in order of lines; empty for an intact record.
        not_checked: Blind spots of this check, one sentence each.
        n_heads: Heads that the record was held against.
        cause: One explanation of many problems at once, and the way back (line ends that were changed); else empty.
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

    def __repr__(self) -> str:
        """Say whether it is intact, how long it is, and how the run ended."""
        n = len(self.problems)
        found = "intact" if self.is_intact else f"{n} problem{'s' * (n != 1)}, first {self.problems[0]}"
        ended = self.outcome if self.is_finished else "unfinished"
        return f"<VerifyReport: {found}; {self.n_records} records, run {ended}, head {self.head}>"

    @property
    def is_intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def is_finished(self) -> bool:
        """Whether the record is closed by RunEnded."""
        return self.outcome is not None


def verify(
    path: str | Path, *, heads: Sequence[Head] = (), key: PublicKey | None = None,
    take: Callable[[Record], None] | None = None,
) -> VerifyReport:  # fmt: skip
    """Check the record in a file.

    Args:
        path: The file.
        heads: Signed heads of it that were kept elsewhere, its anchor.
        key: Of the site that signed them; None = signatures are not looked at.
        take: Is given each record before the first line that was changed, as `read_records` yields them: the record is
            read once, and the verdict is on the very lines that were told.

    Raises:
        UnreadableRecord: the file cannot be read; a broken record is not an error here, it is reported.
    """
    with _opened(path) as lines:
        return verify_lines(lines, heads=heads, key=key, take=take)


def verify_lines(
    lines: Iterable[bytes], *, heads: Sequence[Head] = (), key: PublicKey | None = None, look: Look = looked_at,
    take: Callable[[Record], None] | None = None,
) -> VerifyReport:  # fmt: skip
    """Check a record given line by line, each with its line break.

    Args:
        lines: Of the record.
        heads: As for `verify`.
        key: As for `verify`.
        look: Looks at one line by itself.
        take: As for `verify`.
    """
    chain, problems, hashes = Chain(look), list[Problem](), list[str]()
    for line in lines:
        record, wrong = chain.follow(line)
        problems += [Problem(line=chain.n_lines, what=what) for what in wrong]
        if take is not None and record is not None and not problems:
            take(record)
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
    """Return the blind spots that heads leave, given their number."""
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
    """Hand out records up to the first line that was changed; return its fault, "" if none.

    Args:
        lines: Of the record, each with its line break.
        take: Is given each record and its line.
        sealed: First and last of the records before these lines, which are known to be unchanged.
    """
    chain = Chain()
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
        UnreadableRecord: the file cannot be read.
        ChainBroken: a line was changed; the records before it were handed out and are good.
    """
    for record, _ in read_verified(path):
        yield record


def read_verified(path: str | Path) -> Iterator[tuple[Record, bytes]]:
    """Yield the records of a file as `read_records`, each with its line.

    Raises:
        UnreadableRecord: as `read_records`.
        ChainBroken: as `read_records`.
    """
    with _opened(path) as lines:
        yield from _verified(lines, str(path))


def read_lines(lines: Iterable[bytes], *, source: str) -> Iterator[Record]:
    """Yield verified records from lines, each with its line break; `source` names them in the error.

    Raises:
        ChainBroken: a line was changed.
    """
    for record, _ in _verified(lines, source):
        yield record


def _verified(lines: Iterable[bytes], source: str) -> Iterator[tuple[Record, bytes]]:
    chain = Chain()
    for line in lines:
        record, wrong = chain.follow(line)
        if record is None or wrong:
            raise ChainBroken(
                f"{source}, line {chain.n_lines} {wrong[0]}. The lines before it are intact. "
                f"Keep it as it is; perfusio verify {source} lists all that is wrong.",
                line=chain.n_lines,
            )
        yield record, line
    if chain.n_lines == 0:
        raise ChainBroken(f"{source}, line 1 {_EMPTY}.", line=1)


@contextmanager
def _opened(path: str | Path) -> Iterator[BinaryIO]:
    try:
        with open(path, "rb") as file:
            yield file
    except OSError as error:
        raise UnreadableRecord(
            f"{path} cannot be read: {error.strerror}. Expected the audit.jsonl of a run; give its path."
        ) from error
