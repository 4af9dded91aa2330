"""One vessel's decision as a problem of optimization: candidates in, gains and kept limits out.

A candidate is one destination in the design space, or several that are headed for one after another; the plan that
leads there takes at most one largest step per interval. Letters: G candidates, D = pieces x U, S paths, H horizon,
Q species, M objectives, C constraints.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from perfusio.bed.acquisition import acquisition
from perfusio.bed.candidates.judged import Judged, Played
from perfusio.bed.candidates.plans import intervals, ramped
from perfusio.bed.given_acquisition import given_acquisition
from perfusio.bed.objectives import Feasibility, Moments, discomfort, judged, scores
from perfusio.config import DesignSpace, RunConfig
from perfusio.config.acquisitions import acquisition_named, is_multi
from perfusio.errors import ModelError
from perfusio.process import rules
from perfusio.process.derived import quantity_paths
from perfusio.process.roles import share_alive
from perfusio.protocols import Futures
from perfusio.state import FloatArray

INFEASIBLE = -1e30
"""Below any acquisition value: the logarithm of a hopeless improvement of little spread can be -1e12."""
PENALTY = 1e3
SURE_AFTER_DAYS = 3.0
"""From this day of the horizon on the share of living cells, which is slow, keeps its limits as surely as asked; before
it, by a share of the margin that rises with time. Today's action hardly moves it tomorrow: were the whole margin
asked of it, a vessel that keeps its limits would be bled and warmed at any price whenever doubt is a little large."""
TOLERANCE = 0.003
"""Where no candidate keeps every limit, those within this much of the least violation compete on the objective: 0.015
points of viability. The objective takes all that it allows, and recovery is slower by it."""


class Problem:
    """One vessel's decision problem.

    Args:
        futures: The vessel's possible futures.
        current: Setpoints in force (U,).
        hours: Length of an interval.
        space: Where destinations lie.
        config: Objectives, constraints, acquisition.
        n_paths: S.
        baseline: Destinations that are no news beside holding (K, U): hypervolumes are measured beyond them.
        size: Last measured cell diameter [um].
        seed: Of whatever the acquisition function draws.
    """

    def __init__(
        self,
        *,
        futures: Futures,
        current: FloatArray,
        hours: float,
        space: DesignSpace,
        config: RunConfig,
        n_paths: int,
        baseline: FloatArray | None = None,
        size: float = np.nan,
        seed: int = 0,
    ) -> None:
        self.current, self.config, self.size = current, config, size
        self.hours = hours
        self.horizons = [intervals(o.horizon_days, hours) for o in config.objectives]
        self.judged: list[Judged] = []
        self.futures, self.space, self.panel = futures, space, space.process
        self.hold = np.tile(current, config.plan_pieces)
        self.allowed = 0.0
        self._seen: Played | None = None
        self._known: tuple[Moments, Moments] | None = None
        self._shifts: dict[str, FloatArray] = {}
        self.anchored_at = self.hold
        self._wanted: list[bytes] = []
        self._plans: FloatArray = np.empty((0, self.horizon, len(current)))
        self._is_multi = is_multi(config.acquisition)
        others = baseline if baseline is not None and self._is_multi else np.empty((0, len(current)))
        self._baseline = np.concatenate([self.hold[None], np.tile(others, config.plan_pieces)])
        self.acquire: Callable[[FloatArray], FloatArray] = self._acquisition(n_paths, seed)

    def _acquisition(self, n_paths: int, seed: int) -> Callable[[FloatArray], FloatArray]:
        name = self.config.acquisition
        if (given := acquisition_named(name)) is not None:
            return given_acquisition(name, given, self.outcomes)
        return acquisition(
            name, self.outcomes, n_paths=n_paths, baseline=self._baseline, seed=seed,
            n_objectives=len(self.config.objectives) if self._is_multi else 1,
        )  # fmt: skip

    @property
    def _sureness(self) -> FloatArray:
        """Share of a margin that is asked for of each constraint in each interval (C, H); see SURE_AFTER_DAYS."""
        share = np.minimum(self.hours / 24.0 * np.arange(1.0, self.horizon + 1.0) / SURE_AFTER_DAYS, 1.0)
        share[-1] = 1.0
        whole = np.ones_like(share)
        slow = share_alive(self.panel)
        rows = [share if c.quantity == slow else whole for c in self.config.constraints]
        return np.array(rows).reshape(-1, self.horizon)

    @property
    def horizon(self) -> int:
        """The furthest interval that any objective looks at."""
        return max(self.horizons)

    def plans(self, candidates: FloatArray) -> FloatArray:
        """Return the ramps (G, H, U) that head for destinations (G, D) by at most one largest step per interval."""
        pieces = candidates.reshape(len(candidates), self.config.plan_pieces, -1)
        return ramped(self.current, pieces, self.space.max_step, self.horizon)

    def gains(self, candidates: FloatArray) -> FloatArray:
        """Return the weighted gain in score over holding on each path, by objective (G, S, M).

        Where a target is held, the value of distance from limits is part of it.
        """
        played, rows = self._found(candidates)
        found: FloatArray = played.gains[rows] + self._eased(played, rows)[:, None, :]
        return found

    def eased(self, candidates: FloatArray) -> FloatArray:
        """Return how much of the expected gain over holding is more distance to limits, (G,)."""
        more: FloatArray = self._eased(*self._found(candidates)).sum(axis=1)
        return more

    def _eased(self, played: Played, rows: NDArray[np.intp]) -> FloatArray:
        """Return the weighted gain over holding by more distance to limits, by objective (G, M)."""
        return self._ease(played.kept.missed[rows]) - self._ease(played.kept.missed[:1])

    def _ease(self, missed: FloatArray) -> FloatArray:
        """Return the weighted score of keeping off limits that are missed by so much (G, C, H), by objective (G, M).

        Limits on the held quantity itself do not count: they would push it off its target. Several targets share the
        rest.
        """
        ease = np.zeros((len(missed), len(self.config.objectives)))
        held = {o.quantity for o in self.config.objectives if o.target is not None}
        others = [i for i, c in enumerate(self.config.constraints) if c.quantity not in held]
        for m, (objective, h) in enumerate(zip(self.config.objectives, self.horizons, strict=True)):
            if objective.target is not None:
                ease[:, m] = -objective.weight / len(held) * discomfort(missed[:, others, :h])
        return ease

    def outcomes(self, candidates: FloatArray) -> FloatArray:
        """Return the input of acquisition functions: gains, their spread reduced to the share worth exploring."""
        value = self.gains(candidates)
        if not self._is_multi:
            value = value.sum(axis=2, keepdims=True)
        mean = value.mean(axis=1, keepdims=True)
        explored: FloatArray = mean + self.config.exploration * (value - mean)
        return explored

    def judge(self, candidates: FloatArray) -> Feasibility:
        """Return how well candidates keep the constraints."""
        played, rows = self._found(candidates)
        return played.kept.of(rows)

    def expected(self, candidates: FloatArray) -> FloatArray:
        """Return the mean of each objective's quantity at the end of its horizon (G, M), canonical units."""
        played, rows = self._found(candidates)
        columns = []
        for objective, h in zip(self.config.objectives, self.horizons, strict=True):
            paths, plans = played.paths[rows, :, h - 1 : h], played.plans[rows, h - 1 : h]
            value = quantity_paths(objective.quantity, paths, plans, size=self.size, panel=self.panel)
            columns.append(value[:, :, 0].mean(axis=1))
        return np.stack(columns, axis=1)

    def hold_paths(self) -> FloatArray:
        """Return the paths of holding (S, H, Q)."""
        played, rows = self._found(self.hold[None])
        paths: FloatArray = played.paths[rows[0]]
        return paths

    def merit(self, candidates: FloatArray) -> FloatArray:
        """Return acquisition values; candidates that break a limit rank below all that do not, the worst last."""
        kept = self.judge(candidates)
        values = self.acquire(candidates)
        ramps = self._of(candidates, "plans")  # on the way there too: the first step is what is written
        is_allowed = rules.are_balanced(ramps, self.panel).all(axis=1)
        merit = np.where(is_allowed, self._ranked(values, kept.violation), -np.inf)
        self.judged.append(
            Judged(
                candidates=candidates.copy(), gains=self.gains(candidates).mean(axis=1), violation=kept.violation,
                violation_of_mean=kept.violation_of_mean, value=values, merit=merit,
            )
        )  # fmt: skip
        return merit

    def settle(self) -> tuple[FloatArray, float]:
        """Return the best candidate that was judged (D,) and its merit; holding and -inf if none may be taken.

        Where none keeps every limit, those next to the least violating one compete on the objective from now on.
        """
        pool = self.pool()
        least = float(pool.violation[pool.is_allowed].min(initial=np.inf))
        if not np.isfinite(least) and not pool.is_allowed.any():
            return self.hold, -np.inf
        self.allowed = least + TOLERANCE if least > 0.0 else 0.0
        merit = np.where(pool.is_allowed, self._ranked(pool.value, pool.violation), -np.inf)
        self.judged = [replace(pool, merit=merit)]
        best = int(np.argmax(np.where(np.isnan(merit), -np.inf, merit)))
        return pool.candidates[best], float(merit[best])

    def _ranked(self, values: FloatArray, violation: FloatArray) -> FloatArray:
        return np.where(violation > self.allowed, INFEASIBLE * (1.0 + violation - self.allowed), values)

    def penalized(self, candidates: FloatArray) -> FloatArray:
        """Return acquisition values less a penalty that no gain outweighs, without the jump at the limit (G,).

        Values below 0 are squeezed, in their order: no logarithm of a hopeless improvement outweighs a limit.
        """
        missed = np.maximum(self.judge(candidates).violation - self.allowed, 0.0)
        return squeezed(self.acquire(candidates)) - PENALTY * missed

    def pool(self) -> Judged:
        """Return everything that was judged so far."""
        return Judged(**{
            name: np.concatenate([getattr(j, name) for j in self.judged])
            for name in ("candidates", "gains", "violation", "violation_of_mean", "value", "merit")
        })  # fmt: skip

    def _of(self, candidates: FloatArray, what: str) -> FloatArray:
        played, rows = self._found(candidates)
        found: FloatArray = getattr(played, what)[rows]
        return found

    def unplayed(self, candidates: FloatArray) -> FloatArray | None:
        """Return the plans (G, H, U) to be played before these candidates can be judged; None if they were already.

        Whoever plays them, beside those of other vessels, hands the paths to `receive`; else the problem plays them.
        """
        known = {} if self._seen is None else self._seen.rows
        wanted = candidates if known else np.concatenate([self._baseline, candidates])
        self._wanted = [key for key in dict.fromkeys(row.tobytes() for row in wanted) if key not in known]
        if not self._wanted:
            return None
        self._plans = self.plans(np.array([np.frombuffer(key) for key in self._wanted]))
        return self._plans

    def receive(self, paths: FloatArray) -> None:
        """Take the paths (G, S, H, Q) of the plans that `unplayed` returned."""
        plans, seen = self._plans, self._seen
        moments = Moments.of(self.config.constraints, paths, plans, size=self.size)
        if seen is None:
            rows = {key: i for i, key in enumerate(self._wanted)}
            gains = self._gains(paths, plans)
            seen = Played(
                rows=rows, plans=plans, paths=paths, gains=gains, moments=moments, kept=self._judged(moments)
            )
        else:
            beside = np.concatenate([seen.paths[:1], paths]), np.concatenate([seen.plans[:1], plans])
            seen = seen.with_more(self._wanted, plans, paths, self._gains(*beside)[1:], moments)
            seen = replace(seen, kept=self._judged(seen.moments))
        self._seen = seen

    def _gains(self, paths: FloatArray, plans: FloatArray) -> FloatArray:
        """Return the weighted gains (G, S, M) of plans over the first of them, which holds."""
        moves = (plans[:, 0] - self.current) / self.space.max_step
        gains = []
        for objective, h in zip(self.config.objectives, self.horizons, strict=True):
            shift = self._shifts.get(objective.quantity, np.zeros(self.horizon))[:h]
            value = scores(objective, paths[:, :, :h], plans[:, :h], moves, size=self.size, shift=shift)
            gains.append(objective.weight * (value - value[:1]))
        return np.stack(gains, axis=2)

    def _means(self, candidate: FloatArray) -> dict[str, FloatArray]:
        """Return the mean of each objective's quantity over the paths of a candidate (D,), (H,)."""
        played, rows = self._found(candidate[None])
        names = [objective.quantity for objective in self.config.objectives]
        paths, plans = played.paths[rows], played.plans[rows]
        size, panel = self.size, self.panel
        return {n: quantity_paths(n, paths, plans, size=size, panel=panel)[0].mean(axis=0) for n in names}

    def _judged(self, moments: Moments) -> Feasibility:
        known = moments if self._known is None else moments.corrected(*self._known)
        return judged(self.config.constraints, known, self._sureness)

    def anchor(self, on_many: Problem, candidate: FloatArray) -> None:
        """Judge and score from now on as the same problem on many paths does for a candidate (D,); forget the rest.

        The candidate itself is then judged as on many paths, those near it almost so, at the cost of few.
        """
        self.anchored_at = candidate
        few, many = self._moments(candidate), on_many._moments(candidate)
        if not all(np.isfinite(a).all() for a in (few.mean, few.sd, many.mean, many.sd)):
            raise ModelError("A forecast by which limits are judged is not finite.")
        self._known = few, many
        mine, theirs = self._means(candidate), on_many._means(candidate)
        self._shifts = {name: theirs[name] - mine[name] for name in mine}
        if self._seen is not None:
            gains = self._gains(self._seen.paths, self._seen.plans)
            self._seen = replace(self._seen, gains=gains, kept=self._judged(self._seen.moments))
        self.judged, self.allowed = [], 0.0

    def _moments(self, candidate: FloatArray) -> Moments:
        played, rows = self._found(candidate[None])
        return Moments(mean=played.moments.mean[:, rows], sd=played.moments.sd[:, rows])

    def _found(self, candidates: FloatArray) -> tuple[Played, NDArray[np.intp]]:
        """Return the simulated candidates, and the places of these among them; those not there yet are simulated."""
        plans = self.unplayed(candidates)
        if plans is not None:
            self.receive(self.futures.play(plans))
        assert self._seen is not None
        return self._seen, np.array([self._seen.rows[row.tobytes()] for row in candidates], dtype=np.intp)


def squeezed(values: FloatArray) -> FloatArray:
    """Return acquisition values with those below 0 squeezed, in their order."""
    return np.where(values < 0.0, -np.log1p(np.maximum(-values, 0.0)), values)
