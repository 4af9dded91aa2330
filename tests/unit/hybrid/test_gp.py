"""The Gaussian process is exact: it agrees with GPyTorch, dense formulas, differences, and with its own samples."""

from dataclasses import replace

import gpytorch
import numpy as np
import pytest
import torch
from scipy.special import kv
from scipy.stats import multivariate_normal

from perfusio.errors import FitFailed
from perfusio.hybrid.gp import GaussianProcess, Hyperparameters, fit, independent, initial_hyperparameters
from perfusio.hybrid.kernel import JITTER, matern52
from perfusio.hybrid.likelihood import Likelihood

N, D = 40, 4
H = Hyperparameters(log_lengthscales=np.log([0.7, 1.5, 3.0, 0.9]), log_signal=np.log(1.7), log_noise=np.log(1.1))


def data(n=N, seed=0, noise=0.2):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, D))
    return x, np.sin(2.0 * x[:, 0]) + 0.5 * x[:, 1] + noise * rng.standard_normal(n)


def same_for_all(sd, n=N):
    return independent(np.full(n, sd**2))


def of_shared_readings(n=N, sd=0.2, runs=(25,)):
    """Errors e_i - 0.9 e_(i-1) of differences, of a reading shared with the row before unless a run starts there."""
    sds = sd * np.linspace(0.5, 1.5, n + 1)
    shared = -0.9 * sds[1:] ** 2
    shared[[*(r - 1 for r in runs if r < n), n - 1]] = 0.0
    return np.stack([sds[1:] ** 2 + 0.81 * sds[:-1] ** 2, shared])


NOISES = {
    "one sd": same_for_all(0.2),
    "tiny": same_for_all(1e-3),
    "an sd for each row": independent(np.linspace(0.05, 0.4, N) ** 2),
    "shared readings": of_shared_readings(),
}


def dense(noise):
    return np.diag(noise[0]) + np.diag(noise[1, :-1], 1) + np.diag(noise[1, :-1], -1)


def covariance(h, a, b):
    """Written out row by row, to compare with."""
    r = np.sqrt([[((p - q) ** 2 / np.exp(2 * h.log_lengthscales)).sum() for q in b] for p in a])
    return np.exp(2 * h.log_signal) * (1 + np.sqrt(5) * r + 5 * r**2 / 3) * np.exp(-np.sqrt(5) * r)


class ByGpytorch(gpytorch.models.ExactGP):
    """The same process, by the library."""

    def __init__(self, h, x, y, noise):
        x, y = torch.from_numpy(x), torch.from_numpy(y)
        known = torch.from_numpy(np.exp(2.0 * h.log_noise) * noise[0] + JITTER)  # jitter is noise to all but its name
        super().__init__(x, y, gpytorch.likelihoods.FixedNoiseGaussianLikelihood(known))
        self.mean_module = gpytorch.means.ZeroMean()
        self.covar_module = gpytorch.kernels.ScaleKernel(gpytorch.kernels.MaternKernel(nu=2.5, ard_num_dims=D))
        self.double()
        self.covar_module.base_kernel.lengthscale = torch.from_numpy(np.exp(h.log_lengthscales))
        self.covar_module.outputscale = float(np.exp(2.0 * h.log_signal))

    def forward(self, x):
        return gpytorch.distributions.MultivariateNormal(self.mean_module(x), self.covar_module(x))


@pytest.fixture
def exact():
    with gpytorch.settings.fast_computations(covar_root_decomposition=False, log_prob=False, solves=False):
        yield


@pytest.mark.parametrize("noise", ["one sd", "tiny", "an sd for each row"])
@pytest.mark.parametrize("h", [H, initial_hyperparameters(D)], ids=["short", "long"])
@pytest.mark.usefixtures("exact")
def test_agrees_with_gpytorch(h, noise):
    x, y = data()
    new = np.random.default_rng(1).standard_normal((25, D)) * 1.5
    other = ByGpytorch(h, x, y, NOISES[noise])
    with torch.no_grad():
        other.train()
        prior = other(*other.train_inputs)
        likelihood = float(other.likelihood(prior).log_prob(other.train_targets))
        other.eval()
        theirs = other(torch.from_numpy(new))
    mine = GaussianProcess.condition(h, x, y, NOISES[noise])
    mean, variance = mine.predict(new)
    assert Likelihood(x, y, NOISES[noise])(h)[0] == pytest.approx(likelihood, rel=1e-6)
    assert np.abs(mean - theirs.mean.numpy()).max() < 1e-6
    assert np.abs(variance - theirs.variance.numpy()).max() < 1e-6
    assert np.allclose(mine.mean(new), mean, rtol=0, atol=1e-12)


