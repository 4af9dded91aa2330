"""What a run is asked to do: design space, objective, constraints, run settings.

Configuration is frozen and refuses unknown fields: a misspelt option must never vanish. Objectives and constraints are
declared in `objective.py`, and can be had from here with the rest; default numbers of quantities stand in the panel.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from math import inf
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BeforeValidator, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from perfusio.errors import ConfigError, EmptyDesignSpace, OutOfRange, UnknownQuantity
from perfusio.frozen import Frozen
from perfusio.objective import (
    DEFAULT_CONSTRAINTS,
    Constraint,
    Objective,
    OfProcess,
    OfQuantity,
    in_words,
    limits_of,
    maximize,
    minimize,
    track,
)
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.declared import is_fraction, misdeclared
from perfusio.process.derived import DERIVED, DERIVED_UNITS, forecast_unit
from perfusio.process.document import Process, panel_of
from perfusio.process.panel import Panel
from perfusio.process.roles import CELLS
from perfusio.process.rules import are_balanced, imbalance_of
from perfusio.quantities import closest
from perfusio.state import FloatArray, Setpoints

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
        bounds: One entry for each setpoint of the process.
        process: Whose setpoints these are; not recorded here, the run says it.
    """

    bounds: Mapping[str, Bounds]
    process: OfProcess = CHO_PERFUSION

    @model_validator(mode="after")
    def _complete(self) -> Self:
        names = self.process.setpoint_names
        for name in self.bounds:
            if name not in names:
                raise ValueError(f"{name!r} is not a setpoint.{closest(name, names)} Known: {', '.join(names)}")
        if absent := [n for n in names if n not in self.bounds]:
            raise ValueError(f"no bounds for {', '.join(absent)}: copy DEFAULT_AMBR250_DESIGN_SPACE or give them")
        for name, b in self.bounds.items():
            for sign, value in ((">=", b.low), ("<=", b.high)):
                if wrong := misdeclared(name, value, sign, self.process):
                    raise OutOfRange(wrong)
        driest = np.where([n in self.process.of_role("bleed") for n in names], self.low, self.high)
        if not are_balanced(driest, self.process):
            raise EmptyDesignSpace(
                f"No setpoint keeps the volume, not even the lowest bleed with the highest inflow: "
                f"{imbalance_of(Setpoints.of(driest, self.process))}"
            )
        return self

    @classmethod
    def of(cls, process: Panel, **bounds: Bounds) -> Self:
        """Return the design space of a process: what its panel allows, with other bounds where they are given.

        Raises:
            ConfigError: a setpoint has no bounds, neither in the panel nor here.
        """
        allowed = {
            s.name: Bounds(
                low=s.allowed.low, high=s.allowed.high, nominal=s.allowed.nominal, max_step=s.allowed.max_step
            )
            for s in process.setpoints
            if s.allowed is not None
        }
        if unknown := [n for n in process.setpoint_names if n not in allowed | bounds]:
            raise ConfigError(
                f"{process.name} does not say what may be written to {', '.join(unknown)}. Give low, high, nominal and "
                f"max_step: [setpoints.{unknown[0]}.allowed] in process.toml, or bounds in the design space."
            )
        return cls(bounds={n: (allowed | bounds)[n] for n in process.setpoint_names}, process=process)

    def _column(self, what: str) -> FloatArray:
        return np.array([getattr(self.bounds[n], what) for n in self.process.setpoint_names], dtype=float)

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
        return Setpoints.of(self._column("nominal"), self.process)

    def holding(self, **values: float) -> DesignSpace:
        """Return a design space in which the named setpoints are held at the given values."""
        for name in values:
            if name not in self.bounds:
                known = tuple(self.bounds)
                raise UnknownQuantity(f"{name!r} is not a setpoint.{closest(name, known)} Known: {', '.join(known)}.")
        held = {n: Bounds(low=v, high=v, nominal=v, max_step=self.bounds[n].max_step) for n, v in values.items()}
        return DesignSpace(bounds={**self.bounds, **held}, process=self.process)

    def contains(self, setpoints: Setpoints) -> bool:
        """Whether every setpoint is finite, within its bounds, and bleed and sampling leave no more than flows in."""
        u = setpoints.vector()
        inside = bool(np.all((u >= self.low) & (u <= self.high)))
        return inside and bool(are_balanced(u, self.process))

    def reachable(self, current: Setpoints) -> tuple[FloatArray, FloatArray]:
        """Return the box that one decision can reach from `current`: lower and upper corner, shape (U,) each.

        Raises:
            EmptyDesignSpace: `current` lies further outside the bounds than one largest step.
        """
        u = current.vector()
        low, high = np.maximum(self.low, u - self.max_step), np.minimum(self.high, u + self.max_step)
        for i, name in enumerate(self.process.setpoint_names):
            if not low[i] <= high[i]:
                unit = self.process[name].unit
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


