"""T01: whatever is done to a record is found, by both verifiers, given an anchor."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain, combinations, islice
from pathlib import Path

from perfusio.events import RunStarted, SampleMissing
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.line_ends import lines_of
from perfusio.record.verification import verify_alone
from perfusio.record.verification.chain import looked_at
from perfusio.record.verification.signed_heads import Head, heads_of, read_heads
from perfusio.record.verification.site_key import PublicKey, SiteKey
from perfusio.record.verification.verify import verify, verify_lines
from perfusio.selftest.promises import Tried
from perfusio.selftest.record.forging import disagreements
from perfusio.selftest.record.sample_record import RUN, SteadyClock, write

N_RECORDS, N_LONG, N_LONG_QUICK = 40, 100_000, 2_000
N_FORGED, N_FORGED_QUICK = 20_000, 280
EVERY_ANEW = 499  # so often an image is judged with nothing remembered, too
EVERY_QUICK = 997  # every so many of the truncations and bit flips in the quick version
N_SIGNED_ALONE = 3
"""Images that the second verifier checks with all signatures, which it does slowly."""
N_REMEMBERED = 256
"""Lines of which a judge knows the faults: those that an image leaves as they were are not parsed anew."""


class Judges:
    """Both verifiers, for many images of one record.

    The findings in a line by itself depend on that line alone, so it is remembered; how the lines of an image
    follow from each other, and from its heads, is looked at for each image.

    Args:
        heads: Of the record, as they were kept elsewhere.
        raw_heads: The same as bytes.
        key: That signed them.
    """

    def __init__(self, heads: tuple[Head, ...], raw_heads: bytes, key: PublicKey) -> None:
        self._heads, self._raw_heads, self._key = heads, raw_heads, key
        self._look = lru_cache(N_REMEMBERED)(looked_at)
        self._look_alone = lru_cache(N_REMEMBERED)(verify_alone.looked_at)

    def found(self, image: bytes, *, remembering: bool = True) -> tuple[bool, bool]:
        """Return whether perfusio's verifier, and the second one, find something wrong with an image."""
        look, alone = (self._look, self._look_alone) if remembering else (looked_at, verify_alone.looked_at)
        report = verify_lines(lines_of(image), heads=self._heads, key=self._key, look=look)
        return not report.is_intact, bool(verify_alone.problems(image, self._raw_heads, look=alone))

    def found_alone(self, image: bytes) -> bool:
        """Return whether the second verifier finds something wrong if it looks at the signatures, too."""
        return bool(verify_alone.problems(image, self._raw_heads, self._key.raw))


class FastDisk:
    """A disk that does not flush: to make long records."""

    def write(self, fd: int, data: bytes) -> int:
        """Make one write call."""
        return os.write(fd, data)

    def fsync(self, fd: int) -> None:
        """Do nothing."""

    def truncate(self, fd: int, size: int) -> None:
        """Cut the file."""
        os.ftruncate(fd, size)


def tampering(is_full: bool) -> Tried:
    """Try every truncation and bit flip, lines removed, doubled, swapped or rewritten, cut tails and older copies."""
    with tempfile.TemporaryDirectory() as folder:
        path, key = Path(folder) / "audit.jsonl", SiteKey.of_site(Path(folder) / "site.key")
        write(path, N_RECORDS, key=key)
        record, raw_heads = path.read_bytes(), heads_of(path).read_bytes()
        judges = Judges(read_heads(heads_of(path)), raw_heads, key.public)
        images = chain(_images(record, 1 if is_full else EVERY_QUICK), _other_records(Path(folder), key))
        n_images = unseen = apart = 0
        for image in images:
            found = judges.found(image)
            unseen += not found[0]
            apart += found[0] != found[1]
            if n_images % EVERY_ANEW == 0:  # nor may it matter that lines are remembered
                apart += judges.found(image, remembering=False) != found
            n_images += 1
        for image in [record, *islice(_images(record, 1), N_SIGNED_ALONE)]:
            apart += judges.found_alone(image) != judges.found(image, remembering=False)[0]
        apart += any(judges.found(record))
        n_forged = N_FORGED if is_full else N_FORGED_QUICK
        apart += sum(1 for _ in disagreements(n_forged))
        n, seconds = _long_record(Path(folder) / "long.jsonl", N_LONG if is_full else N_LONG_QUICK)
    return Tried(
        id="T01",
        promise="what is done to a record is found with an anchor; two verifiers agree",
        n_tried=n_images + n_forged,
        n_failed=unseen + apart,
        note=f"undetected {unseen}, verifiers apart {apart}; {n} records verified in {seconds:.1f} CPU s",
    )


def _images(record: bytes, every: int) -> Iterator[bytes]:
    """Yield the images that a record may be turned into."""
    lines = record.splitlines(keepends=True)
    yield from (b"".join(lines[:n]) for n in range(len(lines)))
    yield from (record[:n] for n in range(0, len(record), every))
    for bit in range(0, 8 * len(record), every):
        image = bytearray(record)
        image[bit // 8] ^= 1 << (bit % 8)
        yield bytes(image)
    for i in range(len(lines)):
        yield b"".join(lines[:i] + lines[i + 1 :])
        yield b"".join(lines[: i + 1] + lines[i:])
    for i, j in list(combinations(range(len(lines)), 2))[:: 1 + every // 50]:
        swapped = list(lines)
        swapped[i], swapped[j] = lines[j], lines[i]
        yield b"".join(swapped)


def _other_records(folder: Path, key: SiteKey) -> list[bytes]:
    """Return records with right hashes that are not the one: all written anew, and an older one."""
    images = []
    for run, seed in ((RUN, 1), ("selftest-0", 0)):
        path = folder / f"{run}-{seed}.jsonl"
        with AuditLogger(path, run_id=run, clock=SteadyClock(), key=key, disk=FastDisk()) as log:
            log.append(RunStarted(config={"seed": seed}, versions={}, sources={}))
            for day in range(N_RECORDS - 1):
                log.append(SampleMissing(reactor="R01", turn=day, expected_h=24.0 * day))
        images.append(path.read_bytes())
    return images


def _long_record(path: Path, n: int) -> tuple[int, float]:
    """Return how many records were verified and the CPU seconds that it took."""
    write(path, n, key=None, disk=FastDisk())
    start = time.process_time()
    report = verify(path)
    return report.n_records if report.is_intact else 0, time.process_time() - start
