"""Whether vessel, controllers and forecasts do what they should: alarms that no single level gives. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan

from perfusio.config import Objective
from perfusio.events import AlarmRaised
from perfusio.process.panel import Panel
from perfusio.state import Setpoints, State
from perfusio.trajectory import Trajectory
from perfusio.twin.alarms.filtered import reading
from perfusio.twin.state.parting import OF_LAST, n_away
from perfusio.twin.state.parting import parted as away_too_often

TARGET, CONTROLLER, FORECAST = "target", "controller", "forecast"
LASTS_H = 48.0
"""What is to be alarmed has lasted for so long [h]."""
LAG_H = 120.0
"""So long after its first sample a culture may stand still [h]."""
TOO_HIGH, TOO_LOW, ARRIVED, STILL_COMING = 1.3, 0.7, 0.9, 1.05
"""Shares of the target: beyond them it is missed; from the third on it was reached; growth by the last is approach."""
NOT_HELD = 0.5
"""Share of a held concentration below which its controller does not hold it."""


def target_missed(objectives: Sequence[Objective], known: Trajectory, interval_hours: float) -> list[AlarmRaised]:
    """Return an alarm for each tracked species that has been far from its target for two days.

    A culture that still grows towards its target has not missed it.
    """
    found = []
    for aim in (o for o in objectives if o.target is not None and o.quantity in known.panel.species_names):
        target, unit = aim.target or nan, known.panel[aim.quantity].unit
        shares = _shares(known, aim.quantity, target, interval_hours)
        lately = [share for age_h, share in shares if age_h <= LASTS_H]
        if len(lately) < 2 or shares[0][0] < LASTS_H:
            continue
        has_arrived = any(share >= ARRIVED for _, share in shares)
        is_young = shares[0][0] < LAG_H  # a culture that has just begun may not grow yet
        is_coming = not has_arrived and (is_young or lately[-1] > STILL_COMING * lately[0])
        is_low = all(share < TOO_LOW for share in lately) and not is_coming
        if not (is_low or all(share > TOO_HIGH for share in lately)):
            continue
        value = lately[-1] * target
        words = f"{aim.quantity} has been {'below' if is_low else 'above'} its target of {target:g} {unit} for two days"
        found.append(
            AlarmRaised(
                quantity=f"{TARGET} {aim.quantity}", level="act", value=value, limit=target, lead_days=0.0,
                response="Look at the vessel, the count, the bleed and the perfusion, and at whether the target can be "
                "held.",
                reason=f"{words}: {value:.3g} {unit} over its last readings, {lately[-1]:.2g} times the target.",
            )
        )  # fmt: skip
    return found


def not_controlled(known: Trajectory, in_force: Setpoints) -> list[AlarmRaised]:
    """Return an alarm for each held concentration, and each measured condition, that is not what was asked for days."""
    panel, found = known.panel, []
    now_h = known.states[-1].time_h
    lately = [i for i, s in enumerate(known.states) if now_h - s.time_h <= LASTS_H]
    if len(lately) < 2 or now_h - known.states[0].time_h < LASTS_H:
        return []
    for setpoint in panel.setpoints:
        asked = [getattr(known.setpoints[i], setpoint.name) for i in lately[:-1]] + [getattr(in_force, setpoint.name)]
        name = setpoint.of if setpoint.role == "held_concentration" else setpoint.measured_name
        if name not in panel.by_name:
            continue
        read = [v for i in lately if (v := getattr(known.states[i], name)) == v]
        if len(read) < 2 or any(v != v for v in asked):
            continue
        if setpoint.role == "held_concentration":
            is_off = max(read) < NOT_HELD * min(asked)
        else:
            is_off = min(read) > max(asked) + setpoint.clear_change or max(read) < min(asked) - setpoint.clear_change
        if is_off:
            found.append(
                AlarmRaised(
                    quantity=f"{CONTROLLER} {setpoint.name}", level="act", value=read[-1], limit=asked[-1],
                    lead_days=0.0, response="Check the controller, its pump or valve, and what it feeds.",
                    reason=f"{name} has read {min(read):.3g} to {max(read):.3g} {setpoint.unit} for two days while "
                    f"{asked[-1]:.3g} {setpoint.unit} was asked: the controller does not control.",
                )
            )  # fmt: skip
    return found


def parted(states: Sequence[State]) -> list[AlarmRaised]:
    """Return an alarm for each quantity whose readings and forecasts have parted, by its samples so far."""
    last: Sequence[State] = states[-OF_LAST:]
    panel: Panel = last[-1].panel
    return [
        AlarmRaised(
            quantity=f"{FORECAST} {name}", level="doubt", value=nan, limit=nan, lead_days=0.0,
            response="Check the assay and what flows in; rely on readings more than on forecasts.",
            reason=f"Readings and forecasts of {name} have parted: {n_away(states, name)} of the last {len(last)} "
            "samples were far from what was forecast.",
        )
        for name in away_too_often(states, panel.species_names)
    ]  # fmt: skip


def _shares(known: Trajectory, name: str, target: float, interval_hours: float) -> list[tuple[float, float]]:
    """Return age [h] and share of the target of each sample, filtered, the oldest first."""
    now_h, found = known.states[-1].time_h, []
    for n in range(1, len(known.states) + 1):
        here = reading(name, known.states[:n], interval_hours)
        if here is not None:
            found.append((now_h - known.states[n - 1].time_h, here.filtered / target))
    return found
