"""Shelf: where the record of an earlier run goes when a new run starts in the same folder."""

from __future__ import annotations

import os
from pathlib import Path

from perfusio.errors import AuditError, ChainBroken
from perfusio.record.verification.schema import kind
from perfusio.record.verification.signed_heads import heads_of
from perfusio.record.verification.verify import VerifyReport, verify

FRESH = "To move it aside and start anew: --fresh, or RunConfig(fresh=True). Or choose another folder (run_dir)."


def make_room(path: Path, *, fresh: bool) -> str:
    """Free `path` for a new record; return the sentence that tells where the old one went, or nothing.

    A finished and intact record is moved aside; any other only if `fresh` says so. Call it under the writer's lock; the
    new journal then flushes the folder, which makes the move and the new name durable together.

    Raises:
        AuditError: an unfinished run is here, or the file cannot be moved.
        ChainBroken: the record here does not verify.
    """
    if not path.exists() or path.stat().st_size == 0:
        return ""
    report = verify(path)
    if not fresh:
        _refuse_unless_done(path, report)
    aside = _free_name(path, report)
    try:
        if heads_of(path).exists():
            os.rename(heads_of(path), heads_of(aside))
        os.rename(path, aside)
    except OSError as error:
        raise AuditError(f"{path} cannot be moved to {aside}: {error.strerror}. Move it by hand.") from error
    state = "finished" if report.is_finished else "unfinished"
    if not report.is_intact:
        return f"A record that did not verify ({report.problems[0]}) was moved to {aside.name}."
    return f"The record of the {state} run {report.run_id} was moved to {aside.name}; its head is {report.head}."


def _refuse_unless_done(path: Path, report: VerifyReport) -> None:
    if report.problems:
        first = report.problems[0]
        raise ChainBroken(
            f"{path} holds a record that does not verify: {first}. It is left as it is; perfusio verify {path} "
            f"lists what is wrong. {FRESH}",
            line=first.line,
        )
    if not report.is_finished:
        raise AuditError(
            f"{path} holds the unfinished run {report.run_id} ({report.n_records} records, the last at "
            f"{report.last_ts}). To go on with it: perfusio resume {path.parent}. A new run needs a place that is "
            f"empty or holds a finished run. {FRESH}"
        )


def _free_name(path: Path, report: VerifyReport) -> Path:
    """`audit-<run_id>.jsonl`, numbered if that is taken; nothing is ever overwritten."""
    name = report.run_id if kind("RunId").fits(report.run_id) else "unreadable"
    aside, n = path.with_name(f"{path.stem}-{name}{path.suffix}"), 2
    while aside.exists():
        aside, n = path.with_name(f"{path.stem}-{name}-{n}{path.suffix}"), n + 1
    return aside
