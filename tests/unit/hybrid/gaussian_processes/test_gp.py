"""The Gaussian process is exact: it agrees with GPyTorch, with dense formulas, and with differences."""

from dataclasses import replace

import gpytorch
import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from perfusio.errors import FitFailed
from perfusio.hybrid.gaussian_processes.gp import (
    GaussianProcess,
    Hyperparameters,
    fit,
    independent,
    initial_hyperparameters,
)
from perfusio.hybrid.gaussian_processes.kernel import JITTER
from perfusio.hybrid.gaussian_processes.likelihood import Likelihood

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


def test_fit_beats_the_mean_on_new_points():
    x, y = data(80)
    known = same_for_all(0.2, 80)
    h = fit(x, y, known, start=initial_hyperparameters(D))
    new, truth = data(200, seed=9, noise=0.0)
    mean, variance = GaussianProcess.condition(h, x, y, known).predict(new)
    assert np.sqrt(np.mean((mean - truth) ** 2)) < 0.5 * truth.std()
    z = (truth - mean) / np.sqrt(variance)
    assert 0.6 < np.mean(np.abs(z) < 1.28) < 0.97  # an 80 % interval


class TestExtended:
    """Rows that come later, against all rows at once."""

    @pytest.mark.parametrize("k", [1, 5, 24])
    def test_is_conditioning_on_all_rows(self, k):
        x, y = data()
        noise = of_shared_readings(runs=(25, N - k))
        before = GaussianProcess.condition(H, x[:-k], y[:-k], noise[:, :-k])
        extended, whole = before.extended(x[-k:], y[-k:], noise[:, -k:]), GaussianProcess.condition(H, x, y, noise)
        new = np.random.default_rng(1).standard_normal((25, D))
        for a, b in zip(extended.predict(new), whole.predict(new), strict=True):
            assert np.abs(a - b).max() < 1e-9
        for name in ("x", "factor", "alpha", "y", "noise"):
            assert getattr(extended, name) == pytest.approx(getattr(whole, name), abs=1e-9)
        assert len(before.y) == N - k  # the process before is as it was

    def test_twice_is_once(self):
        x, y = data()
        noise = same_for_all(0.2)
        start = GaussianProcess.condition(H, x[:20], y[:20], noise[:, :20])
        twice = start.extended(x[20:30], y[20:30], noise[:, 20:30]).extended(x[30:], y[30:], noise[:, 30:])
        assert twice.alpha == pytest.approx(start.extended(x[20:], y[20:], noise[:, 20:]).alpha, abs=1e-9)

    @pytest.mark.parametrize("where", ["x", "y", "noise"])
    def test_numbers_that_are_none_are_refused(self, where):
        x, y = data()
        rows = {"x": x[-2:].copy(), "y": y[-2:].copy(), "noise": same_for_all(0.2, 2)}
        rows[where][..., 1] = np.nan
        before = GaussianProcess.condition(H, x[:-2], y[:-2], same_for_all(0.2, N - 2))
        with pytest.raises(FitFailed, match=f"2 rows cannot be added to {N - 2}"), np.errstate(invalid="ignore"):
            before.extended(**rows)


def test_support_is_one_amid_the_data_and_zero_far_away():
    x, y = data(80)
    process = GaussianProcess.condition(H, x, y, same_for_all(0.05, 80))
    line = np.linspace(0.0, 1.0, 6)[:, None] * np.full((1, D), 6.0)
    support = process.support(line)
    assert support[0] > 0.8
    assert support[-1] < 1e-3
    assert (np.diff(support) < 0).all()
    assert process.support(x).min() > 0.95
    # what is left of the prior variance
    assert support == pytest.approx(1.0 - process.predict(line)[1] / np.exp(2 * H.log_signal))


def test_support_ends_at_zero_and_one():
    process = GaussianProcess.condition(H, np.zeros((9, D)), np.zeros(9), same_for_all(1e-9, 9))
    support = process.support(np.concatenate([np.zeros((1, D)), np.full((1, D), 1e6)]))
    assert support[0] <= 1.0
    assert support[1] == 0.0


def test_expanded_is_what_differences_say():
    x, y = data()
    process = GaussianProcess.condition(H, x, y, NOISES["one sd"])
    new = np.random.default_rng(1).standard_normal((7, D)) * 1.5
    about = process.expanded(new)
    assert np.array_equal([about.mean, about.variance], process.predict(new))
    for d in range(D):
        step = 1e-4 * np.eye(D)[d]
        ahead, here, behind = (process.mean(new + k * step) for k in (1, 0, -1))
        assert about.slope[:, d] == pytest.approx((ahead - behind) / 2e-4, abs=1e-6)
        assert about.curvature[:, d] == pytest.approx((ahead - 2.0 * here + behind) / 1e-8, abs=1e-5)


def test_joint_has_the_variances_on_its_diagonal_and_the_covariance_of_the_formula():
    x, y = data()
    process = GaussianProcess.condition(H, x, y, NOISES["one sd"])
    new = np.random.default_rng(1).standard_normal((6, D))
    mean, cov = process.joint(H.scaled(new))
    assert mean == pytest.approx(process.mean(new))
    assert np.diag(cov) == pytest.approx(process.predict(new)[1])
    k = covariance(H, x, x) + np.exp(2 * H.log_noise) * dense(NOISES["one sd"]) + JITTER * np.eye(N)
    cross = covariance(H, new, x)
    assert cov == pytest.approx(covariance(H, new, new) - cross @ np.linalg.solve(k, cross.T), abs=1e-9)


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
