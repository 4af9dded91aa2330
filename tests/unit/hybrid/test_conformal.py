"""The spread of forecasts is calibrated on runs left out, where there are runs to leave out."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.hybrid.conformal import MIN_RUNS, _multiplier, multipliers
from perfusio.hybrid.model import HybridModel
from perfusio.hybrid.rollout import SPANS_DAYS, span_of
from perfusio.plant.clones import CLONE_X
from perfusio.plant.experiment import simulate_runs

SPACE = DEFAULT_AMBR250_DESIGN_SPACE


@pytest.fixture(scope="module")
def runs():
    bleeds = np.linspace(0.08, 0.25, 5)
    recipes = {f"T{i}": replace(SPACE.nominal, bleed_rate=float(b)) for i, b in enumerate(bleeds)}
    return simulate_runs(CLONE_X, recipes, days=8, seed=3)


@pytest.fixture(scope="module")
def uncalibrated(runs):
    return HybridModel().fit(runs[:4], calibrate=False)


@pytest.mark.parametrize("true", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("uncertainty", [0.0, 0.5])
def test_it_finds_the_factor_behind_errors(true, uncertainty):
    rng = np.random.default_rng(0)
    sd = 0.5 + rng.random(4000)
    off = np.abs(true * sd * rng.standard_normal(4000) + uncertainty * rng.standard_normal(4000))
    assert _multiplier(off, sd, np.full(4000, uncertainty)) == pytest.approx(true, rel=0.08)


def test_few_errors_or_hidden_ones_leave_it_near_one():
    assert _multiplier(np.array([0.1]), np.ones(1), np.zeros(1)) == pytest.approx(1.0, abs=0.15)
    assert _multiplier(np.full(100, 1.0), np.full(100, 0.01), np.ones(100)) == pytest.approx(1.0, abs=0.05)


def test_one_outlier_does_not_decide():
    off = np.abs(np.random.default_rng(0).standard_normal(200))
    off[0] = 1e4
    assert _multiplier(off, np.ones(200), np.zeros(200)) < 1.3


def test_days_ahead_fall_into_spans():
    assert span_of(np.array([0.3, 1.0, 2.0, 7.0, 28.0])).tolist() == [0, 0, 1, 2, 3]


def test_too_few_runs_leave_the_spread_as_it_is(runs, uncalibrated):
    assert multipliers(uncalibrated.process, runs[: MIN_RUNS - 1], seed=0) is None
    assert uncalibrated.calibrated(runs[:2]).spread is None


def test_a_calibrated_model_has_a_factor_for_each_span_and_species(runs, uncalibrated):
    model = uncalibrated.calibrated(runs[:4])
    assert model.spread.shape == (len(SPANS_DAYS) + 1, 9)
    assert (model.spread > 0).all()
    assert model.model_id != uncalibrated.model_id
    assert (model.calibrated(runs[:4]).spread == model.spread).all()
    assert np.abs(model.spread - 1.0).max() > 0.1


def test_the_spread_is_multiplied_about_the_median(runs, uncalibrated):
    wide = replace(uncalibrated, spread=np.full((4, 9), 2.0))
    plan, settings = [[SPACE.nominal] * 3], {"interval_hours": 24.0, "n_paths": 64, "seed": 0}
    (narrow,), (twice,) = (m.rollout(runs[4].until(4), plan, **settings) for m in (uncalibrated, wide))
    vcd = slice(0, 1)
    ratio = np.ptp(np.log(twice.samples[:, :, vcd]), axis=0) / np.ptp(np.log(narrow.samples[:, :, vcd]), axis=0)
    assert (ratio > 1.9).all()
    assert np.median(twice.samples[:, :, vcd], axis=0) == pytest.approx(
        np.median(narrow.samples[:, :, vcd], axis=0), rel=1e-3
    )


class TestSupport:
    def test_it_falls_away_from_the_data(self, runs, uncalibrated):
        def support(**change):
            plan = [[replace(SPACE.nominal, **change)] * 3]
            (f,) = uncalibrated.rollout(runs[4].until(4), plan, interval_hours=24.0, n_paths=32, seed=0)
            return f.support

        near, far = support(), support(temperature=33.0, perfusion_rate=4.0)
        assert near.shape == (3,)
        assert ((far >= 0) & (far < near) & (near <= 1)).all()

    def test_without_data_there_is_none(self, runs):
        (f,) = HybridModel().rollout(runs[0].until(3), [[SPACE.nominal]], interval_hours=24.0, n_paths=8, seed=0)
        assert f.support.tolist() == [0.0]
