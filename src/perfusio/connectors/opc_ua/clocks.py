"""Clocks: that of the server against ours. Source times come from there, deadlines from here."""

from __future__ import annotations

from datetime import UTC, datetime

from asyncua import ua

CURRENT_TIME = ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime)
MOST_SKEW_S = 60.0
"""Clocks that are set by hand differ by less [s]."""


def skew_in(value: ua.DataValue) -> float:
    """Return by how much the server's clock is ahead of ours by its CurrentTime, read just now [s]; 0 without one."""
    told = value.Value.Value if value.Value is not None else None
    if not isinstance(told, datetime):
        return 0.0
    aware = told if told.tzinfo is not None else told.replace(tzinfo=UTC)
    return (aware - datetime.now(UTC)).total_seconds()


def in_words(skew_s: float) -> str:
    """Return a difference of clocks as a sentence."""
    size = f"{abs(skew_s):.0f} s" if abs(skew_s) < 7200 else f"{abs(skew_s) / 3600:.1f} h"
    side = "ahead of" if skew_s > 0 else "behind"
    return (
        f"The server's clock is {size} {side} ours: source times are off by as much. Expected both set by one time "
        "server, and the server's in UTC; set them."
    )
