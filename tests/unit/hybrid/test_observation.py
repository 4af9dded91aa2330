"""What the analyzer will report: the true state plus its known noise, and nothing impossible."""

import numpy as np

from perfusio.forecast import Forecast
from perfusio.hybrid.layout import layout_of
from perfusio.hybrid.observation import observed
from perfusio.state import SPECIES, SPECIES_INDEX

Q = len(SPECIES)
TRUE = np.array([30.0, 96.0, 4.0, 3.0, 1.0, 10.0, 3.0, 1.0, 500.0])


def sure(values=TRUE, s=4000, h=2):
    """A forecast without any doubt about the true state."""
    return Forecast.from_samples(24.0 * np.arange(1, h + 1), np.broadcast_to(values, (s, h, Q)).copy())


def test_a_sure_forecast_scatters_like_the_analyzers():
    seen = observed(sure())
    np.testing.assert_array_equal(seen.mean, TRUE[None].repeat(2, axis=0))
    assert abs(seen.sd[0, SPECIES_INDEX["vcd"]] / 30.0 - 0.05) < 0.004
    assert abs(seen.sd[0, layout_of().alive] - layout_of().noise_absolute[layout_of().alive]) < 0.15
    assert abs(seen.sd[0, SPECIES_INDEX["titer"]] / 500.0 - 0.06) < 0.005
    assert abs(seen.samples.mean(axis=0) / TRUE - 1.0).max() < 0.01


def test_errors_of_two_days_and_two_species_are_independent():
    s = observed(sure()).samples
    assert abs(np.corrcoef(s[:, 0, 0], s[:, 1, 0])[0, 1]) < 0.06
    assert abs(np.corrcoef(s[:, 0, 0], s[:, 0, 1])[0, 1]) < 0.06


def test_noise_adds_to_doubt_and_never_leaves_what_is_possible():
    rng = np.random.default_rng(0)
    at_the_limits = np.zeros(Q)
    at_the_limits[SPECIES_INDEX["viability"]] = 99.7
    doubt = Forecast.from_samples(np.array([24.0]), at_the_limits + 0.3 * rng.random((500, 1, Q)))
    seen = observed(doubt)
    assert (seen.sd > doubt.sd).all()
    assert (seen.samples >= 0.0).all()
    assert seen.samples[..., SPECIES_INDEX["viability"]].max() <= 100.0


def test_the_same_seed_adds_the_same_noise():
    a, b, c = (observed(sure(s=5), seed=n).samples for n in (1, 1, 2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
