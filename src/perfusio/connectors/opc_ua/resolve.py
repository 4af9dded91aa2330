"""At each connect: which node of this server a tag of the map means now, and whether it is as the map says.

A server may number its namespaces anew at each start. An id that was kept would then write another variable, and the
server would call that Good; so indices are looked up each time, and each node shows its name and type again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asyncua import ua

from perfusio.connectors.opc_ua.link import Link
from perfusio.connectors.opc_ua.node_map import NodeMap, Tag
from perfusio.connectors.opc_ua.values import NUMBERS, TELLING
from perfusio.errors import UnreadableSource

_READ, _WRITE = 1, 2
"""Bits of the attribute AccessLevel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """Node found for one tag.

    Attributes:
        browse_name: Name of the node.
        type_name: Built-in type of its value, e.g. ``"Double"``.
        may_write: Whether the server lets us write it.
    """

    browse_name: str
    type_name: str
    may_write: bool


async def resolve(link: Link, node_map: NodeMap, before: Mapping[Tag, Resolved]) -> dict[Tag, Resolved]:
    """Find the nodes of a map in a server and give them to the link.

    Args:
        link: A fresh one.
        node_map: Tags to look for.
        before: Nodes found at the connect before, empty at the first.

    Raises:
        UnreadableSource: nodes are missing or are not as the map, or the connect before, says; all are listed.
        NotConnected: the link failed.
    """
    tags = [tag for vessel in node_map.vessels.values() for tag in vessel.tags()]
    (array,) = await link.attributes([ua.NodeId(ua.ObjectIds.Server_NamespaceArray)], ua.AttributeIds.Value)
    uris = list(array.Value.Value or ()) if array.Value is not None else []
    problems = [
        f"{node_map.source}: the server has no namespace {uri!r}. It has {', '.join(uris)}. Mend [namespaces]."
        for uri in dict.fromkeys(tag.namespace for tag in tags if tag.namespace not in uris)
    ]
    if problems:
        raise UnreadableSource(tuple(problems), operation="connect")
    nodes = {tag: ua.NodeId.from_string(f"ns={uris.index(tag.namespace)};{tag.identifier}") for tag in tags}
    found: dict[Tag, Resolved] = {}
    types: dict[Tag, ua.VariantType] = {}
    for tag, row in zip(tags, await _attributes(link, list(nodes.values())), strict=True):
        problem = _unusable(row)
        if problem is None:
            name, data_type, _, access = (value.Value.Value for value in row)
            types[tag] = await _type(link, nodes[tag], data_type)
            found[tag] = Resolved(
                browse_name=str(name.Name), type_name=types[tag].name, may_write=bool(access & _WRITE)
            )
            problem = _other(tag, found[tag], types[tag], access, before.get(tag))
        if problem is not None:
            problems.append(f"{node_map.source}: {tag}: {problem}")
    if problems:
        raise UnreadableSource(tuple(problems), operation="connect")
    link.nodes, link.types = nodes, types
    return found


async def _attributes(link: Link, nodes: Sequence[ua.NodeId]) -> list[tuple[ua.DataValue, ...]]:
    wanted = (
        ua.AttributeIds.BrowseName,
        ua.AttributeIds.DataType,
        ua.AttributeIds.ValueRank,
        ua.AttributeIds.UserAccessLevel,
    )
    columns = [await link.attributes(nodes, attribute) for attribute in wanted]
    return list(zip(*columns, strict=True))


def _unusable(row: tuple[ua.DataValue, ...]) -> str | None:
    """Return why a node is no variable that can be read, or None."""
    for value in row:
        if value.StatusCode is not None and not value.StatusCode.is_good():
            if value.StatusCode.value == ua.StatusCodes.BadNodeIdUnknown:
                return "the server has no such node. Look for it with perfusio opcua browse, and mend the map."
            return f"it is no variable that can be read ({value.StatusCode.name}). Expected one; mend the map."
    if row[2].Value.Value >= 0:
        return "it holds an array. Expected a single number; mend the map."
    return None


async def _type(link: Link, node: ua.NodeId, data_type: ua.NodeId) -> ua.VariantType:
    """Return the built-in type of a variable; where any number would do, that of the value it holds."""
    if data_type.NamespaceIndex == 0 and isinstance(data_type.Identifier, int) and data_type.Identifier <= 13:
        return ua.VariantType(data_type.Identifier)
    kind = await link.type_of(data_type)
    if kind is ua.VariantType.Variant:
        (value,) = await link.attributes([node], ua.AttributeIds.Value)
        return value.Value.VariantType if value.Value is not None else kind
    return kind


def _other(tag: Tag, now: Resolved, kind: ua.VariantType, access: int, before: Resolved | None) -> str | None:
    """Return how a node differs from its requirements, or None."""
    expected = tag.browse_name or (before.browse_name if before is not None else now.browse_name)
    if now.browse_name != expected:
        return (
            f"its browse name is {now.browse_name!r}, expected {expected!r}. It may be another variable; check the map."
        )
    if before is not None and now.type_name != before.type_name:
        return f"its type is {now.type_name}, it was {before.type_name}. It may be another variable; check the map."
    if kind not in NUMBERS and not (tag.name in ("number", "time") and kind in TELLING):
        return f"its type is {now.type_name}, expected a number. Map the variable that holds the value."
    if not access & _READ:
        return "the server does not let this user read it. Have the user allowed to."
    if tag.write and not now.may_write:
        return (
            "the map says write = true, but the server does not let this user write it. Allow it there, or say false."
        )
    return None
