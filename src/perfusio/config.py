"""What a run is asked to do: design space, objective, constraints, run settings.

Configuration is frozen and refuses unknown fields: a misspelt option must never vanish. Objectives and constraints are
declared in `objective.py`, and can be had from here with the rest; default numbers of quantities stand in the panel.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from math import inf
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from perfusio.errors import EmptyDesignSpace, OutOfRange, UnknownQuantity
from perfusio.frozen import Frozen
from perfusio.objective import (
    DEFAULT_CONSTRAINTS,
    Constraint,
    ForecastName,
    Objective,
    in_words,
    maximize,
    minimize,
    track,
)
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.declared import FRACTIONS, misdeclared
from perfusio.process.derived import DERIVED, DERIVED_UNITS, forecast_unit
from perfusio.process.roles import BLEED, CELLS, PERFUSION
from perfusio.process.rules import SAMPLING_FLOW, are_balanced, is_balanced
from perfusio.quantities import closest
from perfusio.state import SETPOINT_QUANTITIES, SETPOINTS, SPECIES, FloatArray, Setpoints

__all__ = [
    "ACQUISITIONS",
    "DEFAULT_ALARMS",
    "DEFAULT_AMBR250_DESIGN_SPACE",
    "DEFAULT_CONSTRAINTS",
    "DERIVED",
    "DERIVED_UNITS",
    "MULTI_OBJECTIVE",
    "SEARCHES",
    "SINGLE_OBJECTIVE",
    "AlarmLimits",
    "Bounds",
    "Constraint",
    "DesignSpace",
    "Mode",
    "Objective",
    "RunConfig",
    "forecast_unit",
    "in_words",
    "maximize",
    "minimize",
    "track",
]

SINGLE_OBJECTIVE: tuple[str, ...] = ("PI", "EI", "LogEI", "UCB", "qEI", "qLogEI", "qUCB")
"""Acquisition functions of one number; several objectives are weighed into a sum for them."""
MULTI_OBJECTIVE: tuple[str, ...] = ("qEHVI", "qNEHVI", "qNParEGO", "qLogNEHVI")
"""Acquisition functions of two objectives or more, which they do not add up."""
ACQUISITIONS: tuple[str, ...] = SINGLE_OBJECTIVE + MULTI_OBJECTIVE
SEARCHES: tuple[str, ...] = ("cross-entropy", "gradient")


class Mode(StrEnum):
    """Who may change setpoints; the value is what the command line shows."""

    MANUAL = "manual"
    ADVISORY = "advisory"
    AUTOMATIC = "automatic"
    HOLD = "hold"


class Bounds(Frozen):
    """Range of one setpoint, in its canonical unit; `low == high` holds it.

    Attributes:
        low: Smallest value that may be written.
        high: Largest value that may be written.
        nominal: Where a run starts, and what is assumed where a file does not say.
        max_step: Largest change per decision.
    """

    low: float
    high: float
    nominal: float
    max_step: float = Field(gt=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low <= self.nominal <= self.high:
            raise ValueError(f"expected low <= nominal <= high, found {self.low:g}, {self.nominal:g}, {self.high:g}")
        return self


class DesignSpace(Frozen):
    """The setpoints that may be chosen; nothing outside is ever written.

    Attributes:
        bounds: One entry for each of the six setpoints.
    """

    bounds: Mapping[str, Bounds]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for name in self.bounds:
            if name not in SETPOINTS:
                raise ValueError(f"{name!r} is not a setpoint.{closest(name, SETPOINTS)} Known: {', '.join(SETPOINTS)}")
        if absent := [n for n in SETPOINTS if n not in self.bounds]:
            raise ValueError(f"no bounds for {', '.join(absent)}: copy DEFAULT_AMBR250_DESIGN_SPACE or give them")
        for name, b in self.bounds.items():
            for sign, value in ((">=", b.low), ("<=", b.high)):
                if wrong := misdeclared(name, value, sign):
                    raise OutOfRange(wrong)
        if not is_balanced(most := self.bounds[PERFUSION].high, least := self.bounds[BLEED].low):
            raise EmptyDesignSpace(
                f"No setpoint keeps the volume: the lowest bleed is {least:g} 1/day and sampling takes "
                f"{SAMPLING_FLOW:g} 1/day, the highest perfusion is {most:g} 1/day. Lower the lowest bleed."
            )
        return self

    def _column(self, what: str) -> FloatArray:
        return np.array([getattr(self.bounds[n], what) for n in SETPOINTS], dtype=float)

    @property
    def low(self) -> FloatArray:
        """Lower bounds, shape (U,)."""
        return self._column("low")

    @property
    def high(self) -> FloatArray:
        """Upper bounds, shape (U,)."""
        return self._column("high")

    @property
    def max_step(self) -> FloatArray:
        """Largest change per decision, shape (U,)."""
        return self._column("max_step")

    @property
    def nominal(self) -> Setpoints:
        """Where a run starts, and what is assumed where a file does not say."""
        return Setpoints.of(self._column("nominal"))

    def holding(self, **values: float) -> DesignSpace:
        """Return a design space in which the named setpoints are held at the given values."""
        for name in values:
            if name not in SETPOINTS:
                known = ", ".join(SETPOINTS)
                raise UnknownQuantity(f"{name!r} is not a setpoint.{closest(name, SETPOINTS)} Known: {known}.")
        held = {n: Bounds(low=v, high=v, nominal=v, max_step=self.bounds[n].max_step) for n, v in values.items()}
        return DesignSpace(bounds={**self.bounds, **held})

    def contains(self, setpoints: Setpoints) -> bool:
        """Whether every setpoint is finite, within its bounds, and bleed and sampling leave no more than flows in."""
        u = setpoints.vector()
        inside = bool(np.all((u >= self.low) & (u <= self.high)))
        return inside and bool(are_balanced(u))

    def reachable(self, current: Setpoints) -> tuple[FloatArray, FloatArray]:
        """Return the box that one decision can reach from `current`: lower and upper corner, shape (U,) each.

        Raises:
            EmptyDesignSpace: `current` lies further outside the bounds than one largest step.
        """
        u = current.vector()
        low, high = np.maximum(self.low, u - self.max_step), np.minimum(self.high, u + self.max_step)
        for i, name in enumerate(SETPOINTS):
            if not low[i] <= high[i]:
                unit = SETPOINT_QUANTITIES[name].unit
                raise EmptyDesignSpace(
                    f"{name} in force is {u[i]:g} {unit}, more than one step of {self.max_step[i]:g} outside "
                    f"{self.low[i]:g} to {self.high[i]:g} {unit}. Bring it closer by hand, or widen the design space."
                )
        return low, high

    def to_unit(self, u: FloatArray) -> FloatArray:
        """Map setpoints (..., U) to the unit cube; held ones map to 0.5."""
        span = self.high - self.low
        return np.where(span > 0, (u - self.low) / np.where(span > 0, span, 1.0), 0.5)

    def from_unit(self, unit: FloatArray) -> FloatArray:
        """Map points of the unit cube (..., U) to setpoints; the inverse of `to_unit`."""
        return self.low + np.asarray(unit) * (self.high - self.low)


DEFAULT_AMBR250_DESIGN_SPACE = DesignSpace(
    bounds={
        s.name: Bounds(
            low=s.allowed.low, high=s.allowed.high, nominal=s.allowed.nominal, max_step=s.allowed.max_step
        )
        for s in CHO_PERFUSION.setpoints
    }
)


class AlarmLimits(Frozen):
    """Warn and act levels of one species, measured or forecast within 3 days with probability >= 0.5.

    Attributes:
        quantity: Species.
        warn: Level that deserves attention, canonical unit.
        act: Level that needs a person now; above `warn` for upper limits, below it for lower ones.
        dead_band: How far a value must be back behind a level before its alarm is over, canonical unit; None = a tenth
            of the way from `warn` to `act`.
        delay_hours: How long a level must be passed before a person is told [h]. What is measured beyond `act` is told
            at once.
    """

    quantity: ForecastName
    warn: float
    act: float
    dead_band: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    delay_hours: float = Field(default=0.0, ge=0, le=240.0)

    @model_validator(mode="after")
    def _is_measured(self) -> Self:
        if self.quantity not in SPECIES:
            raise ValueError(f"{self.quantity!r} is not measured and cannot alarm. Known: {', '.join(SPECIES)}")
        for level, value in (("warn", self.warn), ("act", self.act)):
            if wrong := misdeclared(self.quantity, value, f"{level} at"):
                raise ValueError(wrong)
        if self.quantity in FRACTIONS and not self.is_lower:
            low, high = sorted((self.warn, self.act))
            raise ValueError(
                f"{self.quantity} warn at {self.warn:g}, act at {self.act:g} would alarm about cells that live: "
                f"expected act below warn; did you mean warn={high:g}, act={low:g}?"
            )
        return self

    def over_at(self, level: float) -> float:
        """Return where an alarm of this level is over once it was raised: behind it by the dead-band."""
        band = abs(self.act - self.warn) / 10.0 if self.dead_band is None else self.dead_band
        return level + band if self.is_lower else level - band

    @property
    def is_lower(self) -> bool:
        """Whether low values alarm."""
        return self.act < self.warn


DEFAULT_ALARMS: tuple[AlarmLimits, ...] = tuple(
    AlarmLimits(quantity=name, warn=CHO_PERFUSION.alarms[name].warn, act=CHO_PERFUSION.alarms[name].act)
    for name in CHO_PERFUSION.alarmed
)


def _known(names: tuple[str, ...], what: str) -> BeforeValidator:
    """Return the check that a name is one of these; the answer to another lists them."""

    def check(name: str) -> str:
        if name not in names:
            raise ValueError(f"{name!r} is not {what}.{closest(str(name), names)} Known: {', '.join(names)}")
        return name

    return BeforeValidator(check)


class RunConfig(Frozen):
    """Settings of one run.

    Attributes:
        duration_days: Length of the run; a run of 14 days has samples on days 0 to 14.
        sampling_interval_hours: Expected time between samples [h].
        retrain_every: Refit the model after this many loop turns (it is conditioned on every turn).
        model_update: What becomes of a refit: ``"auto"`` uses it if it is as good, ``"approve"`` has it wait for a
            person, ``"frozen"`` makes none; the model takes in samples in any case.
        acquisition: Name of the acquisition function, one of ACQUISITIONS.
        exploration: Share of the forecast's spread that acquisition functions see, 0 to 1. Small: a vessel worth weeks
            is steered by what is expected, and the unknown only breaks near-ties.
        search: How the best setpoints are looked for, one of SEARCHES; ``"gradient"`` takes several times as long.
        untried: What becomes of a setpoint that all runs learnt from held at one value: ``"hold"`` leaves it there, as
            nothing is known of what it does; ``"move"`` trusts general kinetics.
        plan_pieces: Destinations that a plan heads for one after another over the horizon; only its first step is ever
            taken, the next decision plans anew.
        objective: What decisions are for; a tuple of several is weighed into a sum, or into a front by the acquisition
            functions of MULTI_OBJECTIVE.
        constraints: Limits that decisions keep with a stated probability.
        alarms: Levels at which a person is told.
        mode: Who may write; None = AUTOMATIC for replays and simulations, ADVISORY for hardware.
        forecast_days: Length of the forecasts.
        n_paths: Sample paths per forecast.
        seed: Seed of every random draw of the run; recorded.
        run_dir: Folder of `audit.jsonl` and the other results.
        fresh: Move an unfinished record in `run_dir` aside instead of refusing it.
    """

    duration_days: int = Field(ge=1, le=365)
    sampling_interval_hours: float = Field(default=24.0, gt=0, le=240.0)
    retrain_every: int = Field(default=3, ge=1)
    model_update: Literal["auto", "approve", "frozen"] = "auto"
    acquisition: Annotated[str, _known(ACQUISITIONS, "an acquisition function")] = "LogEI"
    search: Annotated[str, _known(SEARCHES, "a search")] = "cross-entropy"
    untried: Literal["hold", "move"] = "hold"
    plan_pieces: int = Field(default=1, ge=1, le=4)
    exploration: float = Field(default=0.1, ge=0, le=1)
    objective: Objective | tuple[Objective, ...] = Objective(kind="track", quantity=CELLS, target=30.0)
    constraints: tuple[Constraint, ...] = DEFAULT_CONSTRAINTS
    alarms: tuple[AlarmLimits, ...] = DEFAULT_ALARMS
    mode: Mode | None = None
    forecast_days: int = Field(default=28, ge=1, le=90)
    n_paths: int = Field(default=128, ge=16, le=4096)
    seed: int = Field(default=0, ge=0)
    run_dir: Path = Path()
    fresh: bool = False

    @model_validator(mode="after")
    def _objectives_fit(self) -> Self:
        names = [(o.kind, o.quantity) for o in self.objectives]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"expected one objective or several different ones, found {in_words(self.objectives)!r}")
        if self.acquisition in MULTI_OBJECTIVE and len(names) < 2:
            raise ValueError(
                f"acquisition {self.acquisition} weighs several objectives, found one: give a tuple, e.g. "
                "objective=(maximize('productivity'), minimize('medium')), or take LogEI"
            )
        return self

    @model_validator(mode="after")
    def _limits_agree(self) -> Self:
        """Targets lie within the limits of their quantity, and its limits leave room between them."""
        for name in dict.fromkeys(c.quantity for c in self.constraints):
            own = [c for c in self.constraints if c.quantity == name]
            low = max((c.low for c in own if c.low is not None), default=-inf)
            high = min((c.high for c in own if c.high is not None), default=inf)
            if low > high:
                raise ValueError(f"the limits {name} >= {low:g} and <= {high:g} leave nothing between them")
            for aim in self.objectives:
                if aim.quantity == name and aim.target is not None and not low <= aim.target <= high:
                    limit = f">= {low:g}" if aim.target < low else f"<= {high:g}"
                    raise ValueError(f"{aim} lies outside of the limit {name} {limit}: change one of them")
        return self

    @model_validator(mode="after")
    def _has_a_turn(self) -> Self:
        if self.sampling_interval_hours > 24.0 * self.duration_days:
            raise ValueError(
                f"a run of {self.duration_days} days has no second sample at one every "
                f"{self.sampling_interval_hours:g} h: lengthen the run or shorten the interval"
            )
        return self

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """The objectives, one or several."""
        return self.objective if isinstance(self.objective, tuple) else (self.objective,)

    @property
    def n_turns(self) -> int:
        """Number of sampling intervals in the run; there are `n_turns + 1` expected samples."""
        return round(self.duration_days * 24.0 / self.sampling_interval_hours)
