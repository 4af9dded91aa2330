"""Required answers of the guard, case by case: each rule alone, and each comparison at its very edge.

The vectors of `gate` show that nothing bad passes; these also show that allowed vectors pass, and that each answer
names its reason. A guard that was changed in any small way fails one of the two (`mutants`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import inf, nan
from typing import Any

import numpy as np

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Constraint, Mode
from perfusio.decision import Action, Decision, Reason
from perfusio.errors import ModelError
from perfusio.forecast import Forecast
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.examples import GUARDED
from perfusio.process.roles import BLEED, CELLS, PERFUSION, PRODUCT, VIABILITY
from perfusio.state import SETPOINT_INDEX, SETPOINTS, SPECIES_INDEX, FloatArray, Setpoints, State
from perfusio.trajectory import Trajectory

HOLD, WRITE, ADVISE = Action.HOLD, Action.WRITE, Action.ADVISE
_SPACE = DEFAULT_AMBR250_DESIGN_SPACE
_NOMINAL = _SPACE.nominal
_SAMPLE = State.of_values(CHO_PERFUSION, 0.0, GUARDED)
_REASON = Reason(text="Hold.", improvement=0.0, limiting="none", limiting_probability=1.0, feasible=True)
_FLOORS = (Constraint(quantity="cspr", low=10.0), Constraint(quantity="cspr", low=15.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One question to the guard; an argument left away is good.

    Attributes:
        what: The case in words.
        action: Required action.
        says: Words that the reasons must hold.
        n_reasons: How many reasons there must be; -1 = any number.
        decision: Changes of a good decision, or something else in its place.
        current: Setpoints in force that are not nominal.
        states: Samples.
        constraints: Of the run.
        mode: Of the vessel.
    """

    what: str
    action: Action
    says: str = ""
    n_reasons: int = -1
    decision: Any = field(default_factory=dict)
    current: Mapping[str, float] = field(default_factory=dict)
    states: tuple[State, ...] = (_SAMPLE,)
    constraints: tuple[Constraint, ...] = ()
    mode: Mode = Mode.AUTOMATIC


def wrong_answers(guard_module: Any) -> Iterator[str]:
    """Yield each case that a guard answers wrongly, in words.

    Args:
        guard_module: `perfusio.twin.writes.guard`, or one that was changed.
    """
    for what, is_right in _numbers(guard_module):
        if not is_right:
            yield what
    for case in cases():
        current = _NOMINAL.with_values(**case.current)
        verdict = guard_module.guard(
            _decision(case.decision) if isinstance(case.decision, dict) else case.decision, reactor="R01",
            trajectory=Trajectory(
                reactor_id="R01", states=case.states, setpoints=(_NOMINAL,) * (len(case.states) - 1)
            ),
            current=current, design_space=_SPACE, constraints=case.constraints, mode=case.mode,
        )  # fmt: skip
        words = " ".join(verdict.because)
        is_right = verdict.action is case.action and case.says in words
        is_right &= case.n_reasons in (-1, len(verdict.because)) and verdict.reactor_id == "R01"
        is_right &= (verdict.setpoints is None) == (case.action is HOLD) and bool(words) == (case.action is not WRITE)
        if verdict.setpoints is not None:
            is_right &= _SPACE.contains(verdict.setpoints)
        if not is_right:
            yield f"{case.what}: {verdict.action.value}, {words or 'no reason'}"


def cases() -> Iterator[Case]:
    """Yield all questions."""
    yield Case(what="a good proposal", action=WRITE, n_reasons=0)
    yield Case(what="advisory", action=ADVISE, mode=Mode.ADVISORY, says="advisory")
    yield Case(what="manual", action=HOLD, mode=Mode.MANUAL, says="manual")
    yield Case(what="held", action=HOLD, mode=Mode.HOLD, says="hold")
    yield Case(what="an error", action=HOLD, decision=ModelError("No kernel."), says="No kernel.")
    yield Case(what="no decision", action=HOLD, decision="nonsense", says="str where a decision")
    yield Case(what="another vessel", action=HOLD, decision={"reactor_id": "R02"}, says="R02", n_reasons=1)
    other = {"setpoints": Setpoints.of(_NOMINAL.vector(), CHO_PERFUSION.with_(name="another process"))}
    yield Case(what="another process", action=HOLD, decision=other, says="'another process'", n_reasons=1)
    for value in (nan, inf):
        yield Case(what=f"score {value}", action=HOLD, decision={"score": value}, says="score", n_reasons=1)
    yield from _on_setpoints()
    yield from _on_forecasts()
    yield from _on_cells()