def test_agrees_with_the_dense_formulas_where_rows_share_readings():
    x, y = data()
    noise, new = NOISES["shared readings"], np.random.default_rng(1).standard_normal((25, D)) * 1.5
    k = covariance(H, x, x) + np.exp(2 * H.log_noise) * dense(noise) + JITTER * np.eye(N)
    cross = covariance(H, new, x)
    mean, variance = GaussianProcess.condition(H, x, y, noise).predict(new)
    likelihood = multivariate_normal(np.zeros(N), k).logpdf(y)
    assert Likelihood(x, y, noise)(H)[0] == pytest.approx(likelihood, rel=1e-9)
    assert np.abs(mean - cross @ np.linalg.solve(k, y)).max() < 1e-9
    expected = covariance(H, new, new) - cross @ np.linalg.solve(k, cross.T)
    assert np.abs(variance - np.diag(expected)).max() < 1e-9
    ignored = Likelihood(x, y, independent(noise[0]))(H)[0]
    assert abs(likelihood - ignored) > 0.01  # else this test says nothing


def test_matern_is_its_bessel_form():
    r = np.array([1e-3, 0.1, 0.7, 2.0, 6.0])
    s = np.sqrt(5.0) * r
    # R&W eq. 4.14 with nu = 5/2: 2^(1 - nu) / gamma(nu) s^nu K_nu(s), gamma(5/2) = 3 sqrt(pi) / 4
    assert matern52(r[:, None], np.zeros((1, 1)))[:, 0] == pytest.approx(
        2.0**-1.5 / (0.75 * np.sqrt(np.pi)) * s**2.5 * kv(2.5, s), rel=1e-9
    )
    assert matern52(np.zeros((1, 1)), np.zeros((1, 1)), np.log(3.0)) == pytest.approx(9.0)


@pytest.mark.parametrize("noise", ["one sd", "an sd for each row", "shared readings"])
@pytest.mark.parametrize("h", [H, initial_hyperparameters(D)], ids=["short", "long"])
def test_gradient_is_that_of_differences(h, noise):
    x, y = data()
    likelihood = Likelihood(x, y, NOISES[noise])
    v, gradient = h.vector(), likelihood(h)[1]
    for i in range(len(v)):
        step = np.zeros(len(v))
        step[i] = 1e-5
        up, down = (likelihood(Hyperparameters.of(v + s))[0] for s in (step, -step))
        assert gradient[i] == pytest.approx((up - down) / 2e-5, rel=1e-5, abs=1e-5)


def test_fit_moves_the_hyperparameters_to_a_better_place():
    x, y = data(80)
    start, known = initial_hyperparameters(D), same_for_all(0.1, 80)
    h = fit(x, y, known, start=start)
    moved = h.vector() - start.vector()
    assert np.abs(moved[:D]).max() > 0.5
    assert Likelihood(x, y, known)(h)[0] > Likelihood(x, y, known)(start)[0] + 5.0
    # two inputs matter, two do not: their lengthscales say so
    assert max(h.log_lengthscales[:2]) < min(h.log_lengthscales[2:])
    assert 1.3 < np.exp(h.log_noise) < 2.3  # it is twice what was said, and a factor of two is rare a priori


def test_fit_beats_the_mean_on_new_points():
    x, y = data(80)
    known = same_for_all(0.2, 80)
    h = fit(x, y, known, start=initial_hyperparameters(D))
    new, truth = data(200, seed=9, noise=0.0)
    mean, variance = GaussianProcess.condition(h, x, y, known).predict(new)
    assert np.sqrt(np.mean((mean - truth) ** 2)) < 0.5 * truth.std()
    z = (truth - mean) / np.sqrt(variance)
    assert 0.6 < np.mean(np.abs(z) < 1.28) < 0.97  # an 80 % interval


