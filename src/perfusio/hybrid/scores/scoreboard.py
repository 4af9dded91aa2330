"""Scoreboard: several forecasters judged on the same cases, as one table per horizon that a person can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perfusio.hybrid.scores.scoring import LEVELS, Score
from perfusio.state import FloatArray

PERSISTENCE = "persistence"
"""The last measured value: what every model must beat, or say that it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoreboard:
    """Scores of several forecasters.

    Attributes:
        scores: By name of the forecaster, the one that matters first; all with the same horizons.
        against: What the forecasts were held against, e.g. ``"measurement"`` or ``"truth"``.
    """

    scores: Mapping[str, Score]
    against: str = "measurement"

    def table(self) -> str:
        """Return one block of text per horizon: rRMSE of all, and how the first one's intervals did."""
        first_name, first = next(iter(self.scores.items()))
        head = (
            f"Scored against the {self.against}. rRMSE = rmse / sd of the test values: 0 is exact, 1 is their mean.\n"
            f"Of {first_name}: values inside its 80 and 90 % intervals, width of the 80 % interval / sd, and\n"
            "CRPS / sd, an error that counts the whole distribution."
        )
        return "\n\n".join([head, *(self._block(k) for k in range(len(first.horizons)))])

    def losses(self, horizon: str, to: str = PERSISTENCE) -> tuple[str, ...]:
        """Return the species that the first forecaster predicts no better than another one at this horizon."""
        first = next(iter(self.scores.values()))
        k = first.horizons.index(horizon)
        return tuple(s for q, s in enumerate(first.species) if first.rrmse[k, q] >= self.scores[to].rrmse[k, q])

    def to_json(self) -> dict[str, object]:
        """Return plain data: what they were held against, and the scores by forecaster, horizon and species."""
        return {"against": self.against, **{name: s.to_json() for name, s in self.scores.items()}}

    def _block(self, k: int) -> str:
        first = next(iter(self.scores.values()))
        columns: dict[str, FloatArray] = {name: s.rrmse[k] for name, s in self.scores.items()}
        if not first.is_point:
            columns |= {f"{100 * a:.0f} %": 100.0 * first.coverage[a][k] for a in LEVELS}
            columns |= {"width": first.sharpness[LEVELS[0]][k], "CRPS": first.crps[k]}
        rows = [[s, f"{first.n[k, q]:.0f}", *(_cell(n, v[q]) for n, v in columns.items())]
                for q, s in enumerate(first.species)]  # fmt: skip
        rows.append(["mean", "", *(_cell(name, _mean(v)) for name, v in columns.items())])
        horizon = first.horizons[k]
        text = f"{_named(horizon)}\n{aligned([['', 'n', *columns], *rows])}"
        if PERSISTENCE in self.scores and (lost := self.losses(horizon)):
            text += f"\n  Not better than {PERSISTENCE}: {', '.join(lost)}."
        return text


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of cells as lines of text: the first column to the left, numbers to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(c.rjust(w) if i else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in rows
    )


def _named(horizon: str) -> str:
    if not horizon.isdigit():
        return f"{horizon.capitalize()}: every day, forecast from the first sample of each run"
    return f"{horizon} {'day' if horizon == '1' else 'days'} ahead"


def _cell(column: str, value: float) -> str:
    if not np.isfinite(value):
        return "-"
    return f"{value:.0f} %" if column.endswith("%") else f"{value:.3f}"


def _mean(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
