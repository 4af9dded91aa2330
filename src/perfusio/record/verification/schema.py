"""The shape of a record, derived from Record and from the closed list of events: as JSON Schema, and as a check.

`audit.schema.json` beside this file is printed by `python -m perfusio.record.verification.schema`; a test holds the
two together.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from itertools import chain
from typing import Any

from perfusio.errors import AuditError
from perfusio.events import EVENTS, Event, Json, to_json
from perfusio.record.line import READABLE_VERSIONS, RECORD_VERSION, Record, encode
from perfusio.state import QUANTITIES, Setpoints, State

NESTED: dict[str, type] = {"State": State, "Setpoints": Setpoints}
DEEPEST = 100
"""Levels of nesting in a free object: any program can read so many, and none of ours writes more."""
_NESTING = frozenset({dict, list})
QUANTITY_NAME = "[a-z][a-z0-9_]{0,63}"
"""Names of quantities of any process on record."""
_is_quantity_name = re.compile(QUANTITY_NAME).fullmatch
SHAPES: dict[str, type] = {"Record": Record, **EVENTS, **NESTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Meaning of an annotation for a JSON value: in words, as JSON Schema, and as a test."""

    words: str
    schema: Json
    fits: Callable[[Any], bool]
    types: frozenset[type] = frozenset()  # of which every value fits: known without a call


def _is_shallow(value: Any) -> bool:
    """Whether data is nested at most DEEPEST deep; level by level, since a recursion could itself go too deep."""
    level = [value]
    for _ in range(DEEPEST + 1):
        inner = list(chain.from_iterable(v.values() if type(v) is dict else v for v in level))
        if _NESTING.isdisjoint(map(type, inner)):  # long lists of numbers are the rule
            return True
        level = [v for v in inner if type(v) in _NESTING]
    return False


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _pattern(words: str, pattern: str) -> Kind:
    match = re.compile(pattern).fullmatch
    return Kind(
        words=words,
        schema={"type": "string", "pattern": f"^{pattern}$"},
        fits=lambda v: isinstance(v, str) and match(v) is not None,
    )


_PLAIN: dict[str, Kind] = {
    "str": Kind(
        words="text", schema={"type": "string"}, fits=lambda v: isinstance(v, str), types=frozenset({str})
    ),
    "int": Kind(words="a whole number", schema={"type": "integer"}, fits=_is_int, types=frozenset({int})),
    "float": Kind(
        words="a number or null",
        schema={"type": ["number", "null"]},
        fits=lambda v: v is None or isinstance(v, float) or _is_int(v),
        types=frozenset({type(None), float, int}),
    ),
    "bool": Kind(words="true or false", schema={"type": "boolean"}, fits=lambda v: isinstance(v, bool)),
    "Json": Kind(
        words=f"an object, nested at most {DEEPEST} deep",
        schema={"type": "object"},
        fits=lambda v: isinstance(v, dict) and _is_shallow(v),
    ),
    "tuple[str, ...]": Kind(
        words="a list of texts",
        schema={"type": "array", "items": {"type": "string"}},
        fits=lambda v: isinstance(v, list) and all(isinstance(text, str) for text in v),
    ),
    "Mapping[str, str]": Kind(
        words="an object of texts",
        schema={"type": "object", "additionalProperties": {"type": "string"}},
        fits=lambda v: isinstance(v, dict) and all(isinstance(text, str) for text in v.values()),
    ),
    "EventName": Kind(
        words="the name of an event", schema={"enum": [*EVENTS]}, fits=lambda v: isinstance(v, str) and v in EVENTS
    ),
    "RunId": _pattern("a run identifier", "[A-Za-z0-9][A-Za-z0-9._-]{0,99}"),
    "Signature": _pattern("128 hexadecimal digits", "[0-9a-f]{128}"),
    "Sha256": _pattern("64 hexadecimal digits", "[0-9a-f]{64}"),
    "Utc": _pattern(
        "a UTC time with microseconds", r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"
    ),
}


@cache
def kind(annotation: str) -> Kind:
    """Return the meaning in JSON of an annotation of a record, an event or a State."""
    name, _, null = annotation.partition(" | ")
    if name in NESTED:
        bare = Kind(
            words=f"a {name}",
            schema={"$ref": f"#/$defs/{name}"},
            fits=lambda v: isinstance(v, dict) and _misfit(v, name, "") is None,
        )
    else:
        bare = _PLAIN[name]
    if not null:
        return bare
    return Kind(
        words=f"{bare.words} or null",
        schema={"anyOf": [bare.schema, {"type": "null"}]},
        fits=lambda v: v is None or bare.fits(v),
        types=bare.types | {type(None)},
    )


_NOT_RECORDED = ("Panel", "Mapping[str, float]")
"""Types of fields by which a value says of which process it is: on record it stands under the names of its panel."""


@cache
def declared(name: str) -> tuple[dict[str, str], frozenset[str]]:
    """Return the fields of a shape with their annotations (an event's own fields only), and those without a default."""
    shape = SHAPES[name]
    header = {f.name for f in fields(Event)} if issubclass(shape, Event) else set()
    own = [f for f in fields(shape) if f.name not in header and f.type not in _NOT_RECORDED]
    required = frozenset(f.name for f in own if f.default is MISSING and f.default_factory is MISSING)
    return {f.name: str(f.type) for f in own}, required


