"""AuditLogger: the events of one run into `audit.jsonl`: append-only, hash-chained, durable before it returns."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random, SystemRandom
from string import ascii_lowercase
from typing import Self

from perfusio.clock import Clock, SystemClock
from perfusio.errors import AuditError
from perfusio.events import (
    ClockStepped,
    Event,
    JournalRecovered,
    RunEnded,
    RunStarted,
    to_json,
)
from perfusio.installed import __version__
from perfusio.record.archive import make_room
from perfusio.record.journal import Disk, Journal, SystemDisk, WriterLock
from perfusio.record.line import GENESIS, RECORD_VERSION, sealed, sha256_of, state_sha256
from perfusio.record.recovery import recover, recover_heads
from perfusio.record.summary import SAMPLES, Summary
from perfusio.record.verification.schema import kind, misfit
from perfusio.record.verification.signed_heads import Heads
from perfusio.record.verification.site_key import SiteKey
from perfusio.state import State

LARGEST_CLOCK_STEP_S = 2.0
"""A wall clock that moves by more than this against the monotonic clock is itself recorded [s]."""


def new_run_id(clock: Clock, rng: Random | None = None) -> str:
    """Return the identifier of a run that starts now: UTC time and four random letters."""
    letters = "".join((rng or SystemRandom()).choices(ascii_lowercase, k=4))
    return f"{_utc(clock.now()):%Y%m%dT%H%M%SZ}-{letters}"


class AuditLogger:
    """The record of one run; an EventSink.

    The first event must be RunStarted, the last is RunEnded, which closes the file. A record of an earlier run in the
    same place is moved aside if it is finished and intact, and otherwise refused unless `fresh`.
    """

    def __init__(
        self,
        path: str | Path = "audit.jsonl",
        *,
        run_id: str | None = None,
        actor: str = "perfusio",
        fresh: bool = False,
        clock: Clock | None = None,
        disk: Disk | None = None,
        key: SiteKey | None = None,
    ) -> None:
        """Take the writer's lock, make room, and create the file.

        Args:
            path: The record; its folder is created if need be.
            run_id: Identifier of the run; None makes a new one.
            actor: Who acts, in each record.
            fresh: Move an unfinished or broken record in this place aside instead of refusing it.
            clock: Where times come from; None is the machine's clock.
            disk: How the file is reached; None is the machine's disk.
            key: Signs heads, into the file beside it (`heads`); None: nothing is signed.

        Raises:
            AuditError: another process writes here, an unfinished run is here, or the file cannot be created.
            ChainBroken: the record that is here does not verify.
        """
        self._start(Path(path), actor, clock, disk)
        self.run_id = run_id or new_run_id(self._clock)
        if not kind("RunId").fits(self.run_id):
            raise AuditError(f"{self.run_id!r} cannot identify a run: expected letters, digits and '._-' only.")
        self._lock = WriterLock(self.path)
        try:
            self._about_earlier = make_room(self.path, fresh=fresh)
            self._journal = Journal(self.path, self._disk)
            self._heads: Heads | None = Heads(self.path, self.run_id, key, self._disk) if key else None
        except BaseException:
            self._lock.release()
            raise

    @classmethod
    def resumed(
        cls,
        path: str | Path,
        *,
        actor: str = "perfusio",
        clock: Clock | None = None,
        disk: Disk | None = None,
        key: SiteKey | None = None,
    ) -> tuple[Self, Summary]:
        """Open the record of an unfinished run to write on; return it and the summary of its records, verified.

        A torn end is moved aside, and the first record that is added says so. Arguments as for
        a new one.

        Raises:
            AuditError: another process writes here, there is no record, it is finished, or the disk fails.
            ChainBroken: more than a torn end is wrong, or records are missing that heads were signed for.
        """
        log = cls.__new__(cls)
        log._start(Path(path), actor, clock, disk)
        log._lock = WriterLock(log.path)
        try:
            found = recover(log.path, log._disk)
            first, last = found.records.first, found.records.last
            log.run_id, log._config_sha256 = first.run, first.config_sha256
            log._prev, log._seq, log._about_earlier = last.hash, last.seq, ""
            log._samples = dict(found.records.numbers)
            log._journal = Journal(log.path, log._disk, committed=found.n_bytes)
            if key:
                recover_heads(log.path, found, log._disk)
                log._heads = Heads(log.path, log.run_id, key, log._disk, found.heads, found.n_head_bytes)
        except BaseException:
            log._lock.release()
            raise
        if found.torn:
            log.append(
                JournalRecovered(
                    moved_to=found.moved_to, n_bytes=found.torn,
                    reason=f"A crash tore the line after record {last.seq}; it was never acknowledged.",
                )
            )  # fmt: skip
        return log, found.records

    def _start(self, path: Path, actor: str, clock: Clock | None, disk: Disk | None) -> None:
        self.path, self._actor = path, actor
        self._clock, self._disk = clock or SystemClock(), disk or SystemDisk()
        self._config_sha256: str | None = None
        self._prev, self._seq = GENESIS, 0
        self._last_times: tuple[datetime, int] | None = None
        self._heads = None
        self._samples: dict[tuple[str, float], int] = {}  # number of the record of each sample, by vessel and time
        self._is_open = True

    def append(self, event: Event) -> int:
        """Write one event durably and return its sequence number; only then is it a fact.

        Raises:
            AuditError: it is out of place, cannot be written as JSON, or could not be made durable.
        """
        if not self._is_open:
            raise AuditError(f"{self.path} is closed: {type(event).__name__} came after the end of run {self.run_id}.")
        if isinstance(event, RunStarted) != (self._seq == 0):
            raise AuditError(
                f"{type(event).__name__} cannot be record {self._seq + 1}: a record starts with RunStarted, once."
            )
        if isinstance(event, RunStarted):
            self._config_sha256 = sha256_of(event.config)
            event = replace(event, reason=" ".join(filter(None, (event.reason, self._about_earlier))))
        now, mono_ns = _utc(self._clock.now()), self._clock.monotonic_ns()
        if step := self._clock_step(now, mono_ns):
            self._write(step, now, mono_ns)
        self._write(event, now, mono_ns)
        if isinstance(event, RunEnded):
            self.close()
        return self._seq

    def _write(self, event: Event, now: datetime, mono_ns: int) -> None:
        state, ts = getattr(event, "state", None), f"{now:%Y-%m-%dT%H:%M:%S.%f}Z"
        fields = {
            "v": RECORD_VERSION,
            "seq": self._seq + 1,
            "ts": ts,
            "mono_ns": mono_ns,
            "actor": self._actor,
            "run": self.run_id,
            "reactor": event.reactor,
            "turn": event.turn,
            "culture_day": event.culture_day,
            "event": type(event).__name__,
            "payload": to_json(event),
            "reason": event.reason,
            "state_sha256": state_sha256(state) if isinstance(state, State) else None,
            "model_sha256": getattr(event, "model_id", None),
            "config_sha256": self._config_sha256,
            "sw": __version__,
            "prev": self._prev,
        }
        if wrong := misfit({**fields, "hash": GENESIS}):  # what nobody could read back must not become a fact
            raise AuditError(f"{type(event).__name__} cannot be recorded: it {wrong}. Nothing was written.")
        line, seal = sealed(fields)
        self._journal.append(line)
        self._prev, self._seq = seal, self._seq + 1
        self._last_times = now, mono_ns
        if isinstance(state, State) and type(event).__name__ in SAMPLES:
            self._samples[str(event.reactor), state.time_h] = self._seq
        if self._heads is not None:
            self._heads.saw(event, self._seq, seal, ts)

    def _clock_step(self, now: datetime, mono_ns: int) -> ClockStepped | None:
        if self._last_times is None:
            return None
        before, mono_before = self._last_times
        step_s = (now - before).total_seconds() - (mono_ns - mono_before) / 1e9
        if abs(step_s) <= LARGEST_CLOCK_STEP_S:
            return None
        return ClockStepped(
            step_s=step_s,
            reason=f"The wall clock moved by {step_s:+.1f} s against the monotonic clock since the record before "
            "(it was set, or the machine slept).",
        )

    @property
    def n_records(self) -> int:
        """Number of durable records."""
        return self._seq

    def number_of_sample(self, reactor: str, time_h: float) -> int:
        """Return the number of the record that holds the sample of a vessel and time [h] now, -1 if there is none."""
        return self._samples.get((reactor, time_h), -1)

    @property
    def head(self) -> str:
        """Hash of the last durable record; noted elsewhere, it shows a cut or rewritten record later."""
        return self._prev

    def close(self) -> None:
        """Close the file and let the next writer in; closing twice does nothing."""
        if self._is_open:
            self._is_open = False
            self._journal.close()
            if self._heads is not None:
                self._heads.close()
            self._lock.release()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close; a run that did not end stays visibly unfinished."""
        self.close()


def _utc(now: datetime) -> datetime:
    if now.tzinfo is None:
        raise AuditError(f"The clock gave {now.isoformat()} without a time zone. Expected an aware time in UTC.")
    return now.astimezone(UTC)
