"""BEDPolicy: propose the next setpoints of each vessel, and say why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np

from perfusio.bed.coupling import SharedLimit, narrowed
from perfusio.bed.problem import Problem, intervals
from perfusio.bed.reasons import explain
from perfusio.bed.search import best_candidate
from perfusio.config import DesignSpace, RunConfig
from perfusio.decision import Decision, Reason
from perfusio.errors import ModelError, PerfusioError
from perfusio.protocols import Disturbed, Model
from perfusio.state import SETPOINT_INDEX, SPECIES_INDEX, FloatArray, Setpoints
from perfusio.trajectory import Trajectory

N_SEARCH_PATHS, N_SCOUT_PATHS = 48, 16
N_BASELINE = 3
"""Latest setpoints of a vessel that are no news to it: hypervolumes are measured beyond them."""


@dataclass(frozen=True, slots=True)
class BEDPolicy:
    """Bayesian experimental design on the model's sample paths.

    A candidate is a destination of the setpoints, or several in a row. Candidates that keep every chance constraint
    compete by the acquisition function; if none does, the least violating ones compete and the reason says so.

    Attributes:
        shared: Limits on what vessels may use together, e.g. ``(SharedLimit(high=24.0),)`` for medium.
    """

    shared: tuple[SharedLimit, ...] = ()

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

        def ask(reactor_id: str, space: DesignSpace) -> Decision | PerfusioError:
            # a stream of its own, whichever other vessels there are today
            stream = [config.seed, day, crc32(reactor_id.encode())]
            seed = int(np.random.SeedSequence(stream).generate_state(1)[0])
            try:
                return _decide(trajectories[reactor_id], in_force[reactor_id], model, space, config, seed)
            except PerfusioError as error:
                return error
            except (ArithmeticError, ValueError, np.linalg.LinAlgError) as error:
                return ModelError(f"No decision for {reactor_id}: {error}")

        spaces = dict.fromkeys(sorted(trajectories), design_space)
        decisions = {reactor_id: ask(reactor_id, space) for reactor_id, space in spaces.items()}
        for limit in self.shared:
            again = narrowed(limit, decisions, in_force, spaces)
            spaces |= again
            decisions |= {reactor_id: ask(reactor_id, space) for reactor_id, space in again.items()}
        return decisions


def problem_of(
    trajectory: Trajectory,
    current: Setpoints,
    model: Model,
    space: DesignSpace,
    config: RunConfig,
    seed: int,
    *,
    n_paths: int = N_SEARCH_PATHS,
) -> Problem:
    """Return the decision problem of a vessel as it is now, on so many possible futures.

    Raises:
        EmptyDesignSpace: no single step brings the vessel back into the design space.
    """
    space.reachable(current)
    hours = config.sampling_interval_hours
    horizon = max(intervals(o.horizon_days, hours) for o in config.objectives)
    futures = model.futures(trajectory, interval_hours=hours, n_paths=n_paths, n_intervals=horizon, seed=seed)
    diameters = [s.diameter for s in trajectory.states if s.diameter == s.diameter]
    return Problem(
        futures=futures,
        current=current.vector(),
        hours=hours,
        space=space,
        config=config,
        n_paths=n_paths,
        baseline=_latest(trajectory, space),
        diameter=diameters[-1] if diameters else np.nan,
        seed=seed,
    )


def _decide(
    trajectory: Trajectory, current: Setpoints, model: Model, space: DesignSpace, config: RunConfig, seed: int
) -> Decision:
    problem = problem_of(trajectory, current, model, space, config, seed)
    low, high = box(problem, trajectory, space)
    scout = problem_of(trajectory, current, model, space, config, seed, n_paths=N_SCOUT_PATHS)
    best, merit = best_candidate(problem, low, high, np.random.default_rng(seed), scout=scout)
    score = float(problem.acquire(best[None])[0])
    if not np.isfinite(score) or abs(float(problem.merit(best[None])[0]) - merit) > 1e-3 * max(1.0, abs(merit)):
        raise ModelError(f"The score of the best setpoints does not re-evaluate: {merit:g} against {score:g}.")
    hours = config.sampling_interval_hours
    n_forecast = intervals(config.forecast_days, hours)
    ramp = [Setpoints.of(u) for u in problem.plans(best[None])[0]]
    plans = [(ramp + [ramp[-1]] * n_forecast)[:n_forecast], [current] * n_forecast]
    chosen_forecast, hold_forecast = model.rollout(
        trajectory, plans, interval_hours=hours, n_paths=config.n_paths, seed=seed
    )
    return Decision(
        reactor_id=trajectory.reactor_id,
        setpoints=ramp[0],
        chosen=chosen_forecast,
        hold=hold_forecast,
        reason=_with_disturbance(explain(problem, best, support=chosen_forecast.support), model, trajectory),
        acquisition=config.acquisition,
        score=score,
        model_id=model.model_id,
    )


def _with_disturbance(reason: Reason, model: Model, trajectory: Trajectory) -> Reason:
    """Add what the model believes to disturb the quantity of the tightest limit."""
    q = SPECIES_INDEX.get(reason.limiting.split(" ")[0])
    if q is None or not isinstance(model, Disturbed):
        return reason
    mean, sd = model.disturbance(trajectory)
    return replace(reason, disturbance=float(mean[q]), disturbance_sd=float(sd[q]))


def box(problem: Problem, trajectory: Trajectory, space: DesignSpace) -> tuple[FloatArray, FloatArray]:
    """Return the corners (D,) between which candidates lie.

    Perfusion is capped at the present rate times exp(growth), for later pieces with the growth until then: a faster
    ramp overfeeds (process-facts 3.2).
    """
    d, b = SETPOINT_INDEX["perfusion_rate"], SETPOINT_INDEX["bleed_rate"]
    vcd, before = problem.hold_paths()[:, 0, SPECIES_INDEX["vcd"]], trajectory.states[-1].vcd
    hours, n = problem.config.sampling_interval_hours, problem.config.plan_pieces
    net = float(np.log(np.median(vcd) / before)) if before > 0 else 0.0
    growth = max(net + problem.current[b] * hours / 24.0, 0.0)
    highs = []
    for piece in range(n):
        first = -(-piece * problem.horizon // n)  # the interval in which this piece begins
        capped = space.high.copy()
        capped[d] = max(min(space.high[d], problem.current[d] * np.exp(growth * (first + 1))), space.low[d])
        highs.append(capped)
    return np.tile(space.low, n), np.concatenate(highs)


def _latest(trajectory: Trajectory, space: DesignSpace) -> FloatArray:
    """Return the latest different setpoints of a vessel that lie in the design space (K, U)."""
    different = dict.fromkeys(u for u in reversed(trajectory.setpoints) if space.contains(u))
    return np.array([u.vector() for u in different][:N_BASELINE]).reshape(-1, len(space.low))
