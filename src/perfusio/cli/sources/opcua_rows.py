"""What `perfusio opcua` shows of a server: its nodes by a map, what does not fit, and a first sample."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any

from perfusio.connectors.opc_ua.clocks import MOST_SKEW_S, in_words
from perfusio.connectors.opc_ua.mismatches import NodeShown, mismatches
from perfusio.connectors.opc_ua.properties import properties_of

if TYPE_CHECKING:
    from perfusio.cli.sources.design_spaces import Spaces
    from perfusio.connectors.opc_ua.tags import VesselMap
    from perfusio.connectors.opcua import OpcUaConnector
    from perfusio.process.panel import Panel
    from perfusio.state import State

WHOLE = ("SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64")


async def checked(connector: OpcUaConnector, spaces: Spaces) -> tuple[list[dict[str, Any]], list[str]]:
    """Return a row for every node of a map, and what does not fit, in sentences.

    Args:
        connector: To the server, by the map.
        spaces: Allowed setpoints of its vessels.

    Raises:
        PerfusioError: the server cannot be reached, or has other nodes.
    """
    session = connector.session
    try:
        rows: list[dict[str, Any]] = []
        problems: list[str] = []
        for reactor, vessel in session.node_map.vessels.items():
            nodes = await _seen(connector, vessel)
            rows += [
                {
                    "reactor": reactor,
                    "name": tag.name,
                    "value": tag.canonical(node.reading.value) if node.reading.is_usable else None,
                    "unit": _unit(vessel.panel, tag.name),
                    "type": session.resolved[tag].type_name,
                    "browse_name": session.resolved[tag].browse_name,
                    "writes": tag.write,
                    "status": str(node.reading),
                    "readable": node.reading.is_usable or isfinite(node.reading.count),
                    "told": None if node.reading.told is None else str(node.reading.told),
                }
                for tag, node in nodes.items()
            ]
            problems += mismatches(vessel, nodes, spaces.of(reactor), datetime.now(UTC))
        skew_s = await (await session.link(until=None, at_once=True)).look_at_clock()
        if abs(skew_s) > MOST_SKEW_S:
            problems.append(in_words(skew_s))
        return rows, problems
    finally:
        await connector.close()


async def _seen(connector: OpcUaConnector, vessel: VesselMap) -> dict[Any, NodeShown]:
    session, tags = connector.session, vessel.tags()
    readings = await session.read(tags)
    link = await session.link(until=None, at_once=True)
    properties = await properties_of(link, [link.nodes[tag] for tag in tags])
    return {
        tag: NodeShown(
            reading=readings[tag],
            properties=found,
            may_write=session.resolved[tag].may_write,
            is_whole=session.resolved[tag].type_name in WHOLE,
        )
        for tag, found in zip(tags, properties, strict=True)
    }


async def first_samples(connector: OpcUaConnector) -> dict[str, State]:
    """Return the next sample of every vessel.

    Raises:
        PerfusioError: there is none, with the reason.
    """
    vessels = connector.vessels()
    try:
        found = await asyncio.gather(*(vessel.read_sample() for vessel in vessels.values()))
        return dict(zip(vessels, found, strict=True))
    finally:
        await connector.close()


def row_text(row: dict[str, Any]) -> str:
    """Return a row of the check within 80 columns, or in two lines where its status is long."""
    right = "write" if row["writes"] else "read"
    value = "-" if row["value"] is None else f"{row['value']:g} {row['unit']}"
    value = row["told"][:19] if row["told"] else value
    status, _, times = row["status"].partition("; source ")
    source = times.partition(";")[0][:16].replace("T", " ")
    head = f"{row['reactor']:6}{row['name']:18}{value:20}{row['type']:9}{right:6}"
    tail = f"{status} {source}".strip()
    return head + tail if len(head) + len(tail) <= 80 else f"{head.rstrip()}\n      {tail[:73]}"


def sample_text(reactor: str, state: State) -> str:
    """Return a sample as lines within 80 columns."""
    lines = [f"{reactor}: sample at {state.time_h:g} h"]
    for quantity in state.panel.species:
        value = getattr(state, quantity.name)
        if value == value:
            lines.append(f"  {quantity.name:20}{value:g} {quantity.unit}")
        elif quantity.name in state.quality:
            lines.append(f"  {quantity.name:20}- ({state.quality[quantity.name].partition(';')[0]:.50})")
    return "\n".join(lines)


def _unit(panel: Panel, name: str) -> str:
    return panel[name].unit if name in panel.by_name else "h" if name == "time" else ""
