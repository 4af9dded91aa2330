"""The variables of a server: to look around before a node map is written."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from asyncua import ua

from perfusio.connectors.opc_ua.access import Access
from perfusio.connectors.opc_ua.connecting import connect
from perfusio.connectors.opc_ua.link import Link
from perfusio.connectors.opc_ua.properties import Properties, properties_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable of a server.

    Attributes:
        path: Browse names from the folder Objects on.
        namespace: URI of its namespace.
        identifier: As a node map wants it, e.g. ``"s=HT1.VCD"``.
        type_name: Type of its value.
        value: In words, with its status if that is not Good.
        may_write: Whether the server lets us write it.
    """

    path: str
    namespace: str
    identifier: str
    type_name: str
    value: str
    may_write: bool

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


async def variables(access: Access, *, depth: int) -> list[Variable]:
    """Return the variables below Objects, without those that describe the server itself.

    Raises:
        PerfusioError: as `connect`; or the link failed.
    """
    link = await connect(access)
    try:
        return list((await _variables(link, depth)).values())
    finally:
        await link.close()


async def surveyed(access: Access, *, depth: int) -> list[tuple[Variable, Properties]]:
    """Return the variables, each with what the server says of its values.

    Raises:
        PerfusioError: as `variables`.
    """
    link = await connect(access)
    try:
        found = await _variables(link, depth)
        return list(zip(found.values(), await properties_of(link, list(found)), strict=True))
    finally:
        await link.close()


async def _variables(link: Link, depth: int) -> dict[ua.NodeId, Variable]:
    (array,) = await link.attributes([ua.NodeId(ua.ObjectIds.Server_NamespaceArray)], ua.AttributeIds.Value)
    paths = await _paths(link, depth)
    nodes = list(paths)
    values = await link.attributes(nodes, ua.AttributeIds.Value) if nodes else []
    levels = await link.attributes(nodes, ua.AttributeIds.UserAccessLevel) if nodes else []
    uris = list(array.Value.Value)
    rows = zip(nodes, values, levels, strict=True)
    return {node: _variable(node, paths[node], uris, value, level) for node, value, level in rows}


async def _paths(link: Link, depth: int) -> dict[ua.NodeId, str]:
    """Return the path of each variable, breadth first; a node that is reached twice counts once."""
    found: dict[ua.NodeId, str] = {}
    level: dict[ua.NodeId, str] = {ua.NodeId(ua.ObjectIds.ObjectsFolder): ""}
    seen = set(level)
    for _ in range(depth):
        below: dict[ua.NodeId, str] = {}
        for parent, path in level.items():
            for child in await link.browse(parent):
                if child.NodeId.NamespaceIndex == 0 or child.NodeId in seen:
                    continue  # namespace 0 is what every server says of itself
                seen.add(child.NodeId)
                below[child.NodeId] = f"{path}/{child.BrowseName.Name}" if path else child.BrowseName.Name
                if child.NodeClass == ua.NodeClass.Variable:
                    found[child.NodeId] = below[child.NodeId]
        level = below
    return found


def _variable(node: ua.NodeId, path: str, uris: list[str], value: ua.DataValue, level: ua.DataValue) -> Variable:
    held = value.Value
    status = value.StatusCode.name if value.StatusCode is not None else "Good"
    words = "no value" if held is None or held.Value is None else f"{held.Value!a:.40}"
    return Variable(
        path=path,
        namespace=uris[node.NamespaceIndex],
        identifier=node.to_string().partition(";")[2],
        type_name=held.VariantType.name if held is not None else "?",
        value=words if status == "Good" else f"{words} ({status})",
        may_write=bool(level.Value is not None and level.Value.Value & 2),
    )
