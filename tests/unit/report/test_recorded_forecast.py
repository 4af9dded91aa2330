"""One quantity of a recorded forecast: as it stands, or as it follows from another."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.forecast import Forecast
from perfusio.report.recorded_forecast import outlook
from perfusio.state import SPECIES, SPECIES_INDEX


@pytest.fixture
def forecast():
    samples = np.random.default_rng(0).lognormal(3.0, 0.2, size=(400, 3, len(SPECIES)))
    return Forecast.from_samples(np.array([24.0, 48.0, 72.0]), samples)


def test_a_species_is_what_was_recorded(forecast):
    seen = outlook(forecast.to_json(), "titer", [SPACE.nominal])
    np.testing.assert_allclose(seen.mean, forecast["titer"].mean, rtol=1e-5)
    np.testing.assert_allclose(seen.ends[80], forecast["titer"].interval(0.8), rtol=1e-5)
    np.testing.assert_allclose(seen.ends[90], forecast["titer"].interval(0.9), rtol=1e-5)


def test_derived_quantities_have_the_quantiles_of_their_paths(forecast):
    paths = {
        "productivity": (1.0 - 0.15) * forecast.samples[:, :, SPECIES_INDEX["titer"]],
        "cspr": 1000.0 * 1.0 / forecast.samples[:, :, SPECIES_INDEX["vcd"]],
    }
    for name, samples in paths.items():
        seen = outlook(forecast.to_json(), name, [SPACE.nominal])
        np.testing.assert_allclose(seen.ends[80], np.percentile(samples, [10, 90], axis=0), rtol=5e-3)


def test_a_time_is_the_nearest_one_and_never_one_that_has_passed(forecast):
    seen = outlook(forecast.to_json(), "vcd", [SPACE.nominal])
    assert seen.at(50.0)[0] == pytest.approx(seen.mean[1])
    assert seen.at(500.0)[0] == pytest.approx(seen.mean[2])
    assert seen.at(23.0) is None
    mean, low, high = seen.at(24.0)
    assert low < mean < high


def test_a_ramp_counts_interval_by_interval_and_its_last_setpoints_stay(forecast):
    ramp = [replace(SPACE.nominal, perfusion_rate=rate) for rate in (1.0, 1.3)]
    seen = outlook(forecast.to_json(), "productivity", ramp)
    harvest = np.array([1.0, 1.3, 1.3]) - SPACE.nominal.bleed_rate
    np.testing.assert_allclose(seen.mean, harvest * forecast["titer"].mean, rtol=1e-5)
    medium = outlook(forecast.to_json(), "medium", ramp)
    np.testing.assert_allclose(medium.mean, [1.0, 1.3, 1.3])
    cells = outlook(forecast.to_json(), "cspr", ramp)
    assert (cells.ends[80][0] < cells.mean).all()
    assert (cells.mean < cells.ends[80][1]).all()
