"""Alarms that neither a sample nor a forecast ends: about the clock, a write, a hold whose name may be a slip."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan

from perfusio.events import AlarmRaised
from perfusio.protocols import Ending
from perfusio.texts import shown

CLOCK = "clock"
"""Name of the alarm when the clock was set back while no twin was running."""
WRITE = "write"
"""Name of the alarm when a write ended so that a person has to look; a person's word or a good write ends it."""
DECIDER = "decider"
"""Name of the alarm when another than the twin decides for a vessel, and no person has said so."""
REFUSED = "refused"
"""Name of the alarm when a sample was refused, or a believed one is withdrawn: a person says which is right."""
HOLD = "hold"
"""Name of the alarm when a file holds all vessels whose name may be a slip."""


def refused(why: str, *, reactor: str, turn: int) -> AlarmRaised:
    """Return the alarm that a sample was refused, or withdrawn for a later one.

    Args:
        why: As on record.
        reactor: Vessel.
        turn: Turn of the loop.
    """
    return AlarmRaised(
        reactor=reactor, turn=turn, quantity=REFUSED, level="doubt", value=nan, limit=nan, lead_days=0.0,
        response="Measure again; what was right all the same: perfusio accept.", reason=why,
    )  # fmt: skip


def set_back(seconds: float, *, reactor: str, turn: int) -> AlarmRaised:
    """Return the alarm that the clock was set back while no twin was running.

    Args:
        seconds: By so much [s].
        reactor: Vessel.
        turn: Turn of the loop.
    """
    words = f"The clock of this machine stands {seconds:.0f} s before the last record: which turn it is cannot be told."
    return AlarmRaised(
        reactor=reactor, turn=turn, quantity=CLOCK, level="act", value=nan, limit=nan, lead_days=0.0,
        response="Set the clock right; the twin writes again after: perfusio mode RUN REACTOR automatic.",
        reason=f"{words} Nothing is written meanwhile.",
    )  # fmt: skip


def badly_written(ending: Ending, *, reactor: str, turn: int) -> AlarmRaised:
    """Return the alarm that a write ended so that a person has to look.

    Args:
        ending: How it ended.
        reactor: Vessel.
        turn: Turn of the loop.
    """
    response = "Look at the vessel; when it is as it should be: perfusio release."
    if ending is Ending.OVERRIDDEN:
        response = "Decide whose setpoints hold; the twin writes again after: perfusio mode RUN REACTOR automatic."
    return AlarmRaised(
        reactor=reactor, turn=turn, quantity=WRITE, level="act", value=nan, limit=nan, lead_days=0.0,
        response=response, reason=ending.value,
    )  # fmt: skip


def misnamed(names: Sequence[str], vessels: Sequence[str], *, turn: int) -> AlarmRaised:
    """Return the alarm that holds name no vessel of the run.

    Args:
        names: Of the files.
        vessels: Of the run.
        turn: Turn of the loop.
    """
    files = ", ".join(repr(shown(name, 60)) for name in names[:3])
    return AlarmRaised(
        turn=turn, quantity=HOLD, level="act", value=nan, limit=nan, lead_days=0.0,
        response="Take the file away, or hold the vessel that is meant: perfusio hold RUN REACTOR.",
        reason=f"{files}: no vessel of this run is called so ({', '.join(vessels[:8])}), so all vessels are held.",
    )  # fmt: skip


def stands_in(why: str, level: str, way_back: str, *, reactor: str, turn: int) -> AlarmRaised:
    """Return the alarm that the model-free MPC decides in the place of the twin.

    Args:
        why: As on record.
        level: ``"act"`` where something has failed, ``"doubt"`` where forecasts do not come true.
        way_back: How the twin comes to decide again.
        reactor: Vessel.
        turn: Turn of the loop.
    """
    return AlarmRaised(
        reactor=reactor, turn=turn, quantity=DECIDER, level=level, value=nan, limit=nan, lead_days=0.0,
        response=f"Find the cause and look after the limits. {way_back}", reason=why,
    )  # fmt: skip
