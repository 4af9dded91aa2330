"""The belief about one vessel, and the process by which it moves.

A belief is a Gaussian over n = Q + P_v + Q numbers: latent species, the deviation of the vessel's own rate parameters
from the model's, and a slowly varying drift per species [latent/day]. The drift is the integral action: it absorbs
whatever balances, parameters and processes do not explain, so that forecasts stay free of offset. The rates that a
vessel has of its own are the first P_v parameters of the prior. Letters as in `layout`; B vessels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from perfusio.hybrid.layout import Layout
from perfusio.hybrid.residuals.residual import Residual
from perfusio.hybrid.residuals.step import step
from perfusio.state import FloatArray
from perfusio.trajectory import Trajectory


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """How a belief moves: the parameters of the prior, how sure they are, and the residual processes.

    Attributes:
        log_factors: Log parameters over typical, (P,).
        rate_cov: Covariance of one vessel's own deviation from the first P_v of them.
        doubt_left: Sd of each parameter over that before any data (P,), 1 = the data said nothing; None = unknown.
        residual: The Gaussian processes, with the layout of the panel.
        freedom: How much of `drift_sd`, `drift_walk` and RATE_WALK applies (of the variance of `white_sd`, too) to a
            vessel whose samples come as foreseen: 1 before any data; less once processes fitted on many runs explain
            what drift would otherwise have to.
        by_position: Whether paths are drawn in the order of arrays, as in runs of before streams were keyed by name
            (`earlier_draws`); not saved.
    """

    log_factors: FloatArray
    rate_cov: FloatArray
    residual: Residual
    freedom: float = 1.0
    doubt_left: FloatArray | None = None
    by_position: bool = field(default=False, init=False, compare=False)

    @property
    def layout(self) -> Layout:
        """What its arrays are."""
        return self.residual.layout

    def factors(self, own_rates: FloatArray) -> FloatArray:
        """Return the log parameters (P, B) of vessels with these deviations (P_v, B)."""
        factors = np.repeat(self.log_factors[:, None].astype(own_rates.dtype), own_rates.shape[1], axis=1)
        factors[: len(own_rates)] += own_rates
        return factors

    def mean_step(
        self,
        s: FloatArray,
        setpoints: FloatArray,
        day: FloatArray,
        hours: FloatArray,
        medium: FloatArray,
        residual: FloatArray | None = None,
    ) -> FloatArray:
        """Advance belief means (n, B) under setpoints (U, B), medium (Q,) or (Q, B); latent part only, shape (Q, B).

        `residual` (Q, B) saves asking the processes, where that was done.
        """
        at = self.layout
        if residual is None and self.residual.is_fitted:
            residual = self.residual.mean(at.gp_inputs(s[at.latent], setpoints, day))
        factors = self.factors(s[at.rates])
        reach = self.residual.reach
        return step(at, s[at.latent], setpoints, factors, hours, medium, residual, s[at.drift], reach=reach)


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """Gaussian belief after the last sample of `trajectory`.

    Attributes:
        trajectory: The vessel so far.
        mean: (n,).
        cov: (n, n).
        freedom: Of each species of this vessel now, from that of the process to 1, (Q,).
        latest: Innovation of the last reading of each species over its sd, within RUN_MOST, 0 before the first (Q,).
    """

    trajectory: Trajectory
    mean: FloatArray
    cov: FloatArray
    freedom: FloatArray
    latest: FloatArray

    def continues(self, trajectory: Trajectory) -> bool:
        """Whether `trajectory` only adds samples to those already taken in."""
        seen = self.trajectory.states
        return len(trajectory.states) >= len(seen) and all(
            a is b for a, b in zip(seen, trajectory.states, strict=False)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One filter step of one vessel, kept for the smoother.

    Attributes:
        mean: Filtered mean (n,).
        cov: Filtered covariance, with the doubt of drifts that were freed (n, n).
        predicted_mean: Before the sample (n,).
        predicted_cov: Before the sample (n, n).
        jacobian: Of the step that led here (n, n).
        innovation: Measured minus predicted over the measurement sd, (Q,), NaN where not measured.
        freedom: Of each species of the vessel from here on (Q,).
        latest: As in Belief, (Q,).
    """

    mean: FloatArray
    cov: FloatArray
    predicted_mean: FloatArray
    predicted_cov: FloatArray
    jacobian: FloatArray
    innovation: FloatArray
    freedom: FloatArray
    latest: FloatArray

    def belief(self, trajectory: Trajectory) -> Belief:
        """Return it as the belief after the last sample of `trajectory`."""
        return Belief(trajectory=trajectory, mean=self.mean, cov=self.cov, freedom=self.freedom, latest=self.latest)


def least_freedom(process: Process) -> FloatArray:
    """Return the freedom (Q,) of a vessel whose samples come as foreseen."""
    at = process.layout
    return np.maximum(process.freedom, at.always_free) if process.freedom > 0.0 else np.zeros(at.n_species)
