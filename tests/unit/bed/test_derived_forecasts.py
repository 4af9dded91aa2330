"""Derived forecasts: the formulas along every path, so that means and intervals belong together."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.bed.derived_forecasts import DIAMETER_CV, FORECAST_QUANTITIES, derived_forecast
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, DERIVED
from perfusio.errors import ConfigError, OutOfRange, UnknownQuantity
from perfusio.forecast import Forecast
from perfusio.state import SPECIES

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal
PLAN = [NOMINAL, replace(NOMINAL, perfusion_rate=2.0, bleed_rate=0.2)]


def some(s=200):
    rng = np.random.default_rng(0)
    samples = rng.uniform(1.0, 3.0, size=(s, 2, len(SPECIES))) * 10.0
    return Forecast.from_samples(np.array([24.0, 48.0]), samples)


def test_every_quantity_that_can_be_an_objective_has_a_forecast():
    assert set(DERIVED) - {"medium"} <= set(FORECAST_QUANTITIES)  # medium is what was asked for, not forecast
    for name in FORECAST_QUANTITIES:
        f = derived_forecast(some(), name, PLAN, diameter=17.0)
        low, high = f.interval(0.8)
        assert f.samples.shape == (200, 2)
        assert ((low < f.mean) & (f.mean < high)).all()


def test_cspr_and_productivity_follow_the_plan_of_each_interval():
    forecast = some()
    vcd, titer = forecast.samples[..., 0], forecast.samples[..., 8]
    np.testing.assert_allclose(derived_forecast(forecast, "cspr", PLAN).samples, [[1000.0, 2000.0]] / vcd, rtol=1e-6)
    harvest = np.array([[0.85, 1.8]])
    np.testing.assert_allclose(derived_forecast(forecast, "productivity", PLAN).samples, harvest * titer)
    np.testing.assert_allclose(
        derived_forecast(forecast, "productivity", PLAN, sieving=0.8).samples, 0.8 * harvest * titer
    )
    np.testing.assert_allclose(derived_forecast(forecast, "harvest_titer", PLAN, sieving=0.8).samples, 0.8 * titer)


def test_an_error_of_the_diameter_counts_three_times_and_persists_along_a_path():
    samples = np.full((4000, 2, len(SPECIES)), 30.0)
    sure = Forecast.from_samples(np.array([24.0, 48.0]), samples)
    volume = derived_forecast(sure, "vcv", PLAN, diameter=17.0)
    expected = 30.0 * np.pi / 6.0 * 17.0**3 * 1e-4
    assert volume.mean == pytest.approx(expected, rel=0.01)
    assert volume.sd / volume.mean == pytest.approx(3.0 * DIAMETER_CV, rel=0.1)
    np.testing.assert_array_equal(volume.samples[:, 0], volume.samples[:, 1])


def test_what_cannot_be_computed_is_refused():
    with pytest.raises(UnknownQuantity, match="Did you mean 'cspr'"):
        derived_forecast(some(), "csrp", PLAN)
    with pytest.raises(ConfigError, match="1 intervals, the forecast 2"):
        derived_forecast(some(), "cspr", PLAN[:1])
    with pytest.raises(OutOfRange, match="needs a measured cell diameter"):
        derived_forecast(some(), "vcv", PLAN)
    with pytest.raises(OutOfRange, match="diameter"):
        derived_forecast(some(), "vcv", PLAN, diameter=170.0)
    with pytest.raises(OutOfRange, match="sieving"):
        derived_forecast(some(), "harvest_titer", PLAN, sieving=80.0)
