"""Measured values and forecasts against limits: alarms with lead time. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from math import nan

import numpy as np

from perfusio.config import AlarmLimits
from perfusio.events import AlarmRaised
from perfusio.forecast import Forecast
from perfusio.protocols import NOT_USED, MediumDoubt
from perfusio.state import State
from perfusio.twin.alarms.filtered import LIKELY, SURE, Reading, over_at, reading

OVERDUE = "sample"
"""Name of the alarm when no sample comes."""
SOURCE = "source"
"""Name of the alarm when the source of samples cannot be read."""
MEDIUM = "medium"
"""Name of the alarm, with that of a species, when samples do not fit the medium that was declared."""
LOOK_AHEAD_HOURS = 72.0
PROBABILITY = SURE
"""Of passing a level within LOOK_AHEAD_HOURS: at even odds every second such alarm would be untrue."""
ESCALATES_AFTER_HOURS = 48.0
"""A vessel that is held for so long needs somebody who was not there at first."""
RESPONSE = "Check the vessel."
"""Response for a quantity of which its process has none."""


def alarms(
    limits: tuple[AlarmLimits, ...],
    sample: State | None,
    forecast: Forecast | None,
    now_h: float,
    active: AbstractSet[tuple[str, str]] = frozenset(),
    *,
    before: Sequence[State] = (),
    interval_hours: float = 24.0,
) -> tuple[AlarmRaised, ...]:
    """Return at most one alarm per quantity: the gravest level that is passed with P >= 0.9, now or within 3 days.

    Now: by the median of the latest readings and their noise, or by one reading that is clearly beyond the level. An
    alarm that is not over stays as long as it is likelier than not that the value is on its side of the dead-band.

    Args:
        limits: Levels per quantity.
        sample: Today's sample, if there is one.
        forecast: Under the setpoints to come, if there is one.
        now_h: Culture time [h].
        active: Quantity and level of alarms that are not over: these are so only behind the dead-band.
        before: Samples before today's, with which it is filtered.
        interval_hours: Between two samples [h].
    """
    found = []
    for limit in limits:
        read = None if sample is None else reading(limit.quantity, (*before, sample), interval_hours)
        sd = 0.0 if read is None else read.sd
        for level, value_limit in (("act", limit.act), ("warn", limit.warn)):
            is_active = (limit.quantity, level) in active
            edge = over_at(limit, value_limit, sd) if is_active else value_limit
            alarm = _measured(limit, level, value_limit, edge, read, sure=LIKELY if is_active else SURE)
            alarm = alarm or _forecast(limit, level, value_limit, edge, forecast, now_h)
            if alarm is not None:
                found.append(alarm)
                break
    return tuple(found)


def beside_the_twin(response: str) -> str:
    """Return what a person does while the twin moves the setpoints: what it sees to itself is not asked of them."""
    first, semicolon, _ = response.partition(";")
    if any(word in first for word in ("Raise", "raise", "lower", "Lower")):
        return "Look at the vessel; the twin moves the setpoints within its limits."
    return f"{first}; the twin moves the setpoints within its limits." if semicolon else response


def doubtful(sample: State) -> tuple[AlarmRaised, ...]:
    """Return an alarm for each value that was found and not used: nothing watches over unused values."""
    return tuple(
        AlarmRaised(
            quantity=name, level="doubt", value=nan, limit=nan, lead_days=0.0,
            response="Measure again, and give the value once more if it is right.", reason=f"{name}: {remark}.",
        )
        for name, remark in sample.quality.items()
        if NOT_USED in remark
    )  # fmt: skip


def unfit_medium(found: MediumDoubt) -> AlarmRaised:
    """Return the alarm that samples do not fit the declared medium."""
    return AlarmRaised(
        quantity=f"{MEDIUM} {found.species}", level="doubt", value=found.likely, limit=found.declared, lead_days=0.0,
        response="Check the medium that is used, or declare it as it is for the next run.", reason=found.words,
    )  # fmt: skip


def undecided(because: str, held_hours: float, *, is_grave: bool = True) -> AlarmRaised:
    """Return the alarm that nothing usable was decided or forecast; from two days on it is a graver one.

    Args:
        because: Why.
        held_hours: For how long nothing usable was decided [h].
        is_grave: Whether a person has to look after the vessel now, rather than in the course of the day.
    """
    is_long = held_hours >= ESCALATES_AFTER_HOURS
    level = "escalated" if is_long else "act" if is_grave else "doubt"
    return AlarmRaised(
        quantity="decision", level=level, value=nan, limit=nan, lead_days=0.0,
        response="Run the vessel by hand and find the cause." if is_long else "Look after the vessel by hand today.",
        reason=f"Held for {held_hours / 24.0:.3g} days. {because}" if is_long else because,
    )  # fmt: skip


def overdue(
    level: str, silent_h: float, since: datetime, interval_h: float, *, reactor: str, turn: int
) -> AlarmRaised:
    """Return the alarm that no sample has come for longer than it should; it is waited for all the same.

    Args:
        level: ``"act"``, or ``"escalated"`` after a day.
        silent_h: Time since the last one [h].
        since: When that came.
        interval_h: Time between two [h].
        reactor: Vessel.
        turn: Turn of the loop.
    """
    words = f"No sample of {reactor} since {since:%Y-%m-%d %H:%M} UTC, {silent_h:.1f} h ago, expected every "
    response = "Check the analyzer, its link, and whether a sample was taken."
    return AlarmRaised(
        reactor=reactor, turn=turn, quantity=OVERDUE, level=level, value=nan, limit=nan, lead_days=0.0,
        response=f"{response} Run the vessel by hand meanwhile." if level == "escalated" else response,
        reason=f"{words}{interval_h:g} h: nothing is decided meanwhile, and the twin goes on waiting.",
    )  # fmt: skip


def unreadable(lasting: str, *, reactor: str, turn: int) -> AlarmRaised:
    """Return the alarm that a source cannot be read.

    Args:
        lasting: For how long, in words.
        reactor: Vessel.
        turn: Turn of the loop.
    """
    return AlarmRaised(
        reactor=reactor, turn=turn, quantity=SOURCE, level="act", value=nan, limit=nan, lead_days=0.0,
        response="Check the file, the database or the link; the record says what failed (ConnectorFailed).",
        reason=f"The samples of {reactor} could not be read for {lasting}. It is tried again at least every minute.",
    )  # fmt: skip


def _beyond(limit: AlarmLimits, value: np.ndarray | float, level: float) -> np.ndarray | bool:
    return value < level if limit.is_lower else value > level


def _response(limit: AlarmLimits) -> str:
    told = limit.process.alarms.get(limit.quantity)
    return RESPONSE if told is None else told.response


def _measured(
    limit: AlarmLimits, level: str, value_limit: float, edge: float, read: Reading | None, *, sure: float
) -> AlarmRaised | None:
    beyond = None if read is None else read.beyond(edge, is_lower=limit.is_lower, sure=sure)
    if read is None or beyond is None:
        return None
    value, probability = beyond
    unit = limit.process[limit.quantity].unit
    return AlarmRaised(
        quantity=limit.quantity,
        level=level,
        value=value,
        limit=value_limit,
        lead_days=0.0,
        response=_response(limit),
        reason=f"{read.in_words(limit.quantity, unit)}, {level} level {value_limit:g} {unit} (P = {probability:.2f}).",
    )


def _forecast(
    limit: AlarmLimits, level: str, value_limit: float, edge: float, forecast: Forecast | None, now_h: float
) -> AlarmRaised | None:
    if forecast is None:
        return None
    ahead = forecast[limit.quantity]
    near = ahead.times_h <= now_h + LOOK_AHEAD_HOURS
    share = np.mean(_beyond(limit, ahead.samples[:, near], edge), axis=0)
    (hit,) = np.nonzero(share >= PROBABILITY)
    if not len(hit):
        return None
    first = int(hit[0])
    value, lead = float(ahead.mean[first]), float(ahead.times_h[first] - now_h) / 24.0
    unit = limit.process[limit.quantity].unit
    return AlarmRaised(
        quantity=limit.quantity,
        level=level,
        value=value,
        limit=value_limit,
        lead_days=lead,
        response=_response(limit),
        reason=(
            f"{limit.quantity} forecast {value:.3g} {unit} in {lead:g} days, {level} level {value_limit:g} {unit} "
            f"(P = {share[first]:.2f})."
        ),
    )