def _on_setpoints() -> Iterator[Case]:
    for name in SETPOINTS:
        b = _SPACE.bounds[name]
        for edge, side in ((b.low, -1.0), (b.high, 1.0)):
            beyond, far = edge + side * 0.01 * b.max_step, edge - side * b.max_step
            what, now = f"{name} at {edge:g}", {name: edge}
            yield Case(what=what, action=WRITE, decision={"setpoints": _NOMINAL.with_values(**now)}, current=now)
            outside, a_step = _NOMINAL.with_values(**{name: beyond}), _NOMINAL.with_values(**{name: far})
            yield Case(what=f"{what} and beyond", action=HOLD, decision={"setpoints": outside}, current=now,
                       says=f"is outside {b.low:g} to {b.high:g}", n_reasons=1)  # fmt: skip
            yield Case(what=f"{what}, a step", action=WRITE, decision={"setpoints": a_step}, current=now)
            further = _NOMINAL.with_values(**{name: edge - side * 1.001 * b.max_step})
            yield Case(what=f"{what}, more than a step", action=HOLD, decision={"setpoints": further}, current=now,
                       says=f"from {edge:g} to", n_reasons=1)  # fmt: skip
        for value in (nan, inf, -inf):
            asked = _NOMINAL.with_values(**{name: value})
            yield Case(what=f"{name} {value}", action=HOLD, decision={"setpoints": asked}, says="not all numbers")
        yield Case(what=f"{name} unknown", action=HOLD, current={name: nan}, says="largest step", n_reasons=1)
    rounded = _NOMINAL.with_values(**{BLEED: float(np.nextafter(0.30, 1.0))})
    yield Case(what="rounded out", action=WRITE, decision={"setpoints": rounded}, current={BLEED: 0.25})


def _on_forecasts() -> Iterator[Case]:
    for which in ("chosen", "hold"):
        for part in ("mean", "sd"):
            broken = getattr(_forecast(4), part).copy()
            broken[-1, 3] = nan
            yield Case(what=f"{part} is NaN", action=HOLD, decision={which: replace(_forecast(4), **{part: broken})},
                       says=f"({which}) is not finite", n_reasons=1)  # fmt: skip
        yield Case(what="impossible", action=HOLD, decision={which: _forecast(4, **{VIABILITY: (0, 101.0)})},
                   says=f"({which}) leaves", n_reasons=1)  # fmt: skip
    below = {"chosen": _forecast(4, **{PRODUCT: (0, -0.01)})}
    yield Case(what="below zero", action=HOLD, decision=below, says="physically")
    yield Case(what="no titer", action=WRITE, decision={"chosen": _forecast(4, **{PRODUCT: (0, 0.0)})})
    yield Case(what="all alive", action=WRITE, decision={"chosen": _forecast(4, **{VIABILITY: (0, 100.0)})})
    for n_days, day, action in ((4, 1, WRITE), (8, 1, HOLD), (8, 2, WRITE), (1, 0, HOLD)):
        yield Case(what=f"day {day} of {n_days}", action=action,
                   decision={"chosen": _forecast(n_days, **{VIABILITY: (day, 120.0)})})  # fmt: skip
    healthy = _forecast(4)
    less = replace(healthy, sd=np.where(np.arange(healthy.sd.size).reshape(healthy.sd.shape) == 5, -0.1, healthy.sd))
    yield Case(what="negative spread", action=HOLD, decision={"chosen": less}, says="physically", n_reasons=1)
    none = replace(healthy, times_h=healthy.times_h[:0], mean=healthy.mean[:0], sd=healthy.sd[:0])
    yield Case(what="no day at all", action=HOLD, decision={"chosen": none})


