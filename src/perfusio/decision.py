"""Decision, Reason, Verdict: the next setpoints, why, and whether they may be written."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from math import nan

from perfusio.forecast import Forecast
from perfusio.state import Setpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A choice that was weighed.

    Attributes:
        setpoints: Setpoints of the choice.
        destination: First destination of its plan.
        gain: Expected gain in score over holding; where a target is held, distance to limits is part of it.
        gains: The same by objective, weighted.
        expected: Mean of each objective's quantity at the end of its horizon, canonical units.
        limiting: The constraint with the least margin, in words.
        probability: Of keeping that on its worst day.
        why: Why it was not taken; empty for one that was not compared.
    """

    setpoints: Setpoints
    destination: Setpoints
    gain: float
    gains: tuple[float, ...]
    expected: tuple[float, ...]
    limiting: str
    probability: float
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why these setpoints, as data and in one sentence.

    Attributes:
        text: One sentence for a person.
        improvement: Expected gain in score over holding the setpoints in force.
        limiting: The constraint with the least margin, in words.
        limiting_probability: Probability of keeping it on its worst day.
        feasible: Whether every constraint is kept with its stated probability.
        support: How close the forecast is to the training data, at its furthest within the horizon: 1 = much
            like it, 0 = nothing like it was seen; NaN where the model does not say.
        margin: Distance of the mean forecast from the limit of `limiting` on its worst day, in its unit; NaN without
            limits.
        margin_cost: Expected gain given up for it: how much more the best choice seen would gain that keeps every limit
            on average but not as surely as asked. A lower bound: the search does not look there.
        disturbance: Estimated drift of the quantity of `limiting` beside all that the model foresees, in its unit
            per day; it is part of every forecast. NaN for a derived quantity, or where the model does not say.
        disturbance_sd: Its standard deviation.
        exploration: Expected gain given up for learning: that of the best choice by expectation less that of this one.
        rejected: The best alternatives, and why they were not taken.
        front: With several objectives, the choices that no other beats on all of them.
    """

    text: str
    improvement: float
    limiting: str
    limiting_probability: float
    feasible: bool
    support: float = nan
    margin: float = nan
    margin_cost: float = 0.0
    disturbance: float = nan
    disturbance_sd: float = nan
    exploration: float = 0.0
    rejected: tuple[Option, ...] = ()
    front: tuple[Option, ...] = ()

    def __repr__(self) -> str:
        """Say the sentence; the numbers are attributes."""
        return f"<Reason: {self.text}>"

    def to_json(self) -> dict[str, object]:
        """Return the reason as data for the record."""
        said: dict[str, object] = {f.name: getattr(self, f.name) for f in fields(self)}
        return {**said, "rejected": _as_data(self.rejected), "front": _as_data(self.front)}


def _as_data(options: tuple[Option, ...]) -> tuple[dict[str, object], ...]:
    return tuple(
        {f.name: v.by_name() if isinstance(v := getattr(option, f.name), Setpoints) else v for f in fields(option)}
        for option in options
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Proposed setpoints for one vessel, with their alternatives.

    Attributes:
        reactor_id: Vessel.
        setpoints: Proposed, from now to the next decision.
        plan: Setpoints of the intervals to come, under which `chosen` was made; the last one stays. Empty: `setpoints`.
        chosen: Forecast under `plan`.
        hold: Forecast under the setpoints in force.
        reason: Why.
        acquisition: Name of the acquisition function that chose.
        score: Its value, finite.
        model_id: Which model forecast.
    """

    reactor_id: str
    setpoints: Setpoints
    chosen: Forecast
    hold: Forecast
    reason: Reason
    acquisition: str
    score: float
    model_id: str
    plan: tuple[Setpoints, ...] = ()

    def __repr__(self) -> str:
        """Say the setpoints and why."""
        told = ", ".join(f"{name} {value:.4g}" for name, value in self.setpoints.by_name().items())
        return f"<Decision for {self.reactor_id}: {told}. {self.reason.text}>"


BLINDLY = "no setpoint is changed blindly."
"""How the reason of a verdict ends where a critical analyte has no recent value."""


class Decider(StrEnum):
    """Who decides for a vessel: the ladder from the twin down. Below both nothing is written, a hold."""

    TWIN = "twin"
    MODEL_FREE = "model-free-mpc"


class Action(StrEnum):
    """Action that a verdict allows."""

    WRITE = "write"
    ADVISE = "advise"
    HOLD = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The guard's ruling on a decision; only WRITE reaches a vessel.

    Attributes:
        reactor_id: Vessel.
        setpoints: Setpoints to write (WRITE) or to show (ADVISE); None for HOLD.
        action: WRITE, ADVISE or HOLD.
        because: The reasons, one sentence each; empty for WRITE.
    """

    reactor_id: str
    setpoints: Setpoints | None
    action: Action
    because: tuple[str, ...] = ()
