"""The chain of a record: rules of each line by itself, and with the line before it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from perfusio.errors import AuditError
from perfusio.events import Json
from perfusio.process.panel import Panel
from perfusio.record.line import GENESIS, Record, digest, encode
from perfusio.record.line_ends import Tally, named
from perfusio.record.verification.quick_parsing import parsed_quickly
from perfusio.record.verification.schema import Names, misfit, names_on_record, strangers
from perfusio.record.vessel_history import process_of

Look = Callable[[bytes], tuple[Record | None, tuple[str, ...]]]
"""Looks at one line by itself, as `looked_at` does."""


def looked_at(line: bytes) -> tuple[Record | None, tuple[str, ...]]:
    """Return a line as a Record if it has that shape, and all that is wrong with it but for its place in the chain.

    It depends on nothing but the line: who verifies many copies of one record may remember the result.
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


class Chain:
    """Follows a record line by line and remembers the requirements of the next line."""

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
        """Take the next line; return it as a Record if it has that shape, and its faults."""
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
    if (quick := parsed_quickly(line)) is not None:
        wrong = misfit(quick)
        return (None, [wrong]) if wrong else (quick, [])
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
    """Cut `hash` out of a canonical line: the rest is the input of the hash.

    A quotation mark inside a JSON text is always escaped, and all keys before "hash" hold single values, so the first
    match is the key of the record itself.
    """
    start = line.find(b',"hash":"')
    return line[:start] + line[start + len(b',"hash":""') + 64 : -1]


def _untrue(record: Record) -> list[str]:
    """Contradictions within one record."""
    wrong = []
    state = record.payload.get("state")
    if record.state_sha256 != (None if state is None else digest(encode(state))):
        wrong.append("has a state_sha256 that is not the hash of its State")
    if record.model_sha256 != record.payload.get("model_id"):
        wrong.append("names one model in model_sha256 and another in its payload")
    if record.event == "RunStarted" and record.config_sha256 != digest(encode(record.payload["config"])):
        wrong.append("has a config_sha256 that is not the hash of its config")
    return wrong
