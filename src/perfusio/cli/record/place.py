"""The record that a person means, who gives a folder or a file."""

from __future__ import annotations

from pathlib import Path

from perfusio.errors import UnreadableRecord

RECORD = "audit.jsonl"
_MOST_NAMED = 3


def record_in(run: Path) -> Path:
    """Return the record of a run, given its folder or the record itself.

    Raises:
        UnreadableRecord: there is none; runs in folders below are named.
    """
    place = run / RECORD if run.is_dir() else run
    if place.exists():
        return place
    if not run.is_dir():
        raise UnreadableRecord(f"{run} cannot be read: it is not there. Give the folder of a run, or its {RECORD}.")
    below = sorted(one.parent for one in run.glob(f"*/{RECORD}"))
    more = f" and {len(below) - _MOST_NAMED} more" if len(below) > _MOST_NAMED else ""
    hint = f" Runs are in {', '.join(map(str, below[:_MOST_NAMED]))}{more}: give one of them." if below else ""
    raise UnreadableRecord(
        f"{run} holds no run: its {RECORD} cannot be read, for there is none.{hint or ' Give the folder of a run.'}"
    )
