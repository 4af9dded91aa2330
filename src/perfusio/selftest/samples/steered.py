"""What runs of trials need beside vessels: setpoints as planned, forecasts without side checks, a record in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from perfusio.config import DesignSpace, RunConfig
from perfusio.decision import Decision, Reason
from perfusio.errors import PerfusioError
from perfusio.events import Event
from perfusio.forecast import Forecast
from perfusio.protocols import Futures, Model
from perfusio.protocols.model import Refit
from perfusio.state import Setpoints
from perfusio.trajectory import Trajectory


class ForecastsOnly:
    """A model without its optional abilities, such as the check of the medium: these are three quarters of its price.

    Args:
        model: The usual one.
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    @property
    def model_id(self) -> str:
        """That of the usual one."""
        return self._model.model_id

    def condition(self, trajectories: Sequence[Trajectory]) -> ForecastsOnly:
        """Take in samples."""
        return ForecastsOnly(self._model.condition(trajectories))

    def refit(self, trajectories: Sequence[Trajectory], *, seed: int) -> Refit[ForecastsOnly]:
        """Learn as the usual one does."""
        found = self._model.refit(trajectories, seed=seed)
        return Refit(ForecastsOnly(found.model), found.error, found.previous_error)

    def rollout(
        self,
        trajectory: Trajectory,
        plans: Sequence[Sequence[Setpoints]],
        *,
        interval_hours: float,
        n_paths: int,
        seed: int,
    ) -> tuple[Forecast, ...]:
        """Forecast as the usual one does."""
        return self._model.rollout(trajectory, plans, interval_hours=interval_hours, n_paths=n_paths, seed=seed)

    def futures(
        self, trajectory: Trajectory, *, interval_hours: float, n_paths: int, n_intervals: int, seed: int
    ) -> Futures:
        """Draw futures as the usual one does."""
        return self._model.futures(
            trajectory, interval_hours=interval_hours, n_paths=n_paths, n_intervals=n_intervals, seed=seed
        )


class Planned:
    """Sets the recorded setpoints of a culture, and forecasts it: vessels that are steered, without the price of it."""

    def __init__(self, plans: Mapping[str, Sequence[Setpoints]]) -> None:
        self._plans = plans

    def decide(
        self,
        trajectories: Mapping[str, Trajectory],
        in_force: Mapping[str, Setpoints],  # noqa: ARG002 - as the protocol has it
        model: Model,
        design_space: DesignSpace,  # noqa: ARG002 - the same
        config: RunConfig,
        *,
        day: int,
    ) -> dict[str, Decision | PerfusioError]:
        """Return one decision per vessel."""
        found: dict[str, Decision | PerfusioError] = {}
        for reactor, trajectory in trajectories.items():
            chosen = self._plans[reactor][day + 1]
            (ahead,) = model.rollout(
                trajectory, [[chosen] * config.forecast_days], interval_hours=24.0, n_paths=config.n_paths, seed=day
            )
            found[reactor] = Decision(
                reactor_id=reactor, setpoints=chosen, chosen=ahead, hold=ahead, acquisition=config.acquisition,
                score=0.0, model_id=model.model_id,
                reason=Reason(
                    text="As planned.", improvement=0.0, limiting="none", limiting_probability=1.0, feasible=True
                ),
            )  # fmt: skip
        return found


class Kept:
    """A record in memory."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def append(self, event: Event) -> int:
        """Keep an event."""
        self.events.append(event)
        return len(self.events) - 1
