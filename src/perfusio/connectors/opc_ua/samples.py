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
_NAMED = 3
"""Nodes that a message names; the others are counted."""
_SOURCE_TIME = re.compile(r"\bsource (\d{4}-\d\d-\d\dT[\d:.]+)Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One value as the server gave it, in the unit of the node.

    Attributes:
        value: NaN where there is none.
        status: Name of the status code, e.g. ``"Good"`` or ``"BadSensorFailure"``.
        source_time: When the source took the value, if the server says.
        server_time: When the server saw it, if it says.
        told: The date or text that a node holds in place of a number; a sample may be timed and counted by one.
    """

    value: float
    status: str
    source_time: datetime | None = None
    server_time: datetime | None = None
    told: datetime | str | None = None

    @property
    def is_usable(self) -> bool:
        """Whether there is a number that is not Bad; an Uncertain one is used and flagged."""
        return isfinite(self.value) and not self.status.startswith("Bad")

    @property
    def moment(self) -> datetime | None:
        """The date that the node holds, as a date or as a text with its offset; None if it holds none."""
        if isinstance(self.told, str):
            try:
                found = datetime.fromisoformat(self.told.strip())
            except ValueError:
                return None
            return found if found.tzinfo is not None else None
        return self.told

    @property
    def count(self) -> float:
        """The node as a number that is another one for another sample; NaN if it tells none."""
        if self.status.startswith("Bad") or self.told is None:
            return self.value if self.is_usable else nan
        if (moment := self.moment) is not None:
            return moment.timestamp()
        return _number(str(self.told))

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
    return {n: tag.canonical(readings[tag].value) for n, tag in tags.items() if readings[tag].is_usable}


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
    taken once two looks agree on them, so that no half-written sample is read. A server stamps a value with its last
    change, so one that came out the same keeps its stamp: if a critical quantity is new, all count as measured, but for
    nodes of which the map says otherwise.

    Raises:
        UnreadableSource: the sample has no usable time.
    """
    if vessel.number is not None:
        return _by_number(vessel, vessel.number, readings, seen)
    stamps = _told_times(vessel, readings)
    new = {n: t for n, t in stamps.items() if _is_later(n, t, seen)}
    good = {n: t for n, t in stamps.items() if readings[vessel.measured[n]].is_usable}
    if not new.keys() & good.keys():
        return None, seen
    if dict(seen.unsettled) != good:
        return None, replace(seen, unsettled=good)
    is_whole = any(n in vessel.panel.critical for n in new.keys() & good.keys())
    tags = {n: vessel.measured[n] for n in stamps if n in new or (is_whole and vessel.measured[n].stays_measured)}
    state = _state(vessel, tags, readings, latest=max(t for n, t in new.items() if n in good))
    known = {**seen.stamps, **good}  # a value that is Bad now may come with the time at which it was taken
    return state, Seen(state=state, stamps=known, n_unread=seen.n_unread, signalled=seen.signalled)


def _told_times(vessel: VesselMap, readings: Mapping[Tag, Reading]) -> dict[str, datetime]:
    return {n: t for n, tag in vessel.measured.items() if (t := readings[tag].source_time) is not None}


def _is_later(name: str, time: datetime, seen: Seen) -> bool:
    """Whether the source time of a quantity is later than the one handed out."""
    return name not in seen.stamps or _stamp(time) > _stamp(seen.stamps[name])


def _by_number(
    vessel: VesselMap, counter: Tag, readings: Mapping[Tag, Reading], seen: Seen
) -> tuple[State | None, Seen]:
    number = readings[counter].count
    if not isfinite(number):
        return None, seen
    if number != seen.number and not _is_known(vessel, readings, seen):
        if _is_empty(vessel.measured, readings):
            return None, seen
        state = _state(vessel, vessel.measured, readings, latest=_latest(vessel, readings))
        is_counted = readings[counter].moment is None  # dates do not tell how many were between
        skipped = int(number - seen.number) - 1 if is_counted and number > seen.number else 0
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


def _is_empty(tags: Mapping[str, Tag], readings: Mapping[Tag, Reading]) -> bool:
    """Whether none of these nodes has a usable value: then there is no sample yet, whatever counts it."""
    return bool(tags) and not any(readings[tag].is_usable for tag in tags.values())


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
        found = f"{vessel.time}: {reading.value if reading.told is None else reading.told!s:.40}, {reading}"
        hours = _hours(vessel, vessel.time, reading)
    else:
        hours = nan
        if latest is not None and vessel.inoculated is not None:
            found = f"source time {_stamp(latest)}"
            hours = (latest - vessel.inoculated).total_seconds() / 3600.0
    if hours >= 0.0:
        return round(hours, 6)
    expected = "Expected 0 h or later since inoculation. Check [sample] in the node map and the server's clock."
    raise UnreadableSource((f"{vessel.reactor}: the sample has no usable time ({found}). {expected}",))


def _hours(vessel: VesselMap, tag: Tag, reading: Reading) -> float:
    """Return the culture time that a node holds: as a number, as a text of one, or as a date since inoculation [h]."""
    if reading.status.startswith("Bad"):
        return nan
    if (moment := reading.moment) is not None:
        return nan if vessel.inoculated is None else (moment - vessel.inoculated).total_seconds() / 3600.0
    return tag.canonical(reading.value if reading.told is None else _number(str(reading.told)))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return nan


def withheld(vessel: VesselMap, readings: Mapping[Tag, Reading], seen: Seen) -> str:
    """Return why there is no sample in these readings and none can come of them; empty if the next is just not there.

    Args:
        vessel: Its nodes.
        readings: Of a look that gave no sample.
        seen: The memory after it.
    """
    if vessel.number is not None:
        reading = readings[vessel.number]
        if isfinite(reading.count):
            is_new = reading.count != seen.number
            return _unusable(vessel.measured, readings) if is_new and _is_empty(vessel.measured, readings) else ""
        held = f" {reading.told!r:.40}" if reading.told is not None else ""
        return (
            f"the sample number cannot be read: {vessel.number} is{held} {reading}. Expected a number or a date that "
            "changes with each sample. Mend the node, or take another one as [sample] number."
        )
    stamps = _told_times(vessel, readings)
    if not stamps:
        return (
            "no measured node has a source time, and the map names no sample number: a new sample could not be told "
            "from an old one. Name the node that changes with each sample: [sample] number."
        )
    moving = {n: vessel.measured[n] for n, t in stamps.items() if _is_later(n, t, seen)}
    if _is_empty(moving, readings):
        return _unusable(moving, readings)
    if moving := {n: tag for n, tag in moving.items() if readings[tag].is_usable}:
        return (
            f"the source times of {', '.join(moving)} change with every look, so no two looks agree on a sample. Name "
            "the node that changes with each sample ([sample] number), or move on-line values to [signals]."
        )
    return ""


def _unusable(tags: Mapping[str, Tag], readings: Mapping[Tag, Reading]) -> str:
    told = "; ".join(f"{tag} is {readings[tag]}" for tag in [*tags.values()][:_NAMED])
    more = f" and {len(tags) - _NAMED} more" * (len(tags) > _NAMED)
    return (
        f"there is a new sample, and none of its values can be used: {told}{more}. Expected one that is not Bad. Check "
        "the analyzer and its link to the server; or map other nodes."
    )


def _stamp(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
