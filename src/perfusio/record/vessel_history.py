"""VesselHistory: the samples of one vessel and its setpoints in force, as the events of a record tell them. Pure.

This is the only place that says how a sample, a correction or a write changes them: the twin, its resume, exports,
figures and the mirror in a database all fold the events here, so none of them can show a value that another has
replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import nan
from typing import Any

from perfusio.config import DesignSpace
from perfusio.errors import AuditError, PerfusioError
from perfusio.events import (
    Event,
    OverrideDetected,
    RunStarted,
    SampleAccepted,
    SampleCorrected,
    SampleRead,
    SetpointsFound,
    SetpointsWritten,
    VesselJoined,
    WritePartial,
    WriteRefused,
    WriteRestored,
    WriteUnknown,
)
from perfusio.frozen import changed
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.document import panel_of
from perfusio.process.panel import Panel
from perfusio.protocols import ConnectorKind
from perfusio.state import Setpoints, State
from perfusio.trajectory import Trajectory


@dataclass(frozen=True, kw_only=True)  # no slots: `changed` copies it with each event
class VesselHistory:
    """History of one vessel.

    Attributes:
        trajectory: Samples and setpoints so far.
        in_force: Setpoints in force since the latest sample.
        assumed: Setpoints among them that nobody confirmed.
        shown: Setpoints in force as the vessel itself last showed them, NaN where it never did.
        is_replay: Whether history is read: then that stays as it was, whatever is written.
    """

    trajectory: Trajectory
    in_force: Setpoints = field(default_factory=Setpoints)
    assumed: tuple[str, ...] = ()
    shown: Setpoints = field(default_factory=Setpoints)
    is_replay: bool = False

    def holding(self, setpoints: Setpoints, assumed: tuple[str, ...] = ()) -> VesselHistory:
        """Return the history in which these setpoints hold from now on; `assumed` of them is not confirmed."""
        said = setpoints.with_values(**dict.fromkeys(assumed, nan)) if assumed else setpoints
        is_same = self.shown.panel is setpoints.panel or self.shown.panel == setpoints.panel
        shown = said.filled_from(self.shown if is_same else Setpoints(panel=setpoints.panel))[0]
        return changed(self, in_force=setpoints, assumed=assumed, shown=shown)

    def showing(self, found: Setpoints) -> VesselHistory:
        """Return the history in which the vessel shows these; others are assumed to be as before."""
        return self.holding(*found.filled_from(self.in_force))

    def observing(self, sample: State) -> VesselHistory:
        """Return the history with one more sample.

        Late values of a known time fill the missing ones, and change nothing else.
        """
        known, states = self.trajectory.at(sample.time_h), self.trajectory.states
        if known is not None:
            longer = self.trajectory.with_state(_filled(known, sample))
        elif states and sample.time_h < states[-1].time_h:
            longer = self.trajectory.insert(sample)  # accepted late
        else:
            longer = self.trajectory.observe(sample, self.in_force)
        return changed(self, trajectory=longer)


def _filled(state: State, late: State) -> State:
    new = {name: value for name, value in late.measured().items() if name not in state.measured()}
    return replace(state.with_values(**new), quality={**late.quality, **state.quality})


def begun(event: Event, run_id: str, process: Panel = CHO_PERFUSION) -> dict[str, VesselHistory]:
    """Return the histories that begin with an event, by vessel: all at the start of a run, one when a vessel joins.

    Nothing is known of a vessel then but where it is meant to start.

    Args:
        event: Any.
        run_id: Of the run.
        process: Of the run; see `process_of`.
    """
    if isinstance(event, RunStarted):
        own = event.config.get("vessels", {})
        asked = {name: {**event.config, **own.get(name, {})} for name in event.sources}
        return {name: _begun(name, source, asked[name], run_id, process) for name, source in event.sources.items()}
    if isinstance(event, VesselJoined):
        reactor = str(event.reactor)
        return {reactor: _begun(reactor, event.source, event.config, run_id, process)}
    return {}


def process_of(config: Mapping[str, Any]) -> Panel:
    """Return the process of a run by the config in its RunStarted.

    Raises:
        AuditError: it is one that this version cannot read.
    """
    run = config.get("run")
    try:
        return panel_of(run.get("process") if isinstance(run, Mapping) else None)
    except (PerfusioError, TypeError, ValueError, KeyError, AttributeError) as error:
        raise AuditError(
            f"The process of this run cannot be read: {error} If a newer perfusio recorded it, read it with that one."
        ) from error


def _begun(
    reactor: str, source: Mapping[str, Any], asked: Mapping[str, Any], run_id: str, process: Panel
) -> VesselHistory:
    empty = Trajectory(reactor_id=reactor, run_id=run_id, clone=str(source.get("clone", "")))
    is_replay = source.get("kind") == ConnectorKind.REPLAY
    nominal = DesignSpace(**asked["design_space"], process=process).nominal
    return VesselHistory(trajectory=empty, is_replay=is_replay).holding(nominal, nominal.panel.setpoint_names)


def after(history: VesselHistory, event: Event) -> VesselHistory:
    """Return the history of a vessel once an event of that vessel is a fact."""
    change = CHANGES.get(type(event))
    return history if change is None else change(history, event)


def _read(history: VesselHistory, event: SampleRead) -> VesselHistory:
    history = history.holding(event.in_force, event.assumed).observing(event.state)
    return history if event.next_in_force is None else history.holding(event.next_in_force, event.next_assumed)


def _accepted(history: VesselHistory, event: SampleAccepted) -> VesselHistory:
    return history.observing(event.state)


def _corrected(history: VesselHistory, event: SampleCorrected) -> VesselHistory:
    """The sample of that time is replaced; the setpoints between samples stay."""
    return changed(history, trajectory=history.trajectory.with_state(event.state))


def _found(history: VesselHistory, event: SetpointsFound) -> VesselHistory:
    return history.showing(event.found)


def _ended_with(name: str) -> Callable[[VesselHistory, Any], VesselHistory]:
    """Return the change by a write that has ended: the setpoints in this field of the event are in force."""

    def change(history: VesselHistory, event: Event) -> VesselHistory:
        found: Setpoints | None = getattr(event, name)
        return history if found is None or history.is_replay else history.showing(found)

    return change


def _unknown(history: VesselHistory, event: WriteUnknown) -> VesselHistory:
    """The request of the write may still come about, so nothing is confirmed until the vessel is read."""
    if event.read_back is None:
        return history.holding(history.in_force, history.in_force.panel.setpoint_names)
    return history if history.is_replay else history.showing(event.read_back)


CHANGES: dict[type[Event], Callable[[VesselHistory, Any], VesselHistory]] = {
    SampleRead: _read,
    SampleAccepted: _accepted,
    SampleCorrected: _corrected,
    SetpointsFound: _found,
    SetpointsWritten: _ended_with("acknowledged"),
    WriteRefused: _ended_with("read_back"),
    WriteRestored: _ended_with("restored"),
    WritePartial: _ended_with("read_back"),
    OverrideDetected: _ended_with("found"),
    WriteUnknown: _unknown,
}
"""By event: its change in the history of its vessel."""