def _on_cells() -> Iterator[Case]:
    lower, crowd = {"setpoints": _perfused(0.8)}, _counted(60.0)
    known: dict[str, Any] = {"states": (crowd,), "constraints": _FLOORS}
    yield Case(what="starved", action=HOLD, decision=lower, **known, n_reasons=1,
               says="0.8 1/day would leave 13.3 pL/cell/day at 60e6 cells/mL; the least is 15")  # fmt: skip
    most, few = _perfused(1.1245), _counted(0.5)
    yield Case(what="the rate in words", action=HOLD, decision={"setpoints": most}, current={PERFUSION: 1.2},
               states=(_counted(100.0),), constraints=_FLOORS, says="leave 11.2 pL/cell/day")  # fmt: skip
    yield Case(what="few cells", action=HOLD, decision=lower, states=(few,), says="leave 1.6e+03 pL/cell/day",
               constraints=(Constraint(quantity="cspr", low=2000.0),))  # fmt: skip
    yield Case(what="no floor", action=WRITE, decision=lower, states=(crowd,))
    yield Case(what="another floor", action=WRITE, decision=lower, states=(crowd,),
               constraints=(Constraint(quantity=PRODUCT, low=15.0),))  # fmt: skip
    at_floor = {"setpoints": _perfused(0.9)}
    yield Case(what="to the floor", action=WRITE, decision=at_floor, **known)
    later = replace(_counted(nan), time_h=24.0)
    yield Case(what="the count before", action=HOLD, decision=lower, states=(crowd, later), constraints=_FLOORS,
               says="at 60e6")  # fmt: skip
    yield Case(what="never counted", action=HOLD, states=(_counted(nan),), constraints=_FLOORS,
               decision=lower, says=f"{CELLS} was not measured at all", n_reasons=1)  # fmt: skip
    for name in CHO_PERFUSION.critical:
        blank: dict[str, Any] = {name: nan}
        blind = [replace(_SAMPLE, time_h=24.0 * d, **blank) for d in range(1, 4)]
        yield Case(what=f"{name} for two days", action=WRITE, states=(_SAMPLE, *blind[:2]))
        late = replace(blind[1], time_h=48.1)
        yield Case(what=f"{name} for longer", action=HOLD, states=(_SAMPLE, blind[0], late), says="since hour 0")
        yield Case(what=f"{name} for three days", action=HOLD, states=(_SAMPLE, *blind), n_reasons=1,
                   says=f"{name} was not measured since hour 0")  # fmt: skip
        seen = (_SAMPLE, *blind, replace(_SAMPLE, time_h=96.0))
        yield Case(what=f"{name} is back", action=WRITE, states=seen)


def _perfused(rate: float) -> Setpoints:
    return _NOMINAL.with_values(**{PERFUSION: rate})


def _counted(cells: float) -> State:
    return _SAMPLE.with_values(**{CELLS: cells})


def _numbers(g: Any) -> Iterator[tuple[str, bool]]:
    """Yield the questions to the comparisons themselves, in numbers that are exact, and whether it is so."""
    low, high, step, middle = np.zeros(6), np.full(6, 1000.0), np.full(6, 8.0), np.full(6, 500.0)
    slack = 1e-9 * high
    for edge in (low - slack, high + slack):
        beyond = edge + np.sign(edge) * 1e-12 * high
        yield "the slack belongs to the range", not g.breaches(edge, edge, low, high, step)[0].any()
        yield "nothing beyond the slack does", bool(g.breaches(beyond, beyond, low, high, step)[0].all())
    far = step + slack
    yield "the largest step may be taken", not g.breaches(far, low, low, high, step)[1].any()
    yield "and no more", bool(g.breaches(far + 1e-9, low, low, high, step)[1].all())
    small = np.full(6, 0.25)
    beyond = small + 1e-9 + 1e-12
    yield "small ranges have a slack of 1e-9", not g.breaches(small + 0.9e-9, small, low, small, step)[0].any()
    yield "and no larger one", bool(g.breaches(beyond, beyond, low, small, step)[0].all())
    most = middle.copy()
    most[SETPOINT_INDEX[BLEED]] = 500.0 - 0.015  # what samples take
    more = most + 1e-6 * (most != middle)
    yield "bleed and sampling may equal perfusion", not g.breaches(most, middle, low, high, step)[2]
    yield "and not exceed it", bool(g.breaches(more, middle, low, high, step)[2])
    yield "the floor may be reached", not g.starves(0.3, 1.0, 20.0, 15.0)
    yield "and not passed", bool(g.starves(np.nextafter(0.3, 0.0), 1.0, 20.0, 15.0))
    yield "what is not lowered starves nothing", not g.starves(0.1, 0.1, 20.0, 15.0)


def _decision(changed: Mapping[str, Any]) -> Decision:
    good: dict[str, Any] = {"reactor_id": "R01", "setpoints": _NOMINAL, "chosen": _forecast(4), "hold": _forecast(4)}
    return Decision(**{**good, "reason": _REASON, "acquisition": "LogEI", "score": 0.5, "model_id": "m", **changed})


def _forecast(n_days: int, **changed: tuple[int, float]) -> Forecast:
    """Return a healthy culture; a species that is named has another value on one day."""
    samples: FloatArray = np.tile(_SAMPLE.vector(), (3, n_days, 1))
    for name, (day, value) in changed.items():
        samples[:, day, SPECIES_INDEX[name]] = value
    return Forecast.from_samples(24.0 * np.arange(1.0, n_days + 1.0), samples)
