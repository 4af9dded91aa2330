"""T03: the power goes at any moment; acknowledged lines are still there, and the run can go on.

A disk is recorded while a record is written. At a power cut a file holds the flushed bytes, and any part of those
written since: dropped, zeroed, garbled, or all of it. Each such image is opened as a resumed run opens it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from perfusio.errors import AuditError
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.verification.signed_heads import heads_of
from perfusio.record.verification.site_key import SiteKey
from perfusio.record.verification.verify import verify
from perfusio.selftest.promises import Tried
from perfusio.selftest.record.sample_record import SteadyClock, write

N_RECORDS, N_IMAGES, N_IMAGES_QUICK = 24, 10_000, 500
SECTOR = 512
Op = tuple[str, str, bytes]
"""write, fsync or acknowledged; the file; the bytes."""


@dataclass(slots=True)
class WatchedDisk:
    """The machine's disk, with every call noted in order; faulty disks note less than they say."""

    ops: list[Op] = field(default_factory=list)

    def write(self, fd: int, data: bytes) -> int:
        """Make one write call."""
        n = os.write(fd, data)
        self.ops.append(("write", _name(fd), data[:n]))
        return n

    def fsync(self, fd: int) -> None:
        """Note it; nothing needs to survive here."""
        self.ops.append(("fsync", _name(fd), b""))

    def truncate(self, fd: int, size: int) -> None:
        """Cut the file."""
        os.ftruncate(fd, size)

    def acknowledged(self) -> None:
        """Note that the logger said: this is durable."""
        self.ops.append(("acknowledged", "", b""))


def power_loss(is_full: bool) -> Tried:
    """Cut the power at random moments."""
    n = N_IMAGES if is_full else N_IMAGES_QUICK
    lost, refused = cut_power(WatchedDisk, n)
    return Tried(
        id="T03",
        promise="after a power cut no acknowledged record is missing, and the run goes on",
        n_tried=n,
        n_failed=lost + refused,
        note=f"acknowledged records lost in {lost} images, false refusals {refused}",
    )


def cut_power(make_disk: Callable[[], WatchedDisk], n: int, *, seed: int = 0) -> tuple[int, int]:
    """Write a record on a disk, cut the power `n` times; return in how many images records are lost, or refused."""
    rng, lost, refused = Random(seed), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        path, key = Path(folder) / "written" / "audit.jsonl", SiteKey.of_site(Path(folder) / "site.key")
        disk = make_disk()
        write(path, N_RECORDS, key=key, disk=disk, acknowledged=disk.acknowledged)
        place = Path(folder) / "found" / "audit.jsonl"
        for _ in range(n):
            ops = disk.ops[: rng.randrange(len(disk.ops) + 1)]
            n_acknowledged = sum(what == "acknowledged" for what, _, _ in ops)
            _lay_out(place, ops, rng)
            try:
                found = _resumed(place, key)
            except AuditError:
                refused += n_acknowledged > 0  # of a run that never began nothing can go on
                continue
            lost += found < n_acknowledged
    return lost, refused


def _resumed(path: Path, key: SiteKey) -> int:
    """Open an image as a resumed run does; return how many records it holds."""
    log, records = AuditLogger.resumed(path, clock=SteadyClock(), key=key)
    log.close()
    if not verify(path).is_intact:
        raise AuditError("What was recovered does not verify.")
    return len(records)


def _lay_out(path: Path, ops: list[Op], rng: Random) -> None:
    """Write the files as a power cut after these calls may leave them."""
    path.parent.mkdir(exist_ok=True)
    for old in path.parent.iterdir():
        old.unlink()
    for name in (path.name, heads_of(path).name):
        durable, since = b"", b""
        for what, of, data in ops:
            if what == "write" and of == name:
                since += data
            elif what == "fsync" and of == name:
                durable, since = durable + since, b""
        if durable or since:
            path.with_name(name).write_bytes(durable + _left_of(since, rng))


def _left_of(data: bytes, rng: Random) -> bytes:
    """Return possible remains of bytes that were not flushed: any sectors of them dropped, zeroed or garbled."""
    if rng.random() < 0.2:
        return data
    kept = bytearray(data[: rng.randrange(len(data) + 1)])
    for start in range(0, len(kept), SECTOR):
        end = min(start + SECTOR, len(kept))
        fate = rng.random()
        if fate < 0.3:
            kept[start:end] = bytes(end - start)
        elif fate < 0.6:
            kept[start:end] = rng.randbytes(end - start)
    return bytes(kept)


def _name(fd: int) -> str:
    return Path(os.readlink(f"/proc/self/fd/{fd}")).name
