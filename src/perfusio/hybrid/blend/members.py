"""The rivals that stand beside the hybrid model in a blend, and their point forecasts. Letters as in `blend`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perfusio.errors import FitFailed, NotEnoughData
from perfusio.hybrid.layout import Layout
from perfusio.hybrid.rivals.chain import chained
from perfusio.hybrid.rivals.filling import last_measured
from perfusio.hybrid.rivals.forecasters import BatchAverage
from perfusio.hybrid.rivals.plain_gp import SAME_INTERVAL, PlainGP
from perfusio.hybrid.rivals.step_gp import StepGP
from perfusio.state import FloatArray
from perfusio.trajectory import Feed, Trajectory

HYBRID = "hybrid"
MEMBERS = (HYBRID, "step-GP", "plain GP", "average run", "last value")
"""In the order of weights; the hybrid model is the first one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rivals:
    """Everything but the hybrid model; None where runs were too few for it.

    Attributes:
        step: GP of the daily change.
        plain: GP of the next state.
        average: The average run.
    """

    step: StepGP | None
    plain: PlainGP | None
    average: BatchAverage

    @classmethod
    def fit(cls, runs: Sequence[Trajectory], *, seed: int, like: Rivals | None = None) -> Rivals:
        """Learn them from runs; `like` lends its hyperparameters."""
        step: StepGP | None
        plain: PlainGP | None
        try:
            step = StepGP.fit(runs, seed=seed, like=None if like is None else like.step)
        except (NotEnoughData, FitFailed):
            step = None
        try:
            plain = PlainGP.fit(runs, seed=seed, like=None if like is None else like.plain)
        except (NotEnoughData, FitFailed):
            plain = None
        return cls(step=step, plain=plain, average=BatchAverage.of(runs))

    def points(
        self,
        layout: Layout,
        vessels: Sequence[Trajectory],
        plans: FloatArray,
        hours: float,
        feeds: Sequence[Sequence[Feed | None]],
    ) -> FloatArray:
        """Return latent point forecasts of all but the hybrid model, (M - 1, B, H, Q); NaN where one says nothing.

        Args:
            layout: Of the panel.
            vessels: Each up to the sample that it is forecast from.
            plans: Setpoints (B, H, U).
            hours: Length of an interval.
            feeds: Of each vessel; empty = nothing.
        """
        b, horizon = plans.shape[:2]
        out = np.full((len(MEMBERS) - 1, b, horizon, layout.n_species), np.nan)
        if self.step is not None:
            out[0] = chained(self.step, vessels, plans, hours, feeds)
        if self.plain is not None and abs(hours / self.plain.hours - 1.0) <= SAME_INTERVAL:
            out[1] = chained(self.plain, vessels, plans, hours, feeds)
        for i, vessel in enumerate(vessels):
            out[2, i] = layout.to_latent(self.average.ahead(vessel.states[-1].time_h, hours, horizon).T).T
            out[3, i] = layout.to_latent(last_measured(vessel)[:, None]).T
        return out
