"""`perfusio stop`: a person ends a run for good."""

from __future__ import annotations

import time
from pathlib import Path

import typer

from perfusio.cli.echo import echo
from perfusio.cli.operators.hold import RunFolder, Who, Why

WAITS_S, LOOKS_EVERY_S = 20.0, 0.2


def stop(run: RunFolder, who: Who, why: Why) -> None:
    """End a run for good, on record: nothing more is read, decided or written, and it cannot be resumed.

    A running twin ends it as soon as no write is under way; a run that was interrupted is ended here and now. To stop
    only the writing: perfusio hold.
    """
    from perfusio.cli.operators.asking import opened
    from perfusio.twin.stop import stop as end

    opened(run)
    if end(run, who=who, why=why) or _has_ended(run / "audit.jsonl"):
        echo(f"The run in {run} is over: the record says who ended it and why (RunEnded).")
        return
    echo(
        f"The twin that runs in {run} is told to end it. It has not said so within {WAITS_S:g} s: a write may be under "
        "way. The record says when it has (RunEnded); until then perfusio hold stops the writing."
    )
    raise typer.Exit(1)


def _has_ended(record: Path) -> bool:
    """Wait a moment for the running twin to end its record."""
    for _ in range(round(WAITS_S / LOOKS_EVERY_S)):
        with record.open("rb") as lines:
            lines.seek(max(0, record.stat().st_size - 4096))
            if b'"event":"RunEnded"' in lines.read():
                return True
        time.sleep(LOOKS_EVERY_S)
    return False
