"""Draft: a node map written from what a server holds, for a person to look through. Pure.

A variable is known by its name (``Glucose``, ``vcd``, ``Glc [g/L]``), or by that of the object above it where it is the
value of a function, as in a LADS server (OPC 30500-1: device, functional units, functions with SensorValue,
CurrentValue, TargetValue). Everything is read-only until a person says ``write = true``.

Without a sample number, a value that did not change may have been measured again or not at all, as a titer that is
measured every third day; one look cannot tell. A repeated value that nobody measured would be false data, one that is
left out is only less of it, so what is not critical is ``unchanged = "missing"`` until a person says otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from perfusio.connectors.opc_ua.browse import Variable
from perfusio.connectors.opc_ua.properties import Properties
from perfusio.connectors.opc_ua.scales import scale_of
from perfusio.errors import ConfigError, PerfusioError
from perfusio.process.panel import Panel
from perfusio.quantities import normalised
from perfusio.tables.columns.header_names import TIME, names_of

_READ_BELOW = frozenset(("sensorvalue", "currentvalue", "value", "pv", "processvalue", "actualvalue", "measuredvalue"))
_ASKED_BELOW = frozenset(("targetvalue", "setpoint", "sp", "setpointvalue", "target"))
_STRUCTURE = frozenset(("deviceset", "functionalunitset", "functionset", "components", "parameterset", "objects"))
"""Folders of OPC 10000-100 (Devices) and OPC 30500-1 (LADS) that name nothing of a plant's own."""
_NUMBERS = frozenset(("number", "samplenumber", "sampleno", "samplecounter", "sampleid", "samplecount"))
_TIMES = frozenset(("sampletime", "time", "culturetime", "cultureage", "timeofsample"))
_HEARTBEAT = "heartbeat"
_RARE = (
    '# unchanged = "missing": not measured while its source time stays. Where an analyzer measures',
    '# it with every sample, say unchanged = "measured".',
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One variable that a map can name.

    Attributes:
        section: Of the map: ``"sample"``, ``"measured"``, ``"setpoints"`` or ``"heartbeat"``.
        name: Key in that section.
        variable: As the server has it.
        properties: Unit, range and step as the server says them.
    """

    section: str
    name: str
    variable: Variable
    properties: Properties


def draft(
    variables: Iterable[tuple[Variable, Properties]],
    panel: Panel,
    *,
    vessel: str | None = None,
    inoculated: str | None = None,
) -> str:
    """Return a node map as TOML.

    Args:
        variables: Of the server.
        panel: The process whose quantities are looked for.
        vessel: The one to write it for, where nodes of several have no common pattern.
        inoculated: Start of the culture with its offset, ISO 8601, where no node holds its age.

    Raises:
        ConfigError: no variable has a name that is known; or a question is open: the message says how to answer it.
    """
    groups = _groups(variables, panel)
    if not groups:
        raise ConfigError(
            "No variable of the server has the name of a quantity, so no map can be drafted. Expected names such as "
            f"{', '.join(panel.species_names[:3])}. Look around with perfusio opcua browse, and write the map by hand."
        )
    if vessel is not None:
        if vessel not in groups:
            raise ConfigError(f"--vessel {vessel}: expected one of {', '.join(groups)}.")
        groups = {vessel: groups[vessel]}
    names, stems = _common(groups)
    if len(groups) > 1 and not names:
        raise ConfigError(
            f"The server has {len(groups)} vessels, {', '.join(groups)}, whose nodes have no common pattern, so one "
            f"map cannot name them all. Draft one map for each: --vessel {next(iter(groups))}."
        )
    if len(groups) == 1:
        ((only, found),) = groups.items()
        names, stems = {key: _node(some[0]) for key, some in found.items()}, {only: ""}
        if all(only in f.variable.identifier for some in found.values() for f in some):
            names, stems = {key: node.replace(only, "{vessel}") for key, node in names.items()}, {only: only}
    return _written(groups, names, stems, panel, inoculated)


def _groups(variables: Iterable[tuple[Variable, Properties]], panel: Panel) -> dict[str, dict[str, list[Candidate]]]:
    """Return what was found by vessel: objects that hold at least one quantity that is measured or set."""
    by_path: dict[tuple[str, ...], dict[str, list[Candidate]]] = {}
    for variable, properties in variables:
        path = tuple(variable.path.split("/"))
        leaf = normalised(path[-1])
        is_below = leaf in _READ_BELOW | _ASKED_BELOW and len(path) > 1
        label, above = (path[-2], path[:-2]) if is_below else (path[-1], path[:-1])
        key = _key(label, panel, asked=is_below and leaf in _ASKED_BELOW, read=is_below and leaf in _READ_BELOW)
        if key is None or variable.type_name == "Boolean":
            continue
        section, name = key
        place = tuple(part for part in above if normalised(part) not in _STRUCTURE)
        found = Candidate(section=section, name=name, variable=variable, properties=properties)
        by_path.setdefault(place, {}).setdefault(f"{section}.{name}", []).append(found)
    vessels = {p: f for p, f in by_path.items() if any(k.startswith(("measured.", "setpoints.")) for k in f)}
    last = [place[-1] if place else "R01" for place in vessels]
    named = last if len(set(last)) == len(last) else ["_".join(place) or "R01" for place in vessels]
    return dict(zip(named, vessels.values(), strict=True))


def _key(label: str, panel: Panel, *, asked: bool, read: bool) -> tuple[str, str] | None:
    """Return section and key of a variable of that name, None if it is none of the process."""
    names, form = names_of(panel), normalised(label)
    if form in _NUMBERS:
        return "sample", "number"
    if form in _TIMES:
        return "sample", "time"
    if form == _HEARTBEAT:
        return _HEARTBEAT, "node"
    bare, _ = names.split(label)
    species = {s.name for s in panel.species}
    meanings = [label if label in panel.by_name else None, names.meaning_of(label), names.meaning_of(bare)]
    if asked:
        meanings = [names.meaning_of(f"{bare} setpoint"), *meanings]
    for meaning in (m for m in meanings if m is not None and m != TIME.name):
        if meaning in species and not asked:
            return "measured", meaning
        if meaning in panel.setpoint_names and not read:
            return "setpoints", meaning
        twin = next((s.measured_name for s in panel.setpoints if s.name == meaning), None)
        if read and twin in species and twin is not None:
            return "measured", twin
    return None


def _common(groups: Mapping[str, Mapping[str, Sequence[Candidate]]]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the nodes that all vessels have by one pattern with the vessel's name in it, and the stems."""
    patterns = [
        {key: _node(some[0]).replace(name, "{vessel}") for key, some in found.items()} for name, found in groups.items()
    ]
    first = patterns[0]
    same = {k: p for k, p in first.items() if "{vessel}" in p and all(other.get(k) == p for other in patterns[1:])}
    return same, {name: name for name in groups}


def _node(found: Candidate) -> str:
    return found.variable.identifier


def _written(
    groups: Mapping[str, Mapping[str, Sequence[Candidate]]],
    nodes: Mapping[str, str],
    stems: Mapping[str, str],
    panel: Panel,
    inoculated: str | None,
) -> str:
    found = next(iter(groups.values()))
    uris = dict.fromkeys(some[0].variable.namespace for key, some in found.items() if key in nodes)
    aliases = {uri: "rig" if i == 0 else f"rig{i + 1}" for i, uri in enumerate(uris)}
    lines = ["# Drafted by perfusio opcua draft: look through it, then perfusio opcua check.", "[namespaces]"]
    lines += [f"{alias} = {json.dumps(uri)}" for uri, alias in aliases.items()]
    lines += ["", "[vessels]", *(f"{json.dumps(name)} = {json.dumps(stem)}" for name, stem in stems.items())]
    is_counted = "sample.number" in nodes
    has_age = "sample.time" in nodes and found["sample.time"][0].variable.type_name not in ("DateTime", "String")
    if not has_age and inoculated is None:
        raise ConfigError(
            "No node of the server holds the age of the culture in hours, so samples are timed by their source times. "
            "Say when the culture was inoculated, with the offset from UTC: --inoculated 2026-11-02T09:00:00+01:00."
        )
    for section in ("sample", "measured", "setpoints", _HEARTBEAT):
        lines += ["", f"[{section}]"] if section != _HEARTBEAT or f"{_HEARTBEAT}.node" in nodes else []
        for key, node in nodes.items():
            if key.startswith(f"{section}."):
                is_rare = section == "measured" and not is_counted and found[key][0].name in _rare(panel)
                id_ = f"{aliases[found[key][0].variable.namespace]}:{node}"
                lines += _lines(found[key], id_, panel, is_rare=is_rare)
        if section == "sample" and not has_age:
            lines.append(f"inoculated = {inoculated}")
        if section == "measured" and not is_counted and any(f"measured.{n}" in nodes for n in _rare(panel)):
            lines += _RARE
        if section == "setpoints":
            missing = [name for name in panel.setpoint_names if f"setpoints.{name}" not in nodes]
            lines += [f"# {name}: no node was found; add one, or its value: {{ fixed = ... }}" for name in missing]
    return "\n".join(lines) + "\n"


def _rare(panel: Panel) -> frozenset[str]:
    """Return the species that an analyzer may measure less often than a sample is taken."""
    return frozenset(s.name for s in panel.species) - frozenset(panel.critical)


def _lines(some: Sequence[Candidate], node: str, panel: Panel, *, is_rare: bool) -> list[str]:
    """Return the lines of one key: with its unit, a step, and a remark where a person must choose."""
    first, told = some[0], {"node": json.dumps(node)}
    if some[1:]:
        head = f"# {first.name}: {len(some)} nodes have this name. Take away the # of the right one, with its id:"
        return [head, *(f"# {first.name} = {_id(f, node)}  # {f.variable.path}" for f in some)]
    remarks: list[str] = []
    unit, quantity = first.properties.unit, panel.by_name.get(first.name)
    if unit and quantity is not None:
        try:
            scale_of(unit, quantity, lambda text: names_of(panel).factor(first.name, text))
        except PerfusioError:
            remarks.append(f"# {first.name}: the server gives it in {unit}, which is no unit of it: is it another one?")
        else:
            told["unit"] = json.dumps(unit)
    if first.section == "setpoints" and first.properties.precision is not None:
        told["resolution"] = f"{first.properties.precision:g}"
    if is_rare:
        told["unchanged"] = '"missing"'
    if first.section == "setpoints" and first.variable.may_write:
        remarks.append(f"# {first.name} can be written: add write = true where the twin may")
    plain = set(told) == {"node"}
    value = told["node"] if plain else "{ " + ", ".join(f"{k} = {v}" for k, v in told.items()) + " }"
    return [*remarks, f"{first.name} = {value}"]


def _id(found: Candidate, node: str) -> str:
    """Return the node of another candidate, in the namespace of the first."""
    return json.dumps(f"{node.partition(':')[0]}:{found.variable.identifier}")
