"""Record: one line of `audit.jsonl`, its canonical bytes, and the hash that ties it to the line before.

The canonical form is that of ``json.dumps(data, sort_keys=True, separators=(",", ":"))``: sorted keys, no blanks,
every character outside ASCII escaped. Such a line is valid UTF-8 and has one spelling only, and no line break, terminal
command or writing-direction mark in a reason can pass for something else on a screen.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import Any, Self

from perfusio.errors import AuditError
from perfusio.events import Event, Json, from_json, plain
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.state import State

RECORD_VERSION = 2
READABLE_VERSIONS = (1, RECORD_VERSION)
"""Version 1 called the turn `day` and had no `culture_day`; such records verify, export and replay like new ones."""
GENESIS = "0" * 64
"""`prev` of the first record of a run."""

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)

# Annotations that `schema.py` turns into patterns.
Sha256 = str
Utc = str
RunId = str
EventName = str


class _Rebuilt:
    """Room for the event of a record and the process of its run, which are none of its fields."""

    __slots__ = ("_event", "_process")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record(_Rebuilt):
    """One fact of a run, with where, when, by whom, and its place in the chain.

    Attributes:
        v: Version of this record shape.
        seq: Number of the record, from 1; it orders the run, the time does not.
        ts: Wall time, ISO 8601 in UTC with microseconds.
        mono_ns: Monotonic clock of the machine [ns]; comparable within one process only.
        actor: Who did it: the program, or a person and their role.
        run: Identifier of the run.
        reactor: Vessel, or None where the fact concerns the whole experiment.
        turn: Turn of the loop, or None.
        culture_day: Days since inoculation of the vessel, or None: not of one vessel, not known, or version 1.
        event: Name of the event type.
        payload: The event's own fields; unmeasured values are None.
        reason: Why, in one sentence; may be empty.
        state_sha256: SHA-256 of the canonical JSON of the State in the payload, where there is one.
        model_sha256: `model_id` of the event, where there is one: the digest by which a model names itself.
        config_sha256: SHA-256 of the canonical JSON of the `config` in RunStarted.
        sw: Version of perfusio that wrote the record.
        prev: `hash` of the record before; 64 zeros in the first.
        hash: SHA-256 of the canonical JSON of all the other fields.
    """

    v: int
    seq: int
    ts: Utc
    mono_ns: int
    actor: str
    run: RunId
    reactor: str | None
    turn: int | None
    culture_day: float | None
    event: EventName
    payload: Json
    reason: str
    state_sha256: Sha256 | None
    model_sha256: str | None
    config_sha256: Sha256
    sw: str
    prev: Sha256
    hash: Sha256

    @classmethod
    def of_fields(cls, data: Json) -> Self:
        """Return the record with these fields, as its line holds them in any version that can be read."""
        if data["v"] == 1:
            data = {**data, "turn": data["day"], "culture_day": None}
            del data["day"]
        return cls(**data)

    def fields(self) -> Json:
        """Return the fields as the line of this record holds them."""
        data = {name: getattr(self, name) for name in _NAMES}
        if self.v == 1:
            data["day"] = data.pop("turn")
            del data["culture_day"]
        return data

    def of_process(self, panel: Panel) -> Self:
        """Return the record, which knows from now on of which process its run is: only its first record says it."""
        if getattr(self, "_process", None) is not panel:
            object.__setattr__(self, "_process", panel)
            object.__setattr__(self, "_event", None)
        return self

    def to_event(self) -> Event:
        """Rebuild the event that was recorded; once, as verifying and folding a record both ask for it.

        Its quantities are those of the process that `of_process` named, else of the default one.

        Raises:
            AuditError: no event has that name or those fields.
        """
        known: Event | None = getattr(self, "_event", None)
        if known is None:
            known = from_json(
                self.event, self.payload, reactor=self.reactor, turn=self.turn, culture_day=self.culture_day,
                reason=self.reason, panel=getattr(self, "_process", CHO_PERFUSION),
            )  # fmt: skip
            object.__setattr__(self, "_event", known)
        return known


_NAMES = tuple(f.name for f in fields(Record))
_KEYS = {2: frozenset(_NAMES), 1: frozenset(_NAMES) - {"turn", "culture_day"} | {"day"}}


def is_record(data: Json) -> bool:
    """Whether these are the fields of a record, in a version that can be read."""
    return data.keys() == _KEYS.get(data["v"])


def canonical_json(data: Any) -> bytes:
    """Return the one spelling of `data`: NaN becomes null; States, Setpoints, numpy and torch values become plain.

    Raises:
        AuditError: infinite, of a type that JSON cannot hold, or text that is not Unicode.
    """
    return encode(plain(data))


def encode(data: Any) -> bytes:
    """Return the canonical bytes of data that is plain JSON already.

    Raises:
        AuditError: not plain JSON: NaN, infinite, a foreign type, or text that is not Unicode.
    """
    try:
        text = _ENCODER.encode(data)
        if "\\ud" in text:  # perhaps half a surrogate pair, which no other program or database could read back
            json.dumps(data, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise AuditError(f"This cannot be recorded: {error}. Expected finite plain data and Unicode text.") from error
    return text.encode("ascii")


def digest(canonical: bytes) -> str:
    """Return the SHA-256 of canonical bytes, as 64 hexadecimal digits."""
    return sha256(canonical).hexdigest()


def sha256_of(data: Any) -> str:
    """Return the SHA-256 of the canonical JSON of `data`.

    Raises:
        AuditError: `data` has no canonical JSON.
    """
    return digest(canonical_json(data))


def state_sha256(state: State) -> str:
    """Return the SHA-256 of the canonical JSON of a State; anyone can recompute it from the record alone."""
    return sha256_of(state)


def sealed(fields: Json) -> tuple[bytes, str]:
    """Return the line of a record, given its fields without `hash`, and the hash that the next record must carry.

    Raises:
        AuditError: a field has no canonical JSON.
    """
    seal = digest(encode(fields))
    return encode({**fields, "hash": seal}) + b"\n", seal
