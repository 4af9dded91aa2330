"""Forecast: mean, spread and intervals of paths, by species, and what of them goes on record."""

import json

import numpy as np
import pytest

from perfusio.errors import UnknownQuantity
from perfusio.forecast import Forecast
from perfusio.state import SPECIES

RNG = np.random.default_rng(0)
SAMPLES = 10.0 + RNG.standard_normal((4000, 3, 9)) * np.arange(1, 10)
FORECAST = Forecast.from_samples(np.array([24.0, 48.0, 72.0]), SAMPLES)


def test_it_summarises_its_paths():
    assert FORECAST.mean == pytest.approx(SAMPLES.mean(axis=0))
    assert FORECAST.sd == pytest.approx(SAMPLES.std(axis=0))
    assert FORECAST.mean.shape == FORECAST.sd.shape == (3, 9)


def test_a_few_wild_paths_do_not_move_the_point_forecast():
    wild = SAMPLES.copy()
    wild[:20] = 1e6
    strayed = Forecast.from_samples(FORECAST.times_h, wild)
    assert strayed.median() == pytest.approx(FORECAST.median(), rel=0.02)
    assert (strayed.mean > 100.0 * FORECAST.mean).all()


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_intervals_hold_as_many_paths_as_they_say(level):
    low, high = FORECAST.interval(level)
    inside = ((low <= SAMPLES) & (high >= SAMPLES)).mean(axis=0)
    assert inside == pytest.approx(np.full((3, 9), level), abs=0.002)
    one_low, one_high = FORECAST["titer"].interval(level)
    assert (one_low == low[:, 8]).all()
    assert (one_high == high[:, 8]).all()


def test_species_are_found_by_name():
    for i, name in enumerate(SPECIES):
        one = FORECAST[name]
        assert (one.mean == FORECAST.mean[:, i]).all()
        assert (one.samples == SAMPLES[:, :, i]).all()
    with pytest.raises(UnknownQuantity, match="Did you mean 'titer'"):
        FORECAST["titre"]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_number_that_is_none_makes_it_not_finite(value):
    assert FORECAST.is_finite()
    broken = SAMPLES.copy()
    broken[7, 1, 4] = value
    with np.errstate(invalid="ignore"):
        assert not Forecast.from_samples(FORECAST.times_h, broken).is_finite()


def test_the_record_has_quantiles_and_no_paths():
    data = FORECAST.to_json()
    assert set(data) == {"times_h", "mean", "sd", "q05", "q10", "q90", "q95"}
    assert len(json.dumps(data)) < 4000
    assert list(data["q10"]) == list(SPECIES)
    assert data["q10"]["vcd"] == pytest.approx(FORECAST["vcd"].interval(0.8)[0], rel=1e-5)
    assert data["q95"]["titer"] == pytest.approx(FORECAST["titer"].interval(0.9)[1], rel=1e-5)
