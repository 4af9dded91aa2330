"""Nine processes for what the balances miss, each on its own rows."""

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.hybrid.features import IndexedData
from perfusio.hybrid.mechanistic import PARAMETERS, advance
from perfusio.hybrid.residual import MIN_ROWS, USUAL_RATE, Residual, mechanistic_step, predict_latent, residual_rows
from perfusio.state import SPECIES, SPECIES_INDEX
from perfusio.testing import make_state

SPACE = DEFAULT_AMBR250_DESIGN_SPACE
ZERO = np.zeros(len(PARAMETERS))


def rows(n=30, *, seed=0, hours=24.0, growth=0.0, without=()):
    """Transitions of the prior itself, times exp(growth x days) on the cells; `without` names unmeasured species."""
    rng = np.random.default_rng(seed)
    before = make_state().vector()[:, None] * np.exp(0.3 * rng.standard_normal((9, n)))
    before[1] = 97.0
    u = SPACE.low[:, None] + rng.random((6, n)) * (SPACE.high - SPACE.low)[:, None]
    after = advance(before, u, np.zeros((len(PARAMETERS), n)), hours)
    after[0] *= np.exp(growth * hours / 24.0)
    x = np.column_stack([np.repeat(np.vstack([before, u, np.arange(n)]).T, 9, axis=0), np.tile(np.arange(9), n)])
    keep = ~np.isin(x[:, -1], [SPECIES_INDEX[s] for s in without])
    return IndexedData(x=x[keep], y=after.T.ravel()[keep], hours=np.full(keep.sum(), hours))


def test_the_prior_has_no_residual_against_itself():
    for r in residual_rows(rows(), ZERO):
        assert r.rate == pytest.approx(np.zeros(30), abs=1e-9)
        assert r.x.shape == (30, 16)
        assert (r.noise > 0).all()


@pytest.mark.parametrize("hours", [12.0, 24.0, 48.0])
def test_a_residual_is_a_rate_per_day_whatever_the_interval(hours):
    (vcd, *_) = residual_rows(rows(hours=hours, growth=0.1), ZERO)
    assert vcd.rate == pytest.approx(np.full(30, 0.1), rel=0.02)  # the floor of 0.05 on the log scale takes a little


def test_predictions_are_of_the_rows_own_species():
    data = rows(4)
    predicted = predict_latent(data, ZERO).reshape(4, 9)
    assert predicted[:, 1] == pytest.approx(data.y.reshape(4, 9)[:, 1] / 10.0)
    assert predicted[:, 0] == pytest.approx(np.log(data.y.reshape(4, 9)[:, 0] + 0.05))


def fitted(data):
    return Residual.fit(residual_rows(data, ZERO), Residual.none(), np.random.default_rng(0))


def test_before_any_fit_it_is_zero_with_no_variance():
    none = Residual.none()
    mean, variance = none.predict(np.zeros((3, 16)))
    assert not none.is_fitted
    assert mean.shape == variance.shape == (9, 3)
    assert (mean == 0).all()
    assert (variance == 0).all()
    assert (none.sample_paths(4, np.random.default_rng(0))(np.zeros((2, 4, 16))) == 0).all()


def test_it_learns_a_growth_that_the_prior_lacks_and_forgets_it_far_away():
    residual = fitted(rows(40, growth=0.15))
    (vcd, *_) = residual_rows(rows(10, seed=7, growth=0.15), ZERO)
    mean, variance = residual.predict(vcd.x)
    assert mean[0] == pytest.approx(np.full(10, 0.15), abs=0.05)
    assert (variance[0] < USUAL_RATE[0] ** 2 * 4).all()
    far, wide = residual.predict(vcd.x + 300.0)
    assert np.abs(far[0]).max() < 0.01
    assert (wide[0] > variance[0]).all()
    assert np.allclose(residual.mean(vcd.x), mean)


def test_a_species_never_measured_has_no_process_and_the_others_do():
    residual = fitted(rows(10, without=["titer", "pyruvate"]))
    have = [p is not None for p in residual.processes]
    assert have == [s not in ("titer", "pyruvate") for s in SPECIES]
    mean, _ = residual.predict(np.zeros((2, 16)))
    assert np.isfinite(mean).all()


def test_too_few_rows_make_no_process():
    assert not fitted(rows(MIN_ROWS - 1)).is_fitted
    assert fitted(rows(MIN_ROWS)).is_fitted


def test_conditioning_on_other_rows_keeps_the_hyperparameters():
    residual = fitted(rows(20, growth=0.15))
    other = residual.conditioned(residual_rows(rows(30, seed=1, growth=-0.15), ZERO))
    for p, q in zip(residual.processes, other.processes, strict=True):
        assert (p.h.vector() == q.h.vector()).all()
    (vcd, *_) = residual_rows(rows(5, seed=2), ZERO)
    assert (other.mean(vcd.x)[0] < 0 * residual.mean(vcd.x)[0]).all()
    assert (residual.mean(vcd.x)[0] > 0).all()


def test_sampled_functions_scatter_around_the_mean_in_units_of_the_rate():
    residual = fitted(rows(40, growth=0.15))
    (vcd, *_) = residual_rows(rows(4, seed=5, growth=0.15), ZERO)
    paths = residual.sample_paths(400, np.random.default_rng(0))(np.repeat(vcd.x[:, None], 400, axis=1))
    mean, variance = residual.predict(vcd.x)
    assert paths.shape == (9, 4, 400)
    assert paths.mean(axis=2)[0] == pytest.approx(mean[0], abs=4 * np.sqrt(variance[0].max() / 400) + 0.01)


def test_viability_above_all_alive_is_carried_and_fades():
    """A filter may believe 101 % for a day; the balances get 100, and half of the excess is kept."""
    z = np.log(np.maximum(make_state().vector(), 1e-9))[:, None]
    z[1] = 10.0
    u, f = SPACE.nominal.vector()[:, None], ZERO[:, None]
    at = mechanistic_step(z, u, f, np.full(1, 24.0))
    z[1] = 10.2
    above = mechanistic_step(z, u, f, np.full(1, 24.0))
    assert above[1, 0] - at[1, 0] == pytest.approx(0.1)
    assert np.delete(above, 1, axis=0) == pytest.approx(np.delete(at, 1, axis=0))
