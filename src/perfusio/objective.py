"""The aim and the limits of decisions: Objective, Constraint, and short ways to write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from perfusio.errors import ConfigError
from perfusio.frozen import Frozen
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.declared import misdeclared, misdeclared_limit
from perfusio.process.derived import forecast_names, forecast_unit, is_forecast
from perfusio.process.document import Process
from perfusio.process.expressions.objective_function import ObjectiveFunction, function_named, objective_function
from perfusio.process.expressions.tree import ExpressionError
from perfusio.process.panel import Panel
from perfusio.quantities import closest
from perfusio.registry import OBJECTIVES

__all__ = [
    "DEFAULT_CONSTRAINTS",
    "HORIZON_DAYS",
    "Constraint",
    "Objective",
    "ObjectiveFunction",
    "OfProcess",
    "OfQuantity",
    "in_words",
    "limits_of",
    "maximize",
    "minimize",
    "objective_function",
    "of_record",
    "track",
]

OfProcess = Annotated[Process, Field(default=CHO_PERFUSION, exclude=True, repr=False)]
"""The process whose quantities are named; a run says it once for all that belongs to it."""


class OfQuantity(Frozen):
    """A setting of one quantity that can be forecast.

    Attributes:
        quantity: A modelled species of the process, a derived quantity, an expression of these and of setpoints
            (``"titer * (perfusion_rate - bleed_rate) - 300 mg/L * perfusion_rate"``), or an objective function by name.
        process: The process whose quantities are named; not recorded here, the run says it.
    """

    quantity: str
    process: OfProcess = CHO_PERFUSION

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        try:
            is_known = is_forecast(self.quantity, self.process)
        except ExpressionError as error:
            raise ValueError(str(error)) from error
        if not is_known:
            known = (*forecast_names(self.process), *(e.name for e in OBJECTIVES.extensions()))
            told = "" if self.process == CHO_PERFUSION else f" in {self.process.name}"
            raise ValueError(
                f"{self.quantity!r} cannot be forecast{told}.{closest(self.quantity, known)} Known: {', '.join(known)}"
            )
        return self

    def within(self, process: Panel) -> Self:
        """Return the same for the quantities of another process.

        Raises:
            ConfigError: that process does not have them, or not in that range.
        """
        return self if self.process == process else type(self)(**{**dict(self), "process": process})


HORIZON_DAYS = {"track": 3, "maximize": 3, "minimize": 7}
"""How far an objective looks if nothing is said, by kind: saving pays at once, and its cost comes later."""


class Objective(OfQuantity):
    """Score of a decision, over the next `horizon_days`.

    Attributes:
        kind: ``"track"`` a target, ``"maximize"`` or ``"minimize"``; of an objective function its own, if not given.
        quantity: As of OfQuantity.
        target: Value to hold, in the canonical unit (tracking only).
        horizon_days: Days of forecast that the score looks at; HORIZON_DAYS if not given.
        move_penalty: Cost of one largest step of one setpoint, as a share of a 10 % tracking error (or gain).
        weight: Of this objective beside others in a sum; 10 % of one quantity weigh as much as 10 % of another.
    """

    kind: Literal["track", "maximize", "minimize"]
    target: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    horizon_days: int = Field(default=HORIZON_DAYS["track"], ge=1, le=28)
    move_penalty: float = Field(default=0.1, ge=0, le=1000.0, allow_inf_nan=False)
    weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _looks_as_far_as_its_kind(cls, given: object) -> object:
        given = _with_direction({"quantity": given} if isinstance(given, str) else given)
        if isinstance(given, dict) and given.get("kind") in HORIZON_DAYS:
            return {"horizon_days": HORIZON_DAYS[given["kind"]]} | given
        return given

    @model_validator(mode="after")
    def _target_fits(self) -> Self:
        if (self.kind == "track") != (self.target is not None):
            raise ValueError(
                "tracking needs a target and the others have none: use track(vcd=30), maximize('titer') or "
                "minimize('medium')"
            )
        if not is_direction_of(self.kind, self.quantity, self.process):
            raise ValueError(f"the objective {self.quantity!r} is made to be {_OPPOSITE[self.kind]}d, not {self.kind}d")
        if self.kind == "track" and self.quantity == "medium":
            raise ValueError("medium is what is perfused, nothing to track: use minimize('medium'), or hold the rate")
        if self.target is not None and (wrong := misdeclared(self.quantity, self.target, panel=self.process)):
            raise ValueError(wrong)
        return self

    def __str__(self) -> str:
        """Say the objective in words, with unit."""
        unit = forecast_unit(self.quantity, self.process)
        weighted = "" if self.weight == 1.0 else f" (weight {self.weight:g})"
        if self.target is not None:
            return f"hold {self.quantity} at {self.target:g} {unit}{weighted}"
        return f"{self.kind} {self.quantity} [{unit}]{weighted}"

    @property
    def is_economic(self) -> bool:
        """Whether more is always better, so that only the limits stop it."""
        return self.kind != "track"


_OPPOSITE = {"maximize": "minimize", "minimize": "maximize"}


def _with_direction(given: object) -> object:
    """Return an objective that names a function and no direction with the direction of that function."""
    if not isinstance(given, Mapping) or "kind" in given or not isinstance(name := given.get("quantity"), str):
        return given
    function = function_named(name)
    if function is None:
        raise ValueError(f"{name!r} has no direction of its own: say kind = maximize, minimize or track")
    return {**given, "kind": function.direction}


def is_direction_of(kind: str, quantity: str, process: Panel) -> bool:
    """Whether a quantity may be an objective of this kind: a function is raised or lowered as its author says."""
    if kind not in _OPPOSITE or quantity in forecast_names(process):
        return True
    function = function_named(quantity)
    return function is None or function.direction == kind


def _named(quantity: str | ObjectiveFunction) -> str:
    """Return the name of a quantity; a function is registered under its own."""
    if isinstance(quantity, str):
        return quantity
    name = getattr(quantity.function, "__name__", "")
    if not name.isidentifier():
        raise ConfigError(
            f"An objective function needs a name that the record can hold, found {name!r}: define it with def."
        )
    if not (OBJECTIVES.has(name) and function_named(name) == quantity):
        OBJECTIVES.register(name, quantity)
    return name


def track(
    *,
    horizon_days: int = HORIZON_DAYS["track"],
    weight: float = 1.0,
    process: Panel = CHO_PERFUSION,
    **target: float,
) -> Objective:
    """Return the objective that holds one quantity at a target, e.g. ``track(vcd=30)`` [canonical unit]."""
    if len(target) != 1:
        raise ConfigError(f"track() takes one quantity and its target, e.g. track(vcd=30); found {sorted(target)}.")
    ((name, value),) = target.items()
    return Objective(
        kind="track", quantity=name, target=value, horizon_days=horizon_days, weight=weight, process=process
    )


def maximize(
    quantity: str | ObjectiveFunction,
    *,
    horizon_days: int = HORIZON_DAYS["maximize"],
    weight: float = 1.0,
    process: Panel = CHO_PERFUSION,
) -> Objective:
    """Return the objective that raises one quantity: ``maximize("productivity")``, an expression, or a function."""
    return Objective(
        kind="maximize", quantity=_named(quantity), horizon_days=horizon_days, weight=weight, process=process
    )


def minimize(
    quantity: str | ObjectiveFunction,
    *,
    horizon_days: int = HORIZON_DAYS["minimize"],
    weight: float = 1.0,
    process: Panel = CHO_PERFUSION,
) -> Objective:
    """Return the objective that lowers one quantity: ``minimize("medium")``, an expression, or a function."""
    return Objective(
        kind="minimize", quantity=_named(quantity), horizon_days=horizon_days, weight=weight, process=process
    )


def in_words(objectives: Sequence[Objective]) -> str:
    """Return objectives as words, joined."""
    return " and ".join(map(str, objectives))


def of_record(
    data: Mapping[str, Any] | Sequence[Mapping[str, Any]], process: Panel = CHO_PERFUSION
) -> tuple[Objective, ...]:
    """Return the objectives of a recorded configuration, in which one stands alone and several in a list."""
    return tuple(Objective(**one, process=process) for one in ([data] if isinstance(data, Mapping) else data))


class Constraint(OfQuantity):
    """A limit that the true value must keep with a stated probability on each day of the horizon.

    Attributes:
        quantity: A species or derived quantity.
        low: Lower limit, canonical unit, or None.
        high: Upper limit, canonical unit, or None.
        probability: Least probability of keeping it, each day (of viability: from the third day on in full; see
            docs/explanations/the-decisions.md).
    """

    low: float | None = None
    high: float | None = None
    probability: float = Field(default=0.98, gt=0.5, lt=1.0)

    def __str__(self) -> str:
        """Say the limit in words, e.g. ``viability >= 95``."""
        limits = ((">=", self.low), ("<=", self.high))
        return f"{self.quantity} {' and '.join(f'{sign} {v:g}' for sign, v in limits if v is not None)}"

    @model_validator(mode="after")
    def _has_limit(self) -> Self:
        if wrong := misdeclared_limit(self.quantity, self.low, self.high, self.process):
            raise ValueError(wrong)
        return self


def limits_of(process: Panel) -> tuple[Constraint, ...]:
    """Return the limits that decisions keep in a process unless told otherwise."""
    return tuple(
        Constraint(
            quantity=limit.quantity, low=limit.low, high=limit.high, probability=limit.probability, process=process
        )
        for limit in process.limits
    )


DEFAULT_CONSTRAINTS: tuple[Constraint, ...] = limits_of(CHO_PERFUSION)
