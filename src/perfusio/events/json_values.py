"""Values of payloads as plain JSON data, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite, nan
from typing import Any

from perfusio.errors import AuditError
from perfusio.events.base import Json
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.state import Setpoints, State


def state_to_json(state: State) -> Json:
    """Return a State as data: unmeasured values are None."""
    values = {s.name: plain(getattr(state, s.name)) for s in state.panel.species}
    return {"time_h": plain(state.time_h), **values, "quality": dict(state.quality)}


def state_from_json(data: Json, panel: Panel = CHO_PERFUSION) -> State:
    """Rebuild the State of that process that `state_to_json` wrote."""
    values = _with_nan(data)
    if panel is CHO_PERFUSION:
        return State(**values)
    values = dict(values)
    return State.of_values(panel, values.pop("time_h"), quality=values.pop("quality"), values=values)


def setpoints_from_json(data: Json, panel: Panel = CHO_PERFUSION) -> Setpoints:
    """Rebuild Setpoints of that process from names and numbers; None becomes NaN."""
    values = _with_nan(data)
    return Setpoints(**values) if panel is CHO_PERFUSION else Setpoints.of_values(panel, values)


def _with_nan(data: Json) -> Json:
    """Return values by name with NaN for None; the same ones where none is missing, as in nearly all of a record."""
    return {k: nan if v is None else v for k, v in data.items()} if None in data.values() else data


READ_BACK: dict[str, Callable[[Any, Panel], Any]] = {
    "State": state_from_json,
    "Setpoints": lambda value, panel: None if value is None else setpoints_from_json(value, panel),
    "tuple": lambda value, _: tuple(value),
    "float": lambda value, _: nan if value is None else value,
}


def plain(value: Any) -> Any:
    """Return `value` as plain JSON data; NaN becomes None.

    Raises:
        AuditError: infinite, or of a type that JSON cannot hold.
    """
    kind = type(value)
    if kind is float and isfinite(value):  # most of what is recorded: the numbers of forecasts
        return value
    if value is None or isinstance(value, str | bool):
        return value
    if kind is list or kind is tuple:
        return [plain(v) for v in value]
    if isinstance(value, State):
        return state_to_json(value)
    if isinstance(value, Setpoints):
        return {name: plain(v) for name, v in value.by_name().items()}
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if hasattr(value, "tolist"):  # numpy and torch scalars and arrays
        return plain(value.tolist())
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        if value != value:
            return None
        if isfinite(value):
            return value
    raise AuditError(f"{value!r} of type {type(value).__name__} cannot be recorded: expected finite plain data.")
