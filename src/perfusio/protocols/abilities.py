"""Optional abilities of a connector, each a protocol of its own, and how to ask for one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar, runtime_checkable

from perfusio.process.panel import Panel
from perfusio.protocols.connector import Connector, ConnectorKind
from perfusio.state import Setpoints, State

A = TypeVar("A")


def able(connector: object, ability: type[A]) -> A | None:
    """Return a connector as one that has an optional ability, None if it has not: the one place where that is asked.

    It is asked of a vessel's own connector, never of a source of several: `perfusio.twin.vessels.aboard` has seen to
    that, so one vessel alone has the abilities that it has as one of many.

    Args:
        connector: Of one vessel.
        ability: `Reporting`, `Beating`, `Described`, `Dated`, `Resumable`, ...
    """
    return connector if isinstance(connector, ability) else None


@runtime_checkable
class Beating(Protocol):
    """A connector through which a controller can watch whether perfusio is there."""

    @property
    def is_watched(self) -> bool:
        """Whether there is a place for the heartbeat."""
        ...

    async def beat(self, count: int) -> None:
        """Show a number that is another at each call, at once or not at all.

        Raises:
            NotConnected: it could not be shown.
        """
        ...


BEATS_EVERY_S = 10.0
"""How often a twin shows through `Beating` that it is there."""


@runtime_checkable
class Described(Protocol):
    """A connector that can say where its samples come from."""

    def describe(self) -> dict[str, Any]:
        """Return plain data for the record, e.g. path, hash and columns of a file, and its ``clone`` if it knows it."""
        ...


@runtime_checkable
class Holding(Protocol):
    """A connector to a vessel that cannot change some of its setpoints."""

    @property
    def fixed(self) -> Mapping[str, float]:
        """Return these setpoints by name with the value that they always have, canonical unit: decisions hold it."""
        ...


@runtime_checkable
class Dated(Protocol):
    """A connector to a living source that knows the dates of its samples."""

    @property
    def began(self) -> datetime | None:
        """When culture time 0 was; None where nothing says so. Without a zone, it is the time of this machine."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a run stood with one vessel when an earlier program ended.

    Attributes:
        states: Samples that are known, in order of time, as they are believed now: corrections included. A value that
            came and was not used is NaN, with a remark that holds it (NOT_USED).
        refused: Samples that were quarantined and not accepted since.
        in_force: Setpoints since the latest sample, as far as they are known.
        done: Setpoints that our last write left in force; None where there was none, or somebody else changed it since.
        source: The connector's description of its source when the run began (`Described.describe`).
    """

    states: tuple[State, ...]
    refused: tuple[State, ...]
    in_force: Setpoints
    done: Setpoints | None
    source: Mapping[str, Any]


@runtime_checkable
class Resumable(Protocol):
    """A connector that can go on where an earlier program stood."""

    def goes_on(self, standing: Standing) -> None:
        """Take over the reads and writes of an earlier program, before the first call of this one.

        Afterwards `read_sample` returns the news since then: a sample, late value or correction that is not in
        `standing.states`, and no value that was refused; a write is for the latest sample known.

        Raises:
            UnreadableSource: this is another source than the one that was read before.
        """
        ...


@runtime_checkable
class Following(Protocol):
    """A connector that can say whether it waits for samples that are still to be taken; hardware always does."""

    @property
    def follows(self) -> bool:
        """Whether the source grows: a file, folder or table that is followed."""
        ...


@runtime_checkable
class Looking(Protocol):
    """A connector that looks at its source now and then: how long it needs to find that something is wrong with it."""

    @property
    def looks_every_s(self) -> float:
        """Return the time between two looks [s]."""
        ...


@runtime_checkable
class NamedByRows(Protocol):
    """A source whose rows name its vessels: while one that grows has no row, nobody knows their names."""

    @property
    def name(self) -> str:
        """Name of the source, for messages."""
        ...

    async def first_rows(self) -> None:
        """Return once there is a row, at once where none is waited for; no sample is handed out.

        Raises:
            SampleOverdue: none came in time.
            ConnectorError: the source cannot be read.
        """
        ...

    async def reactors(self) -> Collection[str]:
        """Return the names of all vessels of the source, as last read: also of those that nobody reads.

        Raises:
            ConnectorError: the source cannot be read.
        """
        ...

    def called(self, reactor: str) -> Connector:
        """Return the vessel of this name, whether a row of it has come or not."""
        ...


@runtime_checkable
class UnitsTold(Protocol):
    """A connector that knows whether the units of its values are sure."""

    @property
    def untold_units(self) -> Collection[str]:
        """Return the quantities whose unit nobody told: their first values are held against what cultures have."""
        ...


def untold_units(connector: Connector, panel: Panel) -> frozenset[str]:
    """Return the measured quantities of a vessel whose unit nobody told; a simulation knows its own.

    Args:
        connector: To the vessel; one that does not say is asked about all quantities.
        panel: The process of the run.
    """
    if connector.kind is ConnectorKind.SIMULATED:
        return frozenset()
    told = able(connector, UnitsTold)
    measured = frozenset(s.name for s in panel.species)
    return measured if told is None else measured & frozenset(told.untold_units)


def is_live(connector: Connector) -> bool:
    """Whether the samples of a vessel are still to be taken, so that its turns pass with the clock.

    Args:
        connector: To the vessel; a replay of a finished run, and a simulation, are as fast as they are.
    """
    return connector.kind is ConnectorKind.HARDWARE or (isinstance(connector, Following) and connector.follows)
