"""A decision out of the record: enough of it to be judged again, never to be made again."""

from __future__ import annotations

from typing import Any

import numpy as np

from perfusio.decision import Decision, Reason
from perfusio.events import Decided
from perfusio.forecast import Forecast
from perfusio.process.panel import Panel

QUANTILES = ("q05", "q10", "q90", "q95")


def recalled(event: Decided) -> Decision:
    """Return the decision that was recorded; the paths of its forecasts are their recorded quantiles.

    Args:
        event: Its record.
    """
    why = event.why
    return Decision(
        reactor_id=str(event.reactor),
        setpoints=event.setpoints,
        chosen=_forecast(event.chosen, event.setpoints.panel),
        hold=_forecast(event.hold, event.setpoints.panel),
        reason=Reason(
            text=event.reason,
            improvement=_number(why.get("improvement")),
            limiting=str(why.get("limiting", "")),
            limiting_probability=_number(why.get("limiting_probability")),
            feasible=bool(why.get("feasible", False)),
        ),
        acquisition=event.acquisition,
        score=event.score,
        model_id=event.model_id,
        plan=event.planned if event.plan else (),
    )


def _forecast(data: dict[str, Any], panel: Panel) -> Forecast:
    arrays = {key: np.stack([np.array(data[key][s], dtype=float) for s in panel.species_names], axis=1)
              for key in ("mean", "sd", *QUANTILES)}  # fmt: skip
    return Forecast(
        times_h=np.array(data["times_h"], dtype=float),
        mean=arrays["mean"],
        sd=arrays["sd"],
        samples=np.stack([arrays[q] for q in QUANTILES]),
        support=np.array(data["support"], dtype=float) if "support" in data else None,
        panel=panel,
    )


def _number(value: float | None) -> float:
    """Return a recorded number; null is NaN."""
    return float("nan") if value is None else float(value)
