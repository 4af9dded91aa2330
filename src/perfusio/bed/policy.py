"""BEDPolicy: propose the next setpoints of each vessel, and say why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from zlib import crc32

import numpy as np

from perfusio.bed.acquisition import check_available
from perfusio.bed.candidates.plans import intervals
from perfusio.bed.many_vessels import few, forecasts, guarded, in_step
from perfusio.bed.problem import Problem
from perfusio.bed.reasons import explain
from perfusio.bed.search import Search, refining
from perfusio.bed.shared_limits import SharedLimit, narrowed
from perfusio.config import DesignSpace, RunConfig
from perfusio.decision import Decision, Reason
from perfusio.errors import ModelError, PerfusioError
from perfusio.forecast import Forecast
from perfusio.kinetics.unknown import learnt_only
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.protocols import Disturbed, Experienced, Futures, Model
from perfusio.state import FloatArray, Setpoints
from perfusio.trajectory import Trajectory

N_SEARCH_PATHS = 48
"""Paths of a decision problem that is searched on all of them."""
N_MANY_PATHS, N_PATHS, N_SCOUT_PATHS = 128, 16, 8
"""Paths of the three views of one that is searched cheaply."""
ROUNDING = 0.01
"""By so much of itself a merit may differ when it is evaluated again: paths are in single precision, and the logarithm
of a hopeless improvement magnifies."""
VARIED = 0.25
"""A setpoint that moved by less than this share of its largest step in all runs learnt from was not varied."""
N_BASELINE = 3
"""Latest setpoints of a vessel that are no news to it: hypervolumes are measured beyond them."""


@dataclass(frozen=True, slots=True)
class BEDPolicy:
    """Bayesian experimental design on the model's sample paths.

    A candidate is a destination of the setpoints, or several in a row. Candidates that keep every chance constraint
    compete by the acquisition function; if none does, the least violating ones compete and the reason says so.

    Attributes:
        shared: Limits on the joint use of vessels, e.g. ``(SharedLimit(high=24.0),)`` for medium.
    """

    shared: tuple[SharedLimit, ...] = ()

    def on_record(self) -> dict[str, Any]:
        """Return its settings beside those of the run, as plain data; empty if there are none."""
        return {"shared": [s.as_dict() for s in self.shared]} if self.shared else {}

    @classmethod
    def of_record(cls, told: Mapping[str, Any], process: Panel = CHO_PERFUSION) -> BEDPolicy:
        """Return the policy that was told this in a run of a process."""
        shared = told.get("shared", ())
        limits = ({**limit, "reactors": tuple(limit["reactors"]), "process": process} for limit in shared)
        return cls(shared=tuple(SharedLimit(**limit) for limit in limits))

    def check(self, config: RunConfig) -> None:
        """Refuse an acquisition function or a search that needs BoTorch where that is not installed.

        Raises:
            ConfigError: see `acquisition.check_available`.
        """
        check_available(config.acquisition, config.search)

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
        seed = int(np.random.SeedSequence([config.seed, day]).generate_state(1)[0])
        at_hand = _Today(trajectories=trajectories, in_force=in_force, model=model, config=config, seed=seed)
        spaces = dict.fromkeys(sorted(trajectories), design_space)
        decisions = at_hand.decided(spaces)
        for limit in self.shared:
            again = narrowed(limit, decisions, in_force, spaces)
            spaces |= again
            decisions |= at_hand.decided(again)
        return decisions


def problem_of(
    trajectory: Trajectory, current: Setpoints, model: Model, space: DesignSpace, config: RunConfig, seed: int
) -> Problem:
    """Return the decision problem of a vessel as it is now.

    Raises:
        EmptyDesignSpace: no single step brings the vessel back into the design space.
    """
    space.reachable(current)
    return _posed(_futures(trajectory, model, config, seed)(N_SEARCH_PATHS), trajectory, current, space, config, seed)


def _futures(trajectory: Trajectory, model: Model, config: RunConfig, seed: int) -> Callable[[int], Futures]:
    """Return the sampler of so many futures of a vessel, as far ahead as the objectives look."""
    hours = config.sampling_interval_hours
    n = max(intervals(o.horizon_days, hours) for o in config.objectives)

    def draw(n_paths: int) -> Futures:
        return model.futures(trajectory, interval_hours=hours, n_paths=n_paths, n_intervals=n, seed=seed)

    return draw


def _posed(
    futures: Futures,
    trajectory: Trajectory,
    current: Setpoints,
    space: DesignSpace,
    config: RunConfig,
    seed: int,
    n_paths: int = N_SEARCH_PATHS,
) -> Problem:
    name = trajectory.panel.one_or_none("size")
    sizes = [] if name is None else [v for s in trajectory.states if (v := getattr(s, name)) == v]
    return Problem(
        futures=futures,
        current=current.vector(),
        hours=config.sampling_interval_hours,
        space=space,
        config=config,
        n_paths=n_paths,
        baseline=_latest(trajectory, space),
        size=sizes[-1] if sizes else np.nan,
        seed=seed,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Find of a search for a vessel: its problem, the best candidate (D,) and its acquisition value."""

    problem: Problem
    on_many: Problem
    best: FloatArray
    score: float

    def ramp(self) -> list[Setpoints]:
        """Return the plan that leads there, an interval each."""
        return [Setpoints.of(u, self.problem.panel) for u in self.problem.plans(self.best[None])[0]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Today:
    """The decisions of one day, as far as they do not depend on one another.

    Attributes:
        trajectories: Of the vessels.
        in_force: Setpoints of these, and of others.
        model: Conditioned on them.
        config: Of the run.
        seed: Of the day.
    """

    trajectories: Mapping[str, Trajectory]
    in_force: Mapping[str, Setpoints]
    model: Model
    config: RunConfig
    seed: int

    def decided(self, spaces: Mapping[str, DesignSpace]) -> dict[str, Decision | PerfusioError]:
        """Return a decision, or the error that kept one from being made, for each vessel with a design space."""
        found = in_step({reactor: self._search(reactor, space) for reactor, space in spaces.items()})
        hours = self.config.sampling_interval_hours
        n = intervals(self.config.forecast_days, hours)
        asked = {}
        for reactor, one in found.items():
            if isinstance(one, _Found):
                ramp = one.ramp()
                held = [self.in_force[reactor]] * n
                asked[reactor] = (self.trajectories[reactor], [(ramp + [ramp[-1]] * n)[:n], held])
        ahead = forecasts(self.model, asked, hours=hours, n_paths=self.config.n_paths, seed=self.seed)

        def finished(reactor: str) -> Decision | PerfusioError:
            one = found[reactor]
            return one if isinstance(one, PerfusioError) else self._decision(reactor, one, ahead[reactor])

        return {reactor: guarded(reactor, partial(finished, reactor)) for reactor in spaces}

    def _search(self, reactor: str, space: DesignSpace) -> Search[_Found]:
        trajectory, current, config = self.trajectories[reactor], self.in_force[reactor], self.config
        if not space.process.setpoints:
            name = space.process.name
            raise ModelError(f"{name} has no setpoints: there is nothing to decide. Run it in mode manual.")
        space.reachable(current)
        # a stream of its own, whichever other vessels there are today
        seed = int(np.random.SeedSequence([self.seed, crc32(reactor.encode())]).generate_state(1)[0])
        draw = _futures(trajectory, self.model, config, self.seed)
        futures = draw(N_MANY_PATHS)

        def posed(futures: Futures, n_paths: int) -> Problem:
            return _posed(futures, trajectory, current, space, config, seed, n_paths)

        on_many = posed(futures, N_MANY_PATHS)
        problem, scout = (posed(few(futures, n, draw), n) for n in (N_PATHS, N_SCOUT_PATHS))
        yield on_many, on_many.hold[None]
        low, high = box(on_many, trajectory, space, tried_by(self.model, config))
        best, merit = yield from refining(scout, problem, on_many, low, high, np.random.default_rng(seed))
        again = posed(problem.futures, N_PATHS)  # nothing of the search is left in it but where it was anchored
        yield again, np.stack([best, problem.anchored_at])
        again.anchor(on_many, problem.anchored_at)
        score, first, second = (float(p.acquire(best[None])[0]) for p in (on_many, problem, again))
        if not np.isfinite(score) or np.isnan(merit) or not abs(second - first) <= ROUNDING * max(1.0, abs(first)):
            raise ModelError(f"The score of the best setpoints does not re-evaluate: {first:g} against {second:g}.")
        return _Found(problem=problem, on_many=on_many, best=best, score=score)

    def _decision(
        self, reactor: str, found: _Found, ahead: tuple[Forecast, ...] | PerfusioError
    ) -> Decision | PerfusioError:
        if isinstance(ahead, PerfusioError):
            return ahead
        chosen, hold = ahead
        reason = explain(found.problem, found.best, support=chosen.support, on_many=found.on_many)
        return Decision(
            reactor_id=reactor,
            setpoints=found.ramp()[0],
            chosen=chosen,
            hold=hold,
            reason=_with_disturbance(reason, self.model, self.trajectories[reactor]),
            acquisition=self.config.acquisition,
            score=found.score,
            model_id=self.model.model_id,
            plan=_without_repeats(found.ramp()),
        )


def _without_repeats(ramp: list[Setpoints]) -> tuple[Setpoints, ...]:
    """Return a plan without its last intervals where these are alike: the last one stays."""
    n = len(ramp)
    while n > 1 and ramp[n - 1] == ramp[n - 2]:
        n -= 1
    return tuple(ramp[:n])


def _with_disturbance(reason: Reason, model: Model, trajectory: Trajectory) -> Reason:
    """Add the disturbance that the model estimates on the quantity of the tightest limit."""
    panel, name = trajectory.panel, reason.limiting.split(" ")[0]
    if name not in panel.species_names or not isinstance(model, Disturbed):
        return reason
    q, (mean, sd) = panel.index(name), model.disturbance(trajectory)
    return replace(reason, disturbance=float(mean[q]), disturbance_sd=float(sd[q]))


def tried_by(model: Model, config: RunConfig) -> tuple[FloatArray, FloatArray] | None:
    """Return the tried ranges of a model (protocols.Experienced), where the run asks for it."""
    return model.tried() if config.untried == "hold" and isinstance(model, Experienced) else None


def box(
    problem: Problem,
    trajectory: Trajectory,
    space: DesignSpace,
    tried: tuple[FloatArray, FloatArray] | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Return the corners (D,) between which candidates lie.

    Perfusion is capped at the present rate times exp(growth), for later pieces with the growth until then: a faster
    ramp overfeeds (process-facts 3.2). A setpoint that was never varied where the model learnt (`tried`, as in
    protocols.Experienced) is not moved, unless towards where it was then: its effect would be a guess, and a guess is
    where an optimum is soon found. Flows are no guess: the balances say the effect of perfusion, bleed and feeds. A
    condition of which no rate law knows stays too while the model has no runs to say whether it was varied.
    """
    panel = space.process
    cells, perfusions = panel.the("cells"), [panel.index(n) for n in panel.of_role("perfusion")]
    bleeds = [panel.index(n) for n in panel.of_role("bleed")]
    counts, before = problem.hold_paths()[:, 0, panel.index(cells)], getattr(trajectory.states[-1], cells)
    hours, n = problem.config.sampling_interval_hours, problem.config.plan_pieces
    net = float(np.log(np.median(counts) / before)) if before > 0 else 0.0
    growth = max(net + sum(problem.current[b] for b in bleeds) * hours / 24.0, 0.0)
    low, high, highs = space.low, space.high, []
    if tried is not None:
        is_untried = tried[1] - tried[0] < VARIED * space.max_step
        is_untried[[*perfusions, *bleeds, *(panel.index(n) for n in panel.of_role("feed_rate"))]] = False
        low = np.where(is_untried, np.clip(np.minimum(tried[0], problem.current), low, high), low)
        high = np.where(is_untried, np.clip(np.maximum(tried[1], problem.current), space.low, high), high)
    elif problem.config.untried == "hold":
        guessed = [panel.index(name) for name in learnt_only(panel)]
        held = np.clip(problem.current, space.low, space.high)
        low[guessed] = high[guessed] = held[guessed]
    for piece in range(n):
        first = -(-piece * problem.horizon // n)  # the interval in which this piece begins
        capped = high.copy()
        for d in perfusions:
            capped[d] = max(min(high[d], problem.current[d] * np.exp(growth * (first + 1))), low[d])
        highs.append(capped)
    return np.tile(low, n), np.concatenate(highs)


def _latest(trajectory: Trajectory, space: DesignSpace) -> FloatArray:
    """Return the latest different setpoints of a vessel that lie in the design space (K, U)."""
    different = dict.fromkeys(u for u in reversed(trajectory.setpoints) if space.contains(u))
    return np.array([u.vector() for u in different][:N_BASELINE]).reshape(-1, len(space.low))
