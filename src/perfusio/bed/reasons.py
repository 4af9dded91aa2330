"""Say why these setpoints were chosen: in one sentence, and as data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from perfusio.bed.candidates.judged import Judged
from perfusio.bed.objectives import Feasibility
from perfusio.bed.pareto import nondominated
from perfusio.bed.problem import INFEASIBLE, Problem
from perfusio.config import forecast_unit
from perfusio.decision import Option, Reason
from perfusio.state import FloatArray, Setpoints

ANOTHER = 0.3
"""Share of a largest step by which some setpoint must differ to make another choice."""
N_REJECTED = 2
N_FRONT = 12
WORTH_TELLING = 0.1
"""Gain given up for a margin that a person is told of: 1 %."""
EASE_WORTH_TELLING = 0.02
"""Gain by more distance to limits that a person is told of."""
FAR = 0.5
"""Support below which a person is told that the forecast is an extrapolation."""

_BROKEN = 0.5 * INFEASIBLE
"""Merits below this belong to candidates that break a limit by more than the least."""


def explain(
    problem: Problem, best: FloatArray, *, support: FloatArray | None, on_many: Problem | None = None
) -> Reason:
    """Return the reason of one decision as data and as a sentence.

    Args:
        problem: As it was searched: candidates are compared with one another by it.
        best: Chosen candidate (D,).
        support: How close the forecast of it is to data, by interval, or None.
        on_many: The same problem on more paths, which estimate the outcome of the choice better.
    """
    told = on_many or problem
    config, pool = problem.config, problem.pool()
    objectives = config.objectives
    panel = problem.panel
    current, chosen = Setpoints.of(problem.current, panel), Setpoints.of(problem.plans(best[None])[0, 0], panel)
    option = options_of(told, best[None], [""])[0]
    own = option if on_many is None else options_of(problem, best[None], [""])[0]  # to compare with the pool
    judged = told.judge(best[None])
    feasible = bool(judged.violation[0] <= 0.0)
    rivals = pool.is_allowed & ((pool.violation <= 0.0) if feasible else (pool.merit > _BROKEN))
    forgone = max(float(pool.gain[rivals].max(initial=own.gain)) - own.gain, 0.0)
    margin, cost = _margin(problem, judged, pool, own)
    near = float(np.min(support[: problem.horizon])) if support is not None else float("nan")
    held = told.expected(told.hold[None])[0]
    effects = []
    for objective, now, otherwise in zip(objectives, option.expected, held, strict=True):
        goal = f" (target {objective.target:g})" if objective.target else ""
        name, unit = objective.quantity, forecast_unit(objective.quantity, panel)
        then = f"{now:.3g} {unit}"
        effects.append(f"{name} {then} in {objective.horizon_days:g} days instead of {otherwise:.3g}{goal}")
    limit = f"tightest limit {option.limiting} (P = {option.probability:.2f})"
    if not feasible:
        limit = (
            f"no choice keeps {option.limiting} as surely as asked (P = {option.probability:.2f}): the least violating "
            "was taken"
        )
    remarks = [limit]
    if forgone > 0.01 * max(abs(option.gain), 0.1):
        remarks.append(f"{forgone:.2g} of {option.gain + forgone:.2g} expected gain given up to explore")
    if feasible and cost > WORTH_TELLING and any(o.is_economic for o in objectives):
        remarks.append(f"its margin of {margin:.2g} costs at least {10.0 * cost:.2g} %")
    eased = float(told.eased(best[None])[0])
    if eased > max(0.5 * option.gain, EASE_WORTH_TELLING):
        remarks.append("mostly to keep further off limits")
    if near < FAR:
        remarks.append(f"far from what was learnt (support {near:.2f})")
    moved = ", ".join(changes(current, chosen)) or "hold"
    return Reason(
        text=f"{moved}: expect {', '.join(effects)}; {'; '.join(remarks)}.",
        improvement=option.gain,
        limiting=option.limiting,
        limiting_probability=option.probability,
        feasible=feasible,
        support=near,
        margin=margin,
        margin_cost=cost if feasible else 0.0,
        exploration=forgone,
        rejected=_rejected(problem, pool, best, own, feasible=feasible),
        front=_front(problem, pool, rivals) if len(objectives) > 1 else (),
    )


def changes(current: Setpoints, chosen: Setpoints) -> list[str]:
    """Return the setpoints that move by more than 1 % of their value, e.g. ``bleed_rate 0.15 -> 0.22 1/day``."""
    out = []
    for quantity in current.panel.setpoints:
        name = quantity.name
        old, new = getattr(current, name), getattr(chosen, name)
        if abs(new - old) > 0.01 * max(abs(old), 1e-3):
            out.append(f"{name} {old:.3g} -> {new:.3g} {quantity.unit}")
    return out


def options_of(problem: Problem, candidates: FloatArray, why: list[str]) -> tuple[Option, ...]:
    """Return candidates (G, D) as options, with a word each on why they were not taken."""
    kept, expected = problem.judge(candidates), problem.expected(candidates)
    gains, ramps = problem.gains(candidates).mean(axis=1), problem.plans(candidates)
    constraints = problem.config.constraints
    out = []
    for i in range(len(candidates)):
        limiting, probability = "none", 1.0
        if constraints:
            tightest = int(np.argmax(kept.missed[i].max(axis=1)))
            limiting, probability = str(constraints[tightest]), float(kept.probability[i, tightest])
        out.append(
            Option(
                setpoints=Setpoints.of(ramps[i, 0], problem.panel),
                destination=Setpoints.of(candidates[i, : len(problem.current)], problem.panel),
                gain=float(gains[i].sum()),
                gains=tuple(map(float, gains[i])),
                expected=tuple(map(float, expected[i])),
                limiting=limiting,
                probability=probability,
                why=why[i],
            )
        )
    return tuple(out)


def _margin(problem: Problem, judged: Feasibility, pool: Judged, chosen: Option) -> tuple[float, float]:
    """Return the margin to the tightest limit and the gain that it costs at least."""
    names = [str(c) for c in problem.config.constraints]
    margin = float(judged.margin[0, names.index(chosen.limiting)]) if names else float("nan")
    bold = pool.is_allowed & (pool.violation_of_mean <= 0.0)
    return margin, max(float(pool.gain[bold].max(initial=-np.inf)) - chosen.gain, 0.0)


def _rejected(
    problem: Problem, pool: Judged, best: FloatArray, chosen: Option, *, feasible: bool
) -> tuple[Option, ...]:
    """Return the best other choices: one that gains more but breaks a limit, if there is one, then the next best."""
    step = problem.space.max_step
    first = problem.plans(pool.candidates)[:, 0]
    taken = [problem.plans(best[None])[0, 0]]
    picked: list[int] = []
    why: list[str] = []

    def take(order: FloatArray, reason: str) -> None:
        for i in np.argsort(-order, kind="stable"):
            if not np.isfinite(order[i]):
                return
            if all(np.max(np.abs(first[i] - u) / step) > ANOTHER for u in taken):
                picked.append(int(i))
                why.append(reason)
                taken.append(first[i])
                return

    kept = pool.violation <= 0.0
    if feasible:
        take(np.where(pool.is_allowed & ~kept & (pool.gain > chosen.gain), pool.gain, -np.inf), "breaks a limit")
    while len(picked) < N_REJECTED:
        before = len(picked)
        fair = pool.is_allowed & (kept if feasible else pool.merit > _BROKEN)
        take(np.where(fair, pool.gain, -np.inf), "gains less")
        if len(picked) == before:
            break
    options = options_of(problem, pool.candidates[picked], why) if picked else ()
    return tuple(_with_reason(option, chosen) for option in options)


def _with_reason(option: Option, chosen: Option) -> Option:
    if option.why == "breaks a limit":
        text = (
            f"would gain {option.gain:.2g} instead of {chosen.gain:.2g}, but {option.limiting} only with P = "
            f"{option.probability:.2f}"
        )
    elif option.gain <= chosen.gain:
        text = f"gains {option.gain:.2g} instead of {chosen.gain:.2g}"
    else:
        text = f"gains {option.gain:.2g}, but the acquisition function preferred the one chosen"
    return replace(option, why=text)


def _front(problem: Problem, pool: Judged, rivals: NDArray[np.bool_]) -> tuple[Option, ...]:
    """Return choices that no other beats on every objective, spread along the front."""
    inside = np.flatnonzero(rivals)
    if not inside.size:
        return ()
    best = inside[nondominated(pool.gains[inside])]
    order = best[np.argsort(pool.gains[best, 0], kind="stable")]
    spread = order[np.unique(np.linspace(0, len(order) - 1, N_FRONT).round().astype(int))]
    return options_of(problem, pool.candidates[spread], [""] * len(spread))
