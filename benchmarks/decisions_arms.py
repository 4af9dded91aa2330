"""Everybody who steers: oracle, twin, PI controllers, fixed recipes and chance; and what became of the vessels."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from decisions_cases import FROM_DAY, TARGET, Case
from model_cases import Array
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import Objective, RunConfig
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.events import Event, ModelConditioned, ModelRejected, SampleMissing, SampleRead
from perfusio.hybrid.model import HybridModel
from perfusio.plant.vessel import VesselBatch
from perfusio.process.rules import largest_bleed
from perfusio.state import SETPOINT_INDEX, Setpoints, State
from perfusio.study.closed_loop import Decide, steer_all, tracking_error
from perfusio.study.foresight import Oracle, harvest, hold_vcd
from perfusio.twin.digital_twin import DigitalTwin

LIMITS = ("viability", "glucose", "ammonium", "cspr")
LOOKS_AHEAD = {"track": 2, "maximize": 3}
"""Days that the oracle looks ahead: of 2 to 14 those with which it did best on the clones for choosing."""
Makers = Callable[[SimulatedAmbr250, int], Decide]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """What became of one vessel.

    Attributes:
        truth: True states, one per sample.
        harvested: Product taken out with the harvest until each sample [mg per L of vessel].
        inputs: Setpoints in force in between, (days, U).
        believed: Filtered viability at each sample (twins only) [%].
        cpu_s: CPU seconds of the decision turns, per vessel (twins only).
    """

    truth: tuple[State, ...]
    harvested: Array
    inputs: Array
    believed: tuple[float, ...] = ()
    cpu_s: float = float("nan")

    @property
    def error(self) -> float:
        """RMS of the true density over the target less 1."""
        return tracking_error(self.truth, TARGET, from_day=FROM_DAY)

    @property
    def productivity(self) -> float:
        """Product harvested per day [mg/L/day]."""
        before = FROM_DAY - 1
        return float((self.harvested[-1] - self.harvested[before]) / (len(self.harvested) - 1 - before))

    @property
    def medium(self) -> float:
        """Perfusion medium used [vessel volumes a day]."""
        return float(self.inputs[FROM_DAY - 1 :, SETPOINT_INDEX["perfusion_rate"]].mean())

    def broken(self) -> Array:
        """Return which limits the truth breaks on which days from the first that counts, (days, LIMITS)."""
        return self._broken(FROM_DAY, len(self.truth))

    def _broken(self, first: int, end: int) -> Array:
        states = np.array([[s.viability, s.glucose, s.ammonium, s.vcd] for s in self.truth[first:end]]).reshape(-1, 4)
        viability, glucose, ammonium, vcd = states.T
        cspr = 1000.0 * self.inputs[first - 1 : end - 1, SETPOINT_INDEX["perfusion_rate"]] / vcd
        return np.stack([viability < 95.0, glucose < 0.3, ammonium > 10.0, cspr < 15.0], axis=1)

    @property
    def early(self) -> int:
        """Days before those that count on which the truth breaks a limit."""
        return int(self._broken(1, FROM_DAY).any(axis=1).sum())

    @property
    def bias(self) -> float:
        """Mean of filtered less true viability over the days that count [points]."""
        pairs = zip(self.believed[FROM_DAY:], self.truth[FROM_DAY:], strict=False)
        off = [believed - state.viability for believed, state in pairs]
        return float(np.mean(off)) if off else float("nan")


def steered(case: Case, make: Makers, *, start: Setpoints | None = None) -> list[Lived]:
    """Run the vessels of a case, each under the rule that `make(rig, index)` gives it."""
    rig = case.rig(start)
    harvested: dict[str, list[float]] = {name: [] for name in rig.vessels()}

    def watching(index: int, name: str) -> Decide:
        decide = make(rig, index)

        def rule(sample: State, in_force: Setpoints) -> Setpoints:
            harvested[name].append(float(rig.plant.state("harvested")[index]))
            return decide(sample, in_force)

        return rule

    runs = asyncio.run(steer_all(rig, {name: watching(i, name) for i, name in enumerate(rig.vessels())}))
    return [
        Lived(truth=run.truth, harvested=np.array(harvested[name]), inputs=run.trajectory.inputs)
        for name, run in runs.items()
    ]


def oracle(case: Case, objective: Objective, *, look: int | None = None) -> list[Lived]:
    """Steer by what the plant itself says; `look` days ahead, as usual where None."""
    score = harvest if objective.target is None else hold_vcd(objective.target)
    ahead = look or LOOKS_AHEAD[objective.kind]

    def make(rig: SimulatedAmbr250, index: int) -> Decide:
        return Oracle(rig.plant, index, score=score, horizon_days=ahead, seed=case.seed).decide

    return steered(case, make)


def twin(
    case: Case, objective: Objective, model: HybridModel, *, retrain_every: int = 3, n_paths: int = 256
) -> list[Lived]:
    """Steer by the digital twin, through the same road as everybody."""
    rig = case.rig()
    vessels = rig.vessels()
    truth: dict[str, list[State]] = {name: [] for name in vessels}
    harvested: dict[str, list[float]] = {name: [] for name in vessels}
    believed: dict[str, list[float]] = {name: [] for name in vessels}

    def observe(event: Event) -> None:
        if isinstance(event, SampleRead | SampleMissing):
            name = str(event.reactor)
            truth[name].append(vessels[name].true_state())
            harvested[name].append(float(rig.plant.state("harvested")[list(vessels).index(name)]))
        if isinstance(event, ModelConditioned | ModelRejected):
            for name, trajectory in steering.run_state.trajectories.items():
                if trajectory.states and len(believed[name]) < len(truth[name]):
                    assert isinstance(steering.model, HybridModel)
                    believed[name].append(steering.model.estimate(trajectory).viability)

    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        config = RunConfig(
            duration_days=case.days,
            objective=objective,
            retrain_every=retrain_every,
            n_paths=n_paths,
            seed=case.seed,
            run_dir=Path(folder),
        )
        steering = DigitalTwin(
            connector=dict(vessels), design_space=SPACE, run_config=config, model=model, observers=(observe,)
        )
        result = asyncio.run(steering.run())
    spent = (time.process_time() - start) / len(vessels) / case.days
    return [
        Lived(
            truth=tuple(truth[name]),
            harvested=np.array(harvested[name]),
            inputs=result.trajectories[name].inputs,
            believed=tuple(believed[name]),
            cpu_s=spent,
        )
        for name in vessels
    ]


def not_learning(model: HybridModel) -> HybridModel:
    """Return the model without what it learns of a vessel: no rates and no drift of its own, only its state.

    Run it without refits; what is left is a filter of the nine species on the model of the old runs.
    """
    process = replace(model.process, freedom=0.0, rate_cov=np.zeros_like(model.process.rate_cov))
    return replace(model, process=process, beliefs={})


def chance(case: Case) -> list[Lived]:
    """Steer by dice, within bounds and largest steps."""

    def make(_: SimulatedAmbr250, index: int) -> Decide:
        rng = np.random.default_rng([case.seed, index])

        def decide(_: State, in_force: Setpoints) -> Setpoints:
            drawn = Setpoints.of(rng.uniform(*SPACE.reachable(in_force)))
            return replace(drawn, bleed_rate=min(drawn.bleed_rate, float(largest_bleed(drawn.perfusion_rate))))

        return decide

    return steered(case, make)


def fixed(case: Case, recipe: Setpoints) -> list[Lived]:
    """Hold one recipe from the first day to the last."""
    return steered(case, lambda _rig, _index: lambda _sample, in_force: in_force, start=recipe)


def outcomes(case: Case, recipes: Sequence[Setpoints]) -> list[Lived]:
    """Hold each recipe in a vessel of its own, with the inoculum of the first vessel of the case."""
    seed = case.rig().plant.seeds[0]
    batch = VesselBatch(case.plant, list(recipes), seeds=[seed] * len(recipes), disturbances=case.disturbances)
    truth = [batch.true_states()]
    harvested = [batch.state("harvested")]
    for _ in range(case.days):
        batch.advance(1.0)
        truth.append(batch.true_states())
        harvested.append(batch.state("harvested"))
    return [
        Lived(
            truth=tuple(day[i] for day in truth),
            harvested=np.array([day[i] for day in harvested]),
            inputs=np.tile(recipe.vector(), (case.days, 1)),
        )
        for i, recipe in enumerate(recipes)
    ]


def pooled_violation(vessels: Sequence[Lived]) -> float:
    """Return the share of vessel-days on which the truth breaks any limit [%]."""
    return 100.0 * float(np.concatenate([v.broken().any(axis=1) for v in vessels]).mean())


def by_limit(vessels: Sequence[Lived]) -> Mapping[str, float]:
    """Return the share of vessel-days on which each limit is broken [%]."""
    share = 100.0 * np.concatenate([v.broken() for v in vessels]).mean(axis=0)
    return dict(zip(LIMITS, share.tolist(), strict=True))
