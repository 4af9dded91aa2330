"""Changes of the vessels of a run: begun, joined, left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perfusio.config import Mode
from perfusio.events import (
    Event,
    RunStarted,
    VesselJoined,
    VesselLeft,
)
from perfusio.frozen import changed as replace
from perfusio.record.run_state import RunState, with_history
from perfusio.record.vessel_history import begun as vessels_begun
from perfusio.record.vessel_history import process_of


def started(run_state: RunState, event: RunStarted) -> RunState:
    """The process and the vessels of a run are known, with who may write to each."""
    run_state = replace(run_state, process=process_of(event.config))
    modes = event.config["modes"]
    return _seated(run_state, event, {reactor: (source, modes[reactor]) for reactor, source in event.sources.items()})


def joined(run_state: RunState, event: VesselJoined) -> RunState:
    """One more vessel takes part."""
    return _seated(run_state, event, {str(event.reactor): (event.source, event.mode)})


def _seated(run_state: RunState, event: Event, asked: Mapping[str, tuple[Any, str]]) -> RunState:
    for reactor, history in vessels_begun(event, run_state.run_id, run_state.process).items():
        source, mode = asked[reactor]
        run_state = replace(
            with_history(run_state, reactor, history),
            kinds={**run_state.kinds, reactor: str(source["kind"])},
            modes={**run_state.modes, reactor: Mode(mode)},
            noted={**run_state.noted, reactor: Mode(mode)},
        )
    return run_state


def left(run_state: RunState, event: VesselLeft) -> RunState:
    """A vessel takes part no more; its data stay."""
    return replace(run_state, left=run_state.left | {str(event.reactor)})
