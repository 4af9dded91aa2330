"""Mirror: an index of a record that keeps up with `audit.jsonl` by reading the file, so that a run never waits for it.

The file is the only queue: lines that an index could not take while it was away are still there when it comes back, and
an index that was filled during a run equals one that is made from the file afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice, takewhile
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import Protocol, Self, TypeVar

from perfusio.errors import ChainBroken, PerfusioError
from perfusio.events import Event
from perfusio.record.line import Record
from perfusio.record.verification.verify import read_verified

T = TypeVar("T")
Line = tuple[Record, str]
"""A record, and its line in `audit.jsonl` without the line break: an index need not parse what was parsed."""

BATCH = 500
"""Records handed to an index at once: some 15 MB at most, and a database is asked seldom."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""How long an index that failed is left alone: twice as long each time [s]."""
CLOSING_S = 10.0
"""How long the end of a run waits for the index to catch up; missing lines are added later [s]."""


class RecordIndex(Protocol):
    """Something that can answer questions about records, e.g. a database; made from the lines of `audit.jsonl`."""

    def last(self, run: str) -> tuple[int, str]:
        """Return number and hash of the last record of a run that it has; (0, "") if it has none."""
        ...

    def add(self, lines: Sequence[Line]) -> int:
        """Add lines of one record in order, all or none, passing over those that it has; return how many were new."""
        ...

    def forget(self, run: str) -> None:
        """Take away all of one run."""
        ...


def copy_record(path: str | Path, index: RecordIndex, *, rebuild: bool = False) -> int:
    """Bring an index up to a record, which is verified line by line on the way.

    Args:
        path: The `audit.jsonl` of a run, finished or not.
        index: Taker of its lines.
        rebuild: Make the index of that run anew instead of adding to it.

    Returns:
        How many records were added.

    Raises:
        AuditError: the file cannot be read.
        ChainBroken: a line was changed (the records before it were added), or lines that the index has
            are gone.
        PerfusioError: the index cannot be reached, or holds another record of that run.
    """
    records = read_verified(path)
    first = next(records, None)
    if first is None:  # read_verified refuses an empty file
        return 0
    run = first[0].run
    if rebuild:
        index.forget(run)
    n_there, _ = index.last(run)
    n_read = n_added = 0
    for batch in _batches(chain([first], records)):
        n_read += len(batch)
        n_added += index.add([(record, line[:-1].decode("ascii")) for record, line in batch])
    if n_read < n_there:
        raise ChainBroken(
            f"{path} ends with record {n_read}, but {n_there} records of run {run} were mirrored from it: its "
            "end was cut off, or an older copy was put back. Look for the whole file; the mirror was left as it is.",
            line=n_read + 1,
        )
    return n_added


class Mirror:
    """Keeps an index up with the record of a run that is going on; an observer of DigitalTwin.

    Being told of an event only wakes a thread, which reads the file. Whatever happens to the index, the run does not
    notice: it is tried again, less and less often, and `trouble` says why.

        with Mirror("audit.jsonl", SqlRecord("lab.sqlite")) as mirror:
            twin = DigitalTwin(..., observers=(mirror,))

    Attributes:
        trouble: Why the index is behind, in words; empty while it keeps up.
        n_mirrored: Lines that it has.
        n_added: Those of them that it said it did not have before.
        is_finished: Whether the last of them closed the record.
    """

    def __init__(
        self,
        path: str | Path,
        index: RecordIndex,
        *,
        first_pause_s: float = FIRST_PAUSE_S,
        on_trouble: Callable[[str], object] = lambda _: None,
    ) -> None:
        """Prepare to follow a record.

        Args:
            path: Where the run will write it.
            index: Taker of its lines.
            first_pause_s: Pause after a first failure; it doubles up to LONGEST_PAUSE_S [s].
            on_trouble: Called, in the thread, with a sentence when the index begins to fail.
        """
        self.path, self._index = Path(path), index
        self._first_pause_s, self._on_trouble = first_pause_s, on_trouble
        self.trouble = ""
        self.n_mirrored = self.n_added = 0
        self.is_finished = False
        self._offset = 0
        self._news, self._over = Flag(), Flag()
        self._thread = Thread(target=self._keep_up, name="perfusio-mirror", daemon=True)

    def __call__(self, _: Event) -> None:
        """Be told that the file has grown."""
        self._news.set()

    def __enter__(self) -> Self:
        """Start to follow."""
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """Catch up once more, and give up after CLOSING_S."""
        self._over.set()
        self._news.set()
        self._thread.join(CLOSING_S)

    def _keep_up(self) -> None:
        pause_s = self._first_pause_s
        while True:
            self._news.wait()
            self._news.clear()
            is_last = self._over.is_set()
            try:
                self.catch_up()
            except Exception as error:  # noqa: BLE001 - an index is a comfort: no fault of it may reach the run
                self._say(str(error) if isinstance(error, PerfusioError) else f"{type(error).__name__}: {error}")
                if not is_last:
                    self._over.wait(pause_s)
                    pause_s = min(2.0 * pause_s, LONGEST_PAUSE_S)
                    self._news.set()
            else:
                self.trouble, pause_s = "", self._first_pause_s
            if is_last:
                return

    def _say(self, trouble: str) -> None:
        is_new, self.trouble = not self.trouble, trouble
        if is_new:
            self._on_trouble(trouble)

    def catch_up(self) -> None:
        """Hand on every whole line since the last one that the index kept; it checks that each follows the one before.

        Lines count as handed on only when the index has kept them; a line handed on twice is passed over.

        Raises:
            OSError: the file cannot be read.
            PerfusioError: the index cannot be reached, or holds another record of that run.
        """
        with self.path.open("rb") as file:
            file.seek(self._offset)
            for lines in _batches(takewhile(lambda line: line.endswith(b"\n"), file)):
                self.n_added += self._index.add([read(line[:-1].decode("ascii")) for line in lines])
                self._offset += sum(map(len, lines))
                self.n_mirrored += len(lines)
                self.is_finished = b'"event":"RunEnded"' in lines[-1]


def read(line: str) -> Line:
    """Return a line of a record, without its line break, with what it says."""
    return Record.of_fields(json.loads(line)), line


def _batches(things: Iterable[T]) -> Iterator[list[T]]:
    remaining = iter(things)
    while batch := list(islice(remaining, BATCH)):
        yield batch
