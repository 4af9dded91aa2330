"""From a server's answer to a sample: status codes, source times, and when a sample is a new one. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import isfinite, nan

from perfusio.connectors.handed_out import is_unused
from perfusio.connectors.opc_ua.node_map import Tag, VesselMap
from perfusio.errors import UnreadableSource
from perfusio.protocols import Standing
from perfusio.state import State

_JITTER = timedelta(seconds=1)
"""A sensor that is read every hour is not always read to the second."""
_SOURCE_TIME = re.compile(r"\bsource (\d{4}-\d\d-\d\dT[\d:.]+)Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One value as the server gave it, in the unit of the node.

    Attributes:
        value: NaN where there is none.
        status: Name of the status code, e.g. ``"Good"`` or ``"BadSensorFailure"``.
        source_time: When the source took the value, if the server says.
        server_time: When the server saw it, if it says.
    """

    value: float
    status: str
    source_time: datetime | None = None
    server_time: datetime | None = None

    @property
    def is_usable(self) -> bool:
        """Whether there is a number that is not Bad; an Uncertain one is used and flagged."""
        return isfinite(self.value) and not self.status.startswith("Bad")

    def __str__(self) -> str:
        words = self.status
        if not isfinite(self.value) and not self.status.startswith("Bad"):
            words += ", but not a number"
        if self.source_time is not None:
            words += f"; source {_stamp(self.source_time)}"
        if self.server_time is not None:
            words += f"; server {_stamp(self.server_time)}"
        return words


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The sample handed out last, and the readings since.

    Attributes:
        state: The last sample; None before the first.
        number: Its number, where the server counts samples.
        stamps: Source times of the sample handed out.
        unsettled: Source times of the last look, where a sample is only taken when two looks agree.
        n_unread: Samples that were replaced by others before they could be read.
        signalled: When the latest reading of signals was taken; None before the first.
    """

    state: State | None = None
    number: float = nan
    stamps: Mapping[str, datetime] = field(default_factory=dict)
    unsettled: Mapping[str, datetime] = field(default_factory=dict)
    n_unread: int = 0
    signalled: datetime | None = None


def seen_before(standing: Standing) -> Seen:
    """Return the memory of an earlier program: its last sample, and the source times in the remarks on values."""
    states = sorted((*standing.states, *standing.refused), key=lambda state: state.time_h)
    known = [state for state in states if not state.is_signal]
    signalled = _stamps([state for state in states if state.is_signal]).values()
    return Seen(
        state=known[-1] if known else None, stamps=_stamps(known), signalled=max(signalled, default=None)
    )


def _stamps(states: Sequence[State]) -> dict[str, datetime]:
    """Return the latest source time of each quantity that the remarks on its values tell."""
    stamps: dict[str, datetime] = {}
    for state in reversed(states):
        for name, remark in state.quality.items():
            if name not in stamps and (found := _SOURCE_TIME.search(remark)):
                stamps[name] = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    return stamps


def values(tags: Mapping[str, Tag], readings: Mapping[Tag, Reading]) -> dict[str, float]:
    """Return the usable values by name, in canonical units."""
    return {n: tag.factor * readings[tag].value for n, tag in tags.items() if readings[tag].is_usable}


def next_reading(vessel: VesselMap, readings: Mapping[Tag, Reading], seen: Seen) -> tuple[State | None, Seen]:
    """Return the sample that these readings hold if it is new, else a reading of on-line signals if that is due.

    Signals are read from the first sample on, at most every `signals_every_h`; one that is Bad or has no time is not.

    Raises:
        UnreadableSource: as `next_sample`.
    """
    state, seen = next_sample(vessel, readings, seen)
    if state is not None or seen.state is None or vessel.inoculated is None:
        return state, seen
    due = seen.signalled + timedelta(hours=vessel.signals_every_h) - _JITTER if seen.signalled is not None else None
    taken = {n: t for n, tag in vessel.signals.items() if (t := _taken(readings[tag])) is not None}
    new = {n: t for n, t in taken.items() if seen.signalled is None or t > seen.signalled}
    latest = max(new.values(), default=None)
    if latest is None or latest < vessel.inoculated or (due is not None and latest < due):
        return None, seen
    hours = round((latest - vessel.inoculated).total_seconds() / 3600.0, 6)
    tags = {name: vessel.signals[name] for name in new}
    remarks = {name: str(readings[tag]) for name, tag in tags.items()}
    found = State.of_values(vessel.panel, hours, values(tags, readings), remarks)
    return found, replace(seen, signalled=latest)


def _taken(reading: Reading) -> datetime | None:
    """Return when a usable value was taken, as far as the server says."""
    return (reading.source_time or reading.server_time) if reading.is_usable else None


def next_sample(vessel: VesselMap, readings: Mapping[Tag, Reading], seen: Seen) -> tuple[State | None, Seen]:
    """Return the sample that these readings hold if it is a new one, and the new memory.

    With a sample number, a sample is new when the number changes; a value that appears while it stays the same is a
    late one of that sample. Without, values are new when their source times are later than those handed out, and are
    taken once two looks agree on them, so that no half-written sample is read.

    Raises:
        UnreadableSource: the sample has no usable time.
    """
    if vessel.number is not None:
        return _by_number(vessel, vessel.number, readings, seen)
    stamps = {n: t for n, tag in vessel.measured.items() if (t := readings[tag].source_time) is not None}
    new = {n: t for n, t in stamps.items() if n not in seen.stamps or _stamp(t) > _stamp(seen.stamps[n])}
    if not new:
        return None, seen
    if dict(seen.unsettled) != stamps:
        return None, replace(seen, unsettled=stamps)
    state = _state(vessel, {n: vessel.measured[n] for n in new}, readings, latest=max(new.values()))
    return state, Seen(state=state, stamps=stamps, n_unread=seen.n_unread, signalled=seen.signalled)


def _by_number(
    vessel: VesselMap, counter: Tag, readings: Mapping[Tag, Reading], seen: Seen
) -> tuple[State | None, Seen]:
    if not readings[counter].is_usable:
        return None, seen
    number = readings[counter].value
    if number != seen.number and not _is_known(vessel, readings, seen):
        state = _state(vessel, vessel.measured, readings, latest=_latest(vessel, readings))
        skipped = int(number - seen.number) - 1 if number > seen.number else 0
        n_unread = seen.n_unread + max(skipped, 0)
        return state, Seen(state=state, number=number, n_unread=n_unread, signalled=seen.signalled)
    known, seen = seen.state, replace(seen, number=number)
    assert known is not None  # there is a number, so there was a sample
    missing = {n: tag for n, tag in vessel.measured.items() if getattr(known, n) != getattr(known, n)}
    late = {n: v for n, v in values(missing, readings).items() if not is_unused(known, n, v)}
    if not late:
        return None, seen
    remarks = {n: str(readings[vessel.measured[n]]) for n in late}
    state = State.of_values(vessel.panel, known.time_h, late, remarks)
    return state, replace(seen, state=known.with_values(**late))


def _is_known(vessel: VesselMap, readings: Mapping[Tag, Reading], seen: Seen) -> bool:
    """Whether the sample is the one that an earlier program read last; no record holds its number, but its time."""
    if seen.state is None or seen.number == seen.number:
        return False
    return _time_h(vessel, readings, _latest(vessel, readings)) == seen.state.time_h


def _latest(vessel: VesselMap, readings: Mapping[Tag, Reading]) -> datetime | None:
    return max((t for tag in vessel.measured.values() if (t := readings[tag].source_time) is not None), default=None)


def _state(
    vessel: VesselMap, tags: Mapping[str, Tag], readings: Mapping[Tag, Reading], *, latest: datetime | None
) -> State:
    time_h = _time_h(vessel, readings, latest)
    remarks = {n: str(readings[tag]) for n, tag in tags.items()}
    return State.of_values(vessel.panel, time_h, values(tags, readings), remarks)


def _time_h(vessel: VesselMap, readings: Mapping[Tag, Reading], latest: datetime | None) -> float:
    found = "no source time"
    if vessel.time is not None:
        reading = readings[vessel.time]
        found = f"{vessel.time}: {reading.value:g}, {reading}"
        hours = vessel.time.factor * reading.value if reading.is_usable else nan
    else:
        hours = nan
        if latest is not None and vessel.inoculated is not None:
            found = f"source time {_stamp(latest)}"
            hours = (latest - vessel.inoculated).total_seconds() / 3600.0
    if hours >= 0.0:
        return round(hours, 6)
    expected = "Expected 0 h or later since inoculation. Check [sample] in the node map and the server's clock."
    raise UnreadableSource((f"{vessel.reactor}: the sample has no usable time ({found}). {expected}",))


def _stamp(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
