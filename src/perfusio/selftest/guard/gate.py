"""T05: whatever is proposed, a vector that the guard lets pass lies within every bound, step and cross rule.

The rules are written here once more, plainly, for one vector at a time: an escape is a breach that these find in a
write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import inf, isfinite, nan

import numpy as np

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Bounds, Constraint, DesignSpace, Mode
from perfusio.decision import Action, Decision, Reason, Verdict
from perfusio.forecast import Forecast
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.examples import GUARDED
from perfusio.process.roles import BLEED, CELLS
from perfusio.selftest.promises import Tried
from perfusio.state import SETPOINTS, FloatArray, Setpoints, State
from perfusio.trajectory import Trajectory
from perfusio.twin.writes.guard import guard

N_VECTORS, N_VECTORS_QUICK, N_AT_ONCE = 1_000_000, 5_000, 1_000
ROUNDING = 2e-9  # of the upper bound, at least of 1: what may be put back onto an edge
LEAST_CSPR = 15.0
"""Perfusion per cell below which perfusion must not be lowered [pL/cell/day]."""
_SPACE = DEFAULT_AMBR250_DESIGN_SPACE
# bleed may exceed perfusion inside these bounds, so that the cross rule has something to stop
_WIDE = DesignSpace(bounds={**_SPACE.bounds, BLEED: Bounds(low=0.05, high=1.5, nominal=0.15, max_step=0.5)})
_CSPR = Constraint(quantity="cspr", low=LEAST_CSPR)
_WILD = (nan, inf, -inf, 0.0, -0.0, 1e308, -1e308, 5e-324, -1.0, 1e6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One proposal: setpoints in force and proposed (U,), where, and the cells last counted [1e6/mL]."""

    current: FloatArray
    new: FloatArray
    space: DesignSpace
    cells: float


def gate(is_full: bool) -> Tried:
    """Propose vectors in, on, just beyond and far beyond every edge, and such that are no numbers."""
    n = N_VECTORS if is_full else N_VECTORS_QUICK
    written, wrong = escapes(Judge(guard), n)
    first = f"; the first: {wrong[0]}" if wrong else ""
    return Tried(
        id="T05",
        promise="nothing outside bounds, steps and cross rules passes the guard",
        n_tried=n,
        n_failed=len(wrong) + (not written),
        note=f"let pass {written}, escapes {len(wrong)}{first}",
    )


def escapes(judge: Judge, n: int) -> tuple[int, list[str]]:
    """Return how many of `n` vectors were let pass, and which rules were broken by such, in words."""
    written, wrong = 0, list[str]()
    for case in cases(n, seed=0):
        passed = judge.passed(case)
        written += passed is not None
        if passed is not None and (broken := unsafe(case, passed)):
            wrong.append(broken)
    return written, wrong


class Judge:
    """Asks a guard about a decision in which all but the setpoints is good.

    Args:
        judged_by: `perfusio.twin.writes.guard.guard`, or one that was changed.
    """

    def __init__(self, judged_by: Callable[..., Verdict]) -> None:
        self._guard = judged_by
        sample = State.of_values(CHO_PERFUSION, 0.0, GUARDED)
        healthy = Forecast.from_samples(np.array([24.0, 48.0]), np.tile(sample.vector(), (2, 2, 1)))
        reason = Reason(text="Hold.", improvement=0.0, limiting="none", limiting_probability=1.0, feasible=True)
        self._sample = sample
        self._decision = Decision(
            reactor_id="R01", setpoints=_SPACE.nominal, chosen=healthy, hold=healthy, reason=reason,
            acquisition="LogEI", score=0.0, model_id="",
        )  # fmt: skip

    def passed(self, case: Case) -> FloatArray | None:
        """Return the allowed setpoints (U,), None where the guard holds."""
        verdict = self._guard(
            replace(self._decision, setpoints=Setpoints.of(case.new)),
            reactor="R01",
            trajectory=Trajectory(reactor_id="R01", states=(self._sample.with_values(**{CELLS: case.cells}),)),
            current=Setpoints.of(case.current),
            design_space=case.space,
            constraints=(_CSPR,),
            mode=Mode.AUTOMATIC,
        )
        return verdict.setpoints.vector() if verdict.action is Action.WRITE and verdict.setpoints else None


def unsafe(case: Case, passed: FloatArray) -> str:
    """Return the rule that a write breaks, in words; nothing if it keeps all."""
    for i, (name, bounds) in enumerate((n, case.space.bounds[n]) for n in SETPOINTS):
        value, old, asked = float(passed[i]), float(case.current[i]), float(case.new[i])
        if not isfinite(value):
            return f"{name} is {value}"
        if value < bounds.low or value > bounds.high:
            return f"{name} {value!r} is outside {bounds.low:g} to {bounds.high:g}"
        if abs(value - asked) > ROUNDING * max(1.0, abs(bounds.high)):
            return f"{name} is {value!r}, and {asked!r} was decided"
        if abs(value - old) > bounds.max_step + 1e-6:
            return f"{name} moves from {old!r} to {value!r}, more than {bounds.max_step:g}"
    perfusion, bleed, before = float(passed[0]), float(passed[1]), float(case.current[0])
    if bleed + 0.015 > perfusion + 2e-9:  # 0.015: taken for samples
        return f"bleed {bleed!r} and sampling exceed perfusion {perfusion!r}"
    if perfusion < before and 1000.0 * perfusion < (LEAST_CSPR - 1e-6) * case.cells:
        return f"perfusion {perfusion!r} starves {case.cells!r}e6 cells/mL"
    return ""


def cases(n: int, *, seed: int) -> Iterator[Case]:
    """Yield proposals, mixed per setpoint; most are good but for a few of their six values."""
    rng = np.random.default_rng(seed)
    for start in range(0, n, N_AT_ONCE):
        m = min(N_AT_ONCE, n - start)
        space = (_SPACE, _WIDE)[start // N_AT_ONCE % 2]
        shape = (m, len(space.low))
        current = space.low + rng.random(shape) * (space.high - space.low)
        new = current + (2.0 * rng.random(shape) - 1.0) * space.max_step
        edge = np.where(rng.random(shape) < 0.5, space.low, space.high)
        side = rng.choice([-1.0, 1.0], shape)
        for share, strange in (
            (0.08, np.nextafter(edge, side * inf)),
            (0.03, edge + side * edge * rng.choice([1e-12, 1e-8, 1e-6, 1e-3, 1.0], shape)),
            (0.08, current + side * space.max_step * rng.choice([1.0, 1.0 + 1e-7, 1.01], shape)),
            (0.005, rng.choice(_WILD, shape)),
        ):
            new = np.where(rng.random(shape) < share, strange, new)
        cells = rng.uniform(0.0, 200.0, m)
        for c, u, v in zip(current, new, cells.tolist(), strict=True):
            yield Case(current=c, new=u, space=space, cells=v)
