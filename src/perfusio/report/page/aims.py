"""A run against its aim and its limits, vessel by vessel, from the samples on record."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfusio.objective import Constraint, Objective
from perfusio.process.derived import DERIVED, forecast_unit
from perfusio.process.panel import Panel
from perfusio.report.story.curves import measured
from perfusio.report.story.run_story import RunStory, VesselStory

LAST_DAYS = 7.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AimRow:
    """One objective of one vessel.

    Attributes:
        vessel: Name of the vessel.
        aim: In words.
        unit: Of the values.
        n: Number of samples that show it.
        last: Latest value; NaN if none.
        mean: Mean of the last LAST_DAYS days; NaN if none.
        off: Mean absolute deviation from the target on these days, as a share; NaN without a target.
        reached_day: First culture day within 10 % of the target; NaN if never, or without a target.
    """

    vessel: str
    aim: str
    unit: str
    n: int
    last: float
    mean: float
    off: float
    reached_day: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRow:
    """One limit of one vessel: how many samples were beyond it, noise included; `worst` is the farthest of all."""

    vessel: str
    limit: str
    unit: str
    n: int
    n_beyond: int
    worst: float


def aim_row(vessel: VesselStory, objective: Objective) -> AimRow:
    """Return how one vessel stands against one objective."""
    name, panel = objective.quantity, vessel.panel
    is_shown = name in panel.by_name or name in DERIVED
    days, values = measured(vessel, name) if is_shown else (np.zeros(0), np.zeros(0))
    nan = float("nan")
    late = values[days >= days[-1] - LAST_DAYS + 1e-6] if len(values) else values
    off, reached = nan, nan
    if objective.target is not None and len(values):
        off = float(np.abs(late / objective.target - 1.0).mean())
        near = days[np.abs(values / objective.target - 1.0) <= 0.1]
        reached = float(near[0]) if len(near) else nan
    return AimRow(
        vessel=vessel.name, aim=str(objective), unit=forecast_unit(name, panel), n=len(values),
        last=float(values[-1]) if len(values) else nan, mean=float(late.mean()) if len(late) else nan, off=off,
        reached_day=reached,
    )  # fmt: skip


def limit_words(limit: Constraint, panel: Panel) -> str:
    """Return a limit with its unit, e.g. ``"glucose >= 0.3 g/L"``."""
    is_known = limit.quantity in panel.by_name or limit.quantity in DERIVED
    return f"{limit} {forecast_unit(limit.quantity, panel)}" if is_known else str(limit)


def limit_row(vessel: VesselStory, limit: Constraint) -> LimitRow | None:
    """Return how often one vessel was measured beyond a limit; None where no sample shows the quantity."""
    name, panel = limit.quantity, vessel.panel
    if name not in panel.by_name and name not in DERIVED:
        return None
    _, values = measured(vessel, name)
    if not len(values):
        return None
    low = -np.inf if limit.low is None else limit.low
    high = np.inf if limit.high is None else limit.high
    beyond = np.maximum(low - values, values - high)
    return LimitRow(
        vessel=vessel.name, limit=limit_words(limit, panel), unit=forecast_unit(name, panel), n=len(values),
        n_beyond=int((beyond > 0.0).sum()), worst=float(values[int(np.argmax(beyond))]),
    )  # fmt: skip


def objectives_of(story: RunStory, vessel: VesselStory) -> tuple[Objective, ...]:
    """Return the aims of a vessel: its own where it has some, else those of the run."""
    from perfusio.objective import of_record

    own = story.config.get("vessels", {}).get(vessel.name, {}).get("objective")
    return of_record(own if own is not None else story.config.get("run", {}).get("objective", ()), story.panel)


def limits_of_run(story: RunStory) -> tuple[Constraint, ...]:
    """Return the limits of the run."""
    return tuple(
        Constraint(**{**c, "process": story.panel}) for c in story.config.get("run", {}).get("constraints", ())
    )
