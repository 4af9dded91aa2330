"""Events of samples: read, late, refused, corrected, accepted; and of the sources that they come from."""

from __future__ import annotations

from dataclasses import dataclass

from perfusio.events.base import Event
from perfusio.state import Setpoints, State


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRead(Event):
    """A sample was taken; `in_force` held since the one before, `assumed` of it is not confirmed; `next_` holds now."""

    state: State
    in_force: Setpoints
    assumed: tuple[str, ...] = ()
    next_in_force: Setpoints | None = None
    next_assumed: tuple[str, ...] = ()
    extra: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleMissing(Event):
    """An expected sample did not come (`expected_h` hours after the start)."""

    expected_h: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleQuarantined(Event):
    """A sample came and was refused; nothing was learnt from it."""

    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleCorrected(Event):
    """A known sample has other values now: the former ones count no more. `corrects` is the number of its record."""

    state: State
    corrects: int
    who: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleAccepted(Event):
    """A person took a sample into use that was quarantined; it counts from the next update of the model."""

    state: State
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorFailed(Event):
    """One vessel's link or source failed; the others go on."""

    operation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorRecovered(Event):
    """A failed operation works again, after `seconds`; nothing was lost if the reason does not say so."""

    operation: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitBegan(Event):
    """A sample has been waited for longer than a minute: since when, when it was due, when its turn ends without it.

    Times are ISO 8601 in UTC; empty where there is none. The end of the wait is the record of the sample.
    """

    reactors: tuple[str, ...]
    since: str
    due: str
    until: str
