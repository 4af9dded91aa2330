"""Mismatches: a node map held against what the server says of its nodes, the process, and the design space. Pure.

A wrong unit or a temperature in K passes every check of types, and the twin would steer by it. The server's own words
(EngineeringUnits, EURange, ValuePrecision, rights, clocks) and the present values give it away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite, nan

from perfusio.config import DesignSpace
from perfusio.connectors.opc_ua.properties import Properties
from perfusio.connectors.opc_ua.samples import Reading
from perfusio.connectors.opc_ua.scales import same_scale, scale_of
from perfusio.connectors.opc_ua.tags import Tag, VesselMap
from perfusio.errors import PerfusioError
from perfusio.quantities import Quantity
from perfusio.state import Setpoints, State
from perfusio.tables.columns.header_names import names_of
from perfusio.tables.columns.untold_units import unit_doubts

_TOLERANCE = 1e-6
_FINEST = 20
"""A setpoint with fewer steps than this from end to end of its bounds can hardly be steered."""
_FAR = 10.0
"""A range that ends so many times above the greatest possible value is one of another unit."""
MOST_AHEAD = timedelta(seconds=60)
OLDEST_H = 1e4


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeShown:
    """One node of a map, as the server shows it.

    Attributes:
        reading: Its present value.
        properties: What the server says of its values.
        may_write: Whether the server lets us write it.
        is_whole: Whether it holds whole numbers only.
    """

    reading: Reading
    properties: Properties
    may_write: bool
    is_whole: bool


def mismatches(
    vessel: VesselMap, nodes: Mapping[Tag, NodeShown], space: DesignSpace | None, now: datetime
) -> list[str]:
    """Return what does not fit, one sentence each with the remedy.

    Args:
        vessel: Its map.
        nodes: Every node of it.
        space: Bounds of the setpoints; None where they are not known.
        now: Present time.
    """
    found = []
    for tag, node in nodes.items():
        quantity = vessel.panel.by_name.get(tag.name)
        if quantity is not None and tag.name != "heartbeat":
            bounds = space.bounds.get(tag.name) if space is not None and tag.name in vessel.setpoints else None
            ends = None if bounds is None else (bounds.low, bounds.high)
            words = [*_unit(tag, node, quantity, vessel), *_ranges(tag, node, quantity, ends)]
            words += [] if bounds is None else [*_steps(tag, node, quantity, bounds.low, bounds.high)]
            found += [f"{vessel.reactor} {tag}: {text}" for text in words]
        if (time := node.reading.source_time) is not None and time > now + MOST_AHEAD:
            when = f"{time:%Y-%m-%d %H:%M:%S} UTC"
            found.append(f"{vessel.reactor} {tag}: its source time {when} is still to come. {_CLOCK}")
    of_vessel = [*_other_units(vessel, nodes), *_times(vessel, nodes, now)]
    return [*found, *(f"{vessel.reactor}: {text}" for text in of_vessel)]


_CLOCK = "Set the clock of the source, in UTC."


def _unit(tag: Tag, node: NodeShown, quantity: Quantity, vessel: VesselMap) -> Iterator[str]:
    """The unit of the server against that of the map."""
    unit = node.properties.unit
    if not unit:
        return
    try:
        told = scale_of(unit, quantity, lambda text: names_of(vessel.panel).factor(tag.name, text))
    except PerfusioError:
        known = f"no unit of {quantity.name} ({quantity.unit})"
        yield f"the server gives it in {unit!r}, which is {known}. Map another node, or mend the server."
        return
    scale = tag.factor, tag.offset
    if not same_scale(scale, told):
        mapped = "as it stands" if scale == (1.0, 0.0) else f"times {tag.factor:g} plus {tag.offset:g}"
        yield (
            f"the server gives it in {unit!r}, the map takes it {mapped} for {quantity.unit}. "
            f'Say unit = "{unit}" in the map, or mend the server.'
        )


def _other_units(vessel: VesselMap, nodes: Mapping[Tag, NodeShown]) -> Iterator[str]:
    """Present values that fit another unit better, where neither map nor server tells the unit."""
    measured = {n: tag for n, tag in vessel.measured.items() if nodes[tag].reading.is_usable}
    untold = [n for n, tag in measured.items() if not tag.is_told and not nodes[tag].properties.unit]
    state = State.of_values(vessel.panel, 0.0, {n: t.canonical(nodes[t].reading.value) for n, t in measured.items()})
    for doubt in unit_doubts([(state, Setpoints(panel=vessel.panel))], untold):
        yield f"{doubt.sentence()} Say it in the map: {doubt.names[0]} = {{ node = ..., unit = ... }}."


def _ranges(tag: Tag, node: NodeShown, quantity: Quantity, bounds: tuple[float, float] | None) -> Iterator[str]:
    """Range of the server, present value, possible range, design space."""
    told, unit = node.properties, quantity.unit
    low, high = (None if end is None else tag.canonical(end) for end in (told.low, told.high))
    if low is not None and high is not None:
        span = f"the server's range is {low:g} to {high:g} {unit}"
        if low > quantity.high or high < quantity.low or high > _FAR * max(quantity.high, 1.0):
            yield f"{span}, possible is {quantity.low:g} to {quantity.high:g}. Check the unit in the map."
        if bounds is not None and (bounds[0] < low - _TOLERANCE or bounds[1] > high + _TOLERANCE):
            asked = f"the design space asks for {bounds[0]:g} to {bounds[1]:g}"
            yield f"{span}, {asked}. Narrow the design space, or widen the range in the controller."
    if not node.reading.is_usable:
        return
    value = tag.canonical(node.reading.value)
    if not quantity.low <= value <= quantity.high:
        possible = f"possible is {quantity.low:g} to {quantity.high:g}"
        yield f"it is {value:g} {unit} now, {possible}. Check unit, factor and offset in the map."
    elif low is not None and high is not None and not low - _TOLERANCE <= value <= high + _TOLERANCE:
        yield f"it is {value:g} {unit} now, outside of the server's own range {low:g} to {high:g}. Check the node."
    elif bounds is not None and not bounds[0] - _TOLERANCE <= value <= bounds[1] + _TOLERANCE:
        yield (
            f"{value:g} {unit} is in force, the design space is {bounds[0]:g} to {bounds[1]:g}. Check the unit, or "
            "bring the vessel into the design space before the twin writes."
        )


def _steps(tag: Tag, node: NodeShown, quantity: Quantity, low: float, high: float) -> Iterator[str]:
    """Resolution and right of a setpoint that is to be written."""
    if not tag.write:
        return
    if not node.may_write:
        yield "write = true in the map, but the server does not let this user write it. Allow it there, or say false."
    step = max(node.properties.precision or 0.0, 1.0 if node.is_whole else 0.0)
    in_unit = abs(tag.factor) * step
    if step > tag.resolution + _TOLERANCE and not node.is_whole:
        yield f"the server keeps it in steps of {step:g}. Say resolution = {step:g} in the map, or no write settles."
    widest = max(in_unit, tag.within)
    if high > low and widest * _FINEST > high - low:
        yield (
            f"it can be set in steps of {widest:g} {quantity.unit} only, and the design space is {high - low:g} wide. "
            "Hold it in the design space, or have the controller keep finer steps."
        )


def _times(vessel: VesselMap, nodes: Mapping[Tag, NodeShown], now: datetime) -> Iterator[str]:
    """Age of the culture, and whether a sample can be told from the one before."""
    began, time, number = vessel.inoculated, vessel.time, vessel.number
    if began is not None and began > now + MOST_AHEAD:
        yield f"[sample] inoculated = {began.isoformat()} is still to come. Mend it, with its offset from UTC."
    if time is not None:
        reading = nodes[time].reading
        told = "" if reading.told is None else f"{reading.told!s:.40}"
        hours = nan if told else time.canonical(reading.value)
        if reading.moment is not None and began is None:
            yield f"{time} holds a date ({told}). Say [sample] inoculated, from which it counts."
        elif told and reading.moment is None and not isfinite(reading.count):
            yield f"{time} holds {told!r}. Expected hours, or a date with its offset from UTC."
        elif not told and reading.is_usable and not 0.0 <= hours <= OLDEST_H:
            yield f"{time} is {hours:g} h now. Expected the age of the culture: check its unit."
    if number is not None:
        if not isfinite(nodes[number].reading.count):
            yield f"{number} ({nodes[number].reading}) tells no number, so no sample will come. Mend the node."
    elif vessel.measured and not any(nodes[tag].reading.source_time for tag in vessel.measured.values()):
        yield "no measured node has a source time and [sample] names no number, so no sample will come. Name one."
