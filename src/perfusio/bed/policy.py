"""BEDPolicy: propose the next setpoints of each vessel, and say why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from perfusio.bed.objectives import Feasibility, feasibility, scores
from perfusio.bed.reasons import explain
from perfusio.bed.search import cross_entropy
from perfusio.config import DesignSpace, RunConfig
from perfusio.decision import Decision
from perfusio.errors import ModelError, PerfusioError
from perfusio.protocols import Futures, Model
from perfusio.state import SETPOINT_INDEX, SPECIES_INDEX, FloatArray, Setpoints
from perfusio.trajectory import Trajectory

N_SEARCH_PATHS = 48
INFEASIBLE = -1e6
N_PROBES = 32
TOLERANCE = 0.05
"""Where no candidate keeps every limit, those within this much of the least violation compete on the objective."""


@dataclass(frozen=True, slots=True)
class BEDPolicy:
    """Bayesian experimental design on the model's sample paths.

    A candidate is a set of setpoints held over the horizon. Candidates that keep every chance constraint compete by the
    acquisition function; if none does, the least violating ones compete and the reason says so.
    """

    def decide(
        self,
        trajectories: Mapping[str, Trajectory],
        in_force: Mapping[str, Setpoints],
        model: Model,
        design_space: DesignSpace,
        config: RunConfig,
        *,
        day: int,
    ) -> dict[str, Decision | PerfusioError]:
        """Return a Decision per vessel, or the error that kept one from being made."""
        decisions: dict[str, Decision | PerfusioError] = {}
        for reactor_id, trajectory in sorted(trajectories.items()):
            # a stream of its own, whichever other vessels there are today
            stream = [config.seed, day, crc32(reactor_id.encode())]
            seed = int(np.random.SeedSequence(stream).generate_state(1)[0])
            try:
                decisions[reactor_id] = _decide(trajectory, in_force[reactor_id], model, design_space, config, seed)
            except PerfusioError as error:
                decisions[reactor_id] = error
            except (ArithmeticError, ValueError, np.linalg.LinAlgError) as error:
                decisions[reactor_id] = ModelError(f"No decision for {reactor_id}: {error}")
        return decisions


def _decide(
    trajectory: Trajectory, current: Setpoints, model: Model, space: DesignSpace, config: RunConfig, seed: int
) -> Decision:
    hours = config.sampling_interval_hours
    horizon = max(1, round(config.objective.horizon_days * 24.0 / hours))
    futures = model.futures(
        trajectory, interval_hours=hours, n_paths=N_SEARCH_PATHS, n_intervals=horizon, seed=seed
    )
    search = _Search(futures=futures, current=current.vector(), horizon=horizon, space=space, config=config)
    space.reachable(current)  # refuses a vessel that no single step brings back into the design space
    low, high = _no_faster_than_growth(space.low, space.high, search, trajectory, hours)
    rng = np.random.default_rng(seed)
    search.allow_least_violation(low, high, rng)
    start = np.clip(search.current, low, high)
    best, merit = cross_entropy(search.merit, low, high, start[None], rng)
    chosen = Setpoints.of(search.plans(best[None])[0, 0])
    judged = search.judge(best[None])
    score = float(search.acquire(best[None])[0])
    if not np.isfinite(score) or abs(float(search.merit(best[None])[0]) - merit) > 1e-3 * max(1.0, abs(merit)):
        raise ModelError(f"The score of the best setpoints does not re-evaluate: {merit:g} against {score:g}.")
    n_forecast = max(1, round(config.forecast_days * 24.0 / hours))
    ramp = [Setpoints.of(u) for u in search.plans(best[None])[0]]
    plans = [(ramp + [ramp[-1]] * n_forecast)[:n_forecast], [current] * n_forecast]
    chosen_forecast, hold_forecast = model.rollout(
        trajectory, plans, interval_hours=hours, n_paths=config.n_paths, seed=seed
    )
    return Decision(
        reactor_id=trajectory.reactor_id,
        setpoints=chosen,
        chosen=chosen_forecast,
        hold=hold_forecast,
        reason=explain(
            config, current, chosen, chosen_forecast, hold_forecast, horizon,
            improvement=float(search.improvements(best[None]).mean()), judged=judged,
        ),
        acquisition=config.acquisition,
        score=score,
        model_id=model.model_id,
    )  # fmt: skip


class _Search:
    """One vessel's decision problem: setpoints (G, U) in, merit (G,) out."""

    def __init__(
        self, *, futures: Futures, current: FloatArray, horizon: int, space: DesignSpace, config: RunConfig
    ) -> None:
        from perfusio.bed.acquisition import acquisition  # torch: loaded with the first decision

        self.current = current
        self._futures, self._horizon, self._space, self._config = futures, horizon, space, config
        self._memory: tuple[bytes, FloatArray, FloatArray] | None = None
        self._allowed = 0.0
        self.acquire = acquisition(config.acquisition, self._explored, N_SEARCH_PATHS)

    def _played(self, setpoints: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return plans (G + 1, H, U) with holding first, and their paths; the last call is remembered."""
        key = setpoints.tobytes()
        if self._memory is None or self._memory[0] != key:
            plans = self.plans(np.concatenate([self.current[None], setpoints]))
            self._memory = (key, plans, self._futures.play(plans))
        return self._memory[1], self._memory[2]

    def plans(self, destinations: FloatArray) -> FloatArray:
        """Return the ramps (G, H, U) that approach destinations (G, U) by at most one largest step per interval."""
        steps = np.arange(1, self._horizon + 1)[:, None] * self._space.max_step
        ramps: FloatArray = self.current + np.clip((destinations - self.current)[:, None], -steps, steps)
        return ramps

    def improvements(self, setpoints: FloatArray) -> FloatArray:
        """Return the improvement in score over holding on each path (G, S)."""
        plans, paths = self._played(setpoints)
        moves = (plans[:, 0] - self.current) / self._space.max_step
        value = scores(self._config.objective, paths, plans, moves)
        return value[1:] - value[:1]

    def _explored(self, setpoints: FloatArray) -> FloatArray:
        """Return improvements with the spread between paths reduced to the share worth exploring."""
        value = self.improvements(setpoints)
        mean = value.mean(axis=1, keepdims=True)
        explored: FloatArray = mean + self._config.exploration * (value - mean)
        return explored

    def judge(self, setpoints: FloatArray) -> Feasibility:
        """Return how well candidates keep the constraints and bleed <= perfusion."""
        plans, paths = self._played(setpoints)
        return feasibility(self._config.constraints, paths[1:], plans[1:])

    def allow_least_violation(self, low: FloatArray, high: FloatArray, rng: np.random.Generator) -> None:
        """Where nothing in the box keeps every limit, let the least violating candidates compete on the objective."""
        corners = np.where(rng.random((N_PROBES, len(low))) < 0.5, low, high)
        inside = low + rng.random((N_PROBES, len(low))) * (high - low)
        least = float(self.judge(np.concatenate([corners, inside])).violation.min())
        self._allowed = least + TOLERANCE if least > 0.0 else 0.0

    def hold_paths(self) -> FloatArray:
        """Return the paths of holding (S, H, Q)."""
        paths: FloatArray = self._played(self.current[None])[1][0]
        return paths

    def merit(self, setpoints: FloatArray) -> FloatArray:
        """Return acquisition values; candidates that break a limit rank below all that do not, the worst last."""
        violation = self.judge(setpoints).violation
        values = self.acquire(setpoints)
        broken = violation > self._allowed
        ramps = self._played(setpoints)[0][1:]  # on the way there too: the first step is what is written
        bleed, perfusion = (ramps[..., SETPOINT_INDEX[n]] for n in ("bleed_rate", "perfusion_rate"))
        too_much_bleed = (bleed > perfusion).any(axis=1)
        values = np.where(broken, INFEASIBLE * (1.0 + violation - self._allowed), values)
        return np.where(too_much_bleed, -np.inf, values)


def _no_faster_than_growth(
    low: FloatArray, high: FloatArray, search: _Search, trajectory: Trajectory, hours: float
) -> tuple[FloatArray, FloatArray]:
    """Cap perfusion at the present rate times exp(growth): a faster ramp overfeeds (process-facts 3.2)."""
    d, b = SETPOINT_INDEX["perfusion_rate"], SETPOINT_INDEX["bleed_rate"]
    vcd = search.hold_paths()[:, 0, SPECIES_INDEX["vcd"]]
    before = trajectory.states[-1].vcd
    net = float(np.log(np.median(vcd) / before)) if before > 0 else 0.0
    growth = max(net + search.current[b] * hours / 24.0, 0.0)
    capped = high.copy()
    capped[d] = max(min(high[d], search.current[d] * np.exp(growth)), low[d])
    return low, capped
