"""Simulated candidates of a decision, and the outcomes of the judged ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from perfusio.bed.objectives import Feasibility, Moments
from perfusio.state import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Outcomes of candidates.

    Attributes:
        candidates: (G, D).
        gains: Expected gain over holding by objective, weighted, (G, M).
        violation: As in Feasibility, (G,).
        violation_of_mean: As in Feasibility, (G,).
        value: Of the acquisition function (G,).
        merit: Figure of merit of the search, (G,); -inf for a way there that would empty the vessel.
    """

    candidates: FloatArray
    gains: FloatArray
    violation: FloatArray
    violation_of_mean: FloatArray
    value: FloatArray
    merit: FloatArray

    @property
    def gain(self) -> FloatArray:
        """Expected gain in score over holding (G,)."""
        total: FloatArray = self.gains.sum(axis=1)
        return total

    @property
    def is_allowed(self) -> NDArray[np.bool_]:
        """Whether the way there keeps the volume balance (G,)."""
        return np.isfinite(self.merit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """Candidates that were played, row 0 is holding; `rows` finds each by its bytes. Gains are without ease."""

    rows: dict[bytes, int]
    plans: FloatArray
    paths: FloatArray
    gains: FloatArray
    moments: Moments
    kept: Feasibility

    def with_more(
        self, rows: list[bytes], plans: FloatArray, paths: FloatArray, gains: FloatArray, moments: Moments
    ) -> Played:
        """Return these and others; all are to be judged anew."""
        return replace(
            self,
            rows=self.rows | {key: len(self.rows) + i for i, key in enumerate(rows)},
            plans=np.concatenate([self.plans, plans]),
            paths=np.concatenate([self.paths, paths]),
            gains=np.concatenate([self.gains, gains]),
            moments=Moments(
                mean=np.concatenate([self.moments.mean, moments.mean], axis=1),
                sd=np.concatenate([self.moments.sd, moments.sd], axis=1),
            ),
        )
