"""The covariance against its definition."""

import numpy as np
import pytest
from scipy.special import kv

from perfusio.hybrid.gaussian_processes.kernel import (
    JITTER,
    Hyperparameters,
    add_noise,
    cholesky,
    independent,
    matern52,
    matern52_series,
    solved,
    squared_distances,
)


def test_matern_is_its_bessel_form():
    r = np.array([1e-3, 0.1, 0.7, 2.0, 6.0])
    s = np.sqrt(5.0) * r
    # R&W eq. 4.14 with nu = 5/2: 2^(1 - nu) / gamma(nu) s^nu K_nu(s), gamma(5/2) = 3 sqrt(pi) / 4
    assert matern52(r[:, None], np.zeros((1, 1)))[:, 0] == pytest.approx(
        2.0**-1.5 / (0.75 * np.sqrt(np.pi)) * s**2.5 * kv(2.5, s), rel=1e-9
    )
    assert matern52(np.zeros((1, 1)), np.zeros((1, 1)), np.log(3.0)) == pytest.approx(9.0)


@pytest.mark.parametrize(("dtype", "within"), [(np.float64, 1e-12), (np.float32, 1e-4)])
def test_covariance_of_points_and_its_precision(dtype, within):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((7, 3)).astype(dtype), rng.standard_normal((5, 3)).astype(dtype)
    k = matern52(a, b, 0.3)
    r = np.sqrt(5.0) * np.linalg.norm(a[:, None].astype(float) - b[None], axis=2)
    assert k == pytest.approx(np.exp(0.6) * (1 + r + r**2 / 3) * np.exp(-r), rel=within)
    assert k.dtype == dtype


def test_points_that_are_one_are_at_no_distance_and_no_root_is_taken_below_zero():
    far = np.full((3, 16), 1e4) + np.arange(3)[:, None]
    assert (squared_distances(far, far) >= 0.0).all()
    assert matern52(far[:1], far[:1])[0, 0] == pytest.approx(1.0, abs=1e-5)


def test_series_are_covariance_slope_and_second_derivative():
    a, b, step = np.array([[0.4, -0.2]]), np.array([[1.0, 0.3]]), np.array([[1e-4, 0.0]])
    ahead, here, behind = (matern52(a + k * step, b, 0.2) for k in (1, 0, -1))
    k, pull, bend = matern52_series(a, b, 0.2)
    off = (b - a)[0, 0]
    assert k == here
    assert pull * off == pytest.approx((ahead - behind) / 2e-4, rel=1e-7)
    assert bend * off**2 - pull == pytest.approx((ahead - 2.0 * here + behind) / 1e-8, rel=1e-6)


def test_noise_goes_onto_three_diagonals():
    noise = np.array([[1.0, 2.0, 3.0], [0.5, -0.25, 0.0]])
    total = add_noise(np.full((3, 3), 7.0), noise, 2.0)
    expected = 7.0 + 2.0 * np.array([[1.0, 0.5, 0.0], [0.5, 2.0, -0.25], [0.0, -0.25, 3.0]]) + JITTER * np.eye(3)
    assert total == pytest.approx(expected)
    assert add_noise(np.zeros((1, 1)), independent(np.array([4.0])), 1.0) == pytest.approx(4.0)


def test_cholesky_and_solution_are_those_of_numpy():
    k = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, -1.0], [0.5, -1.0, 2.0]])
    factor = cholesky(k.copy())
    assert factor == pytest.approx(np.linalg.cholesky(k))
    for b in (np.array([1.0, 2.0, 3.0]), np.arange(6.0).reshape(3, 2)):
        x = solved(factor, b)
        assert x.shape == b.shape
        assert k @ x == pytest.approx(b)


@pytest.mark.parametrize("bad", [np.array([[1.0, 2.0], [2.0, 1.0]]), np.full((2, 2), np.nan), np.diag([1.0, np.inf])])
def test_a_matrix_without_a_factor_is_refused(bad):
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        cholesky(bad.copy())


def test_hyperparameters_survive_their_vector():
    v = np.array([0.1, -0.4, 1.2, -0.7])
    h = Hyperparameters.of(v)
    assert (h.vector() == v).all()
    assert h.signal_variance == pytest.approx(np.exp(2.4))
    assert h.noise_factor == pytest.approx(np.exp(-1.4))
    assert h.scaled(np.ones((1, 2))) == pytest.approx(np.exp([[-0.1, 0.4]]))
