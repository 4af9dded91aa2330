"""Vessel: one vessel of an experiment, with its settings where they differ from the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from perfusio.config import DesignSpace, Mode, Objective, RunConfig
from perfusio.errors import ConfigError, ConnectorError, UnreadableSource
from perfusio.protocols import Connector, ConnectorKind, Described, Holding, able


@runtime_checkable
class Rig(Protocol):
    """A source of several vessels: a file with a column ``reactor``, a session, a simulated rig."""

    def vessels(self) -> Mapping[str, Connector]:
        """Return the vessels by reactor id."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Vessel:
    """One vessel of an experiment. A setting left away is that of the experiment.

    Attributes:
        connector: The world behind it.
        clone: Cell line; empty = as the source says.
        objective: Aim of its decisions.
        design_space: Its allowed setpoints.
        mode: Who may write to it.
    """

    connector: Connector
    clone: str = ""
    objective: Objective | tuple[Objective, ...] | None = None
    design_space: DesignSpace | None = None
    mode: Mode | None = None

    def config(self, of_experiment: RunConfig) -> RunConfig:
        """Return the settings of the run as they hold for this vessel."""
        if self.objective is None:
            return of_experiment
        return RunConfig.model_validate({**dict(of_experiment), "objective": self.objective})

    def mode_within(self, of_experiment: RunConfig) -> Mode:
        """Return who may write: as configured, else automatic unless it is hardware."""
        mode = self.mode or of_experiment.mode
        if mode is not None:
            return mode
        return Mode.ADVISORY if self.connector.kind is ConnectorKind.HARDWARE else Mode.AUTOMATIC


UNNAMED = "R01"
"""Name of a vessel that its source does not name."""
Source = Connector | Rig | Mapping[str, "Connector | Vessel"]


def aboard(source: Source) -> dict[str, Vessel]:
    """Return the vessels of an experiment by reactor id, each called as its source calls it.

    Args:
        source: One connector, a source of vessels, or a mapping of reactor id to connector or Vessel. A single
            connector that names no vessel is R01.

    Raises:
        ConfigError: there is none.
    """
    found = dict(source) if isinstance(source, Mapping) else _of_a_source(source)
    if not found:
        raise ConfigError("No vessel to run: `connector` holds none. Give at least one connector.")
    return {reactor: _its_own(reactor, one) for reactor, one in found.items()}


def _its_own(reactor: str, one: Connector | Rig | Vessel) -> Vessel:
    """A source of one vessel stands for that vessel, whose own connector has all that it is able to do."""
    vessel = one if isinstance(one, Vessel) else Vessel(connector=one)  # type: ignore[arg-type]
    if not isinstance(vessel.connector, Rig):
        return vessel
    is_connector = isinstance(vessel.connector, Connector)
    try:
        within = vessel.connector.vessels()
    except ConnectorError:
        if is_connector:  # a file of one vessel that names none
            return vessel
        raise
    if is_connector and (len(within) != 1 or isinstance(next(iter(within.values())), type(vessel.connector))):
        return vessel  # a store of one vessel is that vessel; one of several is refused when it is read
    if len(within) != 1:
        raise ConfigError(
            f"{reactor} is a source of {len(within)} vessels ({', '.join(within)}), expected the connector of one. "
            "Hand over one of its .vessels()."
        )
    return replace(vessel, connector=next(iter(within.values())))


def _of_a_source(source: Connector | Rig) -> Mapping[str, Connector | Vessel]:
    """The vessels that a source names, be it one; each has its own connector, with all that this is able to do."""
    if isinstance(source, Connector):
        try:
            found = source.vessels() if isinstance(source, Rig) else {}
        except UnreadableSource:
            found = {}  # no column `reactor`, or no row yet; if there is more to it, the first reading says so
        return found or {UNNAMED: source}
    return source.vessels()


def holding(vessels: Mapping[str, Vessel], space: DesignSpace) -> dict[str, Vessel]:
    """Return the vessels, each asked for no setpoint that it cannot change: those are held at the value that they have.

    Args:
        vessels: By reactor id.
        space: Allowed setpoints unless a vessel has a design space of its own.
    """
    held = {}
    for reactor, vessel in vessels.items():
        holder = able(vessel.connector, Holding)
        fixed = holder.fixed if holder is not None else {}
        own = vessel.design_space or space
        held[reactor] = replace(vessel, design_space=own.holding(**fixed)) if fixed else vessel
    return held


def clones_of(source: Source) -> list[str]:
    """Return the cell line of each vessel of a source, as a person names it, else as the source does; empty = unknown.

    Raises:
        ConfigError: there is no vessel.
    """
    return [one.clone or _said_by(one.connector) for one in aboard(source).values()]


def _said_by(connector: Connector) -> str:
    described = able(connector, Described)
    return str(described.describe().get("clone", "")) if described is not None else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Common settings of some vessels: they are decided for together.

    Attributes:
        design_space: Allowed setpoints.
        config: Settings of the run.
        reactors: The vessels.
    """

    design_space: DesignSpace
    config: RunConfig
    reactors: tuple[str, ...]


def on_equal_terms(vessels: Mapping[str, Vessel], space: DesignSpace, config: RunConfig) -> Iterator[Terms]:
    """Group vessels by their settings, in the order in which they come.

    Args:
        vessels: By reactor id.
        space: Design space of the experiment.
        config: Settings of the experiment.
    """
    groups: list[Terms] = []
    for reactor, vessel in vessels.items():
        own_space, own = vessel.design_space or space, vessel.config(config)
        for i, terms in enumerate(groups):
            if terms.config == own and terms.design_space == own_space:
                groups[i] = replace(terms, reactors=(*terms.reactors, reactor))
                break
        else:
            groups.append(Terms(design_space=own_space, config=own, reactors=(reactor,)))
    return iter(groups)
