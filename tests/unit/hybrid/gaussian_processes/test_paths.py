"""Functions drawn through a few points have the mean, the variance and the covariance of the exact process."""

import numpy as np
import pytest

from perfusio.hybrid.gaussian_processes import paths
from perfusio.hybrid.gaussian_processes.gp import GaussianProcess, Hyperparameters, independent
from perfusio.hybrid.gaussian_processes.paths import spread, telling

D = 4
H = Hyperparameters(log_lengthscales=np.log([0.7, 1.5, 3.0, 0.9]), log_signal=np.log(1.7), log_noise=np.log(1.1))


def conditioned(n=40, sd=0.2, h=H):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, len(h.log_lengthscales)))
    y = np.sin(2.0 * x[:, 0]) + 0.5 * x[:, 1] + sd * rng.standard_normal(n)
    return x, GaussianProcess.condition(h, x, y, independent(np.full(n, sd**2)))


def drawn(process, new, n_paths, seed):
    values = process.sample_paths(n_paths, np.random.default_rng(seed))(np.repeat(new[:, None], n_paths, axis=1))
    assert values.shape == (len(new), n_paths)
    return values


def test_mean_and_covariance_are_those_of_the_process():
    x, process = conditioned()
    new = np.concatenate([x[:3], np.random.default_rng(2).standard_normal((5, D)), np.full((1, D), 4.0)])
    mean, cov = process.joint(H.scaled(new))
    n = 12_000
    values = np.concatenate([drawn(process, new, 1000, seed) for seed in range(n // 1000)], axis=1)
    off = values - mean[:, None]
    variance = np.diag(cov)
    assert np.abs(off.mean(axis=1)).max() < 4.0 * np.sqrt(variance.max() / n)
    assert np.abs(off @ off.T / n - cov).max() < 0.05 * variance.max()
    assert (off**2).mean(axis=1) == pytest.approx(variance, rel=0.06)


def test_processes_evaluated_together_give_what_each_gives_alone():
    other = Hyperparameters(log_lengthscales=np.log([3.0, 0.5, 1.0, 2.0]), log_signal=0.0, log_noise=0.0)
    draws = [conditioned(h=h)[1].sample_paths(40, np.random.default_rng(seed)) for seed, h in enumerate((H, other))]
    x = np.random.default_rng(5).standard_normal((7, 40, D))
    together = paths.Bundle(draws)(x)
    assert together.shape == (2, 7, 40)
    for one, values in zip(draws, together, strict=True):
        assert values == pytest.approx(one(x), abs=2e-4)


@pytest.mark.parametrize("n", [1, 5, 16, 17])
def test_the_first_paths_are_the_same_whoever_asks_for_more(n):
    draw = conditioned()[1].sample_paths(40, np.random.default_rng(0))
    x = np.random.default_rng(5).standard_normal((7, 40, D))
    assert draw(x[:, :n]) == pytest.approx(draw(x)[:, :n], abs=1e-4)


def runs_of_days(n_runs=24, n_days=28, d=16):
    """Inputs as a culture gives them: smooth courses in some dimensions, constant setpoints in others."""
    rng = np.random.default_rng(1)
    day = np.arange(n_days) / n_days
    courses = [
        sum(rng.standard_normal((9, 1)) * np.cos(k * np.pi * day + rng.uniform(0, 6)) for k in range(3)) * 1.5
        for _ in range(n_runs)
    ]
    setpoints = rng.uniform(-2.0, 2.0, (n_runs, d - 10))
    x = [
        np.concatenate([c.T, np.tile(u, (n_days, 1)), 4 * day[:, None]], 1)
        for c, u in zip(courses, setpoints, strict=True)
    ]
    return np.concatenate(x)


@pytest.fixture(scope="module")
def many_rows():
    """Far more rows than a skeleton has points; lengthscales as they are found for the residuals of cultures."""
    x = runs_of_days()
    rng = np.random.default_rng(2)
    scales = np.full(16, 2.8)
    scales[[0, 2, 15]] = [1.6, 2.0, 1.5]
    h = Hyperparameters(log_lengthscales=scales, log_signal=0.3, log_noise=0.0)
    y = np.tanh(x[:, 0] / 3.0) + np.sin(x[:, 15] / 2.0) * x[:, 2] / 4.0 + 0.4 * rng.standard_normal(len(x))
    return x, GaussianProcess.condition(h, x, y, independent(np.full(len(x), 0.16)))


def test_a_few_points_stand_for_many_rows(many_rows):
    x, process = many_rows
    assert len(x) > 3 * paths.N_POINTS
    new = np.concatenate([x[::9], x[::9] + 0.2, x[::40] + 1.0])
    mean, variance = process.predict(new)
    sampled = drawn(process, new, 4000, 0)
    sd = np.sqrt(variance)
    off = (sampled.mean(axis=1) - mean) / sd
    ratio = sampled.var(axis=1) / variance
    assert np.sqrt((off**2).mean()) < 0.1
    assert ratio.mean() == pytest.approx(1.0, abs=0.03)
    assert ratio.min() > 0.8
    assert ratio.max() < 1.35  # what a path does not know it doubts


def test_the_variance_at_many_points_is_nearly_the_exact_one(many_rows):
    x, process = many_rows
    new = np.concatenate([x[::9], x[::9] + 0.2, x[::40] + 1.0, np.full((1, 16), 1e3)])
    exact, cheap = process.predict(new)[1], process.variance(new)
    assert (cheap / exact).mean() == pytest.approx(1.0, abs=0.05)
    assert cheap.min() >= 0.0
    assert (cheap / exact).min() > 0.8
    assert (cheap / exact).max() < 1.35
    assert cheap[-1] == pytest.approx(H.signal_variance * np.exp(2 * (0.3 - np.log(1.7))))  # far from everything


def test_points_are_chosen_where_the_data_say_most():
    x = np.array([[0.0], [0.01], [5.0], [0.02], [9.0]])
    h = Hyperparameters(log_lengthscales=np.zeros(1), log_signal=0.0, log_noise=0.0)
    assert sorted(telling(h, x, np.full(5, 0.5), 3)) == [0, 2, 4]
    # where the data leave little open, more must be known
    assert telling(h, x, np.array([0.5, 0.5, 0.5, 0.5, 1e-3]), 1) == [4]
    # the rest is known from those before
    assert len(telling(h, np.zeros((30, 1)), np.full(30, 0.5), 20)) == 1


def test_candidates_are_spread_over_all_rows():
    assert (spread(3, 9) == [0, 1, 2]).all()
    many = spread(5000, 384)
    assert len(many) == 384
    assert many[0] == 0
    assert many[-1] == 4999
    assert np.diff(many).max() <= 14


def test_a_path_is_one_function():
    _, process = conditioned()
    path = process.sample_paths(5, np.random.default_rng(0))
    points = np.random.default_rng(3).standard_normal((7, 5, D))
    values = path(points)
    assert np.allclose(values, path(points[::-1])[::-1], atol=1e-5)
    assert np.allclose(values[2:3], path(points[2:3]), atol=1e-5)
    assert np.abs(path(points + 1e-5) - values).max() < 1e-3
    assert np.abs(np.diff(values, axis=1)).min() > 1e-3  # and each path another


@pytest.mark.parametrize(("g", "s"), [(1, 1), (3, 17), (700, 2), (2, 700)])
def test_values_do_not_depend_on_what_else_is_asked(g, s):
    """However the points are cut into blocks."""
    _, process = conditioned()
    path = process.sample_paths(s, np.random.default_rng(0))
    points = np.random.default_rng(3).standard_normal((g, s, D))
    values = path(points)
    for i in (0, g // 2, g - 1):
        assert np.allclose(values[i], path(points[i : i + 1])[0], atol=1e-5)


def test_the_same_seed_draws_the_same_functions():
    x, process = conditioned()
    other = conditioned()[1]
    assert (drawn(process, x, 8, 4) == drawn(other, x, 8, 4)).all()
    assert (drawn(process, x, 8, 4) != drawn(process, x, 8, 5)).any()


def test_without_noise_paths_go_through_the_data():
    x, process = conditioned(15, sd=1e-3)
    assert np.abs(drawn(process, x, 50, 0) - process.y[:, None]).max() < 0.03


@pytest.mark.parametrize("x", [np.zeros((1, D)), np.zeros((9, D)), np.tile(np.eye(D), (3, 1))], ids=["1", "9", "12"])
def test_few_rows_and_rows_that_are_the_same(x):
    process = GaussianProcess.condition(H, x, np.linspace(0, 1, len(x)), independent(np.full(len(x), 0.01)))
    mean, variance = process.predict(x[:1])
    values = drawn(process, x[:1], 4000, 0)[0]
    assert values.mean() == pytest.approx(mean[0], abs=4 * np.sqrt(variance[0] / 4000))
    assert values.var() == pytest.approx(variance[0], rel=0.12)
