"""The record: its lines by who, what, when; each in full; and whether it verifies."""

from __future__ import annotations

from threading import Lock

from perfusio.dashboard.runs.followed import FollowedRun
from perfusio.dashboard.runs.indexed import Row
from perfusio.dashboard.views.rig import head
from perfusio.dashboard.views.vessel import in_words
from perfusio.errors import PerfusioError
from perfusio.events import Json
from perfusio.record.verification.verify import verify

MOST_ROWS = 200
_verified: dict[str, tuple[tuple[int, int], Json]] = {}
_one_at_a_time = Lock()


def as_data(row: Row) -> Json:
    """Return a record, shortly."""
    return {
        "seq": row.seq, "ts": row.ts, "event": row.event, "vessel": row.reactor, "turn": row.turn, "day": row.day,
        "who": row.who, "words": in_words(row),
    }  # fmt: skip


def lines(
    run: FollowedRun, *, who: str = "", event: str = "", vessel: str = "", text: str = "", since: str = "",
    until: str = "", before: int = 0, most: int = 100,
) -> Json:  # fmt: skip
    """Return the latest records that fit all filters, the newest first.

    Args:
        run: The run.
        who: Part of a name.
        event: Name of the event.
        vessel: Vessel.
        text: Part of the reason.
        since: Wall time from which on, ISO 8601 in UTC.
        until: Wall time up to which.
        before: Number of the record before which to look; 0 = from the last one on.
        most: Number of records.
    """
    who, text, found = who.casefold(), text.casefold(), []
    for row in reversed(run.rows):
        if before and row.seq >= before:
            continue
        if since and row.ts < since:
            break
        if (
            (not event or row.event == event)
            and (not vessel or row.reactor == vessel)
            and (not until or row.ts <= until)
            and who in row.who.casefold()
            and text in row.reason.casefold()
        ):
            found.append(row)
            if len(found) > min(most, MOST_ROWS):
                break
    most = min(most, MOST_ROWS)
    return {
        **head(run), "rows": [as_data(row) for row in found[:most]], "has_more": len(found) > most,
        "events": sorted({row.event for row in run.rows}), "who": sorted({row.who for row in run.rows})[:100],
        "vessels": list(run.state.trajectories), "n": len(run.rows),
    }  # fmt: skip


def verified(run: FollowedRun) -> Json:
    """Return whether the record is intact, as `perfusio verify` says; checked anew when it has grown."""
    about = run.path.stat()
    stamp = (about.st_ino, about.st_size)
    with _one_at_a_time:
        known = _verified.get(str(run.path))
        if known is not None and known[0] == stamp:
            return known[1]
        try:
            report = verify(run.path)
            found = {
                "is_intact": report.is_intact, "n_records": report.n_records, "head": report.head,
                "problems": [str(p) for p in report.problems[:20]], "not_checked": list(report.not_checked),
                "n_heads": report.n_heads, "last": report.last_ts,
            }  # fmt: skip
        except (PerfusioError, OSError) as error:
            found = {"is_intact": False, "n_records": 0, "head": None, "problems": [str(error)], "not_checked": [],
                     "n_heads": 0, "last": None}  # fmt: skip
        _verified[str(run.path)] = (stamp, found)
        return found
