"""When a vessel's samples are due, by the wall times of those that came, and until when its advice may be approved."""

from __future__ import annotations

from datetime import datetime, timedelta

from perfusio.dashboard.runs.followed import FollowedRun


def sampled_at(run: FollowedRun, vessel: str) -> str | None:
    """Return the wall time at which the last expected sample of a vessel came."""
    return next((s.ts for s in reversed(run.summary.samples) if s.reactor == vessel and not s.is_extra), None)


def due_at(run: FollowedRun, vessel: str, turn: int) -> datetime | None:
    """Return when the sample of a turn is due: that which came soonest after its own time says when turn 0 was."""
    interval = timedelta(hours=run.config.sampling_interval_hours)
    came = [s for s in run.summary.samples if s.reactor == vessel and not s.is_extra]
    if not came:
        return None
    began = min(datetime.fromisoformat(s.ts) - s.turn * interval for s in came)
    return began + turn * interval


def is_out_of_date(run: FollowedRun, vessel: str, turn: int, now: datetime) -> bool:
    """Whether the sample after that of this turn is due already, so that advice of the turn cannot be approved."""
    due = due_at(run, vessel, turn + 1)
    return due is not None and due <= now


def as_text(moment: datetime | None) -> str | None:
    """Return a moment as text, ISO 8601 in UTC."""
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"
