"""A step of beliefs with fitted processes: asked once, as if each copy had asked; and unlike processes together."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.hybrid.filtering import prediction
from perfusio.hybrid.filtering.belief import Process
from perfusio.hybrid.filtering.filter import filter_runs
from perfusio.hybrid.layout import layout_of
from perfusio.hybrid.model import HybridModel
from perfusio.plant.clones import CLONE_X
from perfusio.plant.experiment import simulate_runs

SPACE, AT = DEFAULT_AMBR250_DESIGN_SPACE, layout_of()


@pytest.fixture(scope="module")
def runs():
    bleeds = np.linspace(0.08, 0.25, 4)
    recipes = {f"T{i}": replace(SPACE.nominal, bleed_rate=float(b)) for i, b in enumerate(bleeds)}
    return simulate_runs(CLONE_X, recipes, days=6, seed=3)


@pytest.fixture(scope="module")
def models(runs):
    """The same rates, other residuals."""
    first = HybridModel().fit(runs, calibrate=False).process
    h = [None if p is None else replace(p.h, log_signal=p.h.log_signal + 0.5) for p in first.residual.processes]
    others = tuple(
        None if p is None else type(p).condition(other, p.x * np.exp(p.h.log_lengthscales), p.y, p.noise)
        for p, other in zip(first.residual.processes, h, strict=True)
    )
    return first, replace(first, residual=replace(first.residual, processes=others), freedom=0.3)


class EachCopyAsks(Process):
    """Asks the processes at every nudged copy, as was done before."""

    def mean_step(self, s, setpoints, day, hours, medium, residual=None):
        return Process.mean_step(self, s, setpoints, day, hours, medium)


def test_a_step_is_that_of_copies_which_ask_each_for_themselves(runs, models):
    process = models[0]
    beliefs, _ = filter_runs(process, runs, [None] * len(runs))
    asks = EachCopyAsks(
        log_factors=process.log_factors, rate_cov=process.rate_cov, residual=process.residual, freedom=process.freedom
    )
    given = (
        np.array([b.mean for b in beliefs]), np.array([b.cov for b in beliefs]),
        np.array([t.setpoints[-1].vector() for t in runs]), np.full(4, 6.0), np.array([24.0, 24.0, 20.0, 48.0]),
        AT.medium,
    )  # fmt: skip
    assert process.residual.is_fitted
    for once, each in zip(prediction.predict(process, *given), prediction.predict(asks, *given), strict=True):
        assert once == pytest.approx(each, rel=1e-7, abs=1e-9)


def test_vessels_of_other_processes_are_followed_side_by_side_as_alone(runs, models):
    each = [models[i % 2] for i in range(4)]
    together, _ = filter_runs(each, runs, [None] * 4)
    for process, run, belief in zip(each, runs, together, strict=True):
        (alone,), _ = filter_runs(process, [run], [None])
        assert belief.mean == pytest.approx(alone.mean, rel=1e-7, abs=1e-8)
        assert belief.cov == pytest.approx(alone.cov, rel=1e-7, abs=1e-8)
        assert belief.freedom == pytest.approx(alone.freedom, rel=1e-7)
