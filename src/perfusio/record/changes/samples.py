"""Changes by samples, and by the model's work on them."""

from __future__ import annotations

from math import isfinite

from perfusio.events import (
    ConnectorFailed,
    ConnectorRecovered,
    Event,
    SampleAccepted,
    SampleQuarantined,
    SampleRead,
    WaitBegan,
)
from perfusio.frozen import changed as replace
from perfusio.record.changes.mappings import without
from perfusio.record.run_state import READ, RunState


def read(run_state: RunState, event: SampleRead) -> RunState:
    """A sample of a vessel came; the first one is its start, and advice from before it is too old."""
    reactor = str(event.reactor)
    run_state = _waits_no_more(run_state, str(event.reactor)) if not event.extra else run_state
    starts = {reactor: (event.turn or 0, event.state.time_h), **run_state.starts}
    if event.extra:
        return replace(run_state, starts=starts)
    today = replace(run_state.today, sampled=run_state.today.sampled | {reactor})
    return replace(
        run_state, starts=starts, today=today, n_samples=run_state.n_samples + 1,
        advised=without(run_state.advised, reactor),
    )  # fmt: skip


def corrected(run_state: RunState, _: Event) -> RunState:
    """A value that the model learnt from is another one now: a refit is due."""
    return replace(run_state, today=replace(run_state.today, is_corrected=True))


def quarantined(run_state: RunState, event: SampleQuarantined) -> RunState:
    """A sample waits for a person; one without a time can never be accepted."""
    name = (str(event.reactor), event.state.time_h)
    if not isfinite(event.state.time_h):
        return run_state
    return replace(run_state, quarantined={**run_state.quarantined, name: event.state})


def accepted(run_state: RunState, event: SampleAccepted) -> RunState:
    """A sample that waited is in use now: a refit is due."""
    name = (str(event.reactor), event.state.time_h)
    waiting = without(run_state.quarantined, name)
    today = replace(run_state.today, is_corrected=True)
    return replace(run_state, quarantined=waiting, today=today)


def waits(run_state: RunState, event: WaitBegan) -> RunState:
    """Vessels are waited for since a time that is on record."""
    return replace(run_state, waits={**run_state.waits, **dict.fromkeys(event.reactors, event)})


def _waits_no_more(run_state: RunState, reactor: str) -> RunState:
    """A turn has its sample, or has ended without it."""
    return replace(run_state, waits=without(run_state.waits, reactor)) if reactor in run_state.waits else run_state


def missing(run_state: RunState, event: Event) -> RunState:
    """The turn of a vessel has ended without its sample."""
    run_state = _waits_no_more(run_state, str(event.reactor))
    return replace(run_state, today=replace(run_state.today, missed=run_state.today.missed | {str(event.reactor)}))


def conditioned(run_state: RunState, _: Event) -> RunState:
    """The model has taken in the samples of this turn."""
    return replace(run_state, today=replace(run_state.today, is_conditioned=True))


def rejected(run_state: RunState, event: Event) -> RunState:
    """An update that failed is over, too: it is not tried again for that turn."""
    return (fitted if run_state.today.is_conditioned else conditioned)(run_state, event)


def fitted(run_state: RunState, _: Event) -> RunState:
    """The refit of this turn is done with."""
    return replace(run_state, today=replace(run_state.today, is_fitted=True))


def failed(run_state: RunState, event: ConnectorFailed) -> RunState:
    """The samples of a vessel cannot be read."""
    if event.operation != READ:
        return run_state
    return replace(run_state, failing=run_state.failing | {str(event.reactor)})


def recovered(run_state: RunState, event: ConnectorRecovered) -> RunState:
    """They can be read again."""
    if event.operation != READ:
        return run_state
    return replace(run_state, failing=run_state.failing - {str(event.reactor)})
