"""RunConfig: the settings of one run."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from perfusio.config.acquisitions import SEARCHES, acquisition_named, is_multi
from perfusio.config.alarm_limits import DEFAULT_ALARMS, AlarmLimits, alarms_of
from perfusio.config.mode import Mode
from perfusio.errors import ConfigError
from perfusio.frozen import Frozen
from perfusio.objective import (
    DEFAULT_CONSTRAINTS,
    Constraint,
    Objective,
    OfQuantity,
    in_words,
    limits_of,
)
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.document import Process, panel_of
from perfusio.process.panel import Panel
from perfusio.process.roles import CELLS
from perfusio.quantities import closest


def _within(given: Any, process: Panel) -> Any:
    """Return declarations on quantities, one or several, as those of a process; tables are told theirs."""
    if isinstance(given, OfQuantity):
        return given.within(process)
    if isinstance(given, Mapping):
        return {**given, "process": process}
    if isinstance(given, str):  # an objective function by name
        return {"quantity": given, "process": process}
    return tuple(_within(one, process) for one in given) if isinstance(given, list | tuple) else given


def _known(names: tuple[str, ...], what: str) -> BeforeValidator:
    """Return the check that a name is one of these; the answer to another lists them."""

    def check(name: str) -> str:
        if name not in names:
            raise ValueError(f"{name!r} is not {what}.{closest(str(name), names)} Known: {', '.join(names)}")
        return name

    return BeforeValidator(check)


def _of_acquisition(name: str) -> str:
    """Refuse the name of an acquisition function that there is not, or that cannot be loaded."""
    try:
        acquisition_named(name)
    except ConfigError as error:
        raise ValueError(str(error).removesuffix(".")) from error
    return name


def _shown(value: object) -> str:
    """Return a setting in words."""
    return ", ".join(map(_shown, value)) or "none" if isinstance(value, tuple) else str(value)


class RunConfig(Frozen):
    """Settings of one run.

    Attributes:
        duration_days: Length of the run; a run of 14 days has samples on days 0 to 14.
        sampling_interval_hours: Expected time between samples [h].
        retrain_every: Refit the model after this many loop turns (it is conditioned on every turn).
        model_update: Use of a refit: ``"auto"`` uses it if it is as good, ``"approve"`` has it wait for a
            person, ``"frozen"`` makes none; the model takes in samples in any case.
        acquisition: Name of the acquisition function, one of ACQUISITIONS or of another package.
        exploration: Share of the forecast's spread that acquisition functions see, 0 to 1. Small: a vessel worth weeks
            is steered by the expectation, and the unknown only breaks near-ties.
        search: How the best setpoints are looked for, one of SEARCHES; ``"gradient"`` takes several times as long.
        untried: What to do with a setpoint that was constant in all training runs: ``"hold"`` leaves it there, as
            its effect is not known; ``"move"`` trusts general kinetics.
        plan_pieces: Destinations that a plan heads for one after another over the horizon; only its first step is ever
            taken, the next decision plans anew.
        objective: Aim of the decisions; a tuple of several is weighed into a sum, or into a front by the acquisition
            functions of MULTI_OBJECTIVE.
        fallback: Who decides where model or policy fail, or forecasts of cells or viability do not come true:
            ``"model-free-mpc"`` holds the density from counts, ``"hold"`` writes nothing meanwhile.
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
    sampling_interval_hours: float = Field(default=24.0, ge=1e-4, le=240.0)  # a third of a second: trials are quick
    retrain_every: int = Field(default=3, ge=1)
    model_update: Literal["auto", "approve", "frozen"] = "auto"
    acquisition: Annotated[str, BeforeValidator(_of_acquisition)] = "LogEI"
    search: Annotated[str, _known(SEARCHES, "a search")] = "cross-entropy"
    untried: Literal["hold", "move"] = "hold"
    plan_pieces: int = Field(default=1, ge=1, le=4)
    exploration: float = Field(default=0.1, ge=0, le=1)
    objective: Objective | tuple[Objective, ...] = Objective(kind="track", quantity=CELLS, target=30.0)
    fallback: Literal["model-free-mpc", "hold"] = "model-free-mpc"
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
        """Settings that are not given are those of the process; given ones are of that process."""
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
        aimed = [o.quantity for o in self.objectives]
        if twice := next((name for name in aimed if aimed.count(name) > 1), ""):
            own = in_words([o for o in self.objectives if o.quantity == twice])
            raise ValueError(f"the objectives contradict one another: {own}. Keep one of them for {twice}")
        if is_multi(self.acquisition) and len(names) < 2:
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

    def __repr__(self) -> str:
        """Show the length, the aim, and all other settings that differ from the defaults."""
        told: dict[str, object] = {"objective": in_words(self.objectives)} | {
            name: value
            for name, field in type(self).model_fields.items()
            if name not in ("duration_days", "objective", "process") and (value := getattr(self, name)) != field.default
        }
        if self.process != CHO_PERFUSION:
            told = {n: v for n, v in told.items() if n not in ("constraints", "alarms")}
            told["process"] = self.process.name
        return f"<RunConfig: {self.duration_days} days, {', '.join(f'{n}: {_shown(v)}' for n, v in told.items())}>"

    __str__ = __repr__

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """The objectives, one or several."""
        return self.objective if isinstance(self.objective, tuple) else (self.objective,)

    @property
    def n_turns(self) -> int:
        """Number of sampling intervals in the run; there are `n_turns + 1` expected samples."""
        return round(self.duration_days * 24.0 / self.sampling_interval_hours)
