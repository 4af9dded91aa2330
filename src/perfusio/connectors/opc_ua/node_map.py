"""The node map: which OPC UA node is which quantity, written by hand once as a TOML file.

Namespaces are named by their URI, because a server may number them anew each time it starts; an index never stands in
a map. Nodes are read-only unless they say ``write = true``. `docs/how-to/connect-over-opcua.md` shows a map.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any

from perfusio.connectors.opc_ua.scales import Scale, scale_of
from perfusio.connectors.opc_ua.tags import SIGNALS_EVERY_H, NodeMap, Tag, VesselMap
from perfusio.errors import ConfigError, PerfusioError
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.quantities import Quantity, closest, conversion_factor
from perfusio.tables.columns.header_names import names_of

__all__ = ["TIME", "NodeMap", "Tag", "VesselMap", "node_map_of", "read_node_map"]
TIME = Quantity(name="time", unit="h", label="Culture time", low=0.0, high=1e5)
_ID = re.compile(r"(?P<alias>[\w-]+):(?P<identifier>(i=\d+|[sgb]=.+))")
_SECTIONS = ("namespaces", "vessels", "sample", "measured", "signals", "setpoints", "heartbeat")
_TAG_KEYS = ("node", "unit", "factor", "offset", "resolution", "unchanged", "write", "browse_name")
_UNCHANGED = ("measured", "missing")


def read_node_map(path: str | Path, panel: Panel = CHO_PERFUSION) -> NodeMap:
    """Read a node map from a TOML file.

    Args:
        path: Of the file.
        panel: The process whose quantities the nodes hold.

    Raises:
        ConfigError: it cannot be read, or something in it is wrong; all problems are listed.
    """
    file = Path(path).expanduser()
    try:
        content = file.read_bytes()
        data = tomllib.loads(content.decode("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(
            f"{file}: the node map cannot be read: {what}. Expected a TOML file; docs/how-to/connect-over-opcua.md "
            "shows one to start from."
        ) from error
    return node_map_of(data, source=file.name, sha256=hashlib.sha256(content).hexdigest(), panel=panel)


def node_map_of(
    data: Mapping[str, Any], *, source: str = "node map", sha256: str = "", panel: Panel = CHO_PERFUSION
) -> NodeMap:
    """Return the node map that a parsed TOML document says.

    Args:
        data: The document.
        source: Where it was read, for messages.
        sha256: Of the bytes of the file.
        panel: The process whose quantities the nodes hold.

    Raises:
        ConfigError: something in it is wrong; all problems are listed.
    """
    reader = _Reader(data, panel)
    vessels = {name: reader.vessel(name, told) for name, told in reader.table(data, "vessels").items()}
    if not vessels:
        reader.problems.append('[vessels] names no vessel: expected a line such as R01 = "HT1" for each.')
    reader.check_doubles([tag for vessel in vessels.values() for tag in vessel.tags()])
    if reader.problems:
        lines = "\n".join(f"{source}: {problem}" for problem in dict.fromkeys(reader.problems))
        raise ConfigError(f"{lines}\nMend the map; docs/how-to/connect-over-opcua.md explains each key.")
    return NodeMap(vessels=vessels, source=source, sha256=sha256)


class _Reader:
    """Turns the tables of a map into tags, and gathers their faults."""

    def __init__(self, data: Mapping[str, Any], panel: Panel) -> None:
        self.problems: list[str] = []
        self._data, self._panel = data, panel
        self._species = {s.name: s for s in panel.species}
        self._setpoints = {s.name: s for s in panel.setpoints}
        self._known(data, _SECTIONS, "the map")
        self._namespaces, self._unchanged = self.table(data, "namespaces"), "measured"

    def table(self, data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        found = data.get(key, {})
        if isinstance(found, Mapping):
            return found
        self.problems.append(f"{key} = {found!r}: expected a table [{key}].")
        return {}

    def vessel(self, reactor: str, told: object) -> VesselMap:
        given = told if isinstance(told, Mapping) else {"tag": told}
        self._known(given, ("tag", "clone"), f"vessels.{reactor}")
        stem = str(given.get("tag", reactor))
        sample = self.table(self._data, "sample")
        self._known(sample, ("number", "time", "inoculated", "unchanged"), "[sample]")
        self._unchanged = sample.get("unchanged", "measured")
        number = self._tag("number", sample["number"], stem, None) if "number" in sample else None
        time = self._tag("time", sample["time"], stem, TIME) if "time" in sample else None
        measured, setpoints = self.table(self._data, "measured"), self.table(self._data, "setpoints")
        self._known(measured, tuple(self._species), "[measured]")
        self._known(setpoints, tuple(self._setpoints), "[setpoints]")
        fixed = {n: v["fixed"] for n, v in setpoints.items() if isinstance(v, Mapping) and "fixed" in v}
        signals, every_h = self._signals(measured)
        # that node holds the age of the sample, not that of a reading; or a date, which is counted from inoculation
        has_age = time is not None and not signals and "inoculated" not in sample
        return VesselMap(
            reactor=reactor,
            clone=str(given.get("clone", "")),
            number=number,
            time=time,
            inoculated=None if has_age else self._inoculated(reactor, sample.get("inoculated"), bool(signals)),
            measured=dict(self._tags(measured, stem, self._species)),
            signals=dict(self._tags(signals, stem, self._species)),
            signals_every_h=every_h,
            setpoints=dict(self._tags({n: setpoints[n] for n in setpoints if n not in fixed}, stem, self._setpoints)),
            fixed={n: self._fixed(n, v, setpoints[n]) for n, v in fixed.items() if n in self._setpoints},
            heartbeat=self._heartbeat(stem),
            panel=self._panel,
        )

    def _signals(self, measured: Mapping[str, Any]) -> tuple[dict[str, Any], float]:
        """Return the nodes of on-line signals by name, and how often they are taken [h]."""
        section = self.table(self._data, "signals")
        known = self._panel.of_role("signal")
        self._known(section, ("every_hours", *known), "[signals]")
        if section and not known:
            self.problems.append(
                "[signals]: the process has no on-line signal. Declare a species of the role signal in process.toml."
            )
        for name in sorted(section.keys() & measured.keys()):
            self.problems.append(f"{name}: expected under [measured], read with a sample, or [signals], not both.")
        every = section.get("every_hours", SIGNALS_EVERY_H)
        if not _is_number(every) or not every > 0:
            self.problems.append(f"[signals] every_hours = {every!r}: expected a number of hours above 0.")
            every = SIGNALS_EVERY_H
        return {name: told for name, told in section.items() if name in known}, float(every)

    def _heartbeat(self, stem: str) -> Tag | None:
        """The one node beside setpoints that is written; vessels of one controller may share it."""
        section = self.table(self._data, "heartbeat")
        self._known(section, ("node",), "[heartbeat]")
        tag = self._tag("heartbeat", section["node"], stem, None) if "node" in section else None
        return None if tag is None else replace(tag, write=True)

    def check_doubles(self, tags: list[Tag]) -> None:
        """Two quantities from one node are a slip of the pen, or a vessel that was copied and not renamed."""
        seen: dict[tuple[str, str], Tag] = {}
        for tag in tags:
            other = seen.setdefault((tag.namespace, tag.identifier), tag)
            names = {tag.name, other.name}
            if names == {"number", "time"}:
                continue  # the time of a sample tells samples apart, too
            if other is not tag and tag.identifier and names != {"heartbeat"}:
                where = f"{tag.identifier} of {tag.namespace}"
                named = f"as {other.name} and {tag.name}"
                self.problems.append(f"{where} is named twice, {named}: expected a node of its own for each.")

    def _tags(self, section: Mapping[str, Any], stem: str, known: Mapping[str, Quantity]) -> Iterator[tuple[str, Tag]]:
        for name, told in section.items():
            if name in known and (tag := self._tag(name, told, stem, known[name])) is not None:
                yield name, tag

    def _tag(self, name: str, told: object, stem: str, quantity: Quantity | None) -> Tag | None:
        given = told if isinstance(told, Mapping) else {"node": told}
        self._known(given, _TAG_KEYS, name)
        text = str(given.get("node", "")).replace("{vessel}", stem)
        match = _ID.fullmatch(text)
        if match is None:
            expected = 'expected NAMESPACE:s=TEXT or NAMESPACE:i=NUMBER, e.g. "rig:s={vessel}.VCD"'
            self.problems.append(f"{name}: node {text!r} is no node id: {expected}.")
            return None
        alias = match["alias"]
        if alias not in self._namespaces:
            near = closest(alias, tuple(self._namespaces))
            add = f'Add {alias} = "its URI"'
            self.problems.append(f"{name}: namespace {alias!r} is not in [namespaces].{near} {add}.")
            return None
        writes = given.get("write", False)
        if not isinstance(writes, bool) or (writes and name not in self._setpoints):
            self.problems.append(f"{name}: write = {writes!r}: expected true or false, and true for setpoints only.")
        factor, offset = self._scale(name, given, quantity)
        return Tag(
            name=name,
            namespace=str(self._namespaces[alias]),
            identifier=match["identifier"],
            factor=factor,
            offset=offset,
            resolution=self._resolution(name, given),
            stays_measured=self._stays(name, given.get("unchanged", self._unchanged)),
            is_told=bool({"unit", "factor", "offset"} & given.keys()),
            write=writes is True,
            browse_name=str(given["browse_name"]) if "browse_name" in given else None,
        )

    def _scale(self, name: str, given: Mapping[str, Any], quantity: Quantity | None) -> Scale:
        for key in ("factor", "offset"):
            if "unit" in given and key in given:
                self.problems.append(f"{name}: both unit and {key} are given: expected one of them.")
        if "unit" in given and quantity is not None:
            try:
                return scale_of(str(given["unit"]), quantity, lambda unit: self._unit(name, unit, quantity))
            except PerfusioError as error:
                self.problems.append(f"{name}: {error}")
                return 1.0, 0.0
        factor, offset = given.get("factor", 1.0), given.get("offset", 0.0)
        if not _is_number(factor) or not factor > 0:
            self.problems.append(f"{name}: factor = {factor!r}: expected a number above 0.")
            factor = 1.0
        if not _is_number(offset):
            self.problems.append(f"{name}: offset = {offset!r}: expected a number in {quantity and quantity.unit}.")
            offset = 0.0
        return float(factor), float(offset)

    def _resolution(self, name: str, given: Mapping[str, Any]) -> float:
        step = given.get("resolution", 0.0)
        if not _is_number(step) or step < 0 or (step and name not in self._setpoints):
            expected = "expected the step of the controller above 0, in the unit of the node, and for setpoints only"
            self.problems.append(f"{name}: resolution = {step!r}: {expected}.")
            return 0.0
        return float(step)

    def _stays(self, name: str, told: object) -> bool:
        if told not in _UNCHANGED:
            self.problems.append(f"{name}: unchanged = {told!r}: expected {' or '.join(map(repr, _UNCHANGED))}.")
        return told != "missing"

    def _unit(self, name: str, unit: str, quantity: Quantity) -> float:
        """A flow may be a volume per time, where the process declares the volume."""
        is_asked = name in self._setpoints
        return names_of(self._panel).factor(name, unit) if is_asked else conversion_factor(unit, quantity)

    def _fixed(self, name: str, value: object, given: Mapping[str, Any]) -> float:
        quantity = self._setpoints[name]
        if _is_number(value) and {"unit", "factor"} & given.keys():
            factor, offset = self._scale(name, given, quantity)
            value = factor * float(str(value)) + offset
        if not _is_number(value) or not quantity.low <= float(str(value)) <= quantity.high:
            expected = f"expected a number of {quantity.unit} from {quantity.low:g} to {quantity.high:g}"
            self.problems.append(f"{name}: fixed = {value!r}: {expected}.")
            return quantity.low
        return float(str(value))

    def _inoculated(self, reactor: str, told: object, has_signals: bool) -> datetime | None:
        found = told.get(reactor) if isinstance(told, Mapping) else told
        if isinstance(found, datetime) and found.tzinfo is not None:
            return found
        expected = 'expected time = "NAMESPACE:s=..." or inoculated = 2026-11-02T09:00:00+01:00 (with its offset)'
        if has_signals:
            expected = "its readings are timed from inoculated = 2026-11-02T09:00:00+01:00 (with its offset) on"
            self.problems.append(f"[signals] of {reactor} have no culture time (found {found!r}): {expected}.")
            return None
        self.problems.append(f"[sample] gives no culture time for {reactor} (found {found!r}): {expected}.")
        return None

    def _known(self, given: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
        if where in self._setpoints:
            known = (*known, "fixed")
        for key in given:
            if key not in known:
                near = closest(key, known)
                self.problems.append(f"{where}: {key!r} is not known.{near} Known: {', '.join(known)}.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
