"""Values and refusals as asyncua gives them, and as perfusio says them."""

from __future__ import annotations

from datetime import UTC, datetime
from math import nan

from asyncua import ua

from perfusio.connectors.opc_ua.samples import Reading
from perfusio.errors import NotConnected


def reason(error: BaseException, within_s: float) -> str:
    """Return in words why an answer did not come."""
    if isinstance(error, NotConnected):
        return str(error)
    if isinstance(error, TimeoutError):
        return f"no answer within {within_s:g} s"
    if isinstance(error, ua.UaStatusCodeError):
        return f"the server answered {ua.StatusCode(error.code).name}"
    return f"the connection failed: {type(error).__name__}: {error}" if str(error) else type(error).__name__


def reading(value: ua.DataValue) -> Reading:
    """Return one answer of the server; anything but a single number has no value."""
    raw = value.Value.Value if value.Value is not None else None
    number = float(raw) if isinstance(raw, int | float) and not isinstance(raw, bool) else None
    status = value.StatusCode.name if value.StatusCode is not None else "Good"
    return Reading(
        value=nan if number is None else number,
        status=status if number is not None or raw is None else f"{status}, but {type(raw).__name__}",
        source_time=_aware(value.SourceTimestamp),
        server_time=_aware(value.ServerTimestamp),
        told=_aware(raw) if isinstance(raw, datetime) else raw if isinstance(raw, str) else None,
    )


def _aware(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time


_WHOLE = {
    ua.VariantType.SByte, ua.VariantType.Byte, ua.VariantType.Int16, ua.VariantType.UInt16, ua.VariantType.Int32,
    ua.VariantType.UInt32, ua.VariantType.Int64, ua.VariantType.UInt64,
}  # fmt: skip
TELLING = {ua.VariantType.DateTime, ua.VariantType.String}
"""Types by which a sample may be timed and counted, beside numbers."""
NUMBERS = _WHOLE | {ua.VariantType.Float, ua.VariantType.Double}
"""Types of nodes that can hold a quantity."""


def in_type(value: float, kind: ua.VariantType) -> ua.Variant:
    """Return a number in the type of its node; whole numbers are rounded to."""
    return ua.Variant(round(value) if kind in _WHOLE else float(value), kind)