DEFAULT_AMBR250_DESIGN_SPACE = DesignSpace.of(CHO_PERFUSION)


class AlarmLimits(OfQuantity):
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

    warn: float
    act: float
    dead_band: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    delay_hours: float = Field(default=0.0, ge=0, le=240.0)

    @model_validator(mode="after")
    def _is_measured(self) -> Self:
        if self.quantity not in self.process.species_names:
            known = ", ".join(self.process.species_names)
            raise ValueError(f"{self.quantity!r} is not measured and cannot alarm. Known: {known}")
        for level, value in (("warn", self.warn), ("act", self.act)):
            if wrong := misdeclared(self.quantity, value, f"{level} at", self.process):
                raise ValueError(wrong)
        if is_fraction(self.quantity, self.process) and not self.is_lower:
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


def alarms_of(process: Panel) -> tuple[AlarmLimits, ...]:
    """Return the levels at which a person is told in a process unless told otherwise."""
    levels = process.alarms
    return tuple(
        AlarmLimits(quantity=name, warn=levels[name].warn, act=levels[name].act, process=process)
        for name in process.alarmed
    )


DEFAULT_ALARMS: tuple[AlarmLimits, ...] = alarms_of(CHO_PERFUSION)


def _within(given: Any, process: Panel) -> Any:
    """Return what concerns quantities, a value or several, as that of a process; tables are told theirs."""
    if isinstance(given, OfQuantity):
        return given.within(process)
    if isinstance(given, Mapping):
        return {**given, "process": process}
    return tuple(_within(one, process) for one in given) if isinstance(given, list | tuple) else given


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
        decide_on_signals: Whether a reading of on-line signals alone can be the sample of a turn; as it is, signals are
            filtered between samples and trigger no decision.
        fresh: Move an unfinished record in `run_dir` aside instead of refusing it.
        process: The quantities of the culture, its medium and vessel: a `Panel`, or the content of a process.toml.
            Limits, alarms and the aim that are not given are those of the process.
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
    decide_on_signals: bool = False
    fresh: bool = False
    process: Process = CHO_PERFUSION

    @model_validator(mode="before")
    @classmethod
    def _as_its_process_has_it(cls, given: object) -> object:
        """What is not given is as the process has it; what is given is of that process."""
        if not isinstance(given, dict) or given.get("process") is None:
            return given
        process = panel_of(given["process"])
        usual = {
            "objective": Objective(kind="track", quantity=process.the("cells"), target=30.0, process=process),
            "constraints": limits_of(process),
            "alarms": alarms_of(process),
        }
        named = {key: _within(given.get(key, value), process) for key, value in usual.items()}
        return {**given, "process": process, **named}

    @model_serializer(mode="wrap")
    def _told(self, usual: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Say the process only where it is not the default one."""
        told: dict[str, Any] = usual(self)
        return {k: v for k, v in told.items() if k != "process"} if self.process == CHO_PERFUSION else told

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
