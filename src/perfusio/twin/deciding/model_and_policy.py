"""Mind: the model and the policy of a run, in threads of their own; whatever fails there is a HOLD, no crash."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import nan
from pathlib import Path
from typing import TypeVar

import numpy as np

from perfusio.bed.model_free.standing_in import StandIn
from perfusio.bed.target_feasibility import TargetDoubt, doubt
from perfusio.config import RunConfig
from perfusio.decision import Decision
from perfusio.errors import ModelError
from perfusio.events import (
    Event,
    Forecasted,
    ModelConditioned,
    ModelFitted,
    ModelRejected,
    ModelSaved,
    ModelWaiting,
)
from perfusio.forecast import Forecast
from perfusio.hybrid.clone_models import keeping_apart
from perfusio.hybrid.threads import one_thread
from perfusio.protocols import JudgesMedium, MediumDoubt, Model, Policy, Saving
from perfusio.state import Setpoints
from perfusio.trajectory import Trajectory
from perfusio.twin.deciding import saved_models
from perfusio.twin.deciding.identity import identity_of, is_ours
from perfusio.twin.state import event_builders
from perfusio.twin.vessels import Terms

WORSE = 1.1
"""A refit that predicts the latest transitions this many times worse is refused."""
REFIT_SHARE = 0.25
"""Of the time between two samples that a refit may take: later results are not used."""
_N_WORKERS = 4
"""Threads for models and policies: their own, so that connectors that hang in threads of theirs take none of these."""
T = TypeVar("T")
_LOG = logging.getLogger(__name__)


class Mind:
    """Model and policy of a run.

    Args:
        model: Belief to start from.
        policy: Chooses setpoints.
        config: Settings of the run.
        tell: Puts an event on record.

    Attributes:
        model: The present belief.
        policy: Chooses setpoints.
        keeps_in: Folder of the run in which models are saved; None = they are not.
    """

    def __init__(self, model: Model, policy: Policy, config: RunConfig, tell: Callable[[Event], int]) -> None:
        self.model, self.policy = model, policy
        self._config, self._tell = config, tell
        self.keeps_in: Path | None = None
        self._waiting: tuple[Model, ModelWaiting] | None = None
        self._workers = ThreadPoolExecutor(_N_WORKERS, thread_name_prefix="perfusio")

    def close(self) -> None:
        """Take no more work; work under way is not waited for."""
        self._workers.shutdown(wait=False)

    async def doubts(self, terms: Terms, *, are_all: bool) -> None:
        """Ask the model whether the targets of some vessels can be held at all; doubts stop nothing."""
        try:
            found = await self._work(partial(doubt, self.model, terms.design_space, terms.config))
        except Exception as error:  # noqa: BLE001 - as in `_attempt`; the first forecast says more about such a model
            words = f"Whether the aim can be held was not checked: {type(error).__name__}: {error}"
            found = TargetDoubt(text=words, binding="not checked", remedies=(), growth=(nan, nan), window=(nan, nan))
        if found is not None:
            self._tell(event_builders.aim_doubted(found, () if are_all else terms.reactors))

    async def condition(self, turn: int, observed: Sequence[Trajectory], *, is_on_record: bool = False) -> None:
        """Take in the samples so far; the parameters stay. After a restart that may be on record already."""

        def condition() -> tuple[Model, ModelConditioned]:
            model = keeping_apart(self.model, observed).condition(observed)
            return model, ModelConditioned(turn=turn, model_id=model.model_id)

        conditioned = await self._attempt(turn, condition)
        if conditioned is not None:
            self.model, event = conditioned
            if not is_on_record:
                self._tell(event)

    async def refit(self, turn: int, observed: Sequence[Trajectory]) -> None:
        """Learn the parameters anew; a worse, broken or late one is not taken, and the model before stays."""
        seed = int(np.random.SeedSequence([self._config.seed, turn]).generate_state(1)[0])

        def refit() -> tuple[Model, Event]:
            new = self.model.refit(observed, seed=seed)
            accepted = bool(np.isfinite(new.error) and new.error <= WORSE * new.previous_error)
            model = new.model if accepted else self.model
            return model, event_builders.refitted(new, turn, accepted=accepted, model_id=model.model_id)

        within_s = REFIT_SHARE * 3600.0 * self._config.sampling_interval_hours
        refitted = await self._attempt(turn, refit, within_s=within_s)
        if refitted is None:
            return
        model, event = refitted
        if self._config.model_update == "approve" and isinstance(event, ModelFitted):
            await self._lay_aside(turn, model, event, observed)
            return
        self.model = model
        self._tell(event)

    async def _lay_aside(self, turn: int, model: Model, fitted: ModelFitted, observed: Sequence[Trajectory]) -> None:
        """Have a refit wait for a person, saved so that it still waits after a restart."""
        file = digest = ""
        if self.keeps_in is not None and isinstance(model, Saving):
            save = partial(saved_models.save, model, observed, self.keeps_in, turn, name="waiting")
            saved = await self._work(save)
            file, digest = saved.file, saved.sha256
        words = f"The refit ({fitted.holdout_error:.3g}, {fitted.previous_error:.3g} before) waits: perfusio adopt."
        waiting = ModelWaiting(
            turn=turn, model_id=model.model_id, holdout_error=fitted.holdout_error,
            previous_error=fitted.previous_error, file=file, sha256=digest, reason=words,
        )  # fmt: skip
        self._waiting = model, waiting
        self._tell(waiting)

    def goes_on(self, waiting: ModelWaiting) -> None:
        """Know of a refit that waited when an earlier program ended.

        Raises:
            AuditError: its file is gone, or another than the one on record.
        """
        if waiting.file and self.keeps_in is not None and is_ours(identity_of(self.model)):
            self._waiting = saved_models.load(self.keeps_in, waiting), waiting

    def adopt(self, turn: int, observed: Sequence[Trajectory]) -> bool:
        """Take the refit that waits for a person into use, with all samples since; return whether there was one."""
        if self._waiting is None:
            return False
        model, waited = self._waiting
        self._waiting, self.model = None, model.condition(observed)
        self._tell(
            ModelFitted(
                turn=turn, model_id=self.model.model_id, holdout_error=waited.holdout_error,
                previous_error=waited.previous_error, reason=f"The refit of turn {waited.turn}, adopted by a person.",
            )
        )  # fmt: skip
        return True

    async def answers(
        self,
        turn: int,
        groups: Iterable[Terms],
        trajectories: Mapping[str, Trajectory],
        in_force: Mapping[str, Setpoints],
    ) -> dict[str, object]:
        """Return the policy's answer for each vessel that is asked about, sound or not.

        Args:
            turn: Turn of the loop.
            groups: Vessels that are decided for together.
            trajectories: Of these vessels.
            in_force: Setpoints of all vessels that go on, also of those that are not asked about.
        """
        answers: dict[str, object] = {}
        now = dict(in_force)
        for terms in groups:
            theirs = {r: trajectories[r] for r in terms.reactors}
            decide = partial(
                self.policy.decide, theirs, dict(now), self.model, terms.design_space, terms.config, day=turn
            )
            try:
                decided = dict(await self._work(decide))
                answers |= {r: decided.get(r) for r in terms.reactors}
                now |= {r: d.setpoints for r, d in answers.items() if isinstance(d, Decision) and r in theirs}
            except Exception as error:  # noqa: BLE001 - a fault in a policy is that day's HOLD
                fault = ModelError(f"The policy failed with {type(error).__name__}: {error}")
                answers |= dict.fromkeys(terms.reactors, fault)
        return answers

    async def stood_in(
        self, turn: int, trajectory: Trajectory, in_force: Setpoints, target: float, terms: Terms
    ) -> object:
        """Return the decision of the model-free MPC for one vessel, or why it made none.

        Args:
            turn: Turn of the loop.
            trajectory: Of the vessel.
            in_force: Its setpoints now.
            target: Density to hold [1e6 cells/mL].
            terms: Settings of the vessel.
        """
        reactor = trajectory.reactor_id
        decide = partial(
            StandIn(targets={reactor: target}).decide, {reactor: trajectory}, {reactor: in_force}, self.model,
            terms.design_space, terms.config, day=turn,
        )  # fmt: skip
        return (await self._work(decide))[reactor]

    async def medium_doubts(self, trajectory: Trajectory) -> Sequence[MediumDoubt] | None:
        """Return which species of the declared medium do not fit; None where the model cannot say."""
        model = self.model
        if not isinstance(model, JudgesMedium):
            return None
        try:
            return await self._work(partial(model.medium_doubts, trajectory))
        except Exception:  # noqa: BLE001 - a check that fails says nothing about the vessel
            _LOG.exception("The medium of %s was not checked.", trajectory.reactor_id)
            return None

    async def forecast(
        self, turn: int, trajectory: Trajectory, in_force: Setpoints
    ) -> tuple[Forecast, Forecasted] | None:
        """Return the forecast under the setpoints in force, and its record; None if it failed, which is on record."""
        return await self._attempt(turn, partial(self._hold_forecast, turn, trajectory, in_force))

    def _hold_forecast(
        self, turn: int, trajectory: Trajectory, in_force: Setpoints
    ) -> tuple[Forecast, Forecasted]:
        hours, n, seed = self._config.sampling_interval_hours, self._config.n_paths, self._config.seed
        plan = [in_force] * max(1, round(self._config.forecast_days * 24.0 / hours))
        forecast = self.model.rollout(trajectory, [plan], interval_hours=hours, n_paths=n, seed=seed)[0]
        reactor = trajectory.reactor_id
        if not forecast.is_finite():
            raise ModelError(f"The forecast for {reactor} is not finite.")
        event = Forecasted(reactor=reactor, turn=turn, hold=forecast.to_json(), model_id=self.model.model_id)
        return forecast, event

    async def saved(self, turn: int, observed: Sequence[Trajectory]) -> ModelSaved | None:
        """Save the model in the folder of the run and return the record of it; None if it cannot or need not be.

        Raises:
            AuditError: it could not be written: the run could not go on after a crash.
        """
        model = self.model
        if not isinstance(model, Saving) or self.keeps_in is None:
            return None
        return await self._work(partial(saved_models.save, model, observed, self.keeps_in, turn))

    async def _work(self, work: Callable[[], T]) -> T:
        """Run code of a model or a policy in a thread of ours."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, one_thread(work))

    async def _attempt(self, turn: int, work: Callable[[], T], *, within_s: float | None = None) -> T | None:
        """Run model code in a thread; whatever fails there costs this turn's update, never the run or the vessel."""
        try:
            return await asyncio.wait_for(self._work(work), within_s)
        except Exception as error:  # noqa: BLE001 - a fault in a model must end as a HOLD with its name, not as a crash
            what = f"{type(error).__name__}: {error}"
            if isinstance(error, TimeoutError) and within_s is not None:
                what = f"It took longer than {within_s / 60.0:.3g} minutes."
            words = f"{what} The model before stays in use."
            self._tell(ModelRejected(turn=turn, model_id=self.model.model_id, reason=words))
            return None
