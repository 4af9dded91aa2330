"""Say in one sentence why these setpoints were chosen."""

from __future__ import annotations

import numpy as np

from perfusio.bed.objectives import Feasibility, quantity_paths
from perfusio.config import RunConfig, forecast_unit
from perfusio.decision import Reason
from perfusio.forecast import Forecast
from perfusio.state import SETPOINT_QUANTITIES, Setpoints


def explain(
    config: RunConfig,
    current: Setpoints,
    chosen: Setpoints,
    forecast: Forecast,
    hold: Forecast,
    horizon: int,
    *,
    improvement: float,
    judged: Feasibility,
) -> Reason:
    """Return the reason of one decision as data and as a sentence.

    Args:
        config: Objective and constraints.
        current: Setpoints in force.
        chosen: Setpoints proposed.
        forecast: Under `chosen`.
        hold: Under `current`.
        horizon: Intervals that the objective looks at.
        improvement: Mean gain in score over holding.
        judged: Feasibility of `chosen`, one row.
    """
    moved = changes(current, chosen)
    name = config.objective.quantity
    unit = forecast_unit(name)
    then, otherwise = (_mean_at(f, u, name, horizon) for f, u in ((forecast, chosen), (hold, current)))
    goal = f" (target {config.objective.target:g})" if config.objective.target else ""
    days = horizon * config.sampling_interval_hours / 24.0
    effect = f"expect {name} {then:.3g} {unit} in {days:g} days instead of {otherwise:.3g}{goal}"
    feasible = bool(judged.violation[0] <= 0.0)
    limiting, probability = "none", 1.0
    if config.constraints:
        short = [p - c.probability for p, c in zip(judged.probability[0], config.constraints, strict=True)]
        tightest = int(np.argmin(short))
        limiting, probability = str(config.constraints[tightest]), float(judged.probability[0, tightest])
    limit = f"tightest limit {limiting} (P = {probability:.2f})"
    if not feasible:
        limit = f"no choice keeps {limiting} as surely as asked (P = {probability:.2f}): the least violating was taken"
    text = f"{', '.join(moved) or 'hold'}: {effect}; {limit}."
    return Reason(
        text=text,
        improvement=improvement,
        limiting=limiting,
        limiting_probability=probability,
        feasible=feasible,
    )


def changes(current: Setpoints, chosen: Setpoints) -> list[str]:
    """Return the setpoints that move by more than 1 % of their value, e.g. ``bleed_rate 0.15 -> 0.22 1/day``."""
    out = []
    for name, quantity in SETPOINT_QUANTITIES.items():
        old, new = getattr(current, name), getattr(chosen, name)
        if abs(new - old) > 0.01 * max(abs(old), 1e-3):
            out.append(f"{name} {old:.3g} -> {new:.3g} {quantity.unit}")
    return out


def _mean_at(forecast: Forecast, setpoints: Setpoints, name: str, horizon: int) -> float:
    paths = forecast.samples[None, :, :horizon]
    plans = np.repeat(setpoints.vector()[None, None], paths.shape[2], axis=1)
    return float(quantity_paths(name, paths, plans)[0, :, -1].mean())
