"""Scores: closed forms against scoringrules, planted forecasters whose scores are known, gaps left out."""

import numpy as np
import pytest
import scoringrules
from scipy.stats import norm

from perfusio.errors import ModelError
from perfusio.hybrid.scores.scoring import (
    LEVELS,
    Cases,
    coverage,
    crps_gaussian,
    crps_samples,
    pit,
    pit_histogram,
    rrmse,
    score,
    sharpness,
    spread,
)
from perfusio.state import SPECIES

Q = len(SPECIES)
RNG = np.random.default_rng(0)


def drawn(n=1000, s=100, *, width=1.0, shift=0.0):
    """Truth and sample paths drawn from the same distribution, if width is 1 and shift 0."""
    rng = np.random.default_rng(1)
    centre = 5.0 * rng.standard_normal((n, Q))
    actual = centre + rng.standard_normal((n, Q))
    return centre[:, None] + shift + width * rng.standard_normal((n, s, Q)), actual, centre


def test_crps_of_samples_agrees_with_scoringrules():
    samples, actual, _ = drawn(n=20, s=31)
    expected = scoringrules.crps_ensemble(actual, samples, m_axis=1, estimator="nrg", backend="numpy")
    np.testing.assert_allclose(crps_samples(samples, actual), expected, rtol=1e-10, atol=1e-12)


def test_crps_of_a_gaussian_agrees_with_scoringrules_and_with_many_samples():
    mean, sd, actual = RNG.normal(size=(3, 30))
    sd = np.abs(sd) + 0.1
    np.testing.assert_allclose(
        crps_gaussian(mean, sd, actual), scoringrules.crps_normal(actual, mean, sd, backend="numpy"), rtol=1e-10
    )
    levels = (np.arange(4000) + 0.5) / 4000
    paths = (mean + sd * norm.ppf(levels)[:, None])[None]
    np.testing.assert_allclose(crps_samples(paths, actual[None])[0], crps_gaussian(mean, sd, actual), atol=2e-3)


def test_crps_of_a_point_is_the_absolute_error():
    actual = RNG.normal(size=(5, Q))
    assert crps_samples(np.zeros((5, 1, Q)), actual) == pytest.approx(np.abs(actual))
    assert crps_gaussian(np.zeros(4), np.zeros(4), np.arange(4.0)) == pytest.approx(np.arange(4.0))


def test_the_mean_of_the_test_values_scores_one_and_the_truth_zero():
    actual = RNG.normal(3.0, 2.0, size=(50, Q))
    scale = spread(actual)
    assert rrmse(np.broadcast_to(actual.mean(axis=0), actual.shape), actual, scale) == pytest.approx(1.0)
    assert rrmse(actual, actual, scale) == pytest.approx(0.0)


@pytest.mark.parametrize("level", LEVELS)
def test_an_honest_forecaster_covers_what_it_says_and_a_timid_one_more(level):
    honest, actual, _ = drawn()
    bold, other, _ = drawn(width=0.5)
    assert coverage(honest, actual, level) == pytest.approx(level, abs=0.05)
    assert (coverage(bold, other, level) < level - 0.1).all()
    assert (sharpness(bold, other, level, np.ones(Q)) < sharpness(honest, actual, level, np.ones(Q))).all()


def test_the_pit_is_flat_for_honest_a_bowl_for_bold_and_a_slope_for_biased_forecasts():
    flat = pit_histogram(pit(*drawn()[:2]))
    assert flat == pytest.approx(0.1, abs=0.04)
    bowl = pit_histogram(pit(*drawn(width=0.4)[:2]))
    assert (bowl[:, [0, -1]].min(axis=1) > 2 * bowl[:, 4:6].max(axis=1)).all()
    slope = pit_histogram(pit(*drawn(shift=1.0)[:2]))
    assert (slope[:, 0] > 5 * slope[:, -1]).all()


def test_a_value_at_a_limit_where_many_samples_sit_is_not_extreme():
    samples = np.full((1, 100, Q), 100.0)
    samples[0, :40] = 98.0
    assert pit(samples, np.full((1, Q), 100.0)) == pytest.approx(0.7)


def test_gaps_are_left_out_and_a_species_never_measured_scores_nan():
    samples, actual, centre = drawn(n=30)
    holed = np.concatenate([actual, np.full((10, Q), np.nan)])
    filler = np.zeros((10, *samples.shape[1:]))
    whole = score({"1": Cases(point=centre, actual=actual, samples=samples)}, np.ones(Q))
    mean, paths = np.concatenate([centre, filler[:, 0]]), np.concatenate([samples, filler])
    some = score({"1": Cases(point=mean, actual=holed, samples=paths)}, np.ones(Q))
    np.testing.assert_allclose(some.rrmse, whole.rrmse)
    np.testing.assert_allclose(some.coverage[0.8], whole.coverage[0.8])
    np.testing.assert_allclose(some.crps, whole.crps)
    never = actual.copy()
    never[:, 3] = np.nan
    scored = score({"1": Cases(point=centre, actual=never, samples=samples)}, spread(never))
    assert scored.n[0, 3] == 0
    assert np.isnan([scored.rrmse[0, 3], scored.crps[0, 3], scored.coverage[0.8][0, 3], scored.pit[0, 3, 0]]).all()
    assert scored.to_json()["1"][SPECIES[3]]["rrmse"] is None


def test_a_point_forecast_has_an_error_and_no_intervals():
    _, actual, centre = drawn()
    scored = score({"1": Cases(point=centre, actual=actual)}, np.ones(Q))
    assert scored.is_point
    assert "coverage_80" not in scored.to_json()["1"]["vcd"]
    assert scored.crps[0] == pytest.approx(np.abs(actual - centre).mean(axis=0))


def test_what_never_varies_has_no_scale():
    values = np.ones((5, Q))
    assert np.isnan(spread(values)).all()
    assert np.isnan(spread(np.full((14, Q), 97.087379))).all()  # whose mean is another number in the last digit
    assert spread(RNG.standard_normal((500, Q))) == pytest.approx(np.ones(Q), abs=0.15)  # a mean near zero is no excuse


def test_arrays_that_do_not_belong_together_are_refused():
    with pytest.raises(ModelError, match="Line up each forecast"):
        Cases(point=np.zeros((3, Q)), actual=np.zeros((3, Q)), samples=np.zeros((2, 5, Q)))
