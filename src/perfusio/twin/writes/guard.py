"""From a decision to a verdict: the only road to a write. Pure, and every rule says in words why it stopped a write."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perfusio.config import Constraint, DesignSpace, Mode
from perfusio.decision import BLINDLY, Action, Decision, Verdict
from perfusio.errors import PerfusioError
from perfusio.forecast import Forecast
from perfusio.process import rules
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.state import FloatArray, Setpoints
from perfusio.trajectory import Trajectory

BLIND_HOURS = 48.0
"""A critical analyte of the process without a value for longer than this means: do not touch the vessel."""
ROUNDING = 1e-9


def guard(
    decision: object,
    *,
    reactor: str,
    trajectory: Trajectory,
    current: Setpoints,
    design_space: DesignSpace,
    constraints: tuple[Constraint, ...],
    mode: Mode,
) -> Verdict:
    """Judge one proposal.

    Args:
        decision: The proposal, or the error that says why there is none; anything else is held.
        reactor: Vessel.
        trajectory: Its samples, at least one.
        current: Setpoints in force.
        design_space: Bounds and largest steps; the model cannot widen them.
        constraints: Of the run; a lower limit on ``cspr`` is enforced on the measured cells too.
        mode: Of the vessel.

    Returns:
        WRITE if every rule is kept and the vessel is automatic, ADVISE if it is advisory, else HOLD with the reasons.
    """
    because = faults(
        decision, reactor=reactor, trajectory=trajectory, current=current, design_space=design_space,
        constraints=constraints,
    )  # fmt: skip
    if because or not isinstance(decision, Decision):
        return Verdict(reactor_id=reactor, setpoints=None, action=Action.HOLD, because=because)
    panel = design_space.process
    # a value that rounding carried over an edge goes back onto it: what is written lies inside to the last bit
    setpoints = Setpoints.of(np.clip(decision.setpoints.vector(), design_space.low, design_space.high), panel)
    if mode is Mode.AUTOMATIC:
        return Verdict(reactor_id=reactor, setpoints=setpoints, action=Action.WRITE)
    if mode is Mode.ADVISORY:
        words = ("The vessel is advisory: shown, not written. A person applies it.",)
        return Verdict(reactor_id=reactor, setpoints=setpoints, action=Action.ADVISE, because=words)
    words = (f"The vessel is in mode {mode.value}: nothing is written.",)
    return Verdict(reactor_id=reactor, setpoints=None, action=Action.HOLD, because=words)


def faults(
    decision: object,
    *,
    reactor: str,
    trajectory: Trajectory,
    current: Setpoints,
    design_space: DesignSpace,
    constraints: tuple[Constraint, ...],
) -> tuple[str, ...]:
    """Return why a proposal must not be written whatever the mode, one sentence each; arguments as those of `guard`."""
    panel = design_space.process
    if not isinstance(decision, Decision):
        return unsound(decision, reactor)
    if strange := [p.name for p in (trajectory.panel, current.panel, decision.setpoints.panel) if p != panel]:
        return (f"The design space is of the process {panel.name!r}, the vessel or its decision of {strange[0]!r}.",)
    return (
        *unsound(decision, reactor),
        *_not_allowed(decision.setpoints, current, design_space),
        *_starving(decision.setpoints, current, trajectory, constraints),
        *_blind(trajectory),
    )


def unsound(decision: object, reactor: str) -> tuple[str, ...]:
    """Return why something is no decision at all, or rests on what cannot be, one sentence each."""
    if isinstance(decision, PerfusioError):
        return (str(decision),)
    if not isinstance(decision, Decision):
        return (f"The policy gave {type(decision).__name__} where a decision was expected.",)
    return _not_usable(decision, reactor)


def _not_usable(decision: Decision, reactor: str) -> tuple[str, ...]:
    """Numbers that no decision can rest on, and a decision for another vessel."""
    out = []
    if decision.reactor_id != reactor:
        out.append(f"The proposal is for {decision.reactor_id}, not for {reactor}.")
    if not np.isfinite(decision.setpoints.vector()).all():
        out.append(f"The proposed setpoints are not all numbers: {decision.setpoints}.")
    if not np.isfinite(decision.score):
        out.append(f"The score of the proposal is {decision.score}.")
    for name, forecast in (("chosen", decision.chosen), ("hold", decision.hold)):
        if not forecast.is_finite():
            out.append(f"The forecast ({name}) is not finite.")
        elif not _is_physical(forecast):
            out.append(f"The forecast ({name}) leaves what is physically possible.")
    return tuple(out)


def _is_physical(forecast: Forecast) -> bool:
    low = np.array([s.low for s in forecast.panel.modelled])
    high = np.array([s.high for s in forecast.panel.modelled])
    first = forecast.mean[: max(1, len(forecast.mean) // 4)]  # far days may honestly be unknown
    return bool(len(first) and np.all(first >= low) and np.all(first <= high) and np.all(forecast.sd >= 0.0))


def breaches(
    new: FloatArray,
    current: FloatArray,
    low: FloatArray,
    high: FloatArray,
    max_step: FloatArray,
    panel: Panel = CHO_PERFUSION,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which setpoints (..., U) leave their bounds, which move too far, and whether the vessel would run empty.

    NaN breaks every rule. A slack of ROUNDING is left; `guard` puts such values back onto the bound.
    """
    slack = ROUNDING * np.maximum(1.0, np.abs(high))
    outside = ~((low - slack <= new) & (new <= high + slack))
    with np.errstate(invalid="ignore", over="ignore"):  # infinite values: the comparison answers them
        too_far = ~(np.abs(new - current) <= max_step + slack)
    return outside, too_far, ~rules.are_balanced(new, panel)


