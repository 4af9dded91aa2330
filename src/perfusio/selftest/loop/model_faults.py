"""T06: a model that breaks, in any way that models break, is not used: the one before stays, and nothing is written."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import nan
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, RunConfig
from perfusio.errors import ModelError
from perfusio.events import AlarmRaised, Event, ModelRejected, SetpointsWritten, WriteIntended
from perfusio.forecast import Forecast
from perfusio.hybrid.model import HybridModel
from perfusio.protocols import Model, Refit
from perfusio.selftest.promises import Tried
from perfusio.selftest.quiet_vessel import QuietVessel, sample_of
from perfusio.state import SPECIES, Setpoints, State
from perfusio.testing.fakes import SteadyModel, SteppingPolicy
from perfusio.trajectory import Trajectory
from perfusio.twin.deciding.model_and_policy import Mind
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.outcome import Outcome

N_DAYS = 4
_SPACE = DEFAULT_AMBR250_DESIGN_SPACE
_SHORT_HOURS = 2e-4  # a refit may then take 0.18 s
FAULTS: dict[str, Exception] = {
    "Cholesky failure": np.linalg.LinAlgError("Matrix is not positive definite"),
    "no memory": MemoryError("Unable to allocate 3 TiB"),
    "no fit": ModelError("The optimiser did not converge."),
    "not a number": FloatingPointError("invalid value"),
}


class Hanging:
    """An event that a refit waits for without end; `end` lets it go."""

    def __init__(self) -> None:
        self._end = threading.Event()

    def wait(self) -> None:
        """Hang."""
        self._end.wait(30.0)

    def end(self) -> None:
        """Let go."""
        self._end.set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sick(SteadyModel):
    """A model with faults.

    Attributes:
        fault: Raised by whatever learns or forecasts.
        errors: Of a refit on the held-out data: its own, and that of the model before.
        hangs: Event that a refit waits for.
        is_nan: Whether forecasts are no numbers.
        in_forecasts: Whether `fault` strikes in forecasts only.
    """

    fault: Exception | None = None
    errors: tuple[float, float] = (1.0, 1.0)
    hangs: Hanging | None = None
    is_nan: bool = False
    in_forecasts: bool = False

    def condition(self, trajectories: Sequence[Trajectory]) -> Sick:  # noqa: ARG002 - nothing is learnt
        """Fail, or return itself."""
        if self.fault and not self.in_forecasts:
            raise self.fault
        return self

    def refit(self, trajectories: Sequence[Trajectory], *, seed: int) -> Refit[Any]:  # noqa: ARG002 - as above
        """Fail, hang, or return a version with these errors."""
        if self.hangs:
            self.hangs.wait()
        if self.fault:
            raise self.fault
        return Refit(replace(self, version=self.version + 1), *self.errors)

    def rollout(
        self,
        trajectory: Trajectory,
        plans: Sequence[Sequence[Setpoints]],
        *,
        interval_hours: float,
        n_paths: int,
        seed: int,
    ) -> tuple[Forecast, ...]:
        """Fail, or forecast nonsense."""
        if self.fault:
            raise self.fault
        good = SteadyModel().rollout(trajectory, plans, interval_hours=interval_hours, n_paths=n_paths, seed=seed)
        return tuple(replace(f, mean=f.mean * nan, sd=f.sd * nan) for f in good) if self.is_nan else good


def model_faults(is_full: bool) -> Tried:  # noqa: ARG001 - there are only so many faults
    """Break models in learning and in forecasting; feed the real one with histories that cannot be learnt from."""
    failed = [f"{name}: {problem}" for name, problem in asyncio.run(_all()) if problem]
    n = len(FAULTS) * 2 + 4 + len(_barren()) + 1
    return Tried(
        id="T06",
        promise="a model that fails is not used: the one before stays, the cause is named",
        n_tried=n,
        n_failed=len(failed),
        note=f"the first: {failed[0]}" if failed else f"{n} faults, no write on any",
    )


async def _all() -> list[tuple[str, str]]:
    out = [(f"{name} in learning", await not_learnt(Sick(fault=fault), str(fault))) for name, fault in FAULTS.items()]
    for name, fault in FAULTS.items():
        out.append((f"{name} in forecasts", await not_written(Sick(fault=fault, in_forecasts=True))))
    out.append(("forecast of NaN", await not_written(Sick(is_nan=True))))
    out.append(("worse", await not_learnt(Sick(errors=(1.2, 1.0)), "")))
    out.append(("error of NaN", await not_learnt(Sick(errors=(nan, 1.0)), "")))
    out.append(("infinite error", await not_learnt(Sick(errors=(float("inf"), 1.0)), "")))
    hanging = Hanging()
    try:
        out.append(("hanging", await not_learnt(Sick(hangs=hanging), "longer than", hours=_SHORT_HOURS)))
    finally:
        hanging.end()
    for name, trajectories in _barren().items():
        out.append((name, await still_sound(HybridModel(), trajectories)))
    return out


async def not_learnt(model: Model, cause: str, *, hours: float = 24.0) -> str:
    """Return the faults of the end of a failing refit; nothing if the model stays and the cause is named."""
    told: list[Event] = []
    mind = _mind(model, told, hours)
    try:
        await mind.refit(3, [_history([sample_of(0)] * 5)])
    finally:
        mind.close()
    if mind.model is not model:
        return "the model was replaced"
    if not any(isinstance(e, ModelRejected) and e.reason and cause in e.reason for e in told):
        return f"the record does not name the cause: {told}"
    return ""


async def still_sound(model: Model, trajectories: list[Trajectory]) -> str:
    """Return the faults after learning from impossible histories: a forecast of NaN, or no word about it."""
    told: list[Event] = []
    mind = _mind(model, told, 24.0)
    try:
        await mind.condition(1, trajectories)
        await mind.refit(3, trajectories)
        forecast = await mind.forecast(3, trajectories[0], _SPACE.nominal)
    finally:
        mind.close()
    if forecast is None:
        return "" if any(isinstance(e, ModelRejected) and e.reason for e in told) else "no forecast and no word"
    return "" if forecast[0].is_finite() else "a forecast that is not finite"


async def not_written(model: Model) -> str:
    """Return the faults of a run on a model that cannot forecast; nothing if it ends well and wrote nothing."""
    vessel, told = QuietVessel(N_DAYS), list[Event]()
    with TemporaryDirectory() as folder:
        config = RunConfig(duration_days=N_DAYS, forecast_days=2, n_paths=16, run_dir=Path(folder), fallback="hold")
        result = await DigitalTwin(
            connector=vessel, design_space=_SPACE, run_config=config, model=model, policy=SteppingPolicy(),
            observers=(told.append,),
        ).run()  # fmt: skip
    if vessel.written or any(isinstance(e, WriteIntended | SetpointsWritten) for e in told):
        return "something was written"
    if result.outcome is not Outcome.COMPLETED:
        return f"the run ended as {result.outcome.name}"
    if not any(isinstance(e, AlarmRaised) and e.quantity == "decision" for e in told):
        return "nobody was told"
    return ""


def _mind(model: Model, told: list[Event], hours: float) -> Mind:
    config = RunConfig(duration_days=1, sampling_interval_hours=hours, forecast_days=2, n_paths=16)

    def tell(event: Event) -> int:
        told.append(event)
        return len(told)

    return Mind(model, SteppingPolicy(), config, tell)


def _barren() -> dict[str, list[Trajectory]]:
    """Return histories from which nothing can be learnt, by their fault."""
    nothing: dict[str, Any] = dict.fromkeys(SPECIES, nan)
    constant = _history([sample_of(0)] * 5)
    return {
        "constant": [constant],
        "duplicates": [constant, replace(constant, reactor_id="R02"), replace(constant, reactor_id="R03")],
        "one sample": [_history([sample_of(0)])],
        "one interval": [_history([sample_of(0), sample_of(1)])],
        "nothing measured after the first": [_history([sample_of(0), *[replace(sample_of(0), **nothing)] * 3])],
    }


def _history(states: list[State]) -> Trajectory:
    run = Trajectory(reactor_id="R01")
    for day, state in enumerate(states):
        run = run.observe(replace(state, time_h=24.0 * day), _SPACE.nominal)
    return run
