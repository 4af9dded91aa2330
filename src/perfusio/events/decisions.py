"""Events of decisions: a doubtful target, a decision, a forecast without one, a proposal not written, who decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import nan

from perfusio.events.base import Event, Json
from perfusio.state import Setpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class AimDoubted(Event):
    """At the start: the model sees no way to hold the target for long. The run goes on; `remedies` would help."""

    binding: str
    remedies: tuple[str, ...]
    growth: Json
    window: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided(Event):
    """Setpoints were proposed; both forecasts as mean, sd and intervals (never samples). `key` names the decision.

    `plan` holds each setpoint in the intervals to come, under which `chosen` was made; its last value stays.
    """

    key: str
    setpoints: Setpoints
    chosen: Json
    hold: Json
    why: Json
    acquisition: str
    score: float
    model_id: str
    plan: Json = field(default_factory=dict)

    @property
    def planned(self) -> tuple[Setpoints, ...]:
        """Setpoints of the intervals to come, at least one; the last one stays."""
        rows = [dict(zip(self.plan, row, strict=True)) for row in zip(*self.plan.values(), strict=True)]
        return tuple(Setpoints.of_values(self.setpoints.panel, row) for row in rows) or (self.setpoints,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecasted(Event):
    """A forecast without a decision (a missing sample, or the last day), under the setpoints in force."""

    hold: Json
    model_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld(Event):
    """Nothing was written this turn: ADVISE (shown only) or HOLD (unusable), with the reasons."""

    action: str
    because: tuple[str, ...]
    setpoints: Setpoints | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeciderChanged(Event):
    """Another decides for a vessel from now on: the twin, or the model-free MPC that stands in for it.

    `cause` is a word for what led to it, `who` the person who said so, `target` the density that the MPC holds.
    """

    before: str
    decider: str
    cause: str
    who: str = ""
    target: float = nan
