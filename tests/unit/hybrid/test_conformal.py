"""The spread of forecasts is calibrated on runs left out, where there are runs to leave out."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.hybrid import left_out
from perfusio.hybrid.conformal import multiplier, multipliers
from perfusio.hybrid.learning import from_rows
from perfusio.hybrid.left_out import MIN_RUNS
from perfusio.hybrid.model import HybridModel
from perfusio.hybrid.rollout import SPANS_DAYS, WIDER_AFAR, span_of, widened
from perfusio.plant.clones import CLONE_X
from perfusio.plant.experiment import simulate_runs
from perfusio.state import SPECIES_INDEX

SPACE = DEFAULT_AMBR250_DESIGN_SPACE
USUAL = 0.75


@pytest.fixture(scope="module")
def runs():
    bleeds = np.linspace(0.08, 0.25, 5)
    recipes = {f"T{i}": replace(SPACE.nominal, bleed_rate=float(b)) for i, b in enumerate(bleeds)}
    return simulate_runs(CLONE_X, recipes, days=8, seed=3)


@pytest.fixture(scope="module")
def uncalibrated(runs):
    return HybridModel().fit(runs[:4], calibrate=False)


def errors(factor, uncertainty=0.0, *, n=4000, far=0.0, k=0):
    """Return what `multiplier` takes, of forecasts whose errors are `factor` times what they say."""
    rng = np.random.default_rng(0)
    sd, distance = 0.5 + rng.random(n), np.full(n, far)
    spread = widened(factor, distance, WIDER_AFAR[k]) * sd
    off = np.abs(spread * rng.standard_normal(n) + uncertainty * rng.standard_normal(n))
    return k, USUAL, off, sd, np.full(n, uncertainty**2), distance


@pytest.mark.parametrize("true", [0.3, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("uncertainty", [0.0, 0.5])
def test_it_finds_the_factor_behind_errors(true, uncertainty):
    assert multiplier(*errors(true, uncertainty)) == pytest.approx(true, rel=0.1)


@pytest.mark.parametrize("k", [0, 1, 2, 3])
def test_runs_at_the_edge_of_a_design_teach_what_holds_inside_it(k):
    assert multiplier(*errors(0.5, n=40_000, far=0.2, k=k)) == pytest.approx(0.5, rel=0.1)


def test_few_errors_or_hidden_ones_leave_it_near_what_is_usual():
    one, none = np.ones(1), np.zeros(1)
    assert multiplier(3, USUAL, 0.1 * one, one, none, none) == pytest.approx(USUAL, abs=0.05)
    many = np.ones(100)
    hidden = multiplier(0, USUAL, many, 0.01 * many, many, 0.0 * many)
    assert hidden == pytest.approx(USUAL, abs=0.05)


def test_one_outlier_does_not_decide():
    k, usual, off, sd, hidden, far = errors(1.0, n=200)
    without = multiplier(k, usual, off, sd, hidden, far)
    off[0] = 1e4
    assert multiplier(k, usual, off, sd, hidden, far) < 1.4 * without  # at the largest factor, 4, if it did decide


def test_days_ahead_fall_into_spans():
    assert span_of(np.array([0.3, 1.0, 2.0, 7.0, 28.0])).tolist() == [0, 0, 1, 2, 3]


def test_too_few_runs_leave_the_spread_as_it_is(runs, uncalibrated):
    assert uncalibrated.calibrated(runs[: MIN_RUNS - 1]).spread is None
    assert uncalibrated.calibrated(runs[:MIN_RUNS]).spread is not None


def test_a_calibrated_model_has_a_factor_for_each_span_and_species(runs, uncalibrated):
    model = uncalibrated.calibrated(runs[:4])
    assert model.spread.shape == (len(SPANS_DAYS) + 1, 9)
    assert (model.spread > 0).all()
    assert model.model_id != uncalibrated.model_id
    assert (model.calibrated(runs[:4]).spread == model.spread).all()
    assert np.abs(model.spread - 1.0).max() > 0.1


def test_folds_are_followed_and_forecast_side_by_side_as_one_by_one(runs, uncalibrated, monkeypatch):
    monkeypatch.setattr(left_out, "FEW_RUNS", 3)
    process = uncalibrated.process

    def factors():
        return multipliers(process.layout, left_out.left_out(process, runs, seed=1, learn=from_rows).errors)

    together, errors_of = factors(), left_out._forecast_errors
    monkeypatch.setattr(left_out, "_have_one_rate", lambda blind: False)
    monkeypatch.setattr(left_out, "_forecast_errors", lambda starts: [errors_of([s])[0] for s in starts])
    assert together == pytest.approx(factors(), rel=1e-4)


def test_viability_is_left_as_it_is_drawn(runs, uncalibrated):
    spread = uncalibrated.calibrated(runs).spread
    viability = SPECIES_INDEX["viability"]
    assert (spread[:, viability] == 1.0).all()
    assert (np.delete(spread, viability, axis=1)[:3] != 1.0).all()  # the last span begins after these runs end


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
