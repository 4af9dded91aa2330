"""No forecast leaves what its quantities can be: 100,000 of them, of random processes, rates and plans."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.hybrid.filtering.belief import Process
from perfusio.hybrid.layout import layout_of
from perfusio.hybrid.residuals.residual import Residual
from perfusio.hybrid.rollout import Futures
from perfusio.process import CHO_PERFUSION, Medium, Species

N_PROCESSES, N_PLANS, N_PATHS, N_DAYS = 50, 10, 200, 7
ASPARAGINE = Species("asparagine", unit="mmol/L", role="solute", molar_mass=132.12)
FED = ("perfusion_rate", "bleed_rate", "pyruvate_feed", "glucose_setpoint")
LEAVE_OUT = ((), ("viability",), ("bleed_rate",), ("pyruvate", "pyruvate_feed"), ("lactate", "glutamate"), FED)


def random_panel(rng):
    """A process with or without a few quantities, and any medium."""
    panel = CHO_PERFUSION.without(*LEAVE_OUT[rng.integers(len(LEAVE_OUT))])
    if rng.random() < 0.3:
        panel = panel.with_(ASPARAGINE)
    solutes = [s for s in panel.of_role("solute") if rng.random() < 0.8]
    return panel.with_(medium=Medium(**{s: float(rng.uniform(0.0, 20.0)) for s in solutes}))


def random_futures(rng):
    """Futures of a vessel in any state, with rates, residuals, drifts and noise beyond any that were ever learnt."""
    at = layout_of(random_panel(rng))
    wide = rng.uniform(0.2, 2.0)
    process = Process(
        log_factors=wide * at.log_sd * rng.standard_normal(at.n_parameters),
        rate_cov=np.eye(at.n_vessel_rates),
        residual=replace(Residual(layout=at), reach=rng.uniform(0.0, 2.0, (2, at.n_species)) * (rng.random() < 0.5)),
    )
    start = np.exp(rng.uniform(np.log(1e-3), np.log(np.where(np.isfinite(at.ceiling), at.ceiling, 100.0))))
    if at.alive is not None:
        start[at.alive] = rng.uniform(5.0, 100.0)
    starts = 0.3 * rng.standard_normal((at.n_belief, N_PATHS))
    starts[at.latent] = at.to_latent(start)[:, None] + 0.2 * rng.standard_normal((at.n_species, N_PATHS))
    starts[at.drift] = rng.uniform(0.0, 0.5) * rng.standard_normal((at.n_species, N_PATHS))
    noise = 0.05 * rng.standard_normal((N_DAYS, at.n_belief, N_PATHS))
    usual = rng.uniform(0.0, 2.0) * rng.standard_normal((at.n_species, 1, N_PATHS))  # one residual function per path
    futures = Futures(
        process=process, starts=starts.astype(np.float32), noise=noise.astype(np.float32),
        residual=lambda x: np.broadcast_to(usual, (at.n_species, *x.shape[:2])), day=float(rng.uniform(0, 20)),
        hours=24.0, medium=at.medium,
    )  # fmt: skip
    low, high = (np.array([getattr(s.allowed, end) for s in at.panel.setpoints]) for end in ("low", "high"))
    return futures, rng.uniform(low, high, (N_PLANS, N_DAYS, at.n_setpoints))


@pytest.mark.parametrize("part", range(5))
def test_no_forecast_is_impossible(part):
    rng = np.random.default_rng(part)
    for _ in range(N_PROCESSES // 5):
        futures, plans = random_futures(rng)
        at = futures.process.layout
        paths = futures.play(plans)
        assert np.isfinite(paths).all()
        assert (paths >= 0.0).all()
        assert (paths <= np.where(np.isfinite(at.ceiling), at.ceiling, 1.01e5)).all()
        # the mean of a forecast stays with its paths: no few of them carry it away
        mean, high = paths.mean(axis=1), np.percentile(paths, 99.0, axis=1)
        assert (mean <= high + at.floor).all()
