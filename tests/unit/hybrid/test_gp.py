"""The Gaussian process is exact: it agrees with GPyTorch, with differences, and with its own samples."""

from dataclasses import replace

import gpytorch
import numpy as np
import pytest
import torch
from scipy.special import kv

from perfusio.errors import FitFailed
from perfusio.hybrid.gp import (
    _JITTER,
    GaussianProcess,
    Hyperparameters,
    fit,
    initial_hyperparameters,
    log_likelihood,
    matern52,
)

N, D = 40, 4
H = Hyperparameters(log_lengthscales=np.log([0.7, 1.5, 3.0, 0.9]), log_signal=np.log(1.7), log_noise=np.log(0.2))


def data(n=N, seed=0, noise=0.2):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, D))
    return x, np.sin(2.0 * x[:, 0]) + 0.5 * x[:, 1] + noise * rng.standard_normal(n)


class ByGpytorch(gpytorch.models.ExactGP):
    """The same process, by the library."""

    def __init__(self, h, x, y):
        x, y = torch.from_numpy(x), torch.from_numpy(y)
        likelihood = gpytorch.likelihoods.GaussianLikelihood(noise_constraint=gpytorch.constraints.GreaterThan(1e-12))
        super().__init__(x, y, likelihood)
        self.mean_module = gpytorch.means.ZeroMean()
        self.covar_module = gpytorch.kernels.ScaleKernel(gpytorch.kernels.MaternKernel(nu=2.5, ard_num_dims=D))
        self.double()
        self.covar_module.base_kernel.lengthscale = torch.from_numpy(np.exp(h.log_lengthscales))
        self.covar_module.outputscale = float(np.exp(2.0 * h.log_signal))
        likelihood.noise = float(np.exp(2.0 * h.log_noise)) + _JITTER  # the jitter is noise to all but its name

    def forward(self, x):
        return gpytorch.distributions.MultivariateNormal(self.mean_module(x), self.covar_module(x))


@pytest.fixture
def exact():
    with gpytorch.settings.fast_computations(covar_root_decomposition=False, log_prob=False, solves=False):
        yield


@pytest.mark.parametrize("h", [H, initial_hyperparameters(D, 0.3), replace(H, log_noise=np.log(1e-3))])
@pytest.mark.usefixtures("exact")
def test_agrees_with_gpytorch(h):
    x, y = data()
    new = np.random.default_rng(1).standard_normal((25, D)) * 1.5
    other = ByGpytorch(h, x, y)
    with torch.no_grad():
        other.train()
        prior = other(*other.train_inputs)
        likelihood = float(other.likelihood(prior).log_prob(other.train_targets))
        other.eval()
        theirs = other(torch.from_numpy(new))
    mine = GaussianProcess.condition(h, x, y)
    mean, variance = mine.predict(new)
    assert log_likelihood(h, x, y)[0] == pytest.approx(likelihood, rel=1e-6)
    assert np.abs(mean - theirs.mean.numpy()).max() < 1e-6
    assert np.abs(variance - theirs.variance.numpy()).max() < 1e-6
    assert np.allclose(mine.mean(new), mean, rtol=0, atol=1e-12)


def test_matern_is_its_bessel_form():
    r = np.array([1e-3, 0.1, 0.7, 2.0, 6.0])
    s = np.sqrt(5.0) * r
    # R&W eq. 4.14 with nu = 5/2: 2^(1 - nu) / gamma(nu) s^nu K_nu(s), gamma(5/2) = 3 sqrt(pi) / 4
    assert matern52(r) == pytest.approx(2.0**-1.5 / (0.75 * np.sqrt(np.pi)) * s**2.5 * kv(2.5, s), rel=1e-9)
    assert matern52(np.zeros(1)) == 1.0


@pytest.mark.parametrize("h", [H, initial_hyperparameters(D, 0.3)])
def test_gradient_is_that_of_differences(h):
    x, y = data()
    v, gradient = h.vector(), log_likelihood(h, x, y)[1]
    for i in range(len(v)):
        step = np.zeros(len(v))
        step[i] = 1e-5
        up, down = (log_likelihood(Hyperparameters.of(v + s), x, y)[0] for s in (step, -step))
        assert gradient[i] == pytest.approx((up - down) / 2e-5, rel=1e-5, abs=1e-5)


