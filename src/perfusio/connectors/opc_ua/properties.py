"""Properties of variables as OPC UA Part 8 defines them: unit, range and precision, where a server gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from asyncua import ua

from perfusio.connectors.opc_ua.link import Link

_NAMES = ("EngineeringUnits", "EURange", "ValuePrecision")


@dataclass(frozen=True, slots=True, kw_only=True)
class Properties:
    """What a variable says of its values, in its own unit.

    Attributes:
        unit: As the server writes it, e.g. ``"mmol/L"``; empty where it gives none.
        low: Least value in normal use; None where it gives none.
        high: Greatest one.
        precision: Step of its values; None where it gives none.
    """

    unit: str = ""
    low: float | None = None
    high: float | None = None
    precision: float | None = None


async def properties_of(link: Link, nodes: Sequence[ua.NodeId]) -> list[Properties]:
    """Return the properties of variables, in their order.

    Raises:
        NotConnected: the link failed.
    """
    found: list[dict[str, ua.NodeId]] = []
    for node in nodes:
        children = await link.browse(node)
        found.append({c.BrowseName.Name: c.NodeId for c in children if c.BrowseName.Name in _NAMES})
    wanted = [node for some in found for node in some.values()]
    values = iter(await link.attributes(wanted, ua.AttributeIds.Value) if wanted else [])
    return [_properties({name: next(values) for name in some}) for some in found]


def _properties(values: dict[str, ua.DataValue]) -> Properties:
    held = {name: value.Value.Value for name, value in values.items() if value.Value is not None}
    span: Any = held.get("EURange")
    low, high = (getattr(span, end, None) for end in ("Low", "High"))
    is_span = isinstance(low, int | float) and isinstance(high, int | float) and low < high
    step = held.get("ValuePrecision")
    unit: Any = getattr(held.get("EngineeringUnits"), "DisplayName", None)
    return Properties(
        unit=str(getattr(unit, "Text", "") or "").strip(),
        low=float(low) if is_span and low is not None else None,
        high=float(high) if is_span and high is not None else None,
        precision=float(step) if isinstance(step, int | float) and step > 0 else None,
    )