@cache
def members(name: str) -> tuple[dict[str, Kind], frozenset[str]]:
    """Return the fields of a shape with their kinds (an event's own fields only), and those without a default."""
    own, required = declared(name)
    return {field: kind(annotation) for field, annotation in own.items()}, required


def misfit(data: Any) -> str | None:
    """Return the fault in the shape of a record that was read from JSON, in words, or None."""
    if not isinstance(data, dict):
        return "is not a JSON object"
    version = data.get("v")
    if _is_int(version) and version not in READABLE_VERSIONS:
        return f"has record version {version}; this perfusio reads versions {', '.join(map(str, READABLE_VERSIONS))}"
    is_first = _is_int(version) and version == 1
    wrong = _misfit(_renamed(data) if is_first else data, "Record", "")
    return wrong or _misfit(data["payload"], data["event"], f"payload of {data['event']}: ")


def unfit(event: Event) -> str | None:
    """Return why an event could not go on record as it is, in words, or None: ask for values from outside."""
    try:
        payload = to_json(event)
        encode({"payload": payload, "reactor": event.reactor, "reason": event.reason})
    except AuditError as error:
        return str(error)
    if not (event.reactor is None or isinstance(event.reactor, str)) or not isinstance(event.reason, str):
        return "vessel and reason must be texts"
    return _misfit(payload, type(event).__name__, "")


def _renamed(data: Json) -> Json:
    """Return the fields of a line of version 1 under the names of today; names of today do not count in it."""
    today = {("turn" if name == "day" else name): v for name, v in data.items() if name not in ("turn", "culture_day")}
    return {**today, "culture_day": None, **({"day": None} if data.keys() & {"turn", "culture_day"} else {})}


def _misfit(data: Json, shape: str, where: str) -> str | None:
    kinds, required = members(shape)
    if missing := required - data.keys():
        return f"{where}lacks {', '.join(sorted(missing))}"
    for name, value in data.items():
        expected = kinds.get(name)
        if expected is None and shape in NESTED and _is_quantity_name(name):
            expected = _PLAIN["float"]  # of another process, perhaps: the chain knows which process the run has
        if expected is None:
            return f"{where}has a field {name!a} that does not belong there"
        if type(value) not in expected.types and not expected.fits(value):
            return f"{where}{name} is {ascii(value)[:60]}, expected {expected.words}"
    return None


Names = Mapping[str, frozenset[str]]
"""By shape: the fields of a State, and of Setpoints."""


def names_on_record(config: Json) -> Names:
    """Return the names that States and Setpoints of a run may hold, by the config in its RunStarted."""
    run = config.get("run")
    process = run.get("process") if isinstance(run, dict) else None
    if process is None:
        return {name: frozenset(declared(name)[0]) for name in NESTED}
    try:
        species, setpoints = ([str(q["name"]) for q in process[of]] for of in ("species", "setpoints"))
    except (TypeError, KeyError):
        return dict.fromkeys(NESTED, frozenset())
    return {"State": frozenset({"time_h", "quality", *species}), "Setpoints": frozenset(setpoints)}


def strangers(event: str, payload: Json, names: Names) -> list[str]:
    """Return the names in the States and Setpoints of a payload that are not among these."""
    found = set[str]()
    for field, shape in _nested_in(event):
        value = payload.get(field)
        if isinstance(value, dict):
            found |= value.keys() - names[shape]
    return sorted(found)


@cache
def _nested_in(event: str) -> tuple[tuple[str, str], ...]:
    """Return the fields of an event that hold a State or Setpoints, with which of them."""
    own, _ = declared(event)
    shapes = ((name, annotation.partition(" | ")[0]) for name, annotation in own.items())
    return tuple((name, shape) for name, shape in shapes if shape in NESTED)


def record_schema() -> Json:
    """Return the JSON Schema (draft 2020-12) of one line of `audit.jsonl`."""
    by_event = [
        {
            "if": {"properties": {"event": {"const": name}}},
            "then": {"properties": {"payload": {"$ref": f"#/$defs/{name}"}}},
        }
        for name in EVENTS
    ]
    envelope = _object("Record")
    envelope["properties"] |= {"v": {"const": RECORD_VERSION}, "seq": {"type": "integer", "minimum": 1}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:perfusio:audit-record:{RECORD_VERSION}",
        **envelope,
        "allOf": by_event,
        "$defs": {name: _object(name) for name in SHAPES if name != "Record"},
    }


def _object(shape: str) -> Json:
    kinds, required = members(shape)
    properties = {name: dict(kind.schema) for name, kind in kinds.items()}
    if shape in NESTED:
        for name in properties.keys() & QUANTITIES.keys():
            properties[name]["description"] = f"{QUANTITIES[name].label} [{QUANTITIES[name].unit}]"
    return {
        "description": (SHAPES[shape].__doc__ or "").partition("\n")[0],
        "type": "object",
        "properties": properties,
        "required": sorted(required),
        **_OTHERS[shape in NESTED],
    }


_OTHERS: tuple[Json, Json] = (
    {"additionalProperties": False},
    {"propertyNames": {"pattern": f"^{QUANTITY_NAME}$"}, "additionalProperties": _PLAIN["float"].schema},
)
"""Quantities of a process that its run declares have names of their own; a verifier knows which these are."""


if __name__ == "__main__":
    sys.stdout.write(json.dumps(record_schema(), indent=1) + "\n")