def test_fit_moves_the_hyperparameters_to_a_better_place():
    x, y = data(80)
    start = initial_hyperparameters(D, 0.2)
    h = fit(x, y, start=start, noise_sd=0.2)
    moved = h.vector() - start.vector()
    assert np.abs(moved[:D]).max() > 0.5
    assert log_likelihood(h, x, y)[0] > log_likelihood(start, x, y)[0] + 5.0
    # two inputs matter, two do not: their lengthscales say so
    assert max(h.log_lengthscales[:2]) < min(h.log_lengthscales[2:])
    assert np.exp(h.log_noise) == pytest.approx(0.2, rel=0.3)


def test_fit_beats_the_mean_on_new_points():
    x, y = data(80)
    h = fit(x, y, start=initial_hyperparameters(D, 0.2), noise_sd=0.2)
    new, truth = data(200, seed=9, noise=0.0)
    mean, variance = GaussianProcess.condition(h, x, y).predict(new)
    assert np.sqrt(np.mean((mean - truth) ** 2)) < 0.5 * truth.std()
    z = (truth - mean) / np.sqrt(variance)
    assert 0.6 < np.mean(np.abs(z) < 1.28) < 0.97  # an 80 % interval


def test_samples_have_the_exact_mean_and_variance():
    """Averaged over draws of the random features, whose own error is shared by the paths of one draw."""
    x, y = data()
    process = GaussianProcess.condition(H, x, y)
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
    path = GaussianProcess.condition(H, x, y).sample_paths(5, np.random.default_rng(0))
    points = np.random.default_rng(3).standard_normal((7, 5, D))
    again = path(points[::-1])[::-1]
    assert np.allclose(path(points), again, atol=1e-5)
    near = path(points + 1e-5)
    assert np.abs(near - path(points)).max() < 1e-3


def test_without_noise_paths_go_through_the_data():
    x, y = data(15, noise=0.0)
    h = replace(H, log_noise=np.log(1e-3))
    path = GaussianProcess.condition(h, x, y).sample_paths(50, np.random.default_rng(0))
    assert np.abs(path(np.repeat(x[:, None], 50, axis=1)) - y[:, None]).max() < 0.03


class TestDegenerateData:
    def test_one_row(self):
        process = GaussianProcess.condition(H, np.zeros((1, D)), np.array([2.0]))
        mean, variance = process.predict(np.zeros((1, D)))
        s2, n2 = np.exp(2 * H.log_signal), np.exp(2 * H.log_noise) + _JITTER
        assert mean[0] == pytest.approx(2.0 * s2 / (s2 + n2))
        assert variance[0] == pytest.approx(s2 - s2 * s2 / (s2 + n2))

    @pytest.mark.parametrize("rows", [np.zeros((6, D)), np.tile(np.eye(D), (3, 1))], ids=["all the same", "thrice"])
    def test_duplicate_rows(self, rows):
        y = np.linspace(-1, 1, len(rows))
        h = fit(rows, y, start=initial_hyperparameters(D, 0.3), noise_sd=0.3)
        mean, variance = GaussianProcess.condition(h, rows, y).predict(rows)
        assert np.isfinite(h.vector()).all()
        assert np.isfinite(mean).all()
        assert (variance >= 0).all()

    def test_constant_targets_and_an_input_that_never_varied(self):
        x, _ = data(30)
        x[:, 2] = 7.0
        h = fit(x, np.zeros(30), start=initial_hyperparameters(D, 0.3), noise_sd=0.3)
        assert np.isfinite(h.vector()).all()
        mean, _ = GaussianProcess.condition(h, x, np.zeros(30)).predict(x + 0.1)
        assert np.abs(mean).max() < 1e-12

    def test_far_away_it_forgets_the_data(self):
        x, y = data()
        mean, variance = GaussianProcess.condition(H, x, y).predict(np.full((1, D), 100.0))
        assert mean[0] == pytest.approx(0.0, abs=1e-12)
        assert variance[0] == pytest.approx(np.exp(2 * H.log_signal))

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    @pytest.mark.parametrize("where", ["x", "y"])
    def test_numbers_that_are_none_are_refused(self, bad, where):
        x, y = data(10)
        (x if where == "x" else y)[3] = bad
        with pytest.raises(FitFailed), np.errstate(invalid="ignore"):
            GaussianProcess.condition(H, x, y)
        with pytest.raises(FitFailed), np.errstate(invalid="ignore"):
            fit(x, y, start=initial_hyperparameters(D, 0.3), noise_sd=0.3)

    def test_a_matrix_that_is_not_positive_definite_is_refused(self):
        huge = replace(H, log_signal=25.0, log_noise=-25.0)  # rounding of 1e21 drowns any noise
        with pytest.raises(FitFailed, match="not positive definite"):
            GaussianProcess.condition(huge, np.zeros((5, D)), np.zeros(5))
