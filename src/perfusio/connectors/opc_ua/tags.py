"""Tags: the nodes of a server by the quantity that each holds, as a node map names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.quantities import without_dust

SIGNALS_EVERY_H = 1.0
"""How often on-line signals are taken, if the map does not say [h]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """One node and its quantity.

    Attributes:
        name: Quantity or setpoint, or ``"number"`` or ``"time"``.
        namespace: URI of its namespace.
        identifier: Identifier in that namespace, e.g. ``"s=HT1.VCD"``.
        factor: The node's value times this, plus the offset, is in the canonical unit.
        offset: As above; of a temperature in K, or in degF.
        resolution: Step in which the controller keeps a setpoint, in the unit of the node; 0 = to seven digits.
        stays_measured: Whether a value that did not change since the sample before was measured again.
        is_told: Whether the map says the unit, or the factor to it.
        write: Whether perfusio may write it.
        browse_name: Name that the node must have; None = the one it had when it was first seen.
    """

    name: str
    namespace: str
    identifier: str
    factor: float = 1.0
    offset: float = 0.0
    resolution: float = 0.0
    stays_measured: bool = True
    is_told: bool = False
    write: bool = False
    browse_name: str | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.identifier})"

    def canonical(self, raw: float) -> float:
        """Return the value of the node in the canonical unit of its quantity."""
        return self.factor * raw + self.offset

    def raw(self, value: float) -> float:
        """Return a canonical value in the unit of the node, in its steps."""
        exact = (value - self.offset) / self.factor
        return without_dust(round(exact / self.resolution) * self.resolution if self.resolution else exact)

    def step_between(self, old: float, asked: float) -> float:
        """Return a canonical value as the nearest step of the node [its unit] that lies no further from the old one.

        Both keep to the bounds, so no step in between leaves them; the nearest one might.
        """
        raw = self.raw(asked)
        beyond = self.canonical(raw) - asked
        if self.resolution and abs(beyond) > 1e-6 * self.within and beyond * (asked - old) > 0:
            raw -= self.resolution if beyond > 0 else -self.resolution
        return without_dust(raw)

    @property
    def within(self) -> float:
        """By how much a setpoint may be read back differently and still be in force, canonical unit."""
        return abs(self.factor) * self.resolution


@dataclass(frozen=True, slots=True, kw_only=True)
class VesselMap:
    """The nodes of one vessel.

    Attributes:
        reactor: Its name in perfusio.
        clone: Cell line, empty where the map does not say.
        number: Node that changes with each sample, or None: a later source time makes a sample new.
        time: Node that holds the culture time of the sample, or None.
        inoculated: Start of the culture, from which source times are counted; where there is a node for the time of the
            sample, only signals are.
        measured: Nodes of measurements, by quantity.
        signals: Nodes that a sensor keeps up to date, by quantity; read every `signals_every_h`, without a sample.
        signals_every_h: Between two readings of them [h].
        setpoints: Nodes of setpoints, by name.
        fixed: Setpoints that the vessel does not offer as nodes, with the value that it always has.
        heartbeat: Node in which a controller can watch whether perfusio is there, or None.
        panel: The process whose quantities these are.
    """

    reactor: str
    clone: str = ""
    number: Tag | None = None
    time: Tag | None = None
    inoculated: datetime | None = None
    measured: Mapping[str, Tag]
    signals: Mapping[str, Tag] = field(default_factory=dict)
    signals_every_h: float = SIGNALS_EVERY_H
    setpoints: Mapping[str, Tag]
    fixed: Mapping[str, float] = field(default_factory=dict)
    heartbeat: Tag | None = None
    panel: Panel = CHO_PERFUSION

    def sample_tags(self) -> tuple[Tag, ...]:
        """Return the tags of one sample."""
        return (*(tag for tag in (self.number, self.time) if tag is not None), *self.measured.values())

    def looked_at(self) -> tuple[Tag, ...]:
        """Return the tags that are read in a look for news."""
        return (*self.sample_tags(), *self.signals.values())

    def tags(self) -> tuple[Tag, ...]:
        """Return all nodes of the vessel."""
        watched = () if self.heartbeat is None else (self.heartbeat,)
        return (*self.looked_at(), *self.setpoints.values(), *watched)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeMap:
    """The nodes of all vessels of one server.

    Attributes:
        vessels: By reactor.
        source: Where the map was read, for messages.
        sha256: Of the bytes of the file; empty for a map that was not read from one.
    """

    vessels: Mapping[str, VesselMap]
    source: str = "node map"
    sha256: str = ""