def test_samples_have_the_exact_mean_and_variance():
    """Averaged over draws of the random features, whose own error is shared by the paths of one draw."""
    x, y = data()
    process = GaussianProcess.condition(H, x, y, NOISES["shared readings"])
    new = np.concatenate([x[:3], np.random.default_rng(2).standard_normal((5, D)), np.full((1, D), 4.0)])
    mean, variance = process.predict(new)
    n_draws, n_paths = 500, 24
    first, second = np.zeros(len(new)), np.zeros(len(new))
    for seed in range(n_draws):
        path = process.sample_paths(n_paths, np.random.default_rng(seed))
        values = path(np.repeat(new[:, None], n_paths, axis=1))
        assert values.shape == (len(new), n_paths)
        first += values.mean(axis=1) / n_draws
        second += ((values - mean[:, None]) ** 2).mean(axis=1) / n_draws
    # of 12,000 draws; the features of a draw add their share
    assert np.abs(first - mean).max() < 4.0 * np.sqrt(variance.max() / (n_draws * n_paths))
    assert second == pytest.approx(variance, rel=0.08)


def test_a_path_is_one_function():
    x, y = data()
    path = GaussianProcess.condition(H, x, y, NOISES["one sd"]).sample_paths(5, np.random.default_rng(0))
    points = np.random.default_rng(3).standard_normal((7, 5, D))
    again = path(points[::-1])[::-1]
    assert np.allclose(path(points), again, atol=1e-5)
    near = path(points + 1e-5)
    assert np.abs(near - path(points)).max() < 1e-3


def test_without_noise_paths_go_through_the_data():
    x, y = data(15, noise=0.0)
    path = GaussianProcess.condition(H, x, y, same_for_all(1e-3, 15)).sample_paths(50, np.random.default_rng(0))
    assert np.abs(path(np.repeat(x[:, None], 50, axis=1)) - y[:, None]).max() < 0.03


class TestDegenerateData:
    def test_one_row(self):
        process = GaussianProcess.condition(H, np.zeros((1, D)), np.array([2.0]), same_for_all(0.2, 1))
        mean, variance = process.predict(np.zeros((1, D)))
        s2, n2 = np.exp(2 * H.log_signal), 0.04 * np.exp(2 * H.log_noise) + JITTER
        assert mean[0] == pytest.approx(2.0 * s2 / (s2 + n2))
        assert variance[0] == pytest.approx(s2 - s2 * s2 / (s2 + n2))

    @pytest.mark.parametrize("rows", [np.zeros((6, D)), np.tile(np.eye(D), (3, 1))], ids=["all the same", "thrice"])
    def test_duplicate_rows(self, rows):
        y = np.linspace(-1, 1, len(rows))
        known = same_for_all(0.3, len(rows))
        h = fit(rows, y, known, start=initial_hyperparameters(D))
        mean, variance = GaussianProcess.condition(h, rows, y, known).predict(rows)
        assert np.isfinite(h.vector()).all()
        assert np.isfinite(mean).all()
        assert (variance >= 0).all()

    def test_constant_targets_and_an_input_that_never_varied(self):
        x, _ = data(30)
        x[:, 2] = 7.0
        known = same_for_all(0.3, 30)
        h = fit(x, np.zeros(30), known, start=initial_hyperparameters(D))
        assert np.isfinite(h.vector()).all()
        mean, _ = GaussianProcess.condition(h, x, np.zeros(30), known).predict(x + 0.1)
        assert np.abs(mean).max() < 1e-12

    def test_far_away_it_forgets_the_data(self):
        x, y = data()
        mean, variance = GaussianProcess.condition(H, x, y, NOISES["one sd"]).predict(np.full((1, D), 100.0))
        assert mean[0] == pytest.approx(0.0, abs=1e-12)
        assert variance[0] == pytest.approx(np.exp(2 * H.log_signal))

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    @pytest.mark.parametrize("where", ["x", "y", "noise"])
    def test_numbers_that_are_none_are_refused(self, bad, where):
        x, y = data(10)
        rows = {"x": x, "y": y, "noise": same_for_all(0.3, 10)}
        rows[where][..., 3] = bad
        with pytest.raises(FitFailed), np.errstate(invalid="ignore"):
            GaussianProcess.condition(H, **rows)
        with pytest.raises(FitFailed), np.errstate(invalid="ignore"):
            fit(**rows, start=initial_hyperparameters(D))

    def test_a_matrix_that_is_not_positive_definite_is_refused(self):
        huge = replace(H, log_signal=25.0, log_noise=-25.0)  # rounding of 1e21 drowns any noise
        with pytest.raises(FitFailed, match="not positive definite"):
            GaussianProcess.condition(huge, np.zeros((5, D)), np.zeros(5), same_for_all(1.0, 5))