def _not_allowed(new: Setpoints, current: Setpoints, space: DesignSpace) -> tuple[str, ...]:
    """Bounds, largest steps, and the volume balance."""
    low, high, step, panel = space.low, space.high, space.max_step, space.process
    outside, too_far, empties = breaches(new.vector(), current.vector(), low, high, step, panel)
    out = []
    for i, name in enumerate(panel.setpoint_names):
        value, old, unit = getattr(new, name), getattr(current, name), panel[name].unit
        if outside[i]:
            out.append(f"{name} {value:g} {unit} is outside {low[i]:g} to {high[i]:g} {unit}.")
        if too_far[i]:
            out.append(f"{name} would move from {old:g} to {value:g} {unit}; the largest step is {step[i]:g} {unit}.")
    if empties:
        words = rules.imbalance_of(new)
        out.append(f"{words[0].upper()}{words[1:]}")
    return tuple(out)


def starves(
    new: FloatArray | float, current: FloatArray | float, vcd: FloatArray | float, floor: float
) -> NDArray[np.bool_]:
    """Return whether perfusion [1/day] is lowered to less than `floor` [pL/cell/day] for so many cells [1e6/mL]."""
    lowered: NDArray[np.bool_] = ~(np.asarray(new) >= current)
    return lowered & ~(np.asarray(new) >= floor * np.asarray(vcd) / 1000.0)


def _starving(
    new: Setpoints, current: Setpoints, trajectory: Trajectory, constraints: tuple[Constraint, ...]
) -> tuple[str, ...]:
    """Perfusion must not be lowered to below the least cell-specific rate, counted on the cells last measured."""
    floors = [c.low for c in constraints if c.quantity == "cspr" and c.low is not None]
    cells = trajectory.panel.the("cells")
    counted = trajectory.last_measured(cells)
    if not floors or counted is None:
        return ()  # a process without perfusion has no such floor
    count, name = getattr(counted, cells), new.panel.the("perfusion")
    perfusion = getattr(new, name)
    if not starves(perfusion, getattr(current, name), count, max(floors)):
        return ()
    cspr = 1000.0 * perfusion / max(count, 1e-9)
    return (
        f"Perfusion {perfusion:.3g} 1/day would leave {cspr:.3g} pL/cell/day at {count:.3g}e6 cells/mL; "
        f"the least is {max(floors):g}.",
    )


def _blind(trajectory: Trajectory) -> tuple[str, ...]:
    """Critical analytes without a recent value."""
    now = trajectory.states[-1].time_h
    out = []
    for name in trajectory.panel.critical:
        seen = trajectory.last_measured(name)
        if seen is None or now - seen.time_h > BLIND_HOURS:
            since = f"since hour {seen.time_h:g}" if seen is not None else "at all"
            out.append(f"{name} was not measured {since}: {BLINDLY}")
    return tuple(out)
